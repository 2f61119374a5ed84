/*
 * Status: what the line at the bottom says, and how long it will be right.
 *
 * Threads: values. Times: monotonic, µs.
 */
#ifndef WEIR_UI_STATUS_H
#define WEIR_UI_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ui/transcript.h"

struct status_facts {
    const char *model; /* NULL: none */
    struct transcript_status answer;
    const char *store_trouble; /* why nothing is saved; NULL: all is well */
    bool sending;              /* a prompt was handed over and is not stored yet */
    bool cancelling;
    bool elsewhere; /* another process answers: it cannot be stopped here */
    bool follows;
    int64_t context;     /* tokens that fit into the model; 0 or less: not known */
    int64_t cost_micros; /* of the session, millionths of a US dollar; 0 or less: nothing to say */
    bool cost_estimated; /* a part of it by a table of prices, which a ~ says */
    unsigned others_ended, others_failed; /* answers of other sessions, since one looked there */
    int64_t waiting_since_us;             /* when the prompt was sent; 0: not known */
    int64_t silence_us;                   /* a pause of this length is worth a word */
    int64_t now_us;
};

/* An answer is on its way: nothing else can be sent. */
bool status_is_busy(const struct status_facts *facts);
/* Ends with the hint. */
void status_text(const struct status_facts *facts, struct buf *out);
/* What may be done next; a constant. */
const char *status_hint(const struct status_facts *facts);
/* When the text changes by itself; CLOCK_NEVER: it does not. */
int64_t status_next_change(const struct status_facts *facts);

#endif
