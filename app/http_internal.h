/*
 * What the files of the HTTP client share: a transfer, how it is set up and what ended it.
 *
 * Threads: as in app/http.h. curl's callbacks only gather: bytes and the head are given to the
 * handlers when curl has returned.
 */
#ifndef WEIR_APP_HTTP_INTERNAL_H
#define WEIR_APP_HTTP_INTERNAL_H

#include "app/curl_api.h"
#include "app/http.h"
#include "base/buf.h"

enum http_phase { HTTP_CONNECTING, HTTP_WAITING, HTTP_RECEIVING };

struct http_transfer {
    struct http_transfer *next;
    const struct curl_api *api;
    struct http_handlers handlers;
    void *ctx;

    CURL *easy;
    struct curl_slist *headers;
    char *post; /* NULL: none, or not needed any more */
    curl_off_t post_size;
    curl_off_t post_read; /* of a large one, by curl */
    char *host;
    char curl_error[CURL_ERROR_SIZE];

    enum http_phase phase;
    int64_t limits_us[3]; /* by phase; not above 0: none */
    int64_t since_us;     /* start of the phase, or the last byte */
    curl_off_t uploaded;  /* bytes of the request's body, as last seen */

    int status; /* of the head that is being read */
    size_t head_bytes;
    bool head_whole;
    bool head_given;
    struct retry_head retry;
    struct buf content_type;
    struct buf request_id;
    struct buf body; /* came, not given yet */

    bool ended;
    enum err_code code; /* how it ended */
    struct err err;
    bool passing; /* trying again may help */
    bool busy;    /* a handler of it runs */
    bool dead;    /* cancelled meanwhile: freed when the handler returns */
};

/* Where the certificates of the authorities are; NULL members are libcurl's default. */
struct http_trust {
    const char *file;
    const char *folder;
    bool set;
};
struct http_trust http__trust(const char *ca_file);

/* Not added to the multi handle yet. The caller frees it with http__transfer_free. */
enum err_code http__transfer_new(const struct curl_api *api, const struct http_request *request,
                                 struct http_transfer **ret_transfer, struct err *err) NODISCARD;
/* Wipes what may hold a key. */
void http__transfer_free(struct http_transfer *transfer);
/* Point in time when its clock runs out, or CLOCK_NEVER. */
int64_t http__transfer_deadline(const struct http_transfer *transfer);
/* Its clock has run out: ends it. */
void http__transfer_expire(struct http_transfer *transfer);
/* Ends it with what curl says. */
void http__transfer_end(struct http_transfer *transfer, CURLcode result);

#endif
