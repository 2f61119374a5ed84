/* HTTP: clocks that end a transfer, and cancelling it at every stage. */
#include <dlfcn.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/app/http_answer.h"

#include <cmocka.h>

#define SLOW_NAME "slow.invalid"
#define SLOW_MS 1500

typedef int resolve_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* Stands before the C library's, also for libcurl, which therefore has to see it: one name takes
 * long to be looked up. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret_list)
{
    if (node && strcmp(node, SLOW_NAME) == 0) {
        fake_sleep_ms(SLOW_MS);
        return EAI_NONAME;
    }
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    resolve_fn *real;
    memcpy(&real, &symbol, sizeof(real));
    return real(node, service, hints, ret_list);
}

static void serve_normal(struct fake_server *server, int fd)
{
    fake_receive(server, fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                  "X-Request-Id: req_1\r\nContent-Length: 12\r\n\r\ndata: hello\n");
    fake_wait_gone(server, fd);
}

static void serve_stall(struct fake_server *server, int fd)
{
    fake_receive(server, fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    fake_wait_gone(server, fd);
}

static void clocks__end_silent_transfers(void **state)
{
    (void)state;
    static const struct {
        fake_script_fn *script;
        struct http_request limits;
        const char *text;
        const char *body;
    } cases[] = {
        {serve_silence,
         {.first_byte_us = CLOCK_MS(50)},
         "no answer from '127.0.0.1' within 50 ms",
         ""},
        {serve_silence,
         {.first_byte_us = CLOCK_MS(50), .body = {"{}", 2}},
         "no answer from '127.0.0.1' within 50 ms",
         ""},
        {serve_stall, {.idle_us = CLOCK_MS(50)}, "no byte from '127.0.0.1' for 50 ms", "half"},
        {serve_stall, {.idle_us = CLOCK_S(1)}, "no byte from '127.0.0.1' for 1 s", "half"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t began = clock_mono_us();
        struct answer answer = ask(cases[i].script, &cases[i].limits, NULL);
        assert_true(clock_mono_us() - began < CLOCK_S(3));
        assert_true(clock_mono_us() - began >= CLOCK_MS(50));
        assert_int_equal(answer.code, ERR_TIMEOUT);
        assert_string_equal(answer.err.text, cases[i].text);
        assert_string_equal(buf_cstr(&answer.body), cases[i].body);
        buf_release(&answer.body);
    }
}

static void connecting__fails_with_the_host_and_the_reason(void **state)
{
    (void)state;
    int port;
    char url[100];
    int closed = fake_listen(&port);
    close(closed);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    struct answer refused = ask_url(url, LIMIT);
    assert_int_equal(refused.code, ERR_UNREACHABLE);
    assert_ptr_equal(strstr(refused.err.text, "cannot connect to '127.0.0.1'"), refused.err.text);

    struct answer unknown = ask_url("http://" SLOW_NAME "/", LIMIT);
    assert_int_equal(unknown.code, ERR_UNREACHABLE);
    assert_ptr_equal(strstr(unknown.err.text, "cannot find '" SLOW_NAME "'"), unknown.err.text);

    int64_t began = clock_mono_us();
    struct answer slow = ask_url("http://" SLOW_NAME "/", CLOCK_MS(100));
    assert_true(clock_mono_us() - began < CLOCK_MS(SLOW_MS - 500));
    assert_int_equal(slow.code, ERR_TIMEOUT);
    assert_string_equal(slow.err.text, "cannot connect to '" SLOW_NAME "' within 100 ms");
}

/* Cancels what is under way, and gives the time from then until the server saw it. */
static int64_t cancel_and_measure(struct http *http, struct answer *answer,
                                  struct fake_server *server)
{
    int64_t began = clock_mono_us();
    http_cancel(http, answer->transfer);
    assert_int_equal(http_active(http), 0);
    while (atomic_load(&server->gone_us) == 0 && clock_mono_us() - began < CLOCK_S(2)) {
        http_poll(http, -1, clock_mono_us() + CLOCK_MS(1));
    }
    assert_int_equal(answer->dones, 0);
    return atomic_load(&server->gone_us) - began;
}

/* What else the machine has to do may add to one of them, hardly to each of five. */
static void assert_within(int64_t limit_us, int64_t (*cancel)(void))
{
    int64_t took = cancel();
    for (int again = 0; took > limit_us && again < 4; again++) {
        took = cancel();
    }
    assert_in_range(took, 0, limit_us);
}

static int64_t cancel_while_waiting(void)
{
    char url[100];
    struct answer answer;
    struct fake_server *server = fake_server_start(serve_silence);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    start(http, &request, &answer);
    int64_t deadline = clock_mono_us() + LIMIT;
    while (!atomic_load(&server->received) && clock_mono_us() < deadline) {
        http_poll(http, -1, clock_mono_us() + CLOCK_MS(5));
    }
    int64_t took = cancel_and_measure(http, &answer, server);
    http_close(http);
    fake_server_stop(server);
    return took;
}

static void cancel__closes_the_connection_while_waiting_for_the_head(void **state)
{
    (void)state;
    assert_within(CLOCK_MS(100), cancel_while_waiting);
}

static int64_t cancel_in_mid_body(void)
{
    char url[100];
    struct answer answer;
    struct fake_server *server = fake_server_start(serve_stall);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    start(http, &request, &answer);
    poll_until(http, &answer.pieces, 1);
    int64_t took = cancel_and_measure(http, &answer, server);
    http_close(http);
    buf_release(&answer.body);
    fake_server_stop(server);
    return took;
}

static void cancel__closes_the_connection_in_mid_body(void **state)
{
    (void)state;
    assert_within(CLOCK_MS(100), cancel_in_mid_body);
}

static int64_t cancel_beside_a_child(void)
{
    char url[100];
    struct answer answer;
    struct fake_server *server = fake_server_start(serve_stall);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    start(http, &request, &answer);
    poll_until(http, &answer.pieces, 1);
    pid_t child;
    char *const argv[] = {"sleep", "10", NULL};
    assert_int_equal(posix_spawnp(&child, "sleep", NULL, NULL, argv, environ), 0);
    int64_t took = cancel_and_measure(http, &answer, server);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    http_close(http);
    buf_release(&answer.body);
    fake_server_stop(server);
    return took;
}

static void cancel__closes_the_connection_though_a_child_was_started(void **state)
{
    (void)state;
    assert_within(CLOCK_MS(100), cancel_beside_a_child);
}

/* Writes for as long as somebody takes it. */
static void serve_flood(struct fake_server *server, int fd)
{
    static const char block[16384];
    fake_receive(server, fd);
    fake_send(fd, "HTTP/1.1 200 OK\r\n\r\nx");
    while (send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0) {
    }
    atomic_store(&server->gone_us, clock_mono_us());
}

static int64_t cancel_a_flood(void)
{
    char url[100];
    struct answer answer;
    struct fake_server *server = fake_server_start(serve_flood);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    start(http, &request, &answer);
    poll_until(http, &answer.pieces, 1);
    fake_sleep_ms(100);
    int64_t took = cancel_and_measure(http, &answer, server);
    http_close(http);
    buf_release(&answer.body);
    fake_server_stop(server);
    return took;
}

static void cancel__closes_the_connection_of_a_flood_that_nobody_reads(void **state)
{
    (void)state;
    assert_within(CLOCK_MS(100), cancel_a_flood);
}

/* Does not read the request's body for a while: the upload stands still. A server that reads
 * nothing cannot see the end either; it does when it goes on. */
static void serve_deaf(struct fake_server *server, int fd)
{
    char byte;
    (void)recv(fd, &byte, 1, 0);
    atomic_store(&server->received, true);
    fake_sleep_ms(500);
    fake_wait_gone(server, fd);
}

static int64_t cancel_an_upload(void)
{
    char url[100];
    struct answer answer;
    size_t size = (size_t)30 << 20;
    char *body = calloc(1, size);
    struct fake_server *server = fake_server_start(serve_deaf);
    struct http *http = open_http();
    struct http_request request = request_to(url, server);
    request.body = sv_of(body, size);
    start(http, &request, &answer);
    int64_t began = clock_mono_us();
    while (clock_mono_us() - began < CLOCK_MS(300)) {
        http_poll(http, -1, clock_mono_us() + CLOCK_MS(10));
    }
    assert_true(atomic_load(&server->received));
    int64_t took = cancel_and_measure(http, &answer, server);
    http_close(http);
    free(body);
    fake_server_stop(server);
    return took;
}

static void cancel__closes_the_connection_of_an_upload_that_stands_still(void **state)
{
    (void)state;
    assert_within(CLOCK_MS(1000), cancel_an_upload);
}

/* Gives the longer of the times that a cancel and a close took. */
static int64_t cancel_a_look_up(void)
{
    struct http *http = open_http();
    struct answer answer;
    struct http_request request = {.url = "http://" SLOW_NAME "/", .proxy = ""};
    int64_t longest = 0;
    for (int started = 0; started < 2; started++) {
        start(http, &request, &answer);
        http_poll(http, -1, clock_mono_us() + CLOCK_MS(50));
        assert_int_equal(http_active(http), 1);
        int64_t began = clock_mono_us();
        if (started) {
            http_close(http);
        } else {
            http_cancel(http, answer.transfer);
        }
        int64_t took = clock_mono_us() - began;
        longest = took > longest ? took : longest;
        assert_int_equal(answer.dones, 0);
    }
    return longest;
}

static void cancel__does_not_wait_for_a_name_that_is_looked_up(void **state)
{
    (void)state;
    assert_within(CLOCK_MS(100), cancel_a_look_up);
    /* The threads that look the name up end by themselves. */
    fake_sleep_ms(SLOW_MS + 100);
}

static void cancel__works_inside_the_handlers_of_the_transfer(void **state)
{
    (void)state;
    for (int in_body = 0; in_body < 2; in_body++) {
        char url[100];
        struct answer answer;
        struct fake_server *server = fake_server_start(serve_normal);
        struct http *http = open_http();
        struct http_request request = request_to(url, server);
        start(http, &request, &answer);
        answer.cancel_in_head = !in_body;
        answer.cancel_in_body = in_body;
        poll_until(http, in_body ? &answer.pieces : &answer.heads, 1);
        assert_int_equal(http_active(http), 0);
        http_poll(http, -1, clock_mono_us() + CLOCK_MS(20));
        assert_int_equal(answer.pieces, in_body);
        assert_int_equal(answer.dones, 0);
        http_close(http);
        buf_release(&answer.body);
        fake_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks__end_silent_transfers),
        cmocka_unit_test(connecting__fails_with_the_host_and_the_reason),
        cmocka_unit_test(cancel__closes_the_connection_while_waiting_for_the_head),
        cmocka_unit_test(cancel__closes_the_connection_in_mid_body),
        cmocka_unit_test(cancel__closes_the_connection_though_a_child_was_started),
        cmocka_unit_test(cancel__closes_the_connection_of_a_flood_that_nobody_reads),
        cmocka_unit_test(cancel__closes_the_connection_of_an_upload_that_stands_still),
        cmocka_unit_test(cancel__does_not_wait_for_a_name_that_is_looked_up),
        cmocka_unit_test(cancel__works_inside_the_handlers_of_the_transfer),
    };
    /* The program's threads block signals; libcurl leaves SIGPIPE to them. */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
