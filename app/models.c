/*
 * Models: finding one in the config and in the shipped table, and what an answer costs.
 *
 * An id is looked up as it is, then without what marks a version (a date at its end, "@…",
 * ":latest"), then after its last slash.
 */
#include "app/models.h"

#include <stdlib.h>
#include <string.h>

#include "app/codec_encode.h"
#include "app/http.h"
#include "app/models_internal.h"
#include "app/provider.h"
#include "base/alloc.h"

#define MILLION 1000000

static const struct model_price unknown_price = {MONEY_UNKNOWN, MONEY_UNKNOWN, MONEY_UNKNOWN,
                                                 MONEY_UNKNOWN};

struct model_facts model_facts_unknown(void)
{
    return (struct model_facts){
        .context = MONEY_UNKNOWN, .price = unknown_price, .long_price = unknown_price};
}

static bool is_priced(const struct model_price *price)
{
    return price->input >= 0 || price->output >= 0 || price->cache_read >= 0 ||
           price->cache_write >= 0;
}

/* Fields that `facts` does not know come from `more`; prices are taken together, never mixed. */
static void complete(struct model_facts *facts, const struct model_facts *more)
{
    if (facts->context < 0) {
        facts->context = more->context;
    }
    if (!is_priced(&facts->price)) {
        facts->price = more->price;
        facts->long_above = more->long_above;
        facts->long_price = more->long_price;
    }
}

/* ---- the shipped table ---- */

static char *host_of(const struct config_provider *provider)
{
    char *host = NULL;
    const char *url = provider->base_url ? provider->base_url : provider->type->base_url;
    bool known = url && http_check_url(url, true, &host, NULL) == ERR_OK;
    return known ? host : NULL;
}

static const struct model_row *rows_for(const char *host)
{
    static const struct model_row none = {.id = NULL};
    for (const struct model_service *service = models__services; service->domain; service++) {
        if (host && codec_host_is(host, sv_from(service->domain))) {
            return service->rows;
        }
    }
    return &none;
}

static int64_t price_of(const char *text)
{
    int64_t price = MONEY_UNKNOWN;
    (void)money_parse(sv_from(text), MONEY_PLACES, &price);
    return price;
}

static struct model_price prices_of(const struct model_row *row)
{
    return (struct model_price){price_of(row->input), price_of(row->output),
                                price_of(row->cache_read), price_of(row->cache_write)};
}

/* Both rows of one id, if there are two. */
static bool find_row(const struct model_row *rows, struct sv id, struct model_facts *ret_facts)
{
    bool found = false;
    for (; rows->id; rows++) {
        if (!sv_equal_str(id, rows->id)) {
            continue;
        }
        found = true;
        if (rows->above) {
            ret_facts->long_above = rows->above;
            ret_facts->long_price = prices_of(rows);
        } else {
            ret_facts->context = rows->context ? rows->context : MONEY_UNKNOWN;
            ret_facts->price = prices_of(rows);
        }
    }
    return found;
}

/* How many bytes at the end are digits, or parts of a date. */
static size_t date_length(struct sv id)
{
    size_t n = 0;
    size_t digits = 0;
    while (n < id.n && ((id.p[id.n - n - 1] >= '0' && id.p[id.n - n - 1] <= '9') ||
                        (id.p[id.n - n - 1] == '-' && digits < 8))) {
        digits += id.p[id.n - n - 1] != '-';
        n++;
    }
    return digits == 8 && n < id.n ? n : 0;
}

/* "model-20260929", "model-2026-09-29", "model@…", "model:latest" are all "model". */
static struct sv without_version(struct sv id)
{
    struct sv bare = sv_take(id, sv_find(id, '@'));
    if (sv_ends_with(bare, SV(":latest"))) {
        bare = sv_take(bare, bare.n - SV(":latest").n);
    }
    bare = sv_take(bare, bare.n - date_length(bare));
    while (bare.n < id.n && bare.n && bare.p[bare.n - 1] == '-') {
        bare.n--;
    }
    return bare;
}

static struct sv after_slash(struct sv id)
{
    for (size_t i = id.n; i > 0; i--) {
        if (id.p[i - 1] == '/') {
            return sv_skip(id, i);
        }
    }
    return id;
}

static struct model_facts find_shipped(const char *host, const char *model)
{
    struct model_facts facts = model_facts_unknown();
    const struct model_row *rows = rows_for(host);
    struct sv id = sv_from(model);
    bool found = find_row(rows, id, &facts) || find_row(rows, without_version(id), &facts) ||
                 find_row(rows, after_slash(id), &facts) ||
                 find_row(rows, without_version(after_slash(id)), &facts);
    if (!found && host && http_is_loopback(host)) {
        facts.price = (struct model_price){0, 0, 0, 0};
    }
    return facts;
}

