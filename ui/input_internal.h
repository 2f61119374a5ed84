/*
 * What a finished control sequence means: the part of the decoder that is tables. Internal to the
 * decoder.
 */
#ifndef WEIR_UI_INPUT_INTERNAL_H
#define WEIR_UI_INPUT_INTERNAL_H

#include "ui/input.h"

#define SEQUENCE_PARAMETERS 8

struct sequence {
    char prefix;       /* one of < = > ?, or 0 */
    char intermediate; /* the last of SPACE..., or 0 */
    char final;
    unsigned count;
    uint32_t parameters[SEQUENCE_PARAMETERS]; /* 0: left out; sub-parameters but the first of the
                                                 third are dropped */
    uint32_t event_type;                      /* sub-parameter of the second one: 3 is a release */
};

/* Reads what is between CSI and the final byte. */
void sequence__parse(struct sv body, char final, struct sequence *ret_sequence);
/* False: no key that we know. `CSI 200 ~` is not seen here. */
bool sequence__csi_key(const struct sequence *sequence, struct input_event *ret_event);
bool sequence__ss3_key(char final, struct input_event *ret_event);
/* A control byte (below 0x20, or DEL) as a key; never ESC. */
void sequence__control_key(unsigned char byte, struct input_event *ret_event);

#endif
