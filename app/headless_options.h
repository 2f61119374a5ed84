/*
 * The options of a headless run: what the command line says, checked, and what the config's role
 * adds to it.
 *
 * Threads: main. Ownership: views into argv and the config; headless_options_release frees the
 * rest.
 */
#ifndef WEIR_APP_HEADLESS_OPTIONS_H
#define WEIR_APP_HEADLESS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "app/chat.h"
#include "app/command.h"
#include "app/config.h"
#include "app/headless.h"

struct headless_options {
    enum headless_format format;
    const char *output_path; /* NULL: stdout */
    const char *model;       /* of -m, or the role's; NULL: the config's */
    const char *session;     /* as the user names it; NULL: none is named */
    const char *session_key; /* of --session-id; NULL */
    const char *request_key; /* NULL: none */
    bool continues, forks, waits, saves_nothing, unanswered;
    bool only_code, no_stream, no_stdin, raw, show_usage, show_reasoning;
    bool has_max_cost;
    int64_t max_cost_micros;
    int64_t deadline_us; /* of the whole run */
    struct chat_options chat;
    bool has_system;
    char *system; /* of --system, or the role's, where has_system */
    char *schema; /* text of --json-schema; NULL: none */
    const struct arguments *arguments;
};

/* All that can be said without the config. ERR_USAGE. Release after a failure, too. */
enum err_code headless_options_read(const struct arguments *arguments,
                                    struct headless_options *ret_options,
                                    struct err *err) NODISCARD;
/* The role, and the files that are named. ERR_CONFIG: no such role; ERR_INVALID, ERR_TOO_BIG: a
 * file. */
enum err_code headless_options_complete(struct headless_options *options,
                                        const struct config *config, struct err *err) NODISCARD;
void headless_options_release(struct headless_options *options);

/*
 * Appends to `out` what a request with a key is known by: of everything that is asked (prompt,
 * attachments by their content, system, and each option that shapes the answer, as it was given),
 * not of how the answer is printed, what it may cost and how long to wait for it.
 */
void headless_fingerprint(const struct headless_options *options, struct sv prompt,
                          const struct chat_attachment *attachments, size_t attachment_count,
                          struct buf *out);

/* The table of command_run. */
extern const struct option_spec headless_option_specs[];

#endif
