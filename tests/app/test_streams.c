/* Streams: many answers at once through one engine, on one network thread. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "app/config.h"
#include "app/engine.h"
#include "base/wake.h"
#include "store/message_service.h"
#include "tests/app/fake_server.h"

#include <cmocka.h>

#define STREAMS 32
#define PIECES 50
#define LIMIT CLOCK_S(30)

/* Guards: arrived. The server answers nobody before all have come. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_there = PTHREAD_COND_INITIALIZER;
static int arrived;

static void wait_for_all(void)
{
    pthread_mutex_lock(&lock);
    arrived++;
    pthread_cond_broadcast(&all_there);
    while (arrived < STREAMS) {
        pthread_cond_wait(&all_there, &lock);
    }
    pthread_mutex_unlock(&lock);
}

/* The number that the prompt ends with. */
static int read_number(int fd)
{
    char request[8192];
    size_t n = 0;
    const char *at = NULL;
    while (!at && n + 1 < sizeof(request)) {
        ssize_t got = recv(fd, request + n, sizeof(request) - 1 - n, 0);
        if (got <= 0) {
            return -1;
        }
        n += (size_t)got;
        request[n] = '\0';
        at = strstr(request, "number ");
    }
    return at ? (int)strtol(at + 7, NULL, 10) : -1;
}

static void serve_number(struct fake_server *server, int fd)
{
    char piece[200];
    (void)server;
    int number = read_number(fd);
    wait_for_all();
    fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                  "Connection: close\r\n\r\n");
    for (int i = 0; i < PIECES; i++) {
        snprintf(piece, sizeof(piece),
                 "data: {\"choices\":[{\"delta\":{\"content\":\"%d:%d \"}}]}\n\n", number, i);
        fake_send(fd, piece);
        fake_sleep_ms(1);
    }
    fake_send(
        fd, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
}

struct stream {
    struct turn turn;
    atomic_bool begun;
    atomic_int code;
};

static void on_begun(void *ctx, const struct turn *turn, enum err_code code, const struct err *err)
{
    struct stream *stream = ctx;
    (void)err;
    if (turn) {
        stream->turn = *turn;
    }
    atomic_store(&stream->code, (int)code);
    atomic_store(&stream->begun, true);
}

static size_t count_threads(const char *name)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/task");
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char path[300];
        char line[32] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file) {
            count += fgets(line, sizeof(line), file) && strncmp(line, name, strlen(name)) == 0;
            fclose(file);
        }
    }
    if (folder) {
        closedir(folder);
    }
    return count;
}

static void assert_text(struct store *store, const struct stream *stream, int number)
{
    struct message *message = NULL;
    struct buf expected = BUF_INIT(BUF_MAX_INTERNAL);
    for (int i = 0; i < PIECES; i++) {
        buf_appendf(&expected, "%d:%d ", number, i);
    }
    int64_t deadline = clock_mono_us() + LIMIT;
    for (bool ended = false; !ended; fake_sleep_ms(1)) {
        assert_true(clock_mono_us() < deadline);
        message_free(message);
        assert_int_equal(message_snapshot(store, &stream->turn.answer, &message, NULL), ERR_OK);
        ended = message->ended;
    }
    assert_int_equal(message->reason, FINISH_END_TURN);
    assert_int_equal(message->part_count, 1);
    assert_string_equal(message->parts[0].text, buf_cstr(&expected));
    message_free(message);
    buf_release(&expected);
}

static void send_all(struct engine *engine, struct stream *streams)
{
    for (int i = 0; i < STREAMS; i++) {
        char prompt[32];
        snprintf(prompt, sizeof(prompt), "number %d", i);
        struct engine_order order = {
            .prompt = sv_from(prompt), .begun = on_begun, .ctx = &streams[i]};
        assert_int_equal(engine_send(engine, &order, NULL), ERR_OK);
    }
    for (int i = 0; i < STREAMS; i++) {
        int64_t deadline = clock_mono_us() + LIMIT;
        while (!atomic_load(&streams[i].begun)) {
            assert_true(clock_mono_us() < deadline);
            fake_sleep_ms(1);
        }
        assert_int_equal(atomic_load(&streams[i].code), ERR_OK);
    }
}

static void thirty_two_answers__stream_at_once_on_one_thread(void **state)
{
    (void)state;
    static struct stream streams[STREAMS];
    struct fake_server *server = fake_server_start(serve_number);
    char text[300];
    int n = snprintf(text, sizeof(text),
                     "model = 'x/m'\n[provider.x]\ntype = 'openai'\n"
                     "base_url = 'http://127.0.0.1:%d/v1'\n",
                     server->port);
    struct config *config = NULL;
    struct model_choice choice;
    assert_int_equal(config_parse("c.toml", text, (size_t)n, &config, NULL), ERR_OK);
    assert_int_equal(model_choose(config, NULL, &choice, NULL), ERR_OK);
    struct broker *broker = broker_new(NULL);
    struct store_options options = {.debounce_us = -1, .broker = broker};
    struct store *store = NULL;
    struct engine *engine = NULL;
    assert_int_equal(store_open(&options, &store, NULL), ERR_OK);
    assert_int_equal(store_start(store, NULL), ERR_OK);
    assert_int_equal(store_wait_ready(store, clock_mono_us() + LIMIT, NULL), ERR_OK);
    assert_int_equal(engine_new(store, config, &choice, &engine, NULL), ERR_OK);
    assert_int_equal(engine_start(engine, NULL), ERR_OK);

    send_all(engine, streams);
    for (int i = 0; i < STREAMS; i++) {
        assert_text(store, &streams[i], i);
    }
    assert_int_equal(count_threads("weir-network"), 1);
    assert_int_equal(arrived, STREAMS);

    assert_int_equal(engine_stop(engine, FINISH_INTERRUPTED, clock_mono_us() + LIMIT), ERR_OK);
    assert_int_equal(store_close(store, clock_mono_us() + LIMIT, NULL), ERR_OK);
    engine_free(engine);
    store_free(store);
    broker_free(broker);
    model_choice_release(&choice);
    config_free(config);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thirty_two_answers__stream_at_once_on_one_thread),
    };
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
