/* Days of the command line. */
#include "app/day.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORMS "a day such as 2026-11-21, today, yesterday or 7d"

/* A date that the calendar has: strptime takes the 31st of every month. */
static bool parse_date(const char *text, struct tm *ret_day)
{
    struct tm day = {.tm_isdst = -1};
    char *end = strptime(text, "%Y-%m-%d", &day);
    struct tm noon = {.tm_year = day.tm_year,
                      .tm_mon = day.tm_mon,
                      .tm_mday = day.tm_mday,
                      .tm_hour = 12,
                      .tm_isdst = -1};
    if (!end || *end != '\0' || mktime(&noon) == (time_t)-1 || noon.tm_mday != day.tm_mday) {
        return false;
    }
    *ret_day = day;
    return true;
}

/* How long ago a day is that is named as seen from today. */
static bool parse_age(const char *text, int *ret_days)
{
    char *end = NULL;
    long count = strtol(text, &end, 10);
    if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0) {
        *ret_days = text[0] == 'y';
        return true;
    }
    if (end == text || strcmp(end, "d") != 0 || count < 1 || count > 100000) {
        return false;
    }
    *ret_days = (int)count - 1;
    return true;
}

/* The midnight that begins the day `days` after it. */
static bool midnight(const struct tm *day, int days, int64_t *ret_us)
{
    struct tm tm = {.tm_year = day->tm_year,
                    .tm_mon = day->tm_mon,
                    .tm_mday = day->tm_mday + days,
                    .tm_isdst = -1};
    time_t begin = mktime(&tm);
    *ret_us = (int64_t)begin * 1000000;
    return begin != (time_t)-1;
}

bool day_parse(const char *text, time_t now, int64_t *ret_begin_us, int64_t *ret_end_us)
{
    struct tm day;
    int64_t begin_us = 0;
    int64_t end_us = 0;
    int age = 0;
    if (!parse_date(text, &day) && !(parse_age(text, &age) && localtime_r(&now, &day))) {
        return false;
    }
    if (!midnight(&day, -age, &begin_us) || !midnight(&day, 1 - age, &end_us)) {
        return false;
    }
    *ret_begin_us = begin_us;
    *ret_end_us = end_us;
    return true;
}

enum err_code day_range(const struct arguments *arguments, int64_t *ret_since_us,
                        int64_t *ret_until_us, struct err *err)
{
    const char *since = argument_text(arguments, "since");
    const char *until = argument_text(arguments, "until");
    time_t now = time(NULL);
    int64_t since_us = 0;
    int64_t until_us = 0;
    int64_t other_us;
    if (since && !day_parse(since, now, &since_us, &other_us)) {
        return err_set(err, ERR_USAGE, "--since takes " FORMS ", not '%s'", since);
    }
    if (until && !day_parse(until, now, &other_us, &until_us)) {
        return err_set(err, ERR_USAGE, "--until takes " FORMS ", not '%s'", until);
    }
    *ret_since_us = since_us;
    *ret_until_us = until_us;
    return ERR_OK;
}
