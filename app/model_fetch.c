/*
 * Fetching model lists. All first pages are asked for together; each transfer goes on to its next
 * page by itself.
 */
#include "app/model_fetch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "app/codec.h"
#include "app/headers.h"
#include "app/http.h"
#include "app/provider.h"
#include "app/window.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define BODY_MAX ((size_t)32 << 20)
#define PAGES_MAX 50
/* Each of them reads what the server says of all. */
#define WINDOWS_MAX 1000
#define DAY_S (24 * 60 * 60)

struct fetching {
    struct http *http;
    const struct config *config;
    struct model_fetch *fetch;
    struct http_transfer *transfer;
    const char *base_url;
    char *host;
    char *key;
    char **headers; /* one of them may hold the key */
    struct buf body;
    int status;
    unsigned pages;
    char *page;                    /* the one that was asked for last; NULL: the first */
    struct window_question window; /* once the list is whole; before that without a dialect */
};

/* ---- what is kept ---- */

static char *cache_path(const struct config_provider *provider)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a over type and URL */
    const char *url = provider->base_url ? provider->base_url : provider->type->base_url;
    char *text = xasprintf("%s %s %s", provider->name, provider->type->name, url);
    for (const char *p = text; *p; p++) {
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    }
    free(text);
    char *name = xasprintf("models/%016" PRIx64 ".json", hash);
    char *path = NULL;
    if (file_xdg_path(XDG_CACHE, name, &path, NULL)) {
        path = NULL;
    }
    free(name);
    return path;
}

/* False: there is nothing, or nothing that can be read. */
static bool read_kept(const struct config_provider *provider, struct model_list *list,
                      int64_t *ret_age)
{
    struct buf text = BUF_INIT(BODY_MAX);
    char *path = cache_path(provider);
    int64_t fetched = 0;
    bool good = path && file_exists(path) && file_read(path, &text, NULL) == ERR_OK &&
                model_list_read(buf_sv(&text), list, &fetched, NULL) == ERR_OK;
    if (good) {
        *ret_age = (int64_t)time(NULL) - fetched;
    } else {
        model_list_release(list);
    }
    buf_release(&text);
    free(path);
    return good;
}

static void keep(const struct model_fetch *fetch)
{
    struct buf text = BUF_INIT(BODY_MAX);
    struct err err = {0};
    char *path = cache_path(fetch->provider);
    model_list_write(&fetch->list, (int64_t)time(NULL), &text);
    if (path && buf_ok(&text) &&
        (file_make_parent(path, &err) || file_write_atomic(path, buf_sv(&text), &err))) {
        log_write(LOG_WARN, "%s", err.text);
    }
    buf_release(&text);
    free(path);
}

static void take_shipped(struct model_fetch *fetch)
{
    struct model_facts none = model_facts_unknown();
    const char **ids = models_shipped(fetch->provider);
    size_t count = 0;
    while (ids[count]) {
        count++;
    }
    fetch->source = MODELS_SHIPPED;
    fetch->list.entries = xcalloc(count + 1, sizeof *fetch->list.entries);
    for (size_t i = 0; i < count; i++) {
        fetch->list.entries[i] = (struct model_entry){xstrdup(ids[i]), none};
    }
    fetch->list.count = count;
    free(ids);
}

/* ---- the transfers ---- */

/* What could not be fetched is shown as it was, or as it was shipped. */
static void give_up(struct fetching *self, const struct err *err)
{
    int64_t age = 0;
    struct buf clean = BUF_INIT(ERR_TEXT_SIZE * 4);
    const char *const *configured = (const char *const *)self->fetch->provider->headers;
    model_list_release(&self->fetch->list);
    key_redact(self->key, configured, sv_from(err->text), &clean);
    (void)err_set(&self->fetch->err, err->code, "%s", buf_cstr(&clean));
    buf_release(&clean);
    self->fetch->source = MODELS_KEPT;
    if (!read_kept(self->fetch->provider, &self->fetch->list, &age)) {
        take_shipped(self->fetch);
    }
}

static void on_head(void *ctx, const struct http_head *head)
{
    struct fetching *self = ctx;
    self->status = head->status;
}

static void on_body(void *ctx, struct sv bytes)
{
    struct fetching *self = ctx;
    (void)buf_append_sv(&self->body, bytes);
}

static enum err_code read_page(struct fetching *self, char **ret_next, struct err *err)
{
    if (self->status >= 300) {
        struct http_failure failure;
        char *no_key = provider_without_key(self->fetch->provider);
        http_failure_describe(self->status, buf_sv(&self->body), self->host, no_key, &failure);
        free(no_key);
        return err_set(err, failure.code, "%s", failure.text);
    }
    if (!buf_ok(&self->body)) {
        return err_set(err, ERR_TOO_BIG, "the list of '%s' is larger than %zu MiB", self->host,
                       BODY_MAX >> 20);
    }
    enum err_code code = model_list_take(self->fetch->provider->type->name, buf_sv(&self->body),
                                         &self->fetch->list, ret_next, err);
    return code ? err_prefix(err, "%s", self->host) : ERR_OK;
}

static void ask(struct fetching *self, struct sv page);
static void ask_at(struct fetching *self, const struct buf *url);

static void finish_list(struct fetching *self)
{
    self->fetch->source = MODELS_FETCHED;
    model_list_sort(&self->fetch->list);
    keep(self->fetch);
}

