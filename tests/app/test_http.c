/* HTTP: against servers that behave, and servers that do not. */
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/http_internal.h"
#include "base/thread.h"
#include "base/wake.h"
#include "tests/app/http_answer.h"

#include <cmocka.h>

static bool is_curl_loaded(void)
{
    void *library = dlopen(CURL_API_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
    if (library) {
        dlclose(library);
    }
    return library != NULL;
}

static void poll__without_transfers_only_waits_and_loads_nothing(void **state)
{
    (void)state;
    struct http *http = open_http();
    struct wake wake;
    assert_int_equal(wake_open(&wake, NULL), ERR_OK);
    int64_t began = clock_mono_us();
    http_poll(http, wake.read_fd, began + CLOCK_MS(50));
    assert_true(clock_mono_us() - began >= CLOCK_MS(50));
    wake_signal(&wake);
    http_poll(http, wake.read_fd, CLOCK_NEVER);
    assert_true(clock_mono_us() - began < LIMIT);
    assert_int_equal(http_active(http), 0);
    http_cancel(http, NULL);
    http_close(http);
    http_close(NULL);
    wake_close(&wake);
    assert_false(is_curl_loaded());
}

static void load__names_the_package_when_it_is_missing(void **state)
{
    (void)state;
    struct curl_api api;
    struct err err;
    assert_int_equal(curl_api_load("libno-such-thing.so.4", &api, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "libcurl4"));
    assert_int_equal(curl_api_load("libm.so.6", &api, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "libcurl4"));
    struct http *http = open_http();
    assert_int_equal(http_load(http, &err), ERR_OK);
    assert_int_equal(http_load(http, &err), ERR_OK);
    http_close(http);
}

static void *load_api(void *arg)
{
    return curl_api_load(CURL_API_LIBRARY, arg, NULL) == ERR_OK ? arg : NULL;
}

static void load__may_be_asked_for_on_several_threads_at_once(void **state)
{
    (void)state;
    struct curl_api apis[4];
    pthread_t threads[COUNT_OF(apis)];
    for (size_t i = 0; i < COUNT_OF(apis); i++) {
        assert_int_equal(thread_start(&threads[i], "load", load_api, &apis[i], NULL), ERR_OK);
    }
    for (size_t i = 0; i < COUNT_OF(apis); i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, &apis[i]);
        assert_non_null(apis[i].multi_init);
    }
}

static void serve_normal(struct fake_server *server, int fd)
{
    fake_receive(server, fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                  "X-Request-Id: req_1\r\nContent-Length: 12\r\n\r\ndata: hello\n");
    fake_wait_gone(server, fd);
}

static void get__gives_head_body_and_done(void **state)
{
    (void)state;
    char request[16384];
    struct answer answer = ask(serve_normal, NULL, request);
    assert_int_equal(answer.code, ERR_OK);
    assert_int_equal(answer.heads, 1);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.content_type, "text/event-stream; charset=utf-8");
    assert_string_equal(answer.request_id, "req_1");
    assert_int_equal(answer.retry_after_us, -1);
    assert_string_equal(buf_cstr(&answer.body), "data: hello\n");
    assert_ptr_equal(strstr(request, "GET /v1 HTTP/1.1\r\n"), request);
    assert_non_null(strstr(request, "\r\nUser-Agent: weir/"));
    assert_null(strstr(request, "Accept-Encoding"));
    buf_release(&answer.body);
}

static void post__sends_what_it_was_given(void **state)
{
    (void)state;
    static const char *const headers[] = {"Authorization: Bearer k", "Accept: text/event-stream",
                                          NULL};
    struct http_request limits = {.body = SV("{\"a\":1}"), .headers = headers};
    char request[16384];
    struct answer answer = ask(serve_normal, &limits, request);
    assert_int_equal(answer.code, ERR_OK);
    assert_ptr_equal(strstr(request, "POST /v1 HTTP/1.1\r\n"), request);
    assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(request, "\r\nAuthorization: Bearer k\r\n"));
    assert_non_null(strstr(request, "\r\nAccept: text/event-stream\r\n"));
    assert_null(strstr(request, "Expect"));
    buf_release(&answer.body);
}

