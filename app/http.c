/*
 * The loop over all transfers.
 *
 * Each round: curl works, clocks are looked at, handlers are given what came. Handlers may start
 * and cancel transfers, so the list is searched from its start after each of them, and a transfer
 * that is cancelled by its own handler is freed when that returns.
 */
#include "app/http.h"

#include <poll.h>
#include <stdlib.h>

#include "app/http_internal.h"
#include "base/alloc.h"
#include "base/clock.h"

/* A wait that takes this much longer than asked for means that the process was stopped. */
#define STOPPED_US CLOCK_S(2)
/* So a stop that is longer than both together is noticed however long the clocks still run. */
#define POLL_MS_MAX 5000
/* More than this at once means that more is waiting. */
#define SMALL_BODY 4096

struct http {
    struct curl_api api;
    CURLM *multi; /* NULL: libcurl is not loaded */
    struct http_transfer *transfers;
    size_t count;
    int64_t rest_us;
    size_t given; /* bytes of bodies in the last round */
};

enum err_code http_open(struct http **ret_http, struct err *err)
{
    (void)err;
    *ret_http = xcalloc(1, sizeof(struct http));
    return ERR_OK;
}

enum err_code http_load(struct http *http, struct err *err)
{
    if (http->multi) {
        return ERR_OK;
    }
    enum err_code code = curl_api_load(CURL_API_LIBRARY, &http->api, err);
    if (code) {
        return code;
    }
    http->multi = http->api.multi_init();
    return http->multi ? ERR_OK : err_set(err, ERR_NO_MEMORY, "out of memory for connections");
}

/* Takes it out of curl, which closes its connection unless the answer was read to its end. */
static void detach(struct http *http, struct http_transfer *transfer)
{
    struct http_transfer **at = &http->transfers;
    while (*at && *at != transfer) {
        at = &(*at)->next;
    }
    if (!*at) {
        return;
    }
    *at = transfer->next;
    http->count--;
    /* Without it, libcurl waits here for a name that is still being looked up. Unknown before
     * 7.87. */
    (void)http->api.easy_setopt(transfer->easy, CURLOPT_QUICK_EXIT, 1L);
    (void)http->api.multi_remove_handle(http->multi, transfer->easy);
}

void http_cancel(struct http *http, struct http_transfer *transfer)
{
    if (!transfer || transfer->dead) {
        return;
    }
    (void)http->api.easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 1L);
    detach(http, transfer);
    transfer->dead = true;
    if (!transfer->busy) {
        http__transfer_free(transfer);
    }
}

void http_close(struct http *http)
{
    if (!http) {
        return;
    }
    while (http->transfers) {
        http_cancel(http, http->transfers);
    }
    if (http->multi) {
        (void)http->api.multi_cleanup(http->multi);
    }
    free(http);
}

/* wide: handlers and ctx are one thing */
enum err_code http_start(struct http *http, const struct http_request *request,
                         const struct http_handlers *handlers, void *ctx,
                         struct http_transfer **ret_transfer, struct err *err)
{
    struct http_transfer *transfer;
    enum err_code code = http_load(http, err);
    if (code) {
        return code;
    }
    code = http__transfer_new(&http->api, request, &transfer, err);
    if (code) {
        return code;
    }
    transfer->handlers = *handlers;
    transfer->ctx = ctx;
    if (http->api.multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        http__transfer_free(transfer);
        return err_set(err, ERR_INTERNAL, "cannot start a request");
    }
    transfer->next = http->transfers;
    http->transfers = transfer;
    http->count++;
    *ret_transfer = transfer;
    return ERR_OK;
}

size_t http_active(const struct http *http)
{
    return http->count;
}

bool http_failed_in_passing(const struct http_transfer *transfer)
{
    return transfer->code != ERR_OK && transfer->passing;
}

bool http_was_sent(const struct http_transfer *transfer)
{
    curl_off_t sent = 0;
    (void)transfer->api->easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return transfer->phase == HTTP_RECEIVING ||
           (transfer->phase == HTTP_WAITING && sent >= transfer->post_size);
}

static void give_head(struct http_transfer *transfer)
{
    struct http_head head = {.status = transfer->status,
                             .content_type = buf_sv(&transfer->content_type),
                             .request_id = buf_sv(&transfer->request_id),
                             .retry_after_us =
                                 retry_head_wait_us(&transfer->retry, clock_wall_us()),
                             .retry_advice = transfer->retry.advice};
    transfer->head_given = true;
    if (transfer->handlers.head) {
        transfer->handlers.head(transfer->ctx, &head);
    }
}

/* Only curl's callbacks append to the buffer, and none runs while a handler does. */
static void give_body(struct http *http, struct http_transfer *transfer)
{
    http->given += transfer->body.n;
    if (transfer->handlers.body) {
        transfer->handlers.body(transfer->ctx, buf_sv(&transfer->body));
    }
    buf_clear(&transfer->body);
}

