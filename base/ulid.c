/*
 * Making and reading ULIDs.
 *
 * Within one millisecond, and while the clock stands behind the last id (it may step back), the 80
 * random bits are incremented instead of drawn anew. A forked child draws anew: it holds a copy of
 * its parent's state and would repeat its ids.
 */
#include "base/ulid.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef __linux__
#include <errno.h>
#include <sys/random.h>
#endif

#include "base/clock.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct parts {
    uint64_t ms; /* 48 bits */
    uint64_t low;
    uint16_t high;
};

/* Guards: last, last_pid. Leaf. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct parts last;
static pid_t last_pid;

static void draw(void *out, size_t size)
{
#ifdef __linux__
    ssize_t got;
    do {
        got = getrandom(out, size, 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)size) {
        abort(); /* A kernel without getrandom: an id that may repeat would lose data later. */
    }
#else
    arc4random_buf(out, size);
#endif
}

static void draw_tail(struct parts *parts)
{
    draw(&parts->low, sizeof(parts->low));
    draw(&parts->high, sizeof(parts->high));
}

/* When all 80 bits are used up the id borrows the next millisecond: order matters more than 1 ms.
 */
static void increment(struct parts *parts)
{
    if (++parts->low == 0 && ++parts->high == 0) {
        parts->ms++;
        draw_tail(parts);
    }
}

static struct parts next_parts(void)
{
    uint64_t now = (uint64_t)(clock_wall_us() / 1000) & 0xFFFFFFFFFFFFu;
    pid_t pid = getpid();
    pthread_mutex_lock(&lock);
    if (now > last.ms || pid != last_pid) {
        last.ms = now > last.ms ? now : last.ms;
        last_pid = pid;
        draw_tail(&last);
    } else {
        increment(&last);
    }
    struct parts parts = last;
    pthread_mutex_unlock(&lock);
    return parts;
}

struct ulid ulid_new(void)
{
    struct parts parts = next_parts();
    struct ulid id;
    for (int i = 9; i >= 0; i--) {
        id.text[i] = digits[parts.ms & 31];
        parts.ms >>= 5;
    }
    for (int i = ULID_LENGTH - 1; i >= 10; i--) {
        id.text[i] = digits[parts.low & 31];
        parts.low = parts.low >> 5 | (uint64_t)parts.high << 59;
        parts.high = (uint16_t)(parts.high >> 5);
    }
    id.text[ULID_LENGTH] = '\0';
    return id;
}

bool ulid_is_set(const struct ulid *id)
{
    return id->text[0] != '\0';
}

bool ulid_equal(const struct ulid *a, const struct ulid *b)
{
    return strcmp(a->text, b->text) == 0;
}

bool ulid_parse(struct sv text, struct ulid *ret_id)
{
    struct ulid id;
    if (text.n != ULID_LENGTH || text.p[0] > '7') {
        return false; /* A first digit above 7 would be a time of more than 48 bits. */
    }
    for (size_t i = 0; i < ULID_LENGTH; i++) {
        char c = text.p[i];
        char upper = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
        if (!upper || !strchr(digits, upper)) {
            return false;
        }
        id.text[i] = upper;
    }
    id.text[ULID_LENGTH] = '\0';
    *ret_id = id;
    return true;
}
