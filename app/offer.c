/*
 * Offer: a model server that runs on this machine is found, offered, and used only after a yes,
 * which is remembered.
 *
 * Anyone on the machine can listen on a port, so finding one sends it nothing. After the yes its
 * list of models is asked for, and the first one is used.
 */
#include <stdlib.h>

#include "app/engine_internal.h"
#include "app/json.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "ui/notice.h"

#define LIST_MAX ((size_t)4 << 20)
#define MEMORY_MAX ((size_t)64 << 10)

/* Base URLs that the user once said yes to, one a line. Gives the path, or NULL. */
static char *memory_path(void)
{
    char *path = NULL;
    return file_xdg_path(XDG_STATE, "local-servers", &path, NULL) == ERR_OK ? path : NULL;
}

static bool is_remembered(struct sv memory, const char *base_url)
{
    struct sv line = {NULL, 0};
    while (sv_next_line(&memory, &line)) {
        if (sv_equal_str(line, base_url)) {
            return true;
        }
    }
    return false;
}

static bool was_accepted(const struct local_server *server)
{
    struct buf memory = BUF_INIT(MEMORY_MAX);
    char *path = memory_path();
    bool accepted = path && file_read(path, &memory, NULL) == ERR_OK &&
                    is_remembered(buf_sv(&memory), server->base_url);
    buf_release(&memory);
    free(path);
    return accepted;
}

struct remembering {
    struct engine *engine;
    const struct local_server *server;
};

static void *remember_main(void *arg)
{
    struct remembering *self = arg;
    struct buf memory = BUF_INIT(MEMORY_MAX);
    struct err err;
    char *path = memory_path();
    if (path && file_exists(path) && file_read(path, &memory, &err)) {
        log_write(LOG_WARN, "%s", err.text);
    }
    buf_appendf(&memory, "%s\n", self->server->base_url);
    if (path && buf_ok(&memory) &&
        (file_make_parent(path, &err) || file_write_atomic(path, buf_sv(&memory), &err))) {
        log_write(LOG_WARN, "%s", err.text);
    }
    buf_release(&memory);
    free(path);
    engine_thread_ended(self->engine);
    free(self);
    return NULL;
}

static void remember(struct engine *engine)
{
    struct remembering *self = xcalloc(1, sizeof(*self));
    *self = (struct remembering){engine, engine->offered};
    if (engine_spawn(engine, "weir-remember", remember_main, self, NULL)) {
        free(self);
    }
}

static void *look_main(void *arg)
{
    struct engine *engine = arg;
    struct order *order = xcalloc(1, sizeof(*order));
    order->kind = ORDER_FOUND;
    order->server = local_server_find();
    order->yes = order->server && was_accepted(order->server);
    engine_post(engine, order);
    engine_thread_ended(engine);
    return NULL;
}

void offer_look(struct engine *engine)
{
    struct err err;
    if (engine_spawn(engine, "weir-look", look_main, engine, &err)) {
        notice_publish(engine->broker, NOTICE_INFO, NULL, err.text, NULL);
    }
}

static void use_model(struct engine *engine, const char *model)
{
    /* The name is a constant of the table of local servers, which nobody writes to. */
    struct config_provider provider = {
        .name = (char *)(uintptr_t)engine->offered->name,
        .type = provider_type_find("openai"),
        /* Each of them is a dialect, too. */
        .dialect = (char *)(uintptr_t)engine->offered->name,
        .found = true,
    };
    struct target *target = target_new(engine->config, &provider, model, engine->offered->base_url);
    target_unref(engine->target);
    engine->target = target;
    char *why = xasprintf("prompts go to %s on this machine from now on", engine->offered->name);
    notice_publish(engine->broker, NOTICE_MODEL, NULL, target->label, why);
    free(why);
}

static void on_head(void *ctx, const struct http_head *head)
{
    struct engine *engine = ctx;
    engine->list_status = head->status;
}

static void on_body(void *ctx, struct sv bytes)
{
    struct engine *engine = ctx;
    buf_append_sv(&engine->list_body, bytes);
}

static char *first_model(const struct engine *engine)
{
    cJSON *json = buf_ok(&engine->list_body) ? json_parse(buf_sv(&engine->list_body)) : NULL;
    const cJSON *first = cJSON_GetArrayItem(json_get(json, "data"), 0);
    struct sv id = json_get_text(first, "id");
    char *model = id.n > 0 ? xstrndup(id.p, id.n) : NULL;
    cJSON_Delete(json);
    return model;
}

static void on_done(void *ctx, enum err_code code, const struct err *err)
{
    struct engine *engine = ctx;
    engine->listing = NULL;
    char *model = code == ERR_OK && engine->list_status == 200 ? first_model(engine) : NULL;
    if (model) {
        use_model(engine, model);
    } else {
        char *text = xasprintf("%s did not give its list of models%s%s; the demo goes on",
                               engine->offered->name, code ? ": " : "", code ? err->text : "");
        notice_publish(engine->broker, NOTICE_PROBLEM, NULL, text, NULL);
        free(text);
    }
    free(model);
    buf_release(&engine->list_body);
}

static void list_models(struct engine *engine)
{
    static const struct http_handlers handlers = {on_head, on_body, on_done};
    char *url = xasprintf("%s/models", engine->offered->base_url);
    struct http_request request = {
        .url = url,
        .connect_us = engine->config->connect_us,
        .first_byte_us = CLOCK_S(10),
        .idle_us = CLOCK_S(10),
    };
    struct err err;
    engine->list_status = 0;
    buf_init(&engine->list_body, LIST_MAX);
    if (http_start(engine->http, &request, &handlers, engine, &engine->listing, &err)) {
        notice_publish(engine->broker, NOTICE_PROBLEM, NULL, err.text, NULL);
    }
}

void offer_found(struct engine *engine, const struct local_server *server, bool accepted)
{
    if (!server || engine->stop_seen) {
        return;
    }
    engine->offered = server;
    if (accepted) {
        list_models(engine);
        return;
    }
    char *question = xasprintf("%s seems to run at %s. Use it?", server->name, server->base_url);
    notice_publish(engine->broker, NOTICE_OFFER, NULL, question, NULL);
    free(question);
}

void offer_answered(struct engine *engine, bool yes)
{
    if (engine->offered && !yes) {
        char *text =
            xasprintf("%s is left alone; the next start of weir asks again", engine->offered->name);
        notice_publish(engine->broker, NOTICE_INFO, NULL, text, NULL);
        free(text);
    } else if (engine->offered && !engine->listing) {
        remember(engine);
        list_models(engine);
    }
}
