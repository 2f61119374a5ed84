/* weir models: what each provider offers, how much fits into it and what it costs. */
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/json.h"
#include "app/model_fetch.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/provider.h"
#include "app/records.h"
#include "base/alloc.h"
#include "base/safe.h"

#define NAME_COLUMNS 40
#define EXIT_NONE_REACHED 69

static const struct option_spec options[] = {
    {"json", 0, OPTION_FLAG, NULL, "one JSON document"},
    {"refresh", 0, OPTION_FLAG, NULL, "ask again, though a list of the last day is kept"},
    {.name = NULL},
};

struct listing {
    struct config *config;
    struct model_choice *choices; /* one for each provider */
    struct model_fetch *fetches;  /* the same */
    size_t count;
    struct buf out;
    bool json;
};

/* ---- which providers ---- */

static enum err_code add_provider(struct listing *listing, const char *name, struct err *err)
{
    struct model_choice choice;
    char *label = xasprintf("%s/-", name);
    enum err_code code = model_choose(listing->config, label, &choice, err);
    free(label);
    if (code) {
        return code;
    }
    size_t count = listing->count + 1;
    listing->choices = xrealloc(listing->choices, count * sizeof *listing->choices);
    listing->choices[listing->count] = choice;
    listing->count = count;
    return ERR_OK;
}

