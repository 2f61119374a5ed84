/* The table of commands. */
#include "app/command.h"

static const struct command *const table[] = {
    &command_chat,
    &command_run,
    &command_session,
    &command_search,
    &command_export,
    &command_import,
    &command_usage,
    &command_budget,
    &command_config,
    &command_models,
    &command_review,
    &command_replay,
    &command_doctor,
    &command_watch,
    &command_completions,
    &command_trust,
    NULL,
};

const struct command *const *commands(void)
{
    return table;
}