const char **models_shipped(const struct config_provider *provider)
{
    char *host = host_of(provider);
    const struct model_row *rows = rows_for(host);
    size_t count = 0;
    const char **ids = xcalloc(1, sizeof *ids);
    for (; rows->id; rows++) {
        if (!rows->above) {
            ids = xrealloc(ids, (count + 2) * sizeof *ids);
            ids[count++] = rows->id;
            ids[count] = NULL;
        }
    }
    free(host);
    return ids;
}

const char *models_table_date(void)
{
    return models__date;
}

/* ---- the config ---- */

static struct model_facts find_configured(const struct config *config,
                                          const struct config_provider *provider, const char *model)
{
    struct model_facts facts = model_facts_unknown();
    char *label = xasprintf("%s/%s", provider->name, model);
    for (size_t i = 0; config && i < config->model_count; i++) {
        const struct config_model *entry = &config->models[i];
        if (strcmp(entry->name, label) == 0) {
            facts.context = entry->context;
            facts.price = (struct model_price){entry->input_price, entry->output_price,
                                               entry->cache_read_price, entry->cache_write_price};
        }
    }
    free(label);
    return facts;
}

struct model_facts models_find_listed(const struct config *config,
                                      const struct config_provider *provider, const char *model,
                                      const struct model_facts *listed)
{
    struct model_facts facts = find_configured(config, provider, model);
    if (listed) {
        complete(&facts, listed);
    }
    if (provider->type->codec) {
        char *host = host_of(provider);
        struct model_facts shipped = find_shipped(host, model);
        complete(&facts, &shipped);
        free(host);
    }
    return facts;
}

struct model_facts models_find(const struct config *config, const struct config_provider *provider,
                               const char *model)
{
    return models_find_listed(config, provider, model, NULL);
}

/* ---- costs ---- */

static int64_t known(int64_t count)
{
    return count == USAGE_UNKNOWN ? 0 : count;
}

static int64_t charge(int64_t total, int64_t tokens, int64_t price)
{
    return money_add(total, tokens == 0 ? 0 : money_share(tokens, price, 1));
}

static const struct model_price *price_for(const struct model_facts *facts, int64_t input)
{
    bool is_long = facts->long_above > 0 && input > facts->long_above;
    return is_long ? &facts->long_price : &facts->price;
}

static bool is_free(const struct model_price *price)
{
    return price->input == 0 && price->output == 0 && price->cache_read <= 0 &&
           price->cache_write <= 0;
}

int64_t model_cost(const struct model_facts *facts, const struct usage *usage)
{
    if (usage->cost_micros != USAGE_UNKNOWN || is_free(&facts->price)) {
        return usage->cost_micros != USAGE_UNKNOWN ? usage->cost_micros : 0;
    }
    if (usage->input_tokens < 0 || usage->output_tokens < 0) {
        return MONEY_UNKNOWN;
    }
    int64_t cache_read = known(usage->cache_read_tokens);
    int64_t cache_write = known(usage->cache_write_tokens);
    int64_t input = money_add(money_add(usage->input_tokens, cache_read), cache_write);
    const struct model_price *price = price_for(facts, input);
    int64_t total = charge(0, usage->input_tokens, price->input);
    total = charge(total, usage->output_tokens, price->output);
    total = charge(total, cache_read, price->cache_read >= 0 ? price->cache_read : price->input);
    total = charge(total, cache_write, price->cache_write >= 0 ? price->cache_write : price->input);
    return money_share(total, 1, MILLION);
}

struct stream_event models_priced(const struct config *config,
                                  const struct config_provider *provider, const char *model,
                                  const struct stream_event *event)
{
    struct stream_event priced = *event;
    if (event->kind == STREAM_USAGE) {
        struct model_facts facts = models_find(config, provider, model);
        priced.usage.cost_micros = model_cost(&facts, &event->usage);
        priced.usage.cost_estimated =
            event->usage.cost_micros == USAGE_UNKNOWN && priced.usage.cost_micros > 0;
    }
    return priced;
}

int64_t model_tokens_of(size_t bytes)
{
    int64_t count = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
    return count / 3 + (count % 3 > 0);
}

int64_t model_estimate(const struct model_facts *facts, size_t body_bytes, int64_t max_output)
{
    int64_t input = model_tokens_of(body_bytes);
    if (is_free(&facts->price)) {
        return 0;
    }
    const struct model_price *price = price_for(facts, input);
    /* What goes into the cache may be dearer than what does not. */
    bool writes = price->cache_write > price->input && price->input >= 0;
    int64_t total = charge(0, input, writes ? price->cache_write : price->input);
    total = max_output < 0 ? MONEY_UNKNOWN : charge(total, max_output, price->output);
    return money_share(total, 1, MILLION);
}
