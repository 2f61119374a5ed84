/* Models to choose from, and the session as a file. */
#include "app/chat_host.h"

#include <stdlib.h>
#include <string.h>

#include "app/export.h"
#include "app/model_fetch.h"
#include "app/models.h"
#include "app/provider.h"
#include "base/alloc.h"
#include "base/file.h"

#define NAMES_MAX 100

/* What is known of its models without asking: its own list, where one was kept (weir models), and
 * the shipped table. */
struct known_models {
    const struct config_provider *provider;
    const char *told[2]; /* models that are in the list already, or NULL */
    struct model_list kept;
    add_model_fn *add;
    void *ctx;
};

static void add_known(const struct known_models *known, const char *id)
{
    char *model = xasprintf("%s/%s", known->provider->name, id);
    bool told = false;
    for (size_t i = 0; i < COUNT_OF(known->told); i++) {
        told = told || (known->told[i] && strcmp(model, known->told[i]) == 0);
    }
    if (!told) {
        known->add(known->ctx, model, NULL);
    }
    free(model);
}

static bool is_kept(const struct known_models *known, const char *id)
{
    size_t i = 0;
    while (i < known->kept.count && strcmp(known->kept.entries[i].id, id) != 0) {
        i++;
    }
    return i < known->kept.count;
}

static void add_of_provider(struct known_models known)
{
    const char **shipped = models_shipped(known.provider);
    (void)model_fetch_kept(known.provider, &known.kept);
    for (size_t i = 0; i < known.kept.count; i++) {
        add_known(&known, known.kept.entries[i].id);
    }
    for (size_t i = 0; shipped && shipped[i]; i++) {
        if (!is_kept(&known, shipped[i])) {
            add_known(&known, shipped[i]);
        }
    }
    model_list_release(&known.kept);
    free(shipped);
}

static void add_presets(const struct config *config, add_model_fn *add, void *ctx)
{
    for (const struct provider_preset *preset = provider_presets(); preset->name; preset++) {
        struct model_choice choice;
        char *model =
            xasprintf("%s/%s", preset->name, preset->default_model ? preset->default_model : "any");
        if (model_choose(config, model, &choice, NULL) == ERR_OK) {
            if (choice.provider.found) {
                add(ctx, model, "the key is in the environment");
                add_of_provider((struct known_models){.provider = &choice.provider,
                                                      .told = {config->model, model},
                                                      .add = add,
                                                      .ctx = ctx});
            }
            model_choice_release(&choice);
        }
        free(model);
    }
}

void chat_list_models(const struct config *config, add_model_fn *add, void *ctx)
{
    for (size_t i = 0; i < config->alias_count; i++) {
        add(ctx, config->aliases[i].name, config->aliases[i].model);
    }
    if (config->model) {
        add(ctx, config->model, "as the config says");
    }
    for (size_t i = 0; i < config->provider_count; i++) {
        add_of_provider((struct known_models){
            .provider = &config->providers[i], .told = {config->model}, .add = add, .ctx = ctx});
    }
    add_presets(config, add, ctx);
    add(ctx, "demo", "offline, answers from a script");
}

int64_t chat_context_of(const struct config *config, const char *model)
{
    struct model_choice choice;
    int64_t context = -1;
    if (model_choose(config, model, &choice, NULL) == ERR_OK) {
        struct model_facts facts = models_find(config, &choice.provider, choice.model);
        context = facts.context > 0 ? facts.context : -1;
        model_choice_release(&choice);
    }
    return context;
}

/* A name that is free; NULL: there are too many already. */
static char *free_name(const char *handle, const char *ending)
{
    for (int i = 1; i < NAMES_MAX; i++) {
        char *name = i == 1 ? xasprintf("weir-%s.%s", handle, ending)
                            : xasprintf("weir-%s-%d.%s", handle, i, ending);
        if (!file_exists(name)) {
            return name;
        }
        free(name);
    }
    return NULL;
}

static char *name_for(struct store *store, const struct ulid *session, const char *format)
{
    struct session_list list = {NULL, 0, false};
    char *name = NULL;
    if (session_find(store, sv_from(session->text), &list, NULL) == ERR_OK) {
        name = free_name(list.sessions[0].handle, format ? format : "md");
    }
    session_list_release(&list);
    return name;
}

/* A file that is named must not be there yet; else a name is found. NULL: said. */
static char *name_of(struct store *store, const struct ulid *session, const char *format,
                     bool is_file, struct err *err)
{
    if (is_file && file_exists(format)) {
        (void)err_set(err, ERR_EXISTS, "'%s' is there already", format);
        return NULL;
    }
    char *name = is_file ? xstrdup(format) : name_for(store, session, format);
    if (!name) {
        (void)err_set(err, ERR_EXISTS, "there are too many files of this session here");
    }
    return name;
}

enum err_code chat_export(struct store *store, const struct ulid *session, const char *format,
                          char **ret_path, struct err *err)
{
    const struct reading reading = {.store = store};
    const char *ending = format ? strrchr(format, '.') : NULL;
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    char *name = NULL;
    enum err_code code =
        export_session(&reading, session->text, ending ? ending + 1 : format, &out, err);
    if (!code && !(name = name_of(store, session, format, ending != NULL, err))) {
        code = ERR_EXISTS;
    }
    code = code ? code : file_write_atomic(name, buf_sv(&out), err);
    buf_release(&out);
    if (code) {
        free(name);
        return code;
    }
    *ret_path = name;
    return ERR_OK;
}
