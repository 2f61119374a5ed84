/*
 * Expected cost: what an answer will have cost if its process dies before its last word.
 *
 * Whoever asks a provider knows the price and the length of the request; a recovery knows neither.
 * So the price is noted with the attempt when the request leaves, and the recovery that ends the
 * attempt books it, marked as estimated: the request, and the answer by the bytes that are stored
 * of it. Since the end of an attempt is compare-and-set, it is booked once. An end by other means
 * forgets the note.
 *
 * Units: bytes; money in millionths of a US dollar. Errors: of the store.
 */
#ifndef WEIR_STORE_EXPECTED_COST_H
#define WEIR_STORE_EXPECTED_COST_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/store.h"

struct expected_cost {
    int64_t request_micros;
    int64_t answer_micros; /* for a million bytes */
};

/*
 * Notes it, in the place of what was noted before; NULL: it costs nothing any more. Any thread;
 * returns at once, nobody waits for the disk: what cannot be written is logged. An attempt that has
 * ended is left as it is.
 */
enum err_code expected_cost_note(struct store *store, const struct ulid *attempt,
                                 const struct expected_cost *expected, struct err *err) NODISCARD;

#endif
