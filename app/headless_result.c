/*
 * The result of a headless run: what the last line of stream-json, and the one object of json, say
 * of the whole answer. doc/stream-json.md describes it.
 */
#include <stdlib.h>

#include "app/code_block.h"
#include "app/headless_internal.h"
#include "app/records.h"

static void record_tool_calls(struct buf *out, const struct answer *answer)
{
    record_key(out, "tool_calls");
    buf_append_byte(out, '[');
    bool is_first = true;
    for (size_t i = 0; i < answer->part_count; i++) {
        const struct answer_part *part = &answer->parts[i];
        if (part->known && part->kind == PART_TOOL_CALL) {
            buf_append_str(out, is_first ? "{" : ",{");
            record_text(out, "id", sv_from(part->tool_id));
            record_text(out, "name", sv_from(part->tool_name));
            record_text(out, "arguments", sv_from(buf_cstr(&part->text)));
            buf_append_byte(out, '}');
            is_first = false;
        }
    }
    buf_append_byte(out, ']');
}

/* Whether the same call may do better later. */
static bool is_retryable(int exit_code)
{
    return exit_code == 69 || exit_code == 75 || exit_code == 76 || exit_code == 124;
}

static void record_error(struct buf *out, const struct outcome *outcome)
{
    if (!outcome->code) {
        record_text(out, "error", (struct sv){NULL, 0});
        return;
    }
    char *name = record_error_name(outcome->code);
    record_key(out, "error");
    buf_append_byte(out, '{');
    record_text(out, "code", sv_from(name));
    record_text(out, "message", sv_from(outcome->text ? outcome->text : err_text(outcome->code)));
    record_bool(out, "retryable", is_retryable(outcome->exit_code));
    buf_append_byte(out, '}');
    free(name);
}

static void record_joined(struct buf *out, const char *name, const struct answer *answer,
                          enum part_kind kind)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    answer_append_text(answer, kind, &text);
    record_text(out, name, sv_from(buf_cstr(&text)));
    buf_release(&text);
}

enum err_code printer_pick(const struct printer *printer, const struct answer *answer,
                           struct buf *out, struct err *err)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    answer_append_text(answer, PART_TEXT, &text);
    bool found = true;
    if (printer->only_code) {
        found = code_block_first(buf_sv(&text), out);
    } else {
        buf_append_sv(out, buf_sv(&text));
    }
    buf_release(&text);
    return found ? ERR_OK : err_set(err, ERR_UNFIT, "the answer has no code block");
}

/* The whole text where no block was found: the object tells all that there is. */
static void record_picked(const struct printer *printer, struct buf *out,
                          const struct answer *answer)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    if (printer_pick(printer, answer, &text, NULL)) {
        buf_clear(&text);
        answer_append_text(answer, PART_TEXT, &text);
    }
    record_text(out, "text", sv_from(buf_cstr(&text)));
    buf_release(&text);
}

void headless__record_result(const struct printer *printer, const struct answer *answer,
                             const struct outcome *outcome, struct buf *out)
{
    record_int(out, "version", HEADLESS_FORMAT_VERSION);
    record_picked(printer, out, answer);
    record_joined(out, "reasoning", answer, PART_REASONING);
    record_tool_calls(out, answer);
    record_reason(out, "finish_reason", outcome->reason);
    record_text(out, "model", sv_from(answer->model));
    record_usage(out, &answer->usage);
    record_bool(out, "replayed", printer->replayed);
    record_error(out, outcome);
    record_int(out, "exit_code", outcome->exit_code);
}
