/* weir usage: what answers used and cost, by day, model, session or label. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/command.h"
#include "app/day.h"
#include "app/money.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/records.h"
#include "base/safe.h"
#include "store/usage.h"

#define BAR_COLUMNS 20

static const struct option_spec options[] = {
    {"by", 'b', OPTION_TEXT, "GROUP", "day, model, session or label (day)"},
    {"since", 0, OPTION_TEXT, "DAY", "from that local day on: 2026-11-21, today, or 7d for a week"},
    {"until", 0, OPTION_TEXT, "DAY", "up to and with that local day"},
    {"json", 0, OPTION_FLAG, NULL, "one JSON document"},
    {.name = NULL},
};

static const char *const groups[] = {
    [USAGE_BY_DAY] = "day",
    [USAGE_BY_MODEL] = "model",
    [USAGE_BY_SESSION] = "session",
    [USAGE_BY_LABEL] = "label",
};

struct asked {
    enum usage_group group;
    int64_t since_us, until_us;
};

static bool group_of(const char *text, enum usage_group *ret_group)
{
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        if (strcmp(text, groups[i]) == 0) {
            *ret_group = (enum usage_group)i;
            return true;
        }
    }
    return false;
}

static enum err_code read_arguments(const struct arguments *arguments, struct asked *asked,
                                    struct err *err)
{
    const char *by = argument_text(arguments, "by");
    if (by && !group_of(by, &asked->group)) {
        return err_set(err, ERR_USAGE, "--by takes day, model, session or label, not '%s'", by);
    }
    enum err_code code = day_range(arguments, &asked->since_us, &asked->until_us, err);
    asked->until_us = asked->until_us == 0 ? INT64_MAX : asked->until_us;
    return code;
}

static void append_record(struct buf *out, const struct usage_row *row, const char *name_of)
{
    (void)buf_append_byte(out, '{');
    if (name_of) {
        record_text(out, name_of, sv_from(row->name));
    }
    record_int(out, "messages", row->messages);
    record_int(out, "input_tokens", row->input_tokens);
    record_int(out, "output_tokens", row->output_tokens);
    record_int(out, "cache_read_tokens", row->cache_read_tokens);
    record_int(out, "cache_write_tokens", row->cache_write_tokens);
    record_int(out, "reasoning_tokens", row->reasoning_tokens);
    record_int(out, "cost_micros", row->cost_micros);
    record_int(out, "unknown_costs", row->unknown_costs);
    record_int(out, "estimated_costs", row->estimated_costs);
    (void)buf_append_byte(out, '}');
}

static void append_json(struct buf *out, const struct usage_report *report, enum usage_group group)
{
    (void)buf_append_str(out, "{\"rows\":[");
    for (size_t i = 0; i < report->count; i++) {
        (void)buf_append_str(out, i ? ",\n" : "");
        append_record(out, &report->rows[i], groups[group]);
    }
    (void)buf_append_str(out, "],\"total\":");
    append_record(out, &report->total, NULL);
    (void)buf_append_str(out, "}\n");
}

static void append_line(struct buf *out, const struct usage_row *row)
{
    struct buf cost = BUF_INIT(BUF_MAX_INTERNAL);
    (void)buf_append_str(&cost, row->estimated_costs > 0 ? "~$" : "$");
    money_append(&cost, row->cost_micros);
    /* What is not known may only add to it. */
    (void)buf_append_str(&cost, row->unknown_costs > 0 ? "+" : " ");
    (void)buf_appendf(out, "%8lld %12lld %12lld %13s  ", (long long)row->messages,
                      (long long)row->input_tokens, (long long)row->output_tokens, buf_cstr(&cost));
    buf_release(&cost);
}

/* By cost where any is known, else by tokens. */
static int64_t weight_of(const struct usage_row *row, bool by_cost)
{
    return by_cost ? row->cost_micros : row->input_tokens + row->output_tokens;
}

static void append_bar(struct buf *out, int64_t weight, int64_t most)
{
    int64_t columns = most > 0 ? (weight * BAR_COLUMNS + most - 1) / most : 0;
    for (int64_t i = 0; i < BAR_COLUMNS; i++) {
        (void)buf_append_byte(out, i < columns ? '#' : ' ');
    }
}

static void append_table(struct buf *out, const struct usage_report *report)
{
    bool by_cost = report->total.cost_micros > 0;
    int64_t most = 0;
    for (size_t i = 0; i < report->count; i++) {
        int64_t weight = weight_of(&report->rows[i], by_cost);
        most = weight > most ? weight : most;
    }
    (void)buf_appendf(out, "messages        input       output          cost  by %s\n",
                      by_cost ? "cost" : "tokens");
    for (size_t i = 0; i < report->count; i++) {
        append_line(out, &report->rows[i]);
        append_bar(out, weight_of(&report->rows[i], by_cost), most);
        (void)buf_append_str(out, "  ");
        (void)safe_append(out, sv_from(report->rows[i].name), SAFE_ONE_LINE);
        (void)buf_append_byte(out, '\n');
    }
    append_line(out, &report->total);
    (void)buf_append_str(out, "total\n");
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct asked asked = {.group = USAGE_BY_DAY};
    struct usage_report report = {.rows = NULL};
    struct reading reading;
    struct err err = {0};
    if (read_arguments(arguments, &asked, &err) || reading_open(global, &reading, &err)) {
        return command_fail(&err);
    }
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    enum err_code code =
        usage_report(reading.store, asked.group, asked.since_us, asked.until_us, &report, &err);
    if (!code && argument_flag(arguments, "json")) {
        append_json(&out, &report, asked.group);
    } else if (!code) {
        append_table(&out, &report);
    }
    usage_report_release(&report);
    reading_close(&reading);
    int exit_code = code ? command_fail(&err) : output_paged(buf_sv(&out));
    buf_release(&out);
    return exit_code;
}

const struct command command_usage = {
    .name = "usage",
    .operands = NULL,
    .summary = "tokens and costs by day, model, session or label",
    .details =
        "A ~ before a cost says that some of it was worked out by a table of prices, a plus\n"
        "behind it that what some answers cost is not known.\n",
    .options = options,
    .run = run,
};
