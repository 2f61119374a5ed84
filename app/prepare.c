/*
 * Preparing: everything a request needs that may take time: the key (a command may ask the user),
 * the history (a read of the database), the body. On a short-lived thread of its own, so that no
 * stream waits for it.
 */
#include <stdlib.h>
#include <string.h>

#include "app/body_patch.h"
#include "app/engine_internal.h"
#include "app/headers.h"
#include "app/models.h"
#include "base/alloc.h"
#include "store/attachment.h"
#include "store/history.h"

#define PAGE 200
/* A conversation of which more than this was sent was read in many small pieces. */
#define LARGE_BODY (512 << 10)

struct preparing {
    struct engine *engine;
    struct run *run;           /* NULL: none */
    const struct asked *asked; /* of the run: it never changes, and the run waits for us */
    struct target *target;
    struct turn turn;
    bool plain; /* without native items */
};

struct conversation {
    struct message **messages;
    size_t count;
    struct chat_attachment *attachments; /* of earlier prompts, and those of the order */
    struct buf *contents;                /* bytes of the earlier ones */
    size_t attachment_count, content_count;
};

static void conversation_release(struct conversation *conversation)
{
    for (size_t i = 0; i < conversation->count; i++) {
        message_free(conversation->messages[i]);
    }
    for (size_t i = 0; i < conversation->content_count; i++) {
        buf_release(&conversation->contents[i]);
    }
    free(conversation->contents);
    free(conversation->attachments);
    free(conversation->messages);
}

/* Takes the page's messages, which go before those that are there. */
static void take_page(struct conversation *conversation, struct history_page *page)
{
    size_t count = conversation->count + page->count;
    struct message **all = xcalloc(count > 0 ? count : 1, sizeof(*all));
    if (page->count > 0) {
        memcpy(all, page->messages, page->count * sizeof(*all));
    }
    if (conversation->count > 0) {
        memcpy(all + page->count, conversation->messages, conversation->count * sizeof(*all));
    }
    free(conversation->messages);
    conversation->messages = all;
    conversation->count = count;
    page->count = 0;
}

/* All that stands before the answer on its branch. */
static enum err_code load_conversation(const struct preparing *preparing,
                                       struct conversation *conversation, struct err *err)
{
    struct history_query query = {
        .session = preparing->turn.session,
        .branch = preparing->turn.branch,
        .start = HISTORY_MESSAGE,
        .message = preparing->turn.answer,
        .limit = PAGE,
    };
    bool more = true;
    while (more) {
        struct history_page page = {0};
        enum err_code code = history_page(preparing->engine->store, &query, &page, err);
        if (code) {
            return code;
        }
        more = ulid_is_set(&page.next);
        query.message = page.next;
        take_page(conversation, &page);
        history_page_release(&page);
    }
    return ERR_OK;
}

/* ---- attachments ---- */

static bool has_attachment(const struct conversation *conversation, const char *id)
{
    for (size_t i = 0; i < conversation->attachment_count; i++) {
        if (sv_equal_str(conversation->attachments[i].id, id)) {
            return true;
        }
    }
    return false;
}

static struct chat_attachment *add_attachment(struct conversation *conversation)
{
    size_t count = ++conversation->attachment_count;
    conversation->attachments =
        xrealloc(conversation->attachments, count * sizeof(*conversation->attachments));
    return &conversation->attachments[count - 1];
}

/* What is not there any more is left out: the part names it, and the protocol says so. */
static enum err_code read_attachment(const struct preparing *preparing,
                                     const struct message_part *part,
                                     struct conversation *conversation, struct err *err)
{
    struct buf content = BUF_INIT(ATTACHMENT_MAX_BYTES);
    enum err_code code =
        attachment_read(preparing->engine->store, sv_from(part->tool_id), &content, err);
    if (code) {
        buf_release(&content);
        return code == ERR_NOT_FOUND ? ERR_OK : code;
    }
    size_t count = ++conversation->content_count;
    conversation->contents = xrealloc(conversation->contents, count * sizeof(struct buf));
    conversation->contents[count - 1] = content;
    *add_attachment(conversation) = (struct chat_attachment){
        .id = sv_from(part->tool_id),
        .media_type = sv_from(part->tool_name),
        .name = sv_of(part->text, part->text_n),
        .bytes = buf_sv(&content),
    };
    return ERR_OK;
}

