/*
 * What came of one request, and the loops that run one.
 */
#ifndef WEIR_TESTS_APP_HTTP_ANSWER_H
#define WEIR_TESTS_APP_HTTP_ANSWER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "app/http.h"
#include "base/buf.h"
#include "tests/app/fake_server.h"

#include <cmocka.h>

#define LIMIT CLOCK_S(20)

struct answer {
    struct http *http;
    struct http_transfer *transfer;
    int heads;
    int status;
    char content_type[100];
    char request_id[100];
    int64_t retry_after_us;
    struct buf body;
    int pieces;
    int dones;
    enum err_code code;
    struct err err;
    bool cancel_in_head;
    bool cancel_in_body;
};

static inline void answer_on_head(void *ctx, const struct http_head *head)
{
    struct answer *answer = ctx;
    assert_int_equal(answer->dones + answer->pieces, 0);
    answer->heads++;
    answer->status = head->status;
    answer->retry_after_us = head->retry_after_us;
    snprintf(answer->content_type, 100, "%.*s", SV_ARG(head->content_type));
    snprintf(answer->request_id, 100, "%.*s", SV_ARG(head->request_id));
    if (answer->cancel_in_head) {
        http_cancel(answer->http, answer->transfer);
    }
}

static inline void answer_on_body(void *ctx, struct sv bytes)
{
    struct answer *answer = ctx;
    assert_int_equal(answer->heads, 1);
    assert_int_equal(answer->dones, 0);
    assert_true(bytes.n > 0);
    answer->pieces++;
    assert_true(buf_append_sv(&answer->body, bytes));
    if (answer->cancel_in_body) {
        http_cancel(answer->http, answer->transfer);
    }
}

static inline void answer_on_done(void *ctx, enum err_code code, const struct err *err)
{
    struct answer *answer = ctx;
    assert_int_equal(err != NULL, code != ERR_OK);
    answer->dones++;
    answer->code = code;
    answer->err = err ? *err : (struct err){.code = ERR_OK};
    assert_int_equal(answer->err.code, code);
}

static const struct http_handlers answer_handlers = {answer_on_head, answer_on_body,
                                                     answer_on_done};

static inline struct http_request request_to(char url[100], const struct fake_server *server)
{
    snprintf(url, 100, "http://127.0.0.1:%d/v1", server->port);
    return (struct http_request){
        .url = url, .connect_us = LIMIT, .first_byte_us = LIMIT, .idle_us = LIMIT};
}

static inline void start(struct http *http, const struct http_request *request,
                         struct answer *answer)
{
    *answer = (struct answer){.http = http, .body = BUF_INIT(BUF_MAX_INTERNAL)};
    assert_int_equal(http_start(http, request, &answer_handlers, answer, &answer->transfer, NULL),
                     ERR_OK);
}

static inline void poll_until(struct http *http, const int *counter, int target)
{
    int64_t deadline = clock_mono_us() + LIMIT;
    while (*counter < target && clock_mono_us() < deadline) {
        http_poll(http, -1, deadline);
    }
    assert_true(*counter >= target);
}

static inline struct http *open_http(void)
{
    struct http *http;
    assert_int_equal(http_open(&http, NULL), ERR_OK);
    return http;
}

/* One request, to its end, with the limits of `limits` where they are set. */
static inline struct answer ask(fake_script_fn *script, const struct http_request *limits,
                                char ret_request[16384])
{
    char url[100];
    struct answer answer;
    struct fake_server *server = fake_server_start(script);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    if (limits) {
        request.body = limits->body;
        request.headers = limits->headers;
        request.first_byte_us = limits->first_byte_us ? limits->first_byte_us : LIMIT;
        request.idle_us = limits->idle_us ? limits->idle_us : LIMIT;
    }
    start(http, &request, &answer);
    assert_int_equal(http_active(http), 1);
    poll_until(http, &answer.dones, 1);
    assert_int_equal(answer.dones, 1);
    assert_int_equal(http_active(http), 0);
    http_close(http);
    fake_server_join(server);
    if (ret_request) {
        memcpy(ret_request, server->request, sizeof(server->request));
    }
    fake_server_free(server);
    return answer;
}

static inline struct answer ask_url(const char *url, int64_t connect_us)
{
    struct http *http = open_http();
    struct answer answer;
    struct http_request request = {
        .url = url, .proxy = "", .connect_us = connect_us, .first_byte_us = LIMIT};
    start(http, &request, &answer);
    poll_until(http, &answer.dones, 1);
    http_close(http);
    return answer;
}

static inline void serve_silence(struct fake_server *server, int fd)
{
    fake_receive(server, fd);
    fake_wait_gone(server, fd);
}

#endif
