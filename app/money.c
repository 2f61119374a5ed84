/* Money: decimal text and whole numbers, checked for overflow. */
#include "app/money.h"

#include <inttypes.h>

/* One more digit at the end; false: it does not fit. */
static bool push_digit(int64_t *amount, unsigned digit)
{
    return !__builtin_mul_overflow(*amount, 10, amount) &&
           !__builtin_add_overflow(*amount, (int64_t)digit, amount);
}

bool money_parse(struct sv text, unsigned places, int64_t *ret_amount)
{
    int64_t amount = 0;
    bool has_digit = false;
    bool after_point = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '.' && !after_point) {
            after_point = true;
            continue;
        }
        if (c < '0' || c > '9') {
            return false;
        }
        has_digit = true;
        if (after_point && places == 0) {
            if (c != '0') {
                return false;
            }
            continue;
        }
        places -= after_point;
        if (!push_digit(&amount, (unsigned)(c - '0'))) {
            return false;
        }
    }
    while (places > 0 && has_digit) {
        places--;
        if (!push_digit(&amount, 0)) {
            return false;
        }
    }
    if (has_digit) {
        *ret_amount = amount;
    }
    return has_digit;
}

void money_append(struct buf *out, int64_t amount)
{
    if (amount < 0) {
        (void)buf_append_byte(out, '?');
        return;
    }
    (void)buf_appendf(out, "%" PRId64, amount / 1000000);
    if (amount % 1000000) {
        (void)buf_appendf(out, ".%06" PRId64, amount % 1000000);
        while (out->n && out->p[out->n - 1] == '0') {
            buf_truncate(out, out->n - 1);
        }
    }
}

int64_t money_add(int64_t a, int64_t b)
{
    int64_t sum;
    bool known = a >= 0 && b >= 0 && !__builtin_add_overflow(a, b, &sum);
    return known ? sum : MONEY_UNKNOWN;
}

int64_t money_share(int64_t a, int64_t b, int64_t divisor)
{
    int64_t product;
    bool known = a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, &product);
    return known ? product / divisor + (product % divisor > 0) : MONEY_UNKNOWN;
}