static enum err_code load_attachments(const struct preparing *preparing,
                                      struct conversation *conversation, struct err *err)
{
    const struct chat_extras *extras = preparing->asked->extras;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < extras->attachment_count; i++) {
        *add_attachment(conversation) = extras->attachments[i];
    }
    for (size_t i = 0; i < conversation->count; i++) {
        const struct message *message = conversation->messages[i];
        for (size_t at = 0; code == ERR_OK && at < message->part_count; at++) {
            const struct message_part *part = &message->parts[at];
            if (part->kind == PART_ATTACHMENT && part->tool_id &&
                !has_attachment(conversation, part->tool_id)) {
                code = read_attachment(preparing, part, conversation, err);
            }
        }
    }
    return code;
}

/* The key is asked for once, and kept in memory. */
static enum err_code find_key(const struct preparing *preparing, char **ret_key, struct err *err)
{
    struct engine *engine = preparing->engine;
    pthread_mutex_lock(&engine->lock);
    char *key = xstrdup(preparing->target->key);
    pthread_mutex_unlock(&engine->lock);
    if (preparing->target->provider.found && !preparing->target->provider.api_key_env) {
        key_free(key);
        key = NULL;
    } else if (!key) {
        enum err_code code =
            provider_key_until(&preparing->target->provider, engine->halt.read_fd, &key, err);
        if (code) {
            return code;
        }
        pthread_mutex_lock(&engine->lock);
        key_free(preparing->target->key);
        preparing->target->key = xstrdup(key);
        pthread_mutex_unlock(&engine->lock);
    }
    *ret_key = key;
    return ERR_OK;
}

static char *make_url(const struct config_provider *provider, const struct chat_request *request)
{
    struct buf url = BUF_INIT(BUF_MAX_INTERNAL);
    (void)buf_append_str(&url, provider->base_url);
    provider->type->codec->path(request, &url);
    return buf_detach(&url);
}

/* What the config wants in the body goes before what the protocol says. */
static enum err_code patch_body(const struct config *config, const struct target *target,
                                struct buf *body, struct err *err)
{
    enum err_code code = body_patch(body, sv_from(target->provider.body), err);
    for (size_t i = 0; !code && i < config->model_count; i++) {
        if (strcmp(config->models[i].name, target->label) == 0) {
            code = body_patch(body, sv_from(config->models[i].body), err);
        }
    }
    return code;
}

static bool has_natives(const struct preparing *preparing, const struct conversation *conversation)
{
    const char *label = preparing->target->label;
    for (size_t i = 0; !preparing->plain && i < conversation->count; i++) {
        const struct message *message = conversation->messages[i];
        bool own = message->model && strcmp(message->model, label) == 0;
        for (size_t at = 0; own && at < message->part_count; at++) {
            if (message->parts[at].kind == PART_NATIVE) {
                return true;
            }
        }
    }
    return false;
}

static enum err_code make_request(const struct preparing *preparing,
                                  const struct conversation *conversation,
                                  struct prepared *prepared, struct err *err)
{
    const struct target *target = preparing->target;
    const struct asked *asked = preparing->asked;
    enum err_code code = http_check_url(target->provider.base_url,
                                        target->provider.allow_plain_http, &prepared->host, err);
    if (code == ERR_OK) {
        code = find_key(preparing, &prepared->key, err);
    }
    if (code) {
        return code;
    }
    struct chat_request request = {
        .model = target->model,
        /* Items of another label are left out. */
        .label = preparing->plain ? "" : target->label,
        .host = prepared->host,
        .api_version = target->provider.api_version,
        .dialect = target->provider.dialect,
        .context_tokens =
            models_find(preparing->engine->config, &target->provider, target->model).context,
        .system = sv_from(asked->system ? asked->system : target->system),
        .messages = conversation->messages,
        .message_count = conversation->count,
        .options = asked->extras->options,
        .attachments = conversation->attachments,
        .attachment_count = conversation->attachment_count,
        .continues = asked->kind == TURN_CONTINUE || asked->extras->continues,
    };
    prepared->has_natives = has_natives(preparing, conversation);
    prepared->url = make_url(&target->provider, &request);
    prepared->headers = headers_make(&target->provider, &request, prepared->key);
    buf_init(&prepared->body, BUF_MAX_INTERNAL);
    code = target->provider.type->codec->encode(&request, &prepared->body, err);
    return code ? code : patch_body(preparing->engine->config, target, &prepared->body, err);
}