static bool is_ready(const struct http_transfer *transfer)
{
    return (transfer->head_whole && !transfer->head_given) || transfer->body.n || transfer->ended;
}

static void give(struct http *http, struct http_transfer *transfer)
{
    transfer->busy = true;
    if (transfer->head_whole && !transfer->head_given) {
        give_head(transfer);
    }
    if (!transfer->dead && transfer->body.n) {
        give_body(http, transfer);
    }
    if (!transfer->dead && transfer->ended) {
        detach(http, transfer);
        transfer->dead = true;
        if (transfer->handlers.done) {
            transfer->handlers.done(transfer->ctx, transfer->code,
                                    transfer->code ? &transfer->err : NULL);
        }
    }
    transfer->busy = false;
    if (transfer->dead) {
        http__transfer_free(transfer);
    }
}

static bool give_all(struct http *http)
{
    bool any = false;
    struct http_transfer *transfer = http->transfers;
    http->given = 0;
    while (transfer) {
        if (is_ready(transfer)) {
            give(http, transfer);
            any = true;
            transfer = http->transfers;
        } else {
            transfer = transfer->next;
        }
    }
    return any;
}

static void collect_ends(struct http *http)
{
    int left;
    CURLMsg *message;
    while ((message = http->api.multi_info_read(http->multi, &left))) {
        struct http_transfer *transfer = NULL;
        (void)http->api.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        if (message->msg == CURLMSG_DONE && transfer) {
            http__transfer_end(transfer, message->data.result);
        }
    }
}

/* Ends what ran out of time; gives the next point at which something will. */
static int64_t look_at_clocks(struct http *http)
{
    int64_t now = clock_mono_us();
    int64_t next = CLOCK_NEVER;
    for (struct http_transfer *t = http->transfers; t; t = t->next) {
        if (http__transfer_deadline(t) <= now) {
            http__transfer_expire(t);
        }
        int64_t deadline = http__transfer_deadline(t);
        next = deadline < next ? deadline : next;
    }
    return next;
}

/* One round of work. True when a handler was called. */
static bool work(struct http *http, int64_t *ret_next)
{
    int running;
    (void)http->api.multi_perform(http->multi, &running);
    collect_ends(http);
    *ret_next = look_at_clocks(http);
    return give_all(http);
}

/* What was silent while we were stopped has said nothing wrong: its clock starts anew. */
static void restart_clocks(struct http *http)
{
    int64_t now = clock_mono_us();
    for (struct http_transfer *t = http->transfers; t; t = t->next) {
        t->since_us = now;
    }
}

static int wait_ms(int64_t deadline)
{
    int ms = clock_poll_ms(deadline);
    return ms < 0 || ms > POLL_MS_MAX ? POLL_MS_MAX : ms;
}

/* Waits for sockets, `wake_fd` or the deadline. True when it was `wake_fd`. */
static bool wait_for_any(struct http *http, int wake_fd, int64_t deadline)
{
    struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
    int ms = wait_ms(deadline);
    int64_t began = clock_mono_us();
    (void)http->api.multi_poll(http->multi, &wake, wake_fd >= 0, ms, NULL);
    if (clock_mono_us() - began - CLOCK_MS(ms) > STOPPED_US) {
        restart_clocks(http);
    }
    return wake.revents != 0;
}

static bool only_wait(int wake_fd, int64_t deadline)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
    return poll(&wake, 1, clock_poll_ms(deadline)) > 0;
}

static bool may_rest(const struct http *http)
{
    bool may = http->rest_us > 0 && http->given > 0 && http->given < SMALL_BODY;
    for (const struct http_transfer *t = http->transfers; t; t = t->next) {
        may = may && t->phase == HTTP_RECEIVING && t->head_given;
    }
    return may;
}

/* True when `wake_fd` is readable. */
static bool rest(struct http *http, int wake_fd, int64_t deadline)
{
    int64_t began = clock_mono_us();
    int64_t until = began + http->rest_us;
    bool woken = only_wait(wake_fd, until < deadline ? until : deadline);
    if (clock_mono_us() - until > STOPPED_US) {
        restart_clocks(http);
    }
    return woken;
}

void http_set_rest(struct http *http, int64_t rest_us)
{
    http->rest_us = rest_us;
}

bool http_poll(struct http *http, int wake_fd, int64_t deadline_us)
{
    if (http->count == 0) {
        return only_wait(wake_fd, deadline_us);
    }
    int64_t next;
    bool woken = may_rest(http) && rest(http, wake_fd, deadline_us);
    http->given = 0;
    if (woken) {
        return true;
    }
    while (!work(http, &next) && !woken && clock_mono_us() < deadline_us) {
        woken = wait_for_any(http, wake_fd, next < deadline_us ? next : deadline_us);
    }
    return woken;
}
