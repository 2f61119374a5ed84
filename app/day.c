/* Days of the command line. */
#include "app/day.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The local midnight that begins the day, `days` later. */
static bool day_start(const char *text, int days, int64_t *ret_us)
{
    struct tm tm = {.tm_isdst = -1};
    char *end = strptime(text, "%Y-%m-%d", &tm);
    if (!end || *end != '\0') {
        return false;
    }
    tm.tm_mday += days;
    tm.tm_isdst = -1;
    time_t start = mktime(&tm);
    *ret_us = (int64_t)start * 1000000;
    return start != (time_t)-1;
}

/* "7d": seven days with today. */
static bool days_ago(const char *text, int64_t *ret_us)
{
    char *end = NULL;
    long days = strtol(text, &end, 10);
    time_t now = time(NULL);
    struct tm tm;
    if (end == text || strcmp(end, "d") != 0 || days < 1 || days > 100000 ||
        !localtime_r(&now, &tm)) {
        return false;
    }
    tm.tm_mday -= (int)days - 1;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    *ret_us = (int64_t)mktime(&tm) * 1000000;
    return true;
}

enum err_code day_range(const struct arguments *arguments, int64_t *ret_since_us,
                        int64_t *ret_until_us, struct err *err)
{
    const char *since = argument_text(arguments, "since");
    const char *until = argument_text(arguments, "until");
    int64_t since_us = 0;
    int64_t until_us = 0;
    if (since && !day_start(since, 0, &since_us) && !days_ago(since, &since_us)) {
        return err_set(err, ERR_USAGE, "--since takes a day such as 2026-11-21, or 7d, not '%s'",
                       since);
    }
    if (until && !day_start(until, 1, &until_us)) {
        return err_set(err, ERR_USAGE, "--until takes a day such as 2026-11-21, not '%s'", until);
    }
    *ret_since_us = since_us;
    *ret_until_us = until_us;
    return ERR_OK;
}
