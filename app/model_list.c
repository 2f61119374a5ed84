/*
 * Model lists. Sources: the providers' own references (OpenAI and its dialects, Anthropic, Gemini,
 * Ollama), as of 2026.
 */
#include "app/model_list.h"

#include <stdlib.h>
#include <string.h>

#include "app/codec_encode.h"
#include "app/json.h"
#include "app/records.h"
#include "base/alloc.h"

struct dialect {
    const char *protocol;
    const char *path;     /* of the first page, after the base URL */
    const char *page;     /* how a later page is asked for; NULL: there is one only */
    const char *list;     /* member that holds the models */
    const char *id;       /* member of a model */
    const char *next;     /* member that names the next page */
    const char *has_more; /* member that says whether there is one; NULL: `next` does */
};

static const struct dialect dialects[] = {
    {"openai", "/models", NULL, "data", "id", NULL, NULL},
    {"anthropic", "/v1/models?limit=1000", "&after_id=", "data", "id", "last_id", "has_more"},
    {"gemini", "/models?pageSize=1000", "&pageToken=", "models", "name", "nextPageToken", NULL},
    {"ollama", "/api/tags", NULL, "models", "name", NULL, NULL},
};

/* Others speak OpenAI's. */
static const struct dialect *dialect_of(const char *protocol)
{
    for (size_t i = 0; i < COUNT_OF(dialects); i++) {
        if (strcmp(dialects[i].protocol, protocol) == 0) {
            return &dialects[i];
        }
    }
    return &dialects[0];
}

void model_list_release(struct model_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].id);
    }
    free(list->entries);
    *list = (struct model_list){.entries = NULL};
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct model_entry *)a)->id, ((const struct model_entry *)b)->id);
}

void model_list_sort(struct model_list *list)
{
    size_t kept = 0;
    if (list->count) {
        qsort(list->entries, list->count, sizeof *list->entries, by_id);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (kept && strcmp(list->entries[kept - 1].id, list->entries[i].id) == 0) {
            free(list->entries[i].id);
        } else {
            list->entries[kept++] = list->entries[i];
        }
    }
    list->count = kept;
}

static void add(struct model_list *list, struct sv id, const struct model_facts *facts)
{
    if (id.n == 0 || list->count == MODEL_LIST_MAX) {
        return;
    }
    /* Doubled at each power of two. */
    list->entries = xgrow(list->entries, list->count, sizeof *list->entries);
    list->entries[list->count++] = (struct model_entry){xstrndup(id.p, id.n), *facts};
}

void model_list_url(const char *protocol, const char *base_url, struct sv page, struct buf *out)
{
    const struct dialect *dialect = dialect_of(protocol);
    (void)buf_appendf(out, "%s%s", base_url, dialect->path);
    if (page.n && dialect->page) {
        (void)buf_append_str(out, dialect->page);
        codec_append_segment(out, page);
    }
}

/* ---- what a list says of a model ---- */

static int64_t window_of(const cJSON *model)
{
    static const char *const names[] = {"context_length",     /* OpenRouter */
                                        "max_model_len",      /* vLLM */
                                        "context_window",     /* Groq */
                                        "max_context_length", /* Mistral, LM Studio */
                                        "max_input_tokens",   /* Anthropic */
                                        "inputTokenLimit"};   /* Gemini */
    int64_t tokens = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (json_get_int(model, names[i], &tokens) && tokens > 0) {
            return tokens;
        }
    }
    /* llama.cpp */
    bool trained = json_get_int(json_get(model, "meta"), "n_ctx_train", &tokens) && tokens > 0;
    return trained ? tokens : MONEY_UNKNOWN;
}

/* OpenRouter's prices are texts, dollars for one token; "-1" where they vary. */
static int64_t price_of(const cJSON *pricing, const char *name)
{
    int64_t price = MONEY_UNKNOWN;
    (void)money_parse(json_get_text(pricing, name), MONEY_PLACES_TOKEN, &price);
    return price;
}

