/*
 * Finding secrets in a text: all that app/redact.h speaks of, but for what the user's patterns
 * match. app/redact.c gives them their names.
 *
 * Threads: pure; linear in the text. Ownership: free() the spans.
 */
#ifndef WEIR_APP_REDACT_FIND_H
#define WEIR_APP_REDACT_FIND_H

#include "app/redact.h"

struct redact_span {
    size_t first, last; /* bytes */
    enum redact_kind kind;
};
struct redact_spans {
    struct redact_span *spans;
    size_t count, room;
};
/* Appends one. */
void redact_spans_add(struct redact_spans *spans, size_t first, size_t last, enum redact_kind kind);
/* All but the user's patterns; in no order, and they may overlap. `home` may be empty. */
void redact_find(struct sv text, struct sv home, struct redact_spans *spans);

/* ASCII. */
bool redact_is_letter(char c);
bool redact_is_alnum(char c);

#endif
