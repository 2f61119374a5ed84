/*
 * Titles: one short-lived thread for one session, with connections of its own, so that the engine's
 * streams know nothing of it. The end of the engine wakes it.
 */
#include "app/titles.h"

#include <stdlib.h>
#include <string.h>

#include "app/budgeting.h"
#include "app/engine_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "store/claim.h"
#include "store/history.h"
#include "store/session.h"

#define CLAIM_KIND "title"
/* After so long somebody else may try. */
#define CLAIM_LIMIT_US CLOCK_S(300)
/* As much of the prompt and of the answer as tells what the session is about. */
#define EXCERPT_BYTES 2000
/* Of the answer, its reasoning included. */
#define TOKENS_MAX 1000
#define ANSWER_MAX ((size_t)4 << 10)

static const char instructions[] =
    "You give conversations their titles. Answer with the title only: at most six words, on one "
    "line, in the language of the conversation, without quotes and without a full stop.";

struct titling {
    struct engine *engine;
    struct ulid session;
    struct target *target;
    struct http_transfer *transfer;
    struct reply reply;
    struct buf answer;
    bool done, finished;
};

/* ---- what the model said ---- */

static bool is_quote(struct sv text, size_t *ret_length)
{
    static const char *const quotes[] = {"\"", "'", "`", "*", "“", "”", "„", "«", "»"};
    for (size_t i = 0; i < COUNT_OF(quotes); i++) {
        if (sv_starts_with(text, sv_from(quotes[i]))) {
            *ret_length = strlen(quotes[i]);
            return true;
        }
    }
    return false;
}

static bool ends_in_quote(struct sv text, size_t *ret_length)
{
    for (size_t n = 1; n <= 3 && n <= text.n; n++) {
        if (is_quote(sv_skip(text, text.n - n), ret_length) && *ret_length == n) {
            return true;
        }
    }
    return false;
}

static struct sv without_quotes(struct sv text)
{
    size_t length = 0;
    text = sv_trim(text);
    while (text.n > 0 && (is_quote(text, &length) || text.p[0] == '#')) {
        text = sv_trim(sv_skip(text, text.p[0] == '#' ? 1 : length));
    }
    while (text.n > 0 && ends_in_quote(text, &length)) {
        text = sv_trim(sv_take(text, text.n - length));
    }
    return text;
}

void title_clean(struct sv answer, struct buf *out)
{
    struct sv line = {"", 0};
    while (line.n == 0 && answer.n > 0 && sv_next_line(&answer, &line)) {
        line = without_quotes(line);
        if (sv_equal_nocase(sv_take(line, 6), SV("title:"))) {
            line = without_quotes(sv_skip(line, 6));
        }
    }
    if (line.n > 1 && line.p[line.n - 1] == '.' && line.p[line.n - 2] != '.') {
        line = without_quotes(sv_take(line, line.n - 1));
    }
    line = sv_take(line, utf8_cut(line.p, line.n, TITLE_MAX_BYTES));
    for (size_t i = 0; i < line.n; i++) {
        unsigned char byte = (unsigned char)line.p[i];
        (void)buf_append_byte(out, byte < 0x20 || byte == 0x7f ? ' ' : line.p[i]);
    }
}

/* ---- the request ---- */

static void on_event(void *ctx, const struct stream_event *event)
{
    struct titling *titling = ctx;
    if (event->kind == STREAM_TEXT) {
        (void)buf_append_sv(&titling->answer, event->text);
    } else if (event->kind == STREAM_FINISH) {
        titling->finished = true;
    } else if (event->kind == STREAM_ERROR) {
        log_write(LOG_INFO, "no title: %s", err_text(event->error));
    }
}

static void on_head(void *ctx, const struct http_head *head)
{
    struct titling *titling = ctx;
    reply_head(&titling->reply, head);
}

static void on_body(void *ctx, struct sv bytes)
{
    struct titling *titling = ctx;
    /* What does not end is not wanted: what there is of it may do. */
    titling->done =
        !reply_body(&titling->reply, bytes) || !buf_ok(&titling->answer) || titling->done;
}

