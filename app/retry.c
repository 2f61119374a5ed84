/* Retry: reading of headers, and the wait that grows. */
#include "app/retry.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"

#define BACKOFF_FIRST_US CLOCK_MS(500)
#define BACKOFF_MOST_US CLOCK_S(8)
/* Plain numbers above these are moments: no server means a wait of thirty years. */
#define EPOCH_SECONDS_MIN 1e9
#define EPOCH_MS_MIN 1e12
#define WHEN_TEXT_MAX 63

static const struct retry_when unsaid = {-1, -1};

void retry_head_init(struct retry_head *head)
{
    *head = (struct retry_head){.ms = unsaid, .after = unsaid, .date_us = -1};
    for (size_t i = 0; i < RETRY_LIMITS; i++) {
        head->limits[i].reset = unsaid;
    }
}

/* A decimal number at the start of the text: digits, perhaps a fraction. */
static bool take_number(struct sv *text, double *ret_number)
{
    size_t n = 0;
    double number = 0;
    double place = 1;
    bool in_fraction = false;
    for (; n < text->n; n++) {
        char c = text->p[n];
        if (c == '.' && !in_fraction && n > 0) {
            in_fraction = true;
        } else if (c >= '0' && c <= '9') {
            place = in_fraction ? place / 10 : 1;
            number = in_fraction ? number + place * (c - '0') : number * 10 + (c - '0');
        } else {
            break;
        }
    }
    *text = sv_skip(*text, n);
    *ret_number = number;
    return n > 0;
}

/* Seconds in a unit that stands at the start of the text; a number without one counts seconds. */
static double take_unit(struct sv *text)
{
    static const struct {
        struct sv name;
        double seconds;
    } units[] = {{SV("ms"), 1e-3}, {SV("us"), 1e-6}, {SV("ns"), 1e-9}, {SV("s"), 1},
                 {SV("m"), 60},    {SV("h"), 3600},  {SV("d"), 86400}};
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (sv_starts_with(*text, units[i].name)) {
            *text = sv_skip(*text, units[i].name.n);
            return units[i].seconds;
        }
    }
    return text->n == 0 ? 1 : -1;
}

static int64_t to_us(double seconds)
{
    return seconds < (double)RETRY_WAIT_MAX_S ? (int64_t)(seconds * 1e6 + 0.5)
                                              : CLOCK_S(RETRY_WAIT_MAX_S);
}

/* "17", "1.5", "6m0s", "120ms", "1700000000" */
static bool parse_number(struct sv text, struct retry_when *ret_when)
{
    double seconds = 0;
    double number = 0;
    bool is_plain = true;
    struct sv rest = text;
    do {
        if (!take_number(&rest, &number)) {
            return false;
        }
        is_plain = is_plain && rest.n == 0;
        double unit = take_unit(&rest);
        if (unit < 0) {
            return false;
        }
        seconds += number * unit;
    } while (rest.n > 0);
    if (is_plain && seconds >= EPOCH_SECONDS_MIN) {
        double at = seconds >= EPOCH_MS_MIN ? seconds / 1000 : seconds;
        *ret_when = (struct retry_when){-1, at < 1e11 ? (int64_t)(at * 1e6) : INT64_MAX / 2};
    } else {
        *ret_when = (struct retry_when){to_us(seconds), -1};
    }
    return true;
}

static bool is_sane(const struct tm *day)
{
    return day->tm_mon >= 0 && day->tm_mon < 12 && day->tm_mday >= 1 && day->tm_mday <= 31 &&
           day->tm_hour >= 0 && day->tm_hour < 24 && day->tm_min >= 0 && day->tm_min < 60 &&
           day->tm_sec >= 0 && day->tm_sec <= 60 && day->tm_year >= 70 && day->tm_year < 8000;
}

static bool give_day(struct tm day, int offset_s, struct retry_when *ret_when)
{
    if (!is_sane(&day)) {
        return false;
    }
    *ret_when = (struct retry_when){-1, CLOCK_S((int64_t)timegm(&day) - offset_s)};
    return true;
}

/* "2026-11-21T07:24:05.5Z", "2026-11-21T08:24:05+01:00" */
static bool parse_rfc3339(const char *text, struct retry_when *ret_when)
{
    struct tm day = {0};
    int n = 0;
    if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &day.tm_year, &day.tm_mon, &day.tm_mday,
               &day.tm_hour, &day.tm_min, &day.tm_sec, &n) != 6 ||
        n == 0) {
        return false;
    }
    const char *rest = text + n;
    rest += *rest == '.' ? 1 + strspn(rest + 1, "0123456789") : 0;
    int hours = 0;
    int minutes = 0;
    char sign = 'Z';
    bool is_utc = *rest == 'Z' || *rest == 'z';
    if (!is_utc &&
        (sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) != 3 || (sign != '+' && sign != '-'))) {
        return false;
    }
    day.tm_year -= 1900;
    day.tm_mon -= 1;
    int offset_s = hours * 3600 + minutes * 60;
    return give_day(day, sign == '-' ? -offset_s : offset_s, ret_when);
}

static int month_of(const char *name)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    char low[4] = {0};
    for (size_t i = 0; i < 3 && name[i]; i++) {
        low[i] = (char)(name[i] | 0x20);
    }
    const char *at = low[2] ? strstr(months, low) : NULL;
    return at && (at - months) % 3 == 0 ? (int)((at - months) / 3) : -1;
}

