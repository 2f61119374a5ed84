/*
 * HTTP over libcurl's multi interface, for one thread that owns it. libcurl is loaded at run time
 * (it costs several milliseconds), by http_load or the first transfer.
 *
 * Redirects are off, TLS is verified, there is no total time limit. Three clocks of its own:
 * connecting, first byte of the answer's head, silence between bytes. Cancelling closes the
 * connection.
 *
 * Threads: all on the owner's thread. Ownership: everything in a request is copied. Handlers run
 * inside http_poll, never inside a curl callback, so they may start and cancel transfers. Keys are
 * never logged. Source: libcurl 7.84 or later.
 */
#ifndef WEIR_APP_HTTP_H
#define WEIR_APP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/retry.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"

struct http;
struct http_transfer;

struct http_head {
    int status;
    struct sv content_type; /* "text/event-stream; charset=utf-8" */
    struct sv request_id;   /* x-request-id, or empty */
    int64_t retry_after_us; /* what the server asks to wait; -1: it does not say */
    enum retry_advice retry_advice;
};

struct http_handlers {
    /* Once, before the first byte of the body; again never. */
    void (*head)(void *ctx, const struct http_head *head);
    void (*body)(void *ctx, struct sv bytes);
    /* Once, at the end; `code` ERR_OK: the body is whole. Otherwise err says what failed and on
     * which host. Not after http_cancel. The transfer is gone afterwards. */
    void (*done)(void *ctx, enum err_code code, const struct err *err);
};

struct http_request {
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end; CR and LF are refused */
    struct sv body;             /* posted as application/json; p NULL: a GET */
    const char *proxy;          /* NULL: from the environment; "": none */
    const char *ca_file;        /* NULL: the system's */
    int64_t connect_us, first_byte_us, idle_us;
};

enum err_code http_open(struct http **ret_http, struct err *err) NODISCARD;
/* Loads libcurl now. ERR_UNSUPPORTED: it is not installed or too old. */
enum err_code http_load(struct http *http, struct err *err) NODISCARD;
/* Cancels all. NULL is fine. */
void http_close(struct http *http);

enum err_code http_start(struct http *http, const struct http_request *request,
                         const struct http_handlers *handlers, void *ctx,
                         struct http_transfer **ret_transfer,
                         struct err *err) NODISCARD; /* wide: handlers and ctx are one thing */
void http_cancel(struct http *http, struct http_transfer *transfer);
/* In `done` of a transfer that failed: whether the same request may do better, as what failed
 * passes by itself and nothing of an answer can have been missed. Not so: certificates, what is no
 * HTTP, an answer that did not come in time. */
bool http_failed_in_passing(const struct http_transfer *transfer);
/* All of the request went out; also in `done`. */
bool http_was_sent(const struct http_transfer *transfer);
/* Runs transfers and handlers until something happened, `wake_fd` is readable (then true), or the
 * deadline. No transfer: only waits. */
bool http_poll(struct http *http, int wake_fd, int64_t deadline_us);
/* So long after a small piece of a body the next is not looked for, when there is nothing to wait
 * for but bodies: for callers that gather pieces anyhow, to whom each by itself would cost a round
 * of system calls. 0 at first. */
void http_set_rest(struct http *http, int64_t rest_us);
size_t http_active(const struct http *http);

/* "http" only to a loopback name or address, unless `allow_plain`. ERR_CONFIG says what is wrong
 * with the URL. Gives the host. */
enum err_code http_check_url(const char *url, bool allow_plain, char **ret_host,
                             struct err *err) NODISCARD;
bool http_is_loopback(const char *host);

#endif
