/*
 * Spending: what one answer has used up to now, as far as the provider said, and what it has
 * probably cost where the provider did not say.
 *
 * Most providers report usage with their last words, so an answer that was cancelled, interrupted
 * or cut has none. Its tokens stay unknown: nobody counted them. Its cost is estimated, and marked
 * as that: the request by the bound that a budget reserves with (model_estimate), unless its tokens
 * were reported, and the answer by the text that came since the last report, at the same rate. So
 * it is rather too high than too low, and what a budget books for it is no less than what was
 * spent.
 *
 * Threads: pure. Units: bytes, tokens, millionths of a US dollar.
 */
#ifndef WEIR_APP_SPENDING_H
#define WEIR_APP_SPENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "app/models.h"
#include "store/expected_cost.h"
#include "store/stream_event.h"

struct spending {
    size_t request_bytes; /* 0: nothing was sent */
    size_t answer_bytes;  /* text, reasoning and tool input since the last report */
    struct usage reported;
};

/* Of a request with a body of so many bytes. */
void spending_begin(struct spending *spending, size_t request_bytes);
/* Every event of the answer. */
void spending_take(struct spending *spending, const struct stream_event *event);
/*
 * What to book for an answer that ends now: what was reported, with the estimated cost. False, and
 * nothing given: what was reported is whole, the provider named the cost, nothing was sent, or no
 * price is known (or there is nothing to pay).
 */
bool spending_estimate(const struct spending *spending, const struct model_facts *facts,
                       struct usage *ret_usage);
/* The same, told beforehand: of the request that is about to leave, for whoever has to end the
 * answer in our place. False: no price is known, or there is nothing to pay. */
bool spending_expect(const struct spending *spending, const struct model_facts *facts,
                     struct expected_cost *ret_expected);

#endif