/* The three forms of RFC 9110, all of them in GMT. */
static bool parse_http_date(const char *text, struct retry_when *ret_when)
{
    struct tm day = {0};
    char month[4] = "";
    int *time[] = {&day.tm_hour, &day.tm_min, &day.tm_sec};
    bool matched = sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d", &day.tm_mday, month,
                          &day.tm_year, time[0], time[1], time[2]) == 6 ||
                   sscanf(text, "%*[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d", &day.tm_mday, month,
                          &day.tm_year, time[0], time[1], time[2]) == 6 ||
                   sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d", month, &day.tm_mday,
                          time[0], time[1], time[2], &day.tm_year) == 6;
    if (!matched) {
        return false;
    }
    /* Two digits: of the hundred years that end in 2069. */
    day.tm_year += day.tm_year < 70 ? 100 : day.tm_year < 100 ? 0 : -1900;
    day.tm_mon = month_of(month);
    return give_day(day, 0, ret_when);
}

bool retry_when_parse(struct sv text, struct retry_when *ret_when)
{
    char copy[WHEN_TEXT_MAX + 1];
    struct sv bare = sv_trim(text);
    if (bare.n == 0 || bare.n > WHEN_TEXT_MAX || memchr(bare.p, 0, bare.n)) {
        return false;
    }
    memcpy(copy, bare.p, bare.n);
    copy[bare.n] = '\0';
    return parse_number(bare, ret_when) || parse_rfc3339(copy, ret_when) ||
           parse_http_date(copy, ret_when);
}

/* ---- headers ---- */

static bool holds(struct sv name, const char *word)
{
    struct sv part = sv_from(word);
    for (; name.n >= part.n; name = sv_skip(name, 1)) {
        if (sv_equal_nocase(sv_take(name, part.n), part)) {
            return true;
        }
    }
    return false;
}

/* Which of the limits that servers keep apart a header is about. */
static size_t limit_of(struct sv name)
{
    static const char *const words[RETRY_LIMITS - 1] = {"input-tokens", "output-tokens", "tokens",
                                                        "requests"};
    size_t i = 0;
    while (i < RETRY_LIMITS - 1 && !holds(name, words[i])) {
        i++;
    }
    return i;
}

static void take_limit(struct retry_head *head, struct sv name, struct sv value)
{
    size_t limit = limit_of(name);
    if (holds(name, "reset")) {
        (void)retry_when_parse(value, &head->limits[limit].reset);
    } else if (holds(name, "remaining")) {
        head->limits[limit].spent = sv_equal_str(value, "0");
    }
}

void retry_head_take(struct retry_head *head, struct sv name, struct sv value)
{
    struct retry_when when = unsaid;
    if (sv_equal_nocase(name, SV("retry-after-ms"))) {
        if (retry_when_parse(value, &when) && when.span_us >= 0) {
            head->ms.span_us = when.span_us / 1000;
        }
    } else if (sv_equal_nocase(name, SV("retry-after"))) {
        (void)retry_when_parse(value, &head->after);
    } else if (sv_equal_nocase(name, SV("date"))) {
        head->date_us = retry_when_parse(value, &when) ? when.at_us : -1;
    } else if (sv_equal_nocase(name, SV("x-should-retry"))) {
        head->advice = sv_equal_nocase(value, SV("true"))    ? RETRY_YES
                       : sv_equal_nocase(value, SV("false")) ? RETRY_NO
                                                             : RETRY_UNSAID;
    } else if (holds(name, "ratelimit")) {
        take_limit(head, name, value);
    }
}

/* From now on; -1: not said. A moment that has passed is a wait of 0. */
static int64_t wait_of(const struct retry_when *when, int64_t now_us)
{
    if (when->span_us >= 0) {
        return when->span_us;
    }
    if (when->at_us < 0) {
        return -1;
    }
    int64_t left = when->at_us - now_us;
    int64_t most = CLOCK_S(RETRY_WAIT_MAX_S);
    return left < 0 ? 0 : left < most ? left : most;
}

/* The longest of the limits that are used up. */
static int64_t limits_wait_us(const struct retry_head *head, int64_t now_us)
{
    int64_t wait = -1;
    for (size_t i = 0; i < RETRY_LIMITS; i++) {
        int64_t reset = head->limits[i].spent ? wait_of(&head->limits[i].reset, now_us) : -1;
        wait = reset > wait ? reset : wait;
    }
    return wait;
}

int64_t retry_head_wait_us(const struct retry_head *head, int64_t now_wall_us)
{
    int64_t now = head->date_us >= 0 ? head->date_us : now_wall_us;
    int64_t wait = wait_of(&head->ms, now);
    if (wait < 0) {
        wait = wait_of(&head->after, now);
    }
    return wait >= 0 ? wait : limits_wait_us(head, now);
}

int64_t retry_backoff_us(unsigned failed, uint32_t random)
{
    int64_t most = BACKOFF_FIRST_US;
    for (unsigned i = 1; i < failed && most < BACKOFF_MOST_US; i++) {
        most *= 2;
    }
    most = most < BACKOFF_MOST_US ? most : BACKOFF_MOST_US;
    return most - most / 2 * (int64_t)random / UINT32_MAX;
}
