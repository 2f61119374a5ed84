/*
 * Retry: what a server's head says about asking again, and how long to wait before the next
 * attempt. Whether an attempt may be made at all is the engine's to decide.
 *
 * Forms that are read: retry-after (seconds, also with a fraction; a date in any of the three forms
 * of HTTP), retry-after-ms, x-should-retry, and the rate limits of the hosted providers
 * (x-ratelimit-reset-requests: "6m0s", anthropic-ratelimit-tokens-reset: RFC 3339,
 * x-ratelimit-reset: seconds or milliseconds since 1970), which count only where the limit's own
 * "remaining" is 0. What cannot be read was not said.
 *
 * Threads: values. Units: µs; wall clock since 1970. Source: RFC 9110 5.6.7 and 10.2.3, RFC 3339,
 * the providers' API references.
 */
#ifndef WEIR_APP_RETRY_H
#define WEIR_APP_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"

/* Longer waits that a server asks for are taken as this. */
#define RETRY_WAIT_MAX_S ((int64_t)365 * 86400)

enum retry_advice { RETRY_UNSAID, RETRY_YES, RETRY_NO };

/* A span from now, or a moment; neither: both -1. */
struct retry_when {
    int64_t span_us, at_us;
};

#define RETRY_LIMITS 5
struct retry_head {
    struct retry_when ms, after;
    int64_t date_us; /* the server's own clock, which its dates are meant by; -1: not said */
    struct {
        struct retry_when reset;
        bool spent;
    } limits[RETRY_LIMITS];
    enum retry_advice advice;
};

void retry_head_init(struct retry_head *head);
/* Takes one header line; others than those above are passed over. */
void retry_head_take(struct retry_head *head, struct sv name, struct sv value);
/* How long the server asks to wait, 0 and up; -1: it does not say. */
int64_t retry_head_wait_us(const struct retry_head *head, int64_t now_wall_us);

/* "17s", "1.5", "6m0s", "120ms", a moment in RFC 3339, a date of HTTP, or a large number: seconds
 * or milliseconds since 1970. False: none of these. */
bool retry_when_parse(struct sv text, struct retry_when *ret_when);

/*
 * Wait after `failed` attempts (1 and up): half a second, doubled each time, at most 8 s, of which
 * `random` takes away up to a half, so that clients which failed together do not come back
 * together.
 */
int64_t retry_backoff_us(unsigned failed, uint32_t random);

#endif
