/* Window: the asking, one server at a time. What fails is logged and changes nothing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/engine_internal.h"
#include "app/headers.h"
#include "app/models.h"
#include "app/window.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "ui/notice.h"

#define ANSWER_MAX ((size_t)4 << 20)
#define PATIENCE_US CLOCK_S(10)

struct window_asking {
    struct engine *engine;
    struct target *target;
    struct window_question question;
    char *host;
    char **headers; /* one of them may hold the key */
    struct http_transfer *transfer;
    struct buf answer;
    int status;
};

struct window_note {
    struct window_note *next;
    char *label;
    int64_t tokens;
};

static void free_asking(struct window_asking *asking)
{
    if (asking) {
        headers_free(asking->headers);
        target_unref(asking->target);
        buf_release(&asking->answer);
        free(asking->host);
        free(asking);
    }
}

static void stop_asking(struct window_asking *asking)
{
    asking->engine->window_asking = NULL;
    free_asking(asking);
}

/* ---- what is known ---- */

/* With the lock held. */
static struct window_note *note_of(struct engine *engine, const char *label)
{
    struct window_note *note = engine->window_notes;
    while (note && strcmp(note->label, label) != 0) {
        note = note->next;
    }
    return note;
}

int64_t window_known(struct engine *engine, const char *label)
{
    pthread_mutex_lock(&engine->lock);
    const struct window_note *note = note_of(engine, label);
    int64_t tokens = note ? note->tokens : -1;
    pthread_mutex_unlock(&engine->lock);
    return tokens;
}

void window_learn(struct engine *engine, const char *label, int64_t tokens)
{
    pthread_mutex_lock(&engine->lock);
    struct window_note *note = note_of(engine, label);
    bool is_news = !note || note->tokens != tokens;
    if (!note) {
        note = xcalloc(1, sizeof(*note));
        note->label = xstrdup(label);
        note->next = engine->window_notes;
        engine->window_notes = note;
    }
    note->tokens = tokens;
    pthread_mutex_unlock(&engine->lock);
    if (is_news) {
        notice_publish(engine->broker, NOTICE_WINDOW, NULL, label, NULL);
    }
}

/* ---- asking ---- */

static void on_head(void *ctx, const struct http_head *head)
{
    struct window_asking *asking = ctx;
    asking->status = head->status;
}

static void on_body(void *ctx, struct sv bytes)
{
    struct window_asking *asking = ctx;
    (void)buf_append_sv(&asking->answer, bytes);
}

static void ask_step(struct window_asking *asking);

static void on_done(void *ctx, enum err_code code, const struct err *err)
{
    struct window_asking *asking = ctx;
    bool good = !code && asking->status == 200 && buf_ok(&asking->answer);
    int64_t tokens = good ? window_told(&asking->question, buf_sv(&asking->answer)) : -1;
    log_write(LOG_INFO, "the window of %s: %" PRId64 " tokens%s%s", asking->target->label, tokens,
              code ? ", " : "", code ? err->text : "");
    asking->transfer = NULL;
    if (tokens > 0) {
        window_learn(asking->engine, asking->target->label, tokens);
        stop_asking(asking);
    } else if (code) {
        stop_asking(asking);
    } else {
        asking->question.step++;
        ask_step(asking);
    }
}

static void send_question(struct window_asking *asking, const char *url, struct sv body)
{
    static const struct http_handlers handlers = {on_head, on_body, on_done};
    const struct config_provider *provider = &asking->target->provider;
    struct http_request request = {
        .url = url,
        .headers = (const char *const *)asking->headers,
        .body = body,
        .proxy = provider->proxy,
        .ca_file = provider->ca_file,
        .connect_us = asking->engine->config->connect_us,
        .first_byte_us = PATIENCE_US,
        .idle_us = PATIENCE_US,
    };
    struct err err;
    buf_clear(&asking->answer);
    asking->status = 0;
    if (http_start(asking->engine->http, &request, &handlers, asking, &asking->transfer, &err)) {
        log_write(LOG_WARN, "%s", err.text);
        stop_asking(asking);
    }
}

static void ask_step(struct window_asking *asking)
{
    struct buf url = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf body = BUF_INIT(BUF_MAX_INTERNAL);
    if (window_ask_where(&asking->question, &url, &body)) {
        struct sv post = body.n ? buf_sv(&body) : (struct sv){NULL, 0};
        send_question(asking, buf_cstr(&url), post);
    } else {
        stop_asking(asking);
    }
    buf_release(&url);
    buf_release(&body);
}

static bool is_configured(const struct engine *engine, const struct target *target)
{
    return models_find(engine->config, &target->provider, target->model).context > 0;
}

void window_ask(struct engine *engine, struct target *target)
{
    const struct config_provider *provider = &target->provider;
    bool native = provider->type->codec == &codec_ollama;
    const char *dialect = native ? "ollama" : provider->dialect;
    if (!engine->shows_windows || engine->window_asking || !dialect ||
        is_configured(engine, target)) {
        return;
    }
    struct window_asking *asking = xcalloc(1, sizeof(*asking));
    asking->engine = engine;
    asking->target = target_ref(target);
    asking->question = (struct window_question){dialect, provider->base_url, target->model, 0};
    buf_init(&asking->answer, ANSWER_MAX);
    engine->window_asking = asking;
    if (http_check_url(provider->base_url, provider->allow_plain_http, &asking->host, NULL)) {
        stop_asking(asking);
        return;
    }
    asking->headers = prepare_headers_again(engine, target, asking->host);
    ask_step(asking);
}

void window_forget(struct engine *engine)
{
    free_asking(engine->window_asking);
    engine->window_asking = NULL;
    while (engine->window_notes) {
        struct window_note *note = engine->window_notes;
        engine->window_notes = note->next;
        free(note->label);
        free(note);
    }
}
