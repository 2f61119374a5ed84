/* weir trust: agrees to what the file of a folder says, or takes that back. */
#include "app/command.h"
#include "app/config_layers.h"
#include "app/output.h"
#include "app/trust.h"

static const struct option_spec options[] = {
    {"remove", 0, OPTION_FLAG, NULL, "trust it no more"},
    {.name = NULL},
};

/* The user sees what is agreed to. */
static int report(const struct folder_file *file, bool remove)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    buf_appendf(&out, "# %s %s\n", file->path,
                remove ? "is trusted no more" : "is trusted until it changes:");
    if (!remove) {
        buf_append_sv(&out, buf_sv(&file->text));
        buf_append_str(&out, out.p[out.n - 1] == '\n' ? "" : "\n");
    }
    int exit_code = output_result(buf_sv(&out));
    buf_release(&out);
    return exit_code;
}

static enum err_code check(const struct folder_file *file, struct err *err)
{
    struct config *config = NULL;
    enum err_code code = config_parse(file->path, "", 0, &config, err);
    code = code ? code : config_add_folder(config, file->path, buf_sv(&file->text), err);
    config_free(config);
    return code;
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct folder_file file = {.path = NULL};
    struct err err = {0};
    bool remove = argument_flag(arguments, "remove");
    (void)global;
    if (arguments->rest_count > 0) {
        err_set(&err, ERR_USAGE, "expected 'weir trust' alone: it is about the working folder");
        return command_fail(&err);
    }
    enum err_code code = trust_find(&file, &err);
    if (!code && !file.path) {
        code = err_set(&err, ERR_NOT_FOUND,
                       "there is no .weir.toml here, nor above it in this repository");
    }
    code = code || remove ? code : check(&file, &err);
    code = code ? code : trust_note(&file, !remove, &err);
    int exit_code = code ? command_fail(&err) : report(&file, remove);
    trust_release(&file);
    return exit_code;
}

const struct command command_trust = {
    .name = "trust",
    .operands = "",
    .summary = "agree to the .weir.toml of this folder or repository, as it is now",
    .details =
        "A folder may have a config of its own, .weir.toml, of the working folder or the nearest\n"
        "above it up to the repository's root. It goes before the user's, and is read only after\n"
        "this command has shown it, until it changes. It may set model, system, [alias] and\n"
        "[role.NAME]; never servers, keys, proxies, headers or budgets.\n",
    .options = options,
    .run = run,
};