static bool is_configured(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        if (strcmp(config->providers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_key(const struct provider_preset *preset)
{
    const char *key = getenv(preset->key_env);
    return key && *key;
}

/* Those of the config, then those that a key in the environment is enough for. */
static enum err_code add_all(struct listing *listing, struct err *err)
{
    const struct config *config = listing->config;
    for (size_t i = 0; i < config->provider_count; i++) {
        bool is_demo = config->providers[i].type->codec == NULL;
        enum err_code code =
            is_demo ? ERR_OK : add_provider(listing, config->providers[i].name, err);
        if (code) {
            return code;
        }
    }
    for (const struct provider_preset *preset = provider_presets(); preset->name; preset++) {
        if (!is_configured(config, preset->name) && has_key(preset)) {
            enum err_code code = add_provider(listing, preset->name, err);
            if (code) {
                return code;
            }
        }
    }
    if (listing->count == 0) {
        return err_set(err, ERR_NOT_CONFIGURED,
                       "no provider is configured: set OPENAI_API_KEY, or write one into %s"
                       " ('weir config init' begins it)",
                       config->path && config->path[0] ? config->path : "config.toml");
    }
    return ERR_OK;
}

/* ---- what is shown ---- */

static void append_column(struct buf *out, int64_t price)
{
    struct buf text = BUF_INIT(64);
    money_append(&text, price);
    (void)buf_appendf(out, " %9s", buf_cstr(&text));
    buf_release(&text);
}

static void append_aliases(struct buf *out, const struct config *config, const char *label)
{
    for (size_t i = 0; i < config->alias_count; i++) {
        if (strcmp(config->aliases[i].model, label) == 0) {
            (void)buf_append_str(out, "  = ");
            (void)safe_append(out, sv_from(config->aliases[i].name), SAFE_ONE_LINE);
        }
    }
}

static void append_line(struct listing *listing, const char *label, const struct model_facts *facts)
{
    struct buf *out = &listing->out;
    size_t start = out->n;
    (void)safe_append(out, sv_from(label), SAFE_ONE_LINE);
    while (out->n - start < NAME_COLUMNS) {
        (void)buf_append_byte(out, ' ');
    }
    if (facts->context >= 0) {
        (void)buf_appendf(out, " %9lld", (long long)facts->context);
    } else {
        (void)buf_appendf(out, " %9s", "?");
    }
    append_column(out, facts->price.input);
    append_column(out, facts->price.output);
    append_aliases(out, listing->config, label);
    (void)buf_append_byte(out, '\n');
}

static void record_price(struct buf *out, const char *name, int64_t price)
{
    struct buf text = BUF_INIT(64);
    money_append(&text, price);
    record_text(out, name, price >= 0 ? buf_sv(&text) : (struct sv){NULL, 0});
    buf_release(&text);
}

static void append_record(struct listing *listing, const char *label,
                          const struct model_facts *facts, enum model_source source)
{
    static const char *const sources[] = {
        [MODELS_FETCHED] = "provider", [MODELS_KEPT] = "cache", [MODELS_SHIPPED] = "shipped"};
    struct buf *out = &listing->out;
    const struct config *config = listing->config;
    bool is_first = true;
    (void)buf_append_str(out, out->p[out->n - 1] == '[' ? "{" : ",\n{");
    record_text(out, "model", sv_from(label));
    record_known(out, "context_tokens", facts->context);
    record_price(out, "input_price", facts->price.input);
    record_price(out, "output_price", facts->price.output);
    record_price(out, "cache_read_price", facts->price.cache_read);
    record_price(out, "cache_write_price", facts->price.cache_write);
    record_text(out, "source", sv_from(sources[source]));
    record_key(out, "aliases");
    (void)buf_append_byte(out, '[');
    for (size_t i = 0; i < config->alias_count; i++) {
        if (strcmp(config->aliases[i].model, label) == 0) {
            (void)buf_append_str(out, is_first ? "" : ",");
            (void)json_append_string(out, sv_from(config->aliases[i].name));
            is_first = false;
        }
    }
    (void)buf_append_str(out, "]}");
}

static void append_fetch(struct listing *listing, const struct model_fetch *fetch)
{
    for (size_t i = 0; i < fetch->list.count; i++) {
        const struct model_entry *entry = &fetch->list.entries[i];
        char *label = xasprintf("%s/%s", fetch->provider->name, entry->id);
        struct model_facts facts =
            models_find_listed(listing->config, fetch->provider, entry->id, &entry->facts);
        if (listing->json) {
            append_record(listing, label, &facts, fetch->source);
        } else {
            append_line(listing, label, &facts);
        }
        free(label);
    }
}

static void remark_failure(const struct model_fetch *fetch)
{
    const char *shown = fetch->source == MODELS_KEPT ? "the list that was kept is shown"
                        : fetch->list.count          ? "the shipped list is shown, of "
                                                     : "nothing is known of its models";
    bool dated = fetch->source == MODELS_SHIPPED && fetch->list.count;
    output_remark("provider '%s': %s; %s%s", fetch->provider->name, fetch->err.text, shown,
                  dated ? models_table_date() : "");
}

/* Gives the exit code. */
static int show(struct listing *listing)
{
    size_t reached = 0;
    if (listing->json) {
        (void)buf_append_byte(&listing->out, '[');
    } else {
        (void)buf_appendf(&listing->out, "%-*s %9s %9s %9s\n", NAME_COLUMNS, "MODEL", "CONTEXT",
                          "$ IN/M", "$ OUT/M");
    }
    for (size_t i = 0; i < listing->count; i++) {
        const struct model_fetch *fetch = &listing->fetches[i];
        reached += fetch->err.code == ERR_OK;
        if (fetch->err.code) {
            remark_failure(fetch);
        }
        append_fetch(listing, fetch);
    }
    (void)buf_append_str(&listing->out, listing->json ? "]\n" : "");
    int exit_code = output_result(buf_sv(&listing->out));
    return exit_code || reached ? exit_code : EXIT_NONE_REACHED;
}

static int list_models(struct listing *listing, const char *provider, bool refresh)
{
    struct err err = {0};
    enum err_code code = provider ? add_provider(listing, provider, &err) : add_all(listing, &err);
    if (code) {
        return command_fail(&err);
    }
    if (listing->choices[0].demo) {
        return output_result(SV("demo/tour\n"));
    }
    listing->fetches = xcalloc(listing->count, sizeof *listing->fetches);
    for (size_t i = 0; i < listing->count; i++) {
        listing->fetches[i].provider = &listing->choices[i].provider;
    }
    model_fetch(listing->config, listing->fetches, listing->count, refresh);
    return show(listing);
}

static void release(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        if (listing->fetches) {
            model_fetch_release(&listing->fetches[i]);
        }
        model_choice_release(&listing->choices[i]);
    }
    free(listing->fetches);
    free(listing->choices);
    buf_release(&listing->out);
    config_free(listing->config);
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct listing listing = {.out = BUF_INIT(BUF_MAX_INTERNAL),
                              .json = argument_flag(arguments, "json")};
    struct err err = {0};
    if (arguments->rest_count > 1) {
        err_set(&err, ERR_USAGE, "expected one provider at most");
        return command_fail(&err);
    }
    if (open_config(global, &listing.config, &err)) {
        return command_fail(&err);
    }
    const char *provider = arguments->rest_count ? arguments->rest[0] : NULL;
    int exit_code = list_models(&listing, provider, argument_flag(arguments, "refresh"));
    release(&listing);
    return exit_code;
}

const struct command command_models = {
    .name = "models",
    .operands = "[PROVIDER]",
    .summary = "list what the providers offer, with windows and prices",
    .details =
        "For each model: its name as -m takes it, how many tokens fit, and US dollars for a "
        "million\n"
        "tokens of input and of output; '?' is unknown. Lists are kept for a day. A provider that\n"
        "cannot be asked is named on stderr, and what was kept or shipped is shown; the exit code\n"
        "is 69 when none could be asked.\n",
    .options = options,
    .run = run,
};