/* How many tokens fit now: llama.cpp's list has what the model was trained for, Ollama's nothing.
 * Only of one model the former tells by its properties. */
static bool ask_window(struct fetching *self)
{
    const struct model_list *list = &self->fetch->list;
    bool is_ollama = self->fetch->provider->type->codec == &codec_ollama;
    struct buf url = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf body = BUF_INIT(BUF_MAX_INTERNAL);
    if (!is_ollama && !(list->trained && list->count == 1)) {
        return false;
    }
    self->window =
        (struct window_question){is_ollama ? "ollama" : "llama.cpp", self->base_url, "", 0};
    if (window_ask_where(&self->window, &url, &body)) {
        ask_at(self, &url);
    }
    buf_release(&url);
    buf_release(&body);
    return true;
}

/* The list is good also where the server does not tell more. */
static void take_window(struct fetching *self, enum err_code code)
{
    struct model_list *list = &self->fetch->list;
    bool good = !code && self->status == 200 && buf_ok(&self->body);
    for (size_t i = 0; good && i < list->count && i < WINDOWS_MAX; i++) {
        self->window.model = list->entries[i].id;
        int64_t tokens = window_told(&self->window, buf_sv(&self->body));
        if (tokens > 0) {
            list->entries[i].facts.context = tokens;
        }
    }
    finish_list(self);
}

static void on_done(void *ctx, enum err_code code, const struct err *err)
{
    struct fetching *self = ctx;
    struct err why = {0};
    char *next = NULL;
    self->transfer = NULL;
    if (self->window.dialect) {
        take_window(self, code);
        return;
    }
    if (code) {
        give_up(self, err);
        return;
    }
    if (read_page(self, &next, &why)) {
        give_up(self, &why);
    } else if (next && ++self->pages < PAGES_MAX && !sv_equal(sv_from(next), sv_from(self->page))) {
        ask(self, sv_from(next));
        free(self->page);
        self->page = next;
        next = NULL;
    } else if (!ask_window(self)) {
        finish_list(self);
    }
    free(next);
}

static void ask(struct fetching *self, struct sv page)
{
    struct buf url = BUF_INIT(BUF_MAX_INTERNAL);
    model_list_url(self->fetch->provider->type->name, self->base_url, page, &url);
    ask_at(self, &url);
    buf_release(&url);
}

static void ask_at(struct fetching *self, const struct buf *url)
{
    static const struct http_handlers handlers = {on_head, on_body, on_done};
    struct err err = {0};
    struct http_request request = {
        .url = buf_cstr(url),
        .headers = (const char *const *)self->headers,
        .proxy = self->fetch->provider->proxy,
        .ca_file = self->fetch->provider->ca_file,
        .connect_us = self->config->connect_us,
        .first_byte_us = CLOCK_S(30),
        .idle_us = CLOCK_S(30),
    };
    buf_clear(&self->body);
    self->status = 0;
    if (http_start(self->http, &request, &handlers, self, &self->transfer, &err) == ERR_OK) {
        return;
    }
    if (self->window.dialect) {
        finish_list(self);
    } else {
        give_up(self, &err);
    }
}

static void start(struct fetching *self)
{
    const struct config_provider *provider = self->fetch->provider;
    struct err err = {0};
    buf_init(&self->body, BODY_MAX);
    self->base_url = provider->base_url ? provider->base_url : provider->type->base_url;
    if (http_check_url(self->base_url, provider->allow_plain_http, &self->host, &err) ||
        provider_key(provider, &self->key, &err)) {
        give_up(self, &err);
        return;
    }
    const struct chat_request request = {
        .model = "", .label = "", .host = self->host, .dialect = provider->dialect};
    self->headers = headers_make(provider, &request, self->key);
    ask(self, (struct sv){NULL, 0});
}

static void finish(struct fetching *self)
{
    headers_free(self->headers);
    key_free(self->key);
    free(self->host);
    free(self->page);
    buf_release(&self->body);
}

static bool is_kept(struct model_fetch *fetch)
{
    int64_t age = 0;
    bool fresh = read_kept(fetch->provider, &fetch->list, &age) && age >= 0 && age < DAY_S;
    fetch->source = MODELS_KEPT;
    if (!fresh) {
        model_list_release(&fetch->list);
    }
    return fresh;
}

bool model_fetch_kept(const struct config_provider *provider, struct model_list *ret_list)
{
    int64_t age = 0;
    *ret_list = (struct model_list){.entries = NULL};
    return provider->type->codec && read_kept(provider, ret_list, &age);
}

void model_fetch(const struct config *config, struct model_fetch *fetches, size_t count,
                 bool refresh)
{
    struct fetching *all = xcalloc(count + 1, sizeof *all);
    struct http *http = NULL;
    struct err err = {0};
    bool open = http_open(&http, &err) == ERR_OK;
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct fetching){.http = http, .config = config, .fetch = &fetches[i]};
        if (!refresh && is_kept(&fetches[i])) {
            continue;
        }
        if (open) {
            start(&all[i]);
        } else {
            give_up(&all[i], &err);
        }
    }
    while (open && http_active(http)) {
        http_poll(http, -1, CLOCK_NEVER);
    }
    for (size_t i = 0; i < count; i++) {
        finish(&all[i]);
    }
    http_close(http);
    free(all);
}

void model_fetch_release(struct model_fetch *fetch)
{
    model_list_release(&fetch->list);
}
