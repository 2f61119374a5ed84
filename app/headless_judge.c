/* How a headless run ended: its exit code and what is said of it. */
#include <errno.h>
#include <signal.h>

#include "app/headless_internal.h"
#include "app/json_schema.h"
#include "app/models.h"
#include "base/clock.h"

#define EXIT_CUT 3
/* Of text that is not counted yet: most text has more, so that no answer is stopped too early. */
#define BYTES_PER_TOKEN 5

/* What to say of an answer that was stopped, with -n and without. */
static const char *kept(const struct headless *headless, const char *if_kept, const char *if_not)
{
    return headless->options.saves_nothing ? if_not : if_kept;
}

void headless_describe(const struct answer *answer, bool saves_nothing, struct outcome *outcome)
{
    outcome->reason = answer->reason;
    switch (answer->reason) {
    case FINISH_MAX_TOKENS:
        outcome->exit_code = EXIT_CUT;
        outcome->text = "the answer was cut at the token limit";
        break;
    case FINISH_CONTENT_FILTER:
    case FINISH_REFUSAL:
        outcome->code = ERR_REFUSED;
        outcome->text = answer->reason == FINISH_REFUSAL ? "the model refused to answer"
                                                         : "a filter stopped the answer";
        break;
    case FINISH_CANCELED:
        outcome->code = ERR_CANCELLED;
        outcome->text = answer->detail  ? answer->detail
                        : saves_nothing ? "cancelled"
                                        : "cancelled from elsewhere; what came is stored";
        break;
    case FINISH_INTERRUPTED:
        outcome->code = answer->error ? answer->error : ERR_INTERRUPTED;
        outcome->text = answer->detail  ? answer->detail
                        : saves_nothing ? "interrupted"
                                        : "interrupted; what came is stored";
        break;
    case FINISH_ERROR:
        outcome->code = answer->error ? answer->error : ERR_INTERNAL;
        outcome->text = answer->detail;
        break;
    default:
        break;
    }
    outcome->exit_code = outcome->code ? exit_code_of(outcome->code) : outcome->exit_code;
}

/* What made the program itself stop the answer, unless that was its reader's end. */
static void judge_own_stop(const struct headless *headless, struct outcome *outcome)
{
    if (headless->printer.failure && headless->printer.failure != EPIPE) {
        outcome->code = ERR_IO;
        outcome->text =
            kept(headless, "cannot write to stdout; what came is stored", "cannot write to stdout");
    } else if (headless->cost_passed) {
        outcome->code = ERR_BUDGET;
        outcome->text = kept(headless, "the answer passed --max-cost; what came is stored",
                             "the answer passed --max-cost");
    } else if (headless->timed_out) {
        outcome->code = ERR_TIMEOUT;
        outcome->text = kept(headless, "the time limit was reached; what came is stored",
                             "the time limit was reached");
    } else {
        return;
    }
    outcome->exit_code = exit_code_of(outcome->code);
}

/* What ended the run from outside, if anything did before the answer was whole. */
static bool judge_stop(const struct headless *headless, int number, struct outcome *outcome)
{
    enum finish_reason reason = headless->answer.reason;
    bool was_stopped =
        !headless->answer.ended || reason == FINISH_CANCELED || reason == FINISH_INTERRUPTED;
    if (!was_stopped ||
        !(number || headless->timed_out || headless->reader_gone || headless->cost_passed)) {
        return false;
    }
    bool canceled = number == SIGINT || (!number && headless->answer.ended);
    *outcome = (struct outcome){
        .code = canceled ? ERR_CANCELLED : ERR_INTERRUPTED,
        .exit_code = number ? 128 + number : EXIT_READER_GONE,
        .reason = headless->answer.ended ? reason
                  : canceled             ? FINISH_CANCELED
                                         : FINISH_INTERRUPTED,
        .text = kept(headless, "stopped before the answer was whole; what came is stored",
                     "stopped before the answer was whole")};
    if (!headless->have_turn) {
        outcome->text = "stopped before the prompt was sent";
    }
    if (!number) {
        judge_own_stop(headless, outcome);
    }
    return true;
}

/* A whole answer that is not what was asked for. */
static bool is_unfit(const struct headless *headless, struct err *err)
{
    const struct headless_options *options = &headless->options;
    if (options->unanswered || (!options->only_code && !options->schema)) {
        return false;
    }
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    enum err_code code = printer_pick(&headless->printer, &headless->answer, &text, err);
    if (!code && options->schema) {
        code = json_schema_check(sv_from(options->schema), buf_sv(&text), err);
    }
    buf_release(&text);
    return code != ERR_OK;
}

struct outcome headless__judge(const struct headless *headless, int number, struct err *err)
{
    struct outcome outcome = {.reason = FINISH_ERROR};
    bool failed_first = err->code != ERR_OK && !headless->have_turn;
    if (judge_stop(headless, number, &outcome)) {
        return outcome;
    }
    if (failed_first || !headless->answer.ended) {
        outcome.code = err->code ? err->code : ERR_INTERNAL;
        outcome.text = err->text[0] ? err->text : NULL;
        outcome.exit_code = exit_code_of(outcome.code);
        return outcome;
    }
    headless_describe(&headless->answer, headless->options.saves_nothing, &outcome);
    if (outcome.exit_code == 0 && (err->code || is_unfit(headless, err))) {
        /* The answer is whole, but could not be saved, or is not what was asked for. */
        outcome.code = err->code;
        outcome.text = err->text;
        outcome.exit_code = exit_code_of(err->code);
    }
    return outcome;
}

bool headless__cost_is_passed(const struct headless *headless)
{
    const struct answer *answer = &headless->answer;
    if (!headless->options.has_max_cost || answer->ended) {
        return false;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < answer->part_count; i++) {
        bytes += answer->parts[i].text.n;
    }
    struct usage usage = usage_unknown();
    int64_t known = answer->usage.output_tokens;
    int64_t estimate = (int64_t)(bytes / BYTES_PER_TOKEN);
    usage.input_tokens = answer->usage.input_tokens > 0 ? answer->usage.input_tokens : 0;
    usage.cache_read_tokens = answer->usage.cache_read_tokens;
    usage.cache_write_tokens = answer->usage.cache_write_tokens;
    usage.output_tokens = known > estimate ? known : estimate;
    struct model_facts facts =
        models_find(headless->config, &headless->choice.provider, headless->choice.model);
    int64_t cost =
        answer->usage.cost_micros >= 0 ? answer->usage.cost_micros : model_cost(&facts, &usage);
    return cost > headless->options.max_cost_micros;
}
