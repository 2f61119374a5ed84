/*
 * Stream event: the words for the kinds, and what a kind means to the writer.
 */
#include "store/stream_event.h"

#include <stddef.h>

#include "base/attr.h"

#define TEXT_ROW(name, text) [name] = text,
static const char *const kinds[] = {STREAM_KINDS(TEXT_ROW)};
#undef TEXT_ROW

const char *stream_kind_text(enum stream_kind kind)
{
    return (size_t)kind < COUNT_OF(kinds) ? kinds[kind] : "";
}

bool stream_kind_parse(struct sv text, enum stream_kind *ret_kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (sv_equal_str(text, kinds[i])) {
            *ret_kind = (enum stream_kind)i;
            return true;
        }
    }
    return false;
}

bool stream_event_is_terminal(const struct stream_event *event)
{
    switch (event->kind) {
    case STREAM_REASONING_END:
    case STREAM_TOOL_CALL:
    case STREAM_TOOL_CALL_END:
    case STREAM_TOOL_RESULT:
        return true;
    default:
        return stream_event_is_last(event);
    }
}

bool stream_event_is_last(const struct stream_event *event)
{
    return event->kind == STREAM_FINISH || event->kind == STREAM_ERROR;
}