static void on_done(void *ctx, enum err_code code, const struct err *err)
{
    struct titling *titling = ctx;
    titling->transfer = NULL;
    titling->done = true;
    reply_end(&titling->reply, code ? err : NULL, on_event, titling);
}

static void append_excerpt(struct buf *out, const char *who, const char *text)
{
    struct sv excerpt = sv_from(text);
    excerpt = sv_take(excerpt, utf8_cut(excerpt.p, excerpt.n, EXCERPT_BYTES));
    (void)buf_appendf(out, "%s:\n", who);
    (void)buf_append_sv(out, excerpt);
    (void)buf_append_str(out, "\n\n");
}

/* The first prompt, and the first answer with words. False: there is no answer yet. */
static bool read_beginning(struct titling *titling, struct buf *out)
{
    const struct history_query query = {
        .session = titling->session, .start = HISTORY_SEQ, .seq = -1, .newer = true, .limit = 4};
    struct history_lines lines = {.lines = NULL};
    bool asked = false;
    bool answered = false;
    if (history_lines(titling->engine->store, &query, &lines, NULL)) {
        return false;
    }
    for (size_t i = 0; i < lines.count && !answered; i++) {
        const struct history_line *line = &lines.lines[i];
        if (line->role == ROLE_USER && !asked) {
            append_excerpt(out, "User", line->text);
            asked = true;
        } else if (line->role == ROLE_ASSISTANT && asked && *line->text) {
            append_excerpt(out, "Assistant", line->text);
            answered = true;
        }
    }
    history_lines_release(&lines);
    return answered;
}

static enum err_code make_request(struct titling *titling, struct prepared *request,
                                  struct err *err)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    if (!read_beginning(titling, &text)) {
        buf_release(&text);
        return err_set(err, ERR_NOT_FOUND, "there is no answer yet");
    }
    struct message *prompt = message_new();
    prompt->role = ROLE_USER;
    prompt->ended = true;
    (void)message_add_part(prompt, PART_TEXT, buf_sv(&text));
    buf_release(&text);
    struct chat_extras extras = {.options = {.has_max_tokens = true, .max_tokens = TOKENS_MAX}};
    const struct prepare_hidden hidden = {titling->engine, titling->target, instructions, prompt,
                                          &extras};
    enum err_code code = prepare_hidden(&hidden, request, err);
    message_free(prompt);
    return code;
}

/* False: weir is ending, or the request failed. */
static bool wait_for_answer(struct titling *titling, struct http *http)
{
    bool halted = false;
    while (!titling->done && !halted) {
        halted = http_poll(http, titling->engine->halt.read_fd, CLOCK_NEVER);
    }
    if (titling->transfer) {
        http_cancel(http, titling->transfer);
        reply_end(&titling->reply, NULL, on_event, titling);
    }
    /* What was cut for its length begins with a title all the same. */
    return !halted && (titling->finished || !buf_ok(&titling->answer));
}

static bool ask(struct titling *titling, struct err *err)
{
    static const struct http_handlers handlers = {on_head, on_body, on_done};
    const struct config *config = titling->engine->config;
    const struct config_provider *provider = &titling->target->provider;
    struct prepared prepared = {.url = NULL};
    struct http *http = NULL;
    bool good = false;
    enum err_code code = make_request(titling, &prepared, err);
    code = code ? code : http_open(&http, err);
    if (!code) {
        const struct http_request request = {
            .url = prepared.url,
            .headers = (const char *const *)prepared.headers,
            .body = buf_sv(&prepared.body),
            .proxy = provider->proxy,
            .ca_file = provider->ca_file,
            .connect_us = config->connect_us,
            .first_byte_us = config->first_byte_us,
            .idle_us = config->idle_us,
        };
        reply_init(&titling->reply, provider->type->codec, titling->target->label, on_event,
                   titling);
        code = http_start(http, &request, &handlers, titling, &titling->transfer, err);
        good = !code && wait_for_answer(titling, http);
        reply_release(&titling->reply);
    }
    http_close(http);
    prepared_release(&prepared);
    return good;
}