static enum err_code make_player(const struct preparing *preparing,
                                 const struct conversation *conversation,
                                 struct player **ret_player, struct err *err)
{
    const struct target *target = preparing->target;
    if (provider_type_replays(target->provider.type)) {
        return player_of_recording(target->model, conversation->messages, conversation->count,
                                   ret_player, err);
    }
    *ret_player = player_of_demo(conversation->messages, conversation->count);
    return ERR_OK;
}

static enum err_code prepare(const struct preparing *preparing, struct prepared *prepared,
                             struct err *err)
{
    struct conversation conversation = {0};
    enum err_code code = load_conversation(preparing, &conversation, err);
    bool asks = preparing->target->provider.type->codec != NULL;
    if (code == ERR_OK && asks) {
        code = load_attachments(preparing, &conversation, err);
    }
    if (code == ERR_OK && asks) {
        code = make_request(preparing, &conversation, prepared, err);
    } else if (code == ERR_OK && !asks) {
        code = make_player(preparing, &conversation, &prepared->player, err);
    }
    conversation_release(&conversation);
    if (prepared->body.n > LARGE_BODY) {
        alloc_trim();
    }
    return code;
}

static void *prepare_main(void *arg)
{
    struct preparing *preparing = arg;
    struct engine *engine = preparing->engine;
    struct order *order = xcalloc(1, sizeof(*order));
    order->kind = ORDER_PREPARED;
    order->run = preparing->run;
    order->code = prepare(preparing, &order->prepared, &order->err);
    engine_post(engine, order);
    target_unref(preparing->target);
    free(preparing);
    engine_thread_ended(engine);
    return NULL;
}

enum err_code prepare_start(struct run *run, struct err *err)
{
    struct preparing *preparing = xcalloc(1, sizeof(*preparing));
    *preparing = (struct preparing){
        run->engine, run, &run->asked, target_ref(run->target), run->turn, run->asked_plain};
    enum err_code code = engine_spawn(run->engine, "weir-prepare", prepare_main, preparing, err);
    if (code) {
        target_unref(preparing->target);
        free(preparing);
    }
    return code;
}

enum err_code prepare_hidden(const struct prepare_hidden *hidden, struct prepared *ret_prepared,
                             struct err *err)
{
    char *system = xstrdup(hidden->system);
    const struct asked asked = {.system = system, .extras = hidden->extras};
    const struct preparing preparing = {
        .engine = hidden->engine, .asked = &asked, .target = hidden->target};
    struct message *prompt = hidden->prompt;
    const struct conversation conversation = {.messages = &prompt, .count = 1};
    enum err_code code = make_request(&preparing, &conversation, ret_prepared, err);
    free(system);
    return code;
}

char **prepare_headers_again(struct engine *engine, struct target *target, const char *host)
{
    struct chat_request request = {
        .model = target->model,
        .label = target->label,
        .host = host,
        .api_version = target->provider.api_version,
        .dialect = target->provider.dialect,
    };
    pthread_mutex_lock(&engine->lock);
    char *key = xstrdup(target->key);
    pthread_mutex_unlock(&engine->lock);
    char **headers = headers_make(&target->provider, &request, key);
    key_free(key);
    return headers;
}

void prepared_release(struct prepared *prepared)
{
    free(prepared->url);
    free(prepared->host);
    headers_free(prepared->headers);
    key_free(prepared->key);
    buf_release(&prepared->body);
    player_free(prepared->player);
    *prepared = (struct prepared){0};
}
