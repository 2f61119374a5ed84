/* What is done with a command line. */
#include <unistd.h>

#include "app/command_internal.h"
#include "app/completing.h"
#include "app/output.h"
#include "app/version.h"
#include "base/log.h"

static int show_help(const struct command *command)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    command__help(command, &out);
    int exit_code = output_paged(buf_sv(&out));
    buf_release(&out);
    return exit_code;
}

static int wrong_usage(const struct command_line *line, const struct err *err)
{
    int exit_code = command_fail(err);
    output_remark("'weir%s%s --help' tells more", line->command ? " " : "",
                  line->command ? line->command->name : "");
    return exit_code;
}

int command_main(int argc, char **argv)
{
    struct command_line line;
    struct err err = {0};
    int exit_code = 0;
    if (completing_main(argc, argv, &exit_code)) {
        return exit_code;
    }
    if (command__parse(argc, argv, &line, &err)) {
        exit_code = wrong_usage(&line, &err);
    } else if (line.help) {
        exit_code = show_help(line.command);
    } else if (line.version) {
        exit_code = output_result(SV("weir " WEIR_VERSION "\n"));
    } else {
        if (line.global.verbose) {
            log_to_fd(STDERR_FILENO, LOG_DEBUG);
        }
        exit_code = line.command->run(&line.global, &line.arguments);
    }
    command_line_release(&line);
    return exit_code;
}
