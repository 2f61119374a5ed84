/* weir completions: what a shell needs to complete the command line of weir. */
#include <string.h>

#include "app/command.h"
#include "app/output.h"

static const struct option_spec options[] = {
    {.name = NULL},
};

/* The shell splits words at : and = too, so what stands before its own last piece is cut off. */
static const char bash[] =
    "# Completion of weir for bash. Words come from 'weir __complete'.\n"
    "_weir() {\n"
    "    local line=\"${COMP_LINE:0:COMP_POINT}\" piece=\"${COMP_WORDS[COMP_CWORD]}\" word\n"
    "    local -a words\n"
    "    read -r -a words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=(\"\")\n"
    "    [[ $piece == [=:] ]] && piece=\"\"\n"
    "    local last=\"${words[${#words[@]}-1]}\"\n"
    "    local cut=\"${last%\"$piece\"}\"\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r word; do\n"
    "        if [[ $word == : ]]; then\n"
    "            compopt -o default 2>/dev/null\n"
    "        else\n"
    "            word=\"${word%%$'\\t'*}\"\n"
    "            COMPREPLY+=(\"$(printf %q \"${word#\"$cut\"}\")\")\n"
    "        fi\n"
    "    done < <(\"${words[0]}\" __complete \"${words[@]:1}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _weir weir\n";

static const char zsh[] =
    "#compdef weir\n"
    "# Completion of weir for zsh. Words come from 'weir __complete'.\n"
    "_weir() {\n"
    "    local line word\n"
    "    local -a found\n"
    "    while IFS= read -r line; do\n"
    "        if [[ $line == : ]]; then\n"
    "            _files\n"
    "        else\n"
    "            word=${line%%$'\\t'*}\n"
    "            word=${word//:/\\\\:}\n"
    "            [[ $line == *$'\\t'* ]] && word=\"$word:${line#*$'\\t'}\"\n"
    "            found+=(\"$word\")\n"
    "        fi\n"
    "    done < <(\"${words[1]}\" __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "    (( $#found )) && _describe weir found\n"
    "}\n"
    "if [[ $funcstack[1] == _weir ]]; then\n"
    "    _weir \"$@\"\n"
    "else\n"
    "    compdef _weir weir\n"
    "fi\n";

static const char fish[] =
    "# Completion of weir for fish. Words come from 'weir __complete'.\n"
    "function __weir_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l word (commandline -ct)\n"
    "    for line in ($words[1] __complete $words[2..-1] \"$word\" 2>/dev/null)\n"
    "        if test \"$line\" = :\n"
    "            __fish_complete_path \"$word\"\n"
    "        else\n"
    "            echo -- $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c weir -f -a '(__weir_complete)'\n";

static int run(const struct global_options *global, const struct arguments *arguments)
{
    static const struct {
        const char *name, *script;
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    const char *name = arguments->rest_count == 1 ? arguments->rest[0] : "";
    (void)global;
    for (size_t i = 0; i < COUNT_OF(shells); i++) {
        if (strcmp(shells[i].name, name) == 0) {
            return output_result(sv_from(shells[i].script));
        }
    }
    struct err err = {0};
    err_set(&err, ERR_USAGE, "expected 'weir completions bash', 'zsh' or 'fish'");
    return command_fail(&err);
}

const struct command command_completions = {
    .name = "completions",
    .operands = "bash | zsh | fish",
    .summary = "what a shell needs to complete commands, options, sessions and models",
    .details = "'make install' puts it where the shells look for it. By hand:\n"
               "\n"
               "  bash  source <(weir completions bash)\n"
               "  zsh   source <(weir completions zsh), after compinit\n"
               "  fish  weir completions fish | source\n",
    .options = options,
    .run = run,
};
