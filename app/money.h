/*
 * Money: amounts as whole millionths of a US dollar, read from and written as decimal text,
 * exactly.
 *
 * No floating point: 0.1 dollars are 100000 and stay so. A price is an amount for a million tokens,
 * so that the finest price in use (a few thousandths of a dollar for a million) is a whole number
 * as well.
 *
 * Threads: pure.
 */
#ifndef WEIR_APP_MONEY_H
#define WEIR_APP_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"

#define MONEY_UNKNOWN (-1)
#define MONEY_PLACES 6        /* of a dollar, in an amount */
#define MONEY_PLACES_TOKEN 12 /* of a dollar for one token, in a price for a million of them */

/*
 * "12", "0.25", ".5", "3.": digits with at most one point, no sign, no exponent. Gives the number
 * times ten to the power of `places`. False, and `*ret_amount` untouched, for any other text, for
 * digits beyond those places that are not 0, and for what does not fit.
 */
bool money_parse(struct sv text, unsigned places, int64_t *ret_amount);
/* "0.001234", "3", without zeros at the end; "?" for MONEY_UNKNOWN. */
void money_append(struct buf *out, int64_t amount);

/* a + b and a * b / divisor rounded up, of amounts not below 0; MONEY_UNKNOWN when one of them is
 * unknown or the result does not fit. */
int64_t money_add(int64_t a, int64_t b);
int64_t money_share(int64_t a, int64_t b, int64_t divisor);

#endif