/* ---- once, and never over the user's ---- */

static bool is_wanted(struct titling *titling)
{
    struct session session = {.name = NULL};
    if (session_get(titling->engine->store, &titling->session, &session, NULL)) {
        return false;
    }
    bool wanted = session.title_by == TITLE_BY_PROMPT && session.deleted_us == 0;
    session_release(&session);
    return wanted;
}

static enum err_code set_title(struct titling *titling, struct sv title, struct err *err)
{
    const struct session_change change = {
        .fields = SESSION_SET_TITLE, .title = title, .title_by = TITLE_BY_MODEL};
    return session_update(titling->engine->store, &titling->session, &change, err);
}

static void make_claimed(struct titling *titling, const struct claim *claim)
{
    struct store *store = titling->engine->store;
    struct buf title = BUF_INIT(BUF_MAX_INTERNAL);
    struct err err = {0};
    enum err_code code = ERR_OK;
    if (ask(titling, &err)) {
        title_clean(buf_sv(&titling->answer), &title);
    }
    if (title.n > 0) {
        code = set_title(titling, buf_sv(&title), &err);
        code = code ? code : claim_finish(store, claim, buf_sv(&title), &err);
    } else {
        struct err late = {0};
        code = claim_release(store, claim, &late) ? late.code : err.code;
    }
    if (code) {
        log_write(LOG_INFO, "no title: %s", err.text[0] ? err.text : err_text(code));
    }
    buf_release(&title);
}

static void make(struct titling *titling)
{
    struct claim claim;
    enum claim_outcome outcome = CLAIM_HELD;
    struct err err = {0};
    if (!is_wanted(titling)) {
        return;
    }
    if (claim_take(titling->engine->store, SV(CLAIM_KIND), sv_from(titling->session.text),
                   CLAIM_LIMIT_US, &claim, &outcome, &err)) {
        log_write(LOG_INFO, "no title: %s", err.text);
    } else if (outcome == CLAIM_TAKEN) {
        make_claimed(titling, &claim);
    }
}

static void titling_free(struct titling *titling)
{
    target_unref(titling->target);
    buf_release(&titling->answer);
    free(titling);
}

static void *titling_main(void *arg)
{
    struct titling *titling = arg;
    struct engine *engine = titling->engine;
    make(titling);
    titling_free(titling);
    engine_thread_ended(engine);
    return NULL;
}

/* The one who is asked; NULL: nobody, and the log says why. */
static struct target *find_target(const struct config *config)
{
    struct model_choice choice;
    struct err err = {0};
    struct target *target = NULL;
    if (model_choose(config, config->title_model, &choice, &err)) {
        log_write(LOG_WARN, "no titles: %s", err.text);
        return NULL;
    }
    const struct budget_limits limits = budget_limits_of(config, choice.label);
    if (!choice.provider.type->codec) {
        log_write(LOG_WARN, "no titles: '%s' makes none", choice.label);
    } else if (budget_is_limited(&limits)) {
        log_write(LOG_INFO, "no titles: a budget holds for '%s'", choice.label);
    } else {
        target = target_new(config, &choice.provider, choice.model, NULL);
    }
    model_choice_release(&choice);
    return target;
}

void titles_make(struct engine *engine, const struct ulid *session)
{
    struct err err = {0};
    struct target *target =
        engine->makes_titles && engine->config->title_model ? find_target(engine->config) : NULL;
    if (!target) {
        return;
    }
    struct titling *titling = xcalloc(1, sizeof(*titling));
    titling->engine = engine;
    titling->session = *session;
    titling->target = target;
    buf_init(&titling->answer, ANSWER_MAX);
    if (engine_spawn(engine, "weir-title", titling_main, titling, &err)) {
        log_write(LOG_INFO, "no title: %s", err.text);
        titling_free(titling);
    }
}
