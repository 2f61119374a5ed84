/*
 * Stream event: the one vocabulary of an answer on its way.
 *
 * Providers emit it, the message service takes it, recordings hold it, `--output-format
 * stream-json` prints it.
 *
 * Parts: every piece names its part, since servers interleave open blocks. A part's number counts
 * from 0 in the order in which the parts of the message began. Text for a part that was not opened
 * opens it.
 *
 * Threads: values. Ownership: views are borrowed for the call that takes the event. All text is
 * valid UTF-8 (the codec has seen to it) without NUL.
 */
#ifndef WEIR_STORE_STREAM_EVENT_H
#define WEIR_STORE_STREAM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sv.h"
#include "store/vocabulary.h"

#define STREAM_KINDS(X)                                                                            \
    X(STREAM_STARTED, "started")             /* id: the provider's, name: the model it reports */  \
    X(STREAM_PART_OPEN, "part_open")         /* part, part_kind */                                 \
    X(STREAM_TEXT, "text")                   /* part, text */                                      \
    X(STREAM_REASONING, "reasoning")         /* part, text */                                      \
    X(STREAM_REASONING_END, "reasoning_end") /* part */                                            \
    X(STREAM_TOOL_CALL, "tool_call")         /* part, id, name */                                  \
    X(STREAM_TOOL_INPUT, "tool_input")       /* part, text: more of the arguments */               \
    X(STREAM_TOOL_CALL_END, "tool_call_end") /* part */                                            \
    X(STREAM_TOOL_RESULT, "tool_result")     /* part, id: of the call, text */                     \
    X(STREAM_NATIVE, "native")               /* part, text: JSON, id: parts that it stands for */  \
    X(STREAM_POSITION, "position")           /* text: where the stream can be resumed */           \
    X(STREAM_USAGE, "usage")                 /* usage; the later one counts */                     \
    X(STREAM_WAITING, "waiting")             /* error, text, attempt, attempts, wait_us */         \
    X(STREAM_FINISH, "finish")               /* reason; text: the provider's word, or our why */   \
    X(STREAM_ERROR, "error") /* error, text, retryable; reason: ERROR, INTERRUPTED */

#define STREAM_EVENT__ENUM(name, text) name,
enum stream_kind { STREAM_KINDS(STREAM_EVENT__ENUM) STREAM_KIND_COUNT };
#undef STREAM_EVENT__ENUM

struct stream_event {
    enum stream_kind kind;
    uint32_t part;
    enum part_kind part_kind;
    struct sv text;
    struct sv id;
    struct sv name;
    struct usage usage;
    enum finish_reason reason;
    enum err_code error;
    bool retryable;
    unsigned attempt;  /* the one that failed, from 1 */
    unsigned attempts; /* that are made at most */
    int64_t wait_us;
};

const char *stream_kind_text(enum stream_kind kind);
bool stream_kind_parse(struct sv text, enum stream_kind *ret_kind);

/* Bypasses the debounce window: finish, error, a tool call added or ended, its result, reasoning
 * ended. */
bool stream_event_is_terminal(const struct stream_event *event);
/* Ends the message: finish or error. Nothing may follow. */
bool stream_event_is_last(const struct stream_event *event);

#endif
