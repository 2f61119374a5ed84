/* weir budget: what may be spent, what was spent, what is promised to answers that run. */
#include <string.h>

#include "app/budgeting.h"
#include "app/command.h"
#include "app/money.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/records.h"
#include "base/clock.h"
#include "base/safe.h"

static const struct option_spec options[] = {
    {"all", 'a', OPTION_FLAG, NULL, "earlier days and months, too"},
    {"json", 0, OPTION_FLAG, NULL, "one JSON document"},
    {.name = NULL},
};

static int64_t limit_of(const struct config *config, const struct budget_row *row)
{
    bool total = strcmp(row->bucket, "total") == 0;
    struct sv name = sv_skip(sv_from(row->bucket), total ? 0 : strlen("model:"));
    struct budget_limits limits = budget_limits_of(config, total ? "" : name.p);
    if (total) {
        return row->monthly ? limits.monthly_micros : limits.daily_micros;
    }
    return row->monthly ? limits.model_monthly_micros : limits.model_daily_micros;
}

static void append_money(struct buf *out, int64_t micros)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    (void)buf_append_byte(&text, '$');
    money_append(&text, micros);
    (void)buf_appendf(out, " %12s", micros == BUDGET_NO_LIMIT ? "-" : buf_cstr(&text));
    buf_release(&text);
}

static void append_line(struct buf *out, const struct config *config, const struct budget_row *row)
{
    (void)buf_appendf(out, "%-7s %s", row->monthly ? "month" : "day", row->starts_on);
    append_money(out, row->spent_micros);
    append_money(out, row->reserved_micros);
    append_money(out, limit_of(config, row));
    (void)buf_appendf(out, " %6lld  ", (long long)row->calls);
    (void)safe_append(out, sv_from(row->bucket), SAFE_ONE_LINE);
    (void)buf_append_byte(out, '\n');
}

static void append_record(struct buf *out, const struct config *config,
                          const struct budget_row *row)
{
    (void)buf_append_byte(out, '{');
    record_text(out, "period", sv_from(row->monthly ? "monthly" : "daily"));
    record_text(out, "starts_on", sv_from(row->starts_on));
    record_text(out, "bucket", sv_from(row->bucket));
    record_known(out, "limit_micros", limit_of(config, row));
    record_int(out, "spent_micros", row->spent_micros);
    record_int(out, "reserved_micros", row->reserved_micros);
    record_int(out, "calls", row->calls);
    record_int(out, "input_tokens", row->input_tokens);
    record_int(out, "output_tokens", row->output_tokens);
    record_int(out, "tool_calls", row->tool_calls);
    (void)buf_append_byte(out, '}');
}

/* Of the month that runs, where not all are asked for. */
static bool is_shown(const struct budget_row *row, const char *today, bool all)
{
    size_t same = row->monthly ? strlen("2026-11") : strlen("2026-11-21");
    return all || memcmp(row->starts_on, today, same) == 0;
}

static void append_rows(struct buf *out, const struct config *config,
                        const struct budget_list *list, const struct arguments *arguments)
{
    char today[CLOCK_DAY_SIZE];
    size_t shown = 0;
    bool json = argument_flag(arguments, "json");
    clock_local_day(clock_wall_us(), today);
    (void)buf_append_str(out, json ? "["
                                   : "period  starts on         spent     reserved"
                                     "        limit  calls  of\n");
    for (size_t i = 0; i < list->count; i++) {
        const struct budget_row *row = &list->rows[i];
        if (!is_shown(row, today, argument_flag(arguments, "all"))) {
            continue;
        }
        if (json) {
            (void)buf_append_str(out, shown ? ",\n" : "");
            append_record(out, config, row);
        } else {
            append_line(out, config, row);
        }
        shown++;
    }
    (void)buf_append_str(out, json ? "]\n" : "");
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct reading reading;
    struct budget_list list = {NULL, 0};
    struct err err = {0};
    if (reading_open(global, &reading, &err)) {
        return command_fail(&err);
    }
    int exit_code = 0;
    if (budget_list(reading.store, NULL, &list, &err)) {
        exit_code = command_fail(&err);
    } else {
        struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
        append_rows(&out, reading.config, &list, arguments);
        exit_code = output_result(buf_sv(&out));
        buf_release(&out);
    }
    budget_list_release(&list);
    reading_close(&reading);
    return exit_code;
}

const struct command command_budget = {
    .name = "budget",
    .operands = NULL,
    .summary = "limits, what was spent, what is reserved",
    .details =
        "Limits come from [budget] in the config. A day and a month begin at local midnight.\n"
        "What is reserved belongs to answers that run; it is settled when they end.\n",
    .options = options,
    .run = run,
};
