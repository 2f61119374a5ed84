/*
 * The words of a conversation: roles, kinds of parts, states, finish reasons, usage.
 *
 * Each enumeration has its text in one table; the texts are what the database, exports and scripts
 * see, so they never change. Spelling: states say `cancelled`, finish reasons say `canceled`, as
 * the protocols do.
 *
 * Threads: values and constant tables.
 */
#ifndef WEIR_STORE_VOCABULARY_H
#define WEIR_STORE_VOCABULARY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"

#define ROLES(X)                                                                                   \
    X(ROLE_USER, "user")                                                                           \
    X(ROLE_ASSISTANT, "assistant")                                                                 \
    X(ROLE_SYSTEM, "system")                                                                       \
    X(ROLE_TOOL, "tool")

#define PART_KINDS(X)                                                                              \
    X(PART_TEXT, "text")                                                                           \
    X(PART_REASONING, "reasoning")                                                                 \
    X(PART_TOOL_CALL, "tool_call") /* text: the arguments, as bytes came */                        \
    X(PART_TOOL_RESULT, "tool_result")                                                             \
    X(PART_ATTACHMENT, "attachment")                                                               \
    X(PART_STATUS, "status") /* said by weir, not by the model */                                  \
    X(PART_NATIVE, "native") /* the provider's own item, kept verbatim for replay */

#define FINISH_REASONS(X)                                                                          \
    X(FINISH_NONE, "") /* still running */                                                         \
    X(FINISH_END_TURN, "end_turn")                                                                 \
    X(FINISH_MAX_TOKENS, "max_tokens")                                                             \
    X(FINISH_TOOL_USE, "tool_use")                                                                 \
    X(FINISH_CANCELED, "canceled")                                                                 \
    X(FINISH_ERROR, "error")                                                                       \
    X(FINISH_CONTENT_FILTER, "content_filter")                                                     \
    X(FINISH_REFUSAL, "refusal")                                                                   \
    X(FINISH_PAUSED, "paused")                                                                     \
    X(FINISH_INTERRUPTED, "interrupted")                                                           \
    X(FINISH_UNKNOWN, "unknown")

/* States of a turn and of an attempt; all but running are terminal. */
#define RUN_STATES(X)                                                                              \
    X(RUN_RUNNING, "running")                                                                      \
    X(RUN_COMPLETED, "completed")                                                                  \
    X(RUN_FAILED, "failed")                                                                        \
    X(RUN_CANCELLED, "cancelled")                                                                  \
    X(RUN_INTERRUPTED, "interrupted")

#define VOCABULARY__ENUM(name, text) name,
enum role { ROLES(VOCABULARY__ENUM) ROLE_COUNT };
enum part_kind { PART_KINDS(VOCABULARY__ENUM) PART_KIND_COUNT };
enum finish_reason { FINISH_REASONS(VOCABULARY__ENUM) FINISH_COUNT };
enum run_state { RUN_STATES(VOCABULARY__ENUM) RUN_STATE_COUNT };
#undef VOCABULARY__ENUM

/* Never NULL; "" for values out of range. */
const char *role_text(enum role role);
const char *part_kind_text(enum part_kind kind);
const char *finish_reason_text(enum finish_reason reason);
/* What a user reads: spelled as the states are. */
const char *finish_reason_said(enum finish_reason reason);
const char *run_state_text(enum run_state state);

/* False, and *ret untouched, for unknown texts. */
bool role_parse(struct sv text, enum role *ret_role);
bool part_kind_parse(struct sv text, enum part_kind *ret_kind);
bool finish_reason_parse(struct sv text, enum finish_reason *ret_reason);
bool run_state_parse(struct sv text, enum run_state *ret_state);

/* The terminal state of an attempt whose answer ended for that reason. */
enum run_state run_state_of_finish(enum finish_reason reason);

#define USAGE_UNKNOWN (-1)
/* More than one answer can have used, of tokens or of money: who says so is wrong. Sums of it fit.
 */
#define USAGE_MOST INT64_C(10000000000000)

/* Tokens; USAGE_UNKNOWN is told apart from 0. Input excludes what came from the cache or went into
 * it. */
struct usage {
    int64_t input_tokens;
    int64_t output_tokens; /* reasoning included */
    int64_t cache_read_tokens;
    int64_t cache_write_tokens;
    int64_t reasoning_tokens;
    int64_t cost_micros; /* millionths of a US dollar */
    bool cost_estimated; /* by a table of prices; the provider did not say it */
};

struct usage usage_unknown(void);
bool usage_is_known(const struct usage *usage); /* any field is */
/* The same, but for what is below 0 or beyond USAGE_MOST: that is unknown. */
struct usage usage_sane(const struct usage *usage);
bool usage_equal(const struct usage *a, const struct usage *b);
int64_t usage_or_0(int64_t count); /* for sums: 0 where it is unknown */

#endif