#define LARGE ((size_t)3 << 20)

static char large_byte(size_t at)
{
    return (char)('a' + at % 23);
}

/* Reads a request whose body has LARGE bytes; true when they are right. */
static bool receive_large(int fd)
{
    enum { HEAD_MAX = 4096 };
    char *request = calloc(1, HEAD_MAX + LARGE + 1);
    size_t n = 0;
    const char *body = NULL;
    while (!body || n < (size_t)(body - request) + LARGE) {
        ssize_t got = recv(fd, request + n, HEAD_MAX + LARGE - n, 0);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
        char *end = strstr(request, "\r\n\r\n");
        body = end ? end + 4 : NULL;
    }
    bool right = body && strstr(request, "\r\nContent-Length: 3145728\r\n");
    for (size_t i = 0; right && i < LARGE; i++) {
        right = body[i] == large_byte(i);
    }
    free(request);
    return right;
}

/* Leaves the answer open. */
static void serve_large(struct fake_server *server, int fd)
{
    bool right = receive_large(fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
    fake_send(fd, right ? "right\r\n" : "wrong\r\n");
    fake_wait_gone(server, fd);
}

/* The first connection answers once, and ends when it was asked again. */
static void serve_large_again(struct fake_server *server, int fd)
{
    if (server->fds[0] != fd) {
        serve_large(server, fd);
        return;
    }
    fake_receive(server, fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    (void)receive_large(fd);
}

static void post__of_a_large_body_is_whole_and_not_kept(void **state)
{
    (void)state;
    for (int died = 0; died < 2; died++) {
        char url[100];
        struct answer answer;
        char *body = malloc(LARGE);
        struct fake_server *server = fake_server_start(died ? serve_large_again : serve_large);
        struct http *http = open_http();
        struct http_request request = request_to(url, server);
        if (died) {
            start(http, &request, &answer);
            poll_until(http, &answer.dones, 1);
            buf_release(&answer.body);
        }
        for (size_t i = 0; i < LARGE; i++) {
            body[i] = large_byte(i);
        }
        request.body = sv_of(body, LARGE);
        start(http, &request, &answer);
        free(body);
        assert_non_null(answer.transfer->post);
        poll_until(http, &answer.pieces, 1);
        assert_string_equal(buf_cstr(&answer.body), "right");
        assert_null(answer.transfer->post);
        assert_true(http_was_sent(answer.transfer));
        http_close(http);
        buf_release(&answer.body);
        fake_server_stop(server);
    }
}

static void loopback__is_never_asked_through_a_proxy(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    struct answer answer = ask(serve_normal, NULL, NULL);
    unsetenv("http_proxy");
    assert_int_equal(answer.code, ERR_OK);
    buf_release(&answer.body);
}

static void serve_drip(struct fake_server *server, int fd)
{
    fake_receive(server, fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        fake_sleep_ms(20);
        fake_send(fd, "1\r\nx\r\n");
    }
    fake_send(fd, "0\r\n\r\n");
    fake_wait_gone(server, fd);
}

static void body__comes_as_it_drips(void **state)
{
    (void)state;
    struct http_request limits = {.idle_us = CLOCK_S(2)};
    struct answer answer = ask(serve_drip, &limits, NULL);
    assert_int_equal(answer.code, ERR_OK);
    assert_string_equal(buf_cstr(&answer.body), "xxxxxxxxxx");
    assert_true(answer.pieces >= 5);
    buf_release(&answer.body);
}

/* 200 ms of drip; a rest of 100 ms gathers it into three or four pieces. */
static void rest__gathers_what_drips(void **state)
{
    (void)state;
    char url[100];
    struct answer answer;
    struct fake_server *server = fake_server_start(serve_drip);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    http_set_rest(http, CLOCK_MS(100));
    start(http, &request, &answer);
    poll_until(http, &answer.dones, 1);
    assert_int_equal(answer.code, ERR_OK);
    assert_string_equal(buf_cstr(&answer.body), "xxxxxxxxxx");
    assert_in_range(answer.pieces, 1, 5);
    buf_release(&answer.body);
    http_close(http);
    fake_server_stop(server);
}

static void rest__ends_at_once_when_it_is_woken(void **state)
{
    (void)state;
    char url[100];
    struct answer answer;
    struct wake wake;
    assert_int_equal(wake_open(&wake, NULL), ERR_OK);
    struct fake_server *server = fake_server_start(serve_drip);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    http_set_rest(http, LIMIT);
    start(http, &request, &answer);
    poll_until(http, &answer.pieces, 1);
    wake_signal(&wake);
    int64_t began = clock_mono_us();
    assert_true(http_poll(http, wake.read_fd, CLOCK_NEVER));
    assert_true(clock_mono_us() - began < LIMIT / 2);
    http_cancel(http, answer.transfer);
    buf_release(&answer.body);
    http_close(http);
    fake_server_stop(server);
    wake_close(&wake);
}

#define SERVE(name, text)                                                                          \
    static void name(struct fake_server *server, int fd)                                           \
    {                                                                                              \
        fake_receive(server, fd);                                                                  \
        fake_send(fd, text);                                                                       \
    }
SERVE(serve_cut_length, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
SERVE(serve_cut_chunk, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
SERVE(serve_bad_chunk, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n")
SERVE(serve_nothing, "")
SERVE(serve_binary, "\x16\x03\x01\x02\xFF garbage\r\n\r\n")
SERVE(serve_until_eof, "HTTP/1.0 200 OK\r\n\r\nhalf")
SERVE(serve_html, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n"
                  "<p>x")
SERVE(serve_redirect, "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n"
                      "Content-Length: 0\r\n\r\n")
SERVE(serve_continue, "HTTP/1.1 100 Continue\r\nContent-Type: no\r\n\r\nHTTP/1.1 200 OK\r\n"
                      "Content-Type: yes\r\nContent-Length: 4\r\n\r\nhalf")
SERVE(serve_trailer, "HTTP/1.1 200 OK\r\nContent-Type: yes\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "4\r\nhalf\r\n0\r\nContent-Type: no\r\n\r\n")

static void serve_reset(struct fake_server *server, int fd)
{
    fake_receive(server, fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    fake_sleep_ms(50);
    /* A copy, since the descriptor itself is closed at the end of the test. */
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    int devnull = socket(AF_INET, SOCK_STREAM, 0);
    dup2(devnull, fd);
    close(devnull);
}

static void serve_big_head(struct fake_server *server, int fd)
{
    fake_receive(server, fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 4000; i++) {
        fake_send(fd, "X-Filler: 0123456789012345678901234567890123456789012345678901234567890123"
                      "456789012345678901\r\n");
    }
    fake_wait_gone(server, fd);
}

static void serve_big_line(struct fake_server *server, int fd)
{
    fake_receive(server, fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\nX-Filler: ");
    for (int i = 0; i < 4000; i++) {
        fake_send(fd, "0123456789012345678901234567890123456789012345678901234567890123456789012345"
                      "678901234567890123456789");
    }
    fake_wait_gone(server, fd);
}

static void answers__that_break_keep_what_came_and_say_so(void **state)
{
    (void)state;
    static const struct {
        fake_script_fn *script;
        enum err_code code;
        int status;
        const char *body;
    } cases[] = {
        {serve_cut_length, ERR_PROTOCOL, 200, "half"},
        {serve_cut_chunk, ERR_PROTOCOL, 200, "half"},
        {serve_bad_chunk, ERR_PROTOCOL, 200, "half"},
        {serve_reset, ERR_PROTOCOL, 200, "half"},
        {serve_nothing, ERR_PROTOCOL, 0, ""},
        {serve_binary, ERR_PROTOCOL, 0, ""},
        {serve_big_head, ERR_PROTOCOL, 0, ""},
        {serve_big_line, ERR_PROTOCOL, 0, ""},
        {serve_until_eof, ERR_OK, 200, "half"},
        {serve_html, ERR_OK, 502, "<p>x"},
        {serve_redirect, ERR_OK, 307, ""},
        {serve_continue, ERR_OK, 200, "half"},
        {serve_trailer, ERR_OK, 200, "half"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer answer = ask(cases[i].script, NULL, NULL);
        assert_int_equal(answer.code, cases[i].code);
        assert_int_equal(answer.status, cases[i].status);
        assert_int_equal(answer.heads, cases[i].status != 0);
        assert_string_equal(buf_cstr(&answer.body), cases[i].body);
        assert_string_not_equal(answer.content_type, "no");
        if (answer.code) {
            assert_non_null(strstr(answer.err.text, "'127.0.0.1'"));
        }
        buf_release(&answer.body);
    }
}

#define LIMITED(header) "HTTP/1.1 429 Too Many\r\n" header "Content-Length: 0\r\n\r\n"
SERVE(serve_429_seconds, LIMITED("Retry-After: 7\r\n"))
SERVE(serve_429_zero, LIMITED("retry-after: 0\r\n"))
SERVE(serve_429_ms, LIMITED("Retry-After: 7\r\nretry-after-ms: 1500\r\n"))
SERVE(serve_429_past, LIMITED("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n"))
SERVE(serve_429_none, LIMITED(""))

static void head__tells_when_to_retry(void **state)
{
    (void)state;
    static const struct {
        fake_script_fn *script;
        int64_t retry_after_us;
    } cases[] = {{serve_429_seconds, CLOCK_S(7)},
                 {serve_429_zero, 0},
                 {serve_429_ms, CLOCK_MS(1500)},
                 {serve_429_past, 0},
                 {serve_429_none, -1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer answer = ask(cases[i].script, NULL, NULL);
        assert_int_equal(answer.code, ERR_OK);
        assert_int_equal(answer.status, 429);
        assert_true(answer.retry_after_us == cases[i].retry_after_us);
        buf_release(&answer.body);
    }
}

struct chain {
    struct http *http;
    const struct http_request *request;
    struct http_transfer *other;
    int left;
    int dones;
};

static void on_chain_done(void *ctx, enum err_code code, const struct err *err)
{
    static const struct http_handlers next = {.done = on_chain_done};
    struct chain *chain = ctx;
    struct http_transfer *transfer;
    (void)err;
    assert_int_equal(code, ERR_OK);
    chain->dones++;
    http_cancel(chain->http, chain->other);
    chain->other = NULL;
    if (chain->left-- > 0) {
        assert_int_equal(http_start(chain->http, chain->request, &next, chain, &transfer, NULL),
                         ERR_OK);
    }
}

static void done__may_start_and_cancel_others(void **state)
{
    (void)state;
    static const struct http_handlers first = {.done = on_chain_done};
    char url[100];
    char silent_url[100];
    struct answer never;
    struct fake_server *server = fake_server_start(serve_until_eof);
    struct fake_server *silent = fake_server_start(serve_silence);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    struct http_request silence = request_to(silent_url, silent);
    struct chain chain = {.http = http, .request = &request, .left = 3};
    struct http_transfer *transfer;
    start(http, &silence, &never);
    chain.other = never.transfer;
    assert_int_equal(http_start(http, &request, &first, &chain, &transfer, NULL), ERR_OK);
    assert_int_equal(http_active(http), 2);
    poll_until(http, &chain.dones, 4);
    assert_int_equal(http_active(http), 0);
    http_close(http);
    assert_int_equal(never.dones, 0);
    fake_server_stop(server);
    fake_server_stop(silent);
}

static void eight__run_at_once(void **state)
{
    (void)state;
    char url[100];
    struct answer answers[8];
    struct fake_server *server = fake_server_start(serve_drip);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    int64_t began = clock_mono_us();
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        start(http, &request, &answers[i]);
    }
    assert_int_equal(http_active(http), 8);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        poll_until(http, &answers[i].dones, 1);
        assert_int_equal(answers[i].code, ERR_OK);
        assert_string_equal(buf_cstr(&answers[i].body), "xxxxxxxxxx");
        buf_release(&answers[i].body);
    }
    /* One after the other they would take 8 times 200 ms. */
    assert_true(clock_mono_us() - began < CLOCK_MS(1200));
    http_close(http);
    fake_server_stop(server);
}

static void poll__is_woken_and_does_not_spin(void **state)
{
    (void)state;
    char url[100];
    struct answer answer;
    struct wake wake;
    struct fake_server *server = fake_server_start(serve_silence);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    assert_int_equal(wake_open(&wake, NULL), ERR_OK);
    start(http, &request, &answer);
    http_poll(http, wake.read_fd, clock_mono_us() + CLOCK_MS(100));
    clock_t cpu = clock();
    int64_t began = clock_mono_us();
    http_poll(http, wake.read_fd, began + CLOCK_MS(500));
    assert_true(clock_mono_us() - began >= CLOCK_MS(500));
    assert_true(clock() - cpu < CLOCKS_PER_SEC / 10);
    wake_signal(&wake);
    http_poll(http, wake.read_fd, CLOCK_NEVER);
    assert_int_equal(answer.dones, 0);
    http_close(http);
    assert_int_equal(answer.dones, 0);
    wake_close(&wake);
    fake_server_stop(server);
}

static void start__refuses_headers_with_line_breaks_and_shows_no_key(void **state)
{
    (void)state;
    static const char *const bad[] = {"Authorization: Bearer CANARY\r\nX: y",
                                      "Authorization: CANARY\n",
                                      "CANARY",
                                      ": CANARY",
                                      "X\r\n: CANARY",
                                      ""};
    struct http *http = open_http();
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const char *headers[] = {"A: b", bad[i], NULL};
        struct http_request request = {.url = "http://127.0.0.1:1/", .headers = headers};
        struct http_transfer *transfer = NULL;
        struct err err;
        assert_int_equal(http_start(http, &request, &answer_handlers, NULL, &transfer, &err),
                         ERR_INVALID);
        assert_null(strstr(err.text, "CANARY"));
        assert_null(transfer);
    }
    struct http_request request = {.url = "file:///etc/passwd"};
    struct http_transfer *transfer = NULL;
    assert_int_equal(http_start(http, &request, &answer_handlers, NULL, &transfer, NULL),
                     ERR_CONFIG);
    assert_int_equal(http_active(http), 0);
    http_close(http);
}

static void serve_plain(struct fake_server *server, int fd)
{
    (void)server;
    fake_send(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void tls__does_not_fall_back_to_plain(void **state)
{
    (void)state;
    char url[100];
    struct fake_server *server = fake_server_start(serve_plain);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", server->port);
    struct answer answer = ask_url(url, LIMIT);
    assert_int_equal(answer.code, ERR_UNREACHABLE);
    assert_ptr_equal(strstr(answer.err.text, "TLS failed with '127.0.0.1'"), answer.err.text);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll__without_transfers_only_waits_and_loads_nothing),
        cmocka_unit_test(load__names_the_package_when_it_is_missing),
        cmocka_unit_test(load__may_be_asked_for_on_several_threads_at_once),
        cmocka_unit_test(get__gives_head_body_and_done),
        cmocka_unit_test(post__sends_what_it_was_given),
        cmocka_unit_test(post__of_a_large_body_is_whole_and_not_kept),
        cmocka_unit_test(loopback__is_never_asked_through_a_proxy),
        cmocka_unit_test(body__comes_as_it_drips),
        cmocka_unit_test(rest__gathers_what_drips),
        cmocka_unit_test(rest__ends_at_once_when_it_is_woken),
        cmocka_unit_test(answers__that_break_keep_what_came_and_say_so),
        cmocka_unit_test(head__tells_when_to_retry),
        cmocka_unit_test(tls__does_not_fall_back_to_plain),
        cmocka_unit_test(done__may_start_and_cancel_others),
        cmocka_unit_test(eight__run_at_once),
        cmocka_unit_test(poll__is_woken_and_does_not_spin),
        cmocka_unit_test(start__refuses_headers_with_line_breaks_and_shows_no_key),
    };
    /* The program's threads block signals; libcurl leaves SIGPIPE to them. */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