static struct model_facts facts_of(const cJSON *model)
{
    const cJSON *pricing = json_get(model, "pricing");
    struct model_facts facts = model_facts_unknown();
    facts.context = window_of(model);
    facts.price.input = price_of(pricing, "prompt");
    facts.price.output = price_of(pricing, "completion");
    facts.price.cache_read = price_of(pricing, "input_cache_read");
    facts.price.cache_write = price_of(pricing, "input_cache_write");
    return facts;
}

/* Gemini lists models for embedding and speech as well. */
static bool answers(const cJSON *model)
{
    const cJSON *methods = json_get(model, "supportedGenerationMethods");
    const cJSON *method;
    cJSON_ArrayForEach(method, methods)
    {
        if (cJSON_IsString(method) && strcmp(method->valuestring, "generateContent") == 0) {
            return true;
        }
    }
    return !cJSON_IsArray(methods);
}

static char *next_page(const struct dialect *dialect, const cJSON *root)
{
    struct sv next = dialect->next ? json_get_text(root, dialect->next) : (struct sv){NULL, 0};
    bool more = !dialect->has_more || cJSON_IsTrue(json_get(root, dialect->has_more));
    return more && next.n ? xstrndup(next.p, next.n) : NULL;
}

enum err_code model_list_take(const char *protocol, struct sv body, struct model_list *list,
                              char **ret_next, struct err *err)
{
    const struct dialect *dialect = dialect_of(protocol);
    cJSON *tree = json_parse(body);
    const cJSON *models = cJSON_IsArray(tree) ? tree : json_get(tree, dialect->list);
    if (!cJSON_IsArray(models)) {
        cJSON_Delete(tree);
        return err_set(err, ERR_PROTOCOL, "what it sent is no list of models");
    }
    const cJSON *model;
    cJSON_ArrayForEach(model, models)
    {
        struct sv id = json_get_text(model, dialect->id);
        struct model_facts facts = facts_of(model);
        list->trained = list->trained || json_get(json_get(model, "meta"), "n_ctx_train");
        if (sv_starts_with(id, SV("models/"))) {
            id = sv_skip(id, SV("models/").n);
        }
        if (answers(model)) {
            add(list, id, &facts);
        }
    }
    *ret_next = next_page(dialect, tree);
    cJSON_Delete(tree);
    return ERR_OK;
}

/* ---- as it is kept ---- */

void model_list_write(const struct model_list *list, int64_t fetched, struct buf *out)
{
    (void)buf_append_byte(out, '{');
    record_int(out, "fetched", fetched);
    record_key(out, "models");
    (void)buf_append_byte(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct model_entry *entry = &list->entries[i];
        (void)buf_append_str(out, i ? ",\n{" : "{");
        record_text(out, "id", sv_from(entry->id));
        record_known(out, "context", entry->facts.context);
        record_known(out, "input", entry->facts.price.input);
        record_known(out, "output", entry->facts.price.output);
        record_known(out, "cache_read", entry->facts.price.cache_read);
        record_known(out, "cache_write", entry->facts.price.cache_write);
        (void)buf_append_byte(out, '}');
    }
    (void)buf_append_str(out, "]}\n");
}

static int64_t known(const cJSON *object, const char *name)
{
    int64_t value = 0;
    return json_get_int(object, name, &value) && value >= 0 ? value : MONEY_UNKNOWN;
}

enum err_code model_list_read(struct sv text, struct model_list *list, int64_t *ret_fetched,
                              struct err *err)
{
    cJSON *tree = json_parse(text);
    const cJSON *models = json_get(tree, "models");
    if (!cJSON_IsArray(models) || !json_get_int(tree, "fetched", ret_fetched)) {
        cJSON_Delete(tree);
        return err_set(err, ERR_PROTOCOL, "it is no list of models");
    }
    const cJSON *model;
    cJSON_ArrayForEach(model, models)
    {
        struct model_facts facts = model_facts_unknown();
        facts.context = known(model, "context");
        facts.price = (struct model_price){known(model, "input"), known(model, "output"),
                                           known(model, "cache_read"), known(model, "cache_write")};
        add(list, json_get_text(model, "id"), &facts);
    }
    cJSON_Delete(tree);
    return ERR_OK;
}
