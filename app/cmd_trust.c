/* weir trust: agrees to what the file of a folder says, or takes that back. */
#include <stdio.h>
#include <unistd.h>

#include "app/command.h"
#include "app/config_layers.h"
#include "app/output.h"
#include "app/trust.h"

static const struct option_spec options[] = {
    {"yes", 0, OPTION_FLAG, NULL, "agree without being asked"},
    {"remove", 0, OPTION_FLAG, NULL, "trust it no more"},
    {.name = NULL},
};

/* The user sees what is agreed to. On a terminal it is made safe. */
static int show(const struct folder_file *file)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    buf_appendf(&out, "# %s says:\n", file->path);
    buf_append_sv(&out, buf_sv(&file->text));
    buf_append_str(&out, out.p[out.n - 1] == '\n' ? "" : "\n");
    int exit_code = output_result(buf_sv(&out));
    buf_release(&out);
    return exit_code;
}

static bool answer_is_yes(void)
{
    char line[8] = "";
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

/* Only who can have read it agrees: somebody at a terminal, or who says so. */
static enum err_code ask(const struct folder_file *file, bool says_yes, struct err *err)
{
    if (says_yes) {
        return ERR_OK;
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return err_set(err, ERR_USAGE,
                       "not trusted: there is no terminal to ask on; 'weir trust --yes' agrees");
    }
    output_remark("this goes before your own config in and below that folder, until the file"
                  " changes");
    (void)output_write(STDERR_FILENO, SV("Trust it? [y/N] "));
    return answer_is_yes() ? ERR_OK : err_set(err, ERR_CANCELLED, "not trusted: '%s'", file->path);
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
    int exit_code = code || remove ? 0 : show(&file);
    if (!code && !remove && !exit_code) {
        code = ask(&file, argument_flag(arguments, "yes"), &err);
    }
    if (!code && !exit_code) {
        code = trust_note(&file, !remove, &err);
    }
    if (!code && !exit_code && !global->quiet) {
        output_remark("'%s' is trusted %s", file.path, remove ? "no more" : "until it changes");
    }
    trust_release(&file);
    return code ? command_fail(&err) : exit_code;
}

const struct command command_trust = {
    .name = "trust",
    .operands = "",
    .summary = "agree to the .weir.toml of this folder or repository, as it is now",
    .details =
        "A folder may have a config of its own, .weir.toml, of the working folder or the nearest\n"
        "above it up to the repository's root. It goes before the user's, and is read only after\n"
        "this command has shown it and you agreed, until it changes. It asks on a terminal; "
        "elsewhere\n"
        "--yes agrees, and without it nothing is trusted (exit code 2). It may set model, system,\n"
        "[alias] and [role.NAME]; never servers, keys, proxies, headers or budgets.\n",
    .options = options,
    .run = run,
};
