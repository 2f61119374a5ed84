/*
 * Printing a headless run. Text streams to stdout; stream-json is one object for each line, flushed
 * as it comes, with one `result` at the end; json is that object alone. Everything else goes to
 * stderr. A failed write is noted once and nothing more is written: the caller cancels the answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/headless_internal.h"
#include "app/output.h"
#include "app/records.h"
#include "base/clock.h"
#include "base/utf8.h"

#define TOOL_INPUT_SHOWN ((size_t)200)

bool headless_format_parse(const char *name, enum headless_format *ret_format)
{
    static const char *const names[] = {
        [HEADLESS_TEXT] = "text", [HEADLESS_JSON] = "json", [HEADLESS_STREAM_JSON] = "stream-json"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_format = (enum headless_format)i;
            return true;
        }
    }
    return false;
}

void printer_init(struct printer *printer, enum headless_format format)
{
    *printer = (struct printer){.format = format,
                                .stdout_is_terminal = isatty(STDOUT_FILENO) == 1,
                                .stderr_is_terminal = isatty(STDERR_FILENO) == 1};
    safe_init(&printer->out_safe, SAFE_DEFAULT);
    safe_init(&printer->err_safe, SAFE_DEFAULT);
}

static void write_out(struct printer *printer, struct sv text)
{
    if (printer->failure == 0 && text.n > 0) {
        printer->failure = output_write(STDOUT_FILENO, text);
    }
}

/* Text on its way to stdout or stderr, made safe where that is a terminal. */
static void stream_text(struct printer *printer, int fd, struct sv text)
{
    bool is_out = fd == STDOUT_FILENO;
    bool is_terminal =
        is_out ? printer->stdout_is_terminal && !printer->raw : printer->stderr_is_terminal;
    struct buf safe = BUF_INIT(BUF_MAX_INTERNAL);
    if (is_terminal) {
        (void)safe_feed(is_out ? &printer->out_safe : &printer->err_safe, text, &safe);
        text = buf_sv(&safe);
    }
    if (is_out) {
        write_out(printer, text);
    } else {
        (void)output_write(fd, text);
    }
    buf_release(&safe);
}

/* The head of a stream-json line, up to what all of them have. */
static void begin_line(struct printer *printer, const char *type, struct buf *out)
{
    buf_append_byte(out, '{');
    record_text(out, "type", sv_from(type));
    record_int(out, "seq", (int64_t)printer->seq++);
    record_id(out, "session_id", &printer->turn.session);
    record_id(out, "turn_id", &printer->turn.id);
    record_id(out, "message_id", &printer->turn.answer);
    record_time(out, "time", clock_wall_us());
}

/* Ends the object with where its reader goes on. */
static void close_object(const struct printer *printer, struct buf *out)
{
    struct cursor cursor = printer->seen;
    cursor.session = printer->turn.session;
    cursor.message = printer->turn.answer;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    cursor_append(&text, &cursor);
    record_text(out, "cursor", buf_sv(&text));
    buf_release(&text);
    buf_append_str(out, "}\n");
}

static void end_line(struct printer *printer, struct buf *out)
{
    close_object(printer, out);
    write_out(printer, buf_sv(out));
    buf_release(out);
}

void printer_lost(struct printer *printer, const char *type, const struct turn *turn)
{
    const struct turn own = printer->turn;
    const struct cursor seen = printer->seen;
    struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
    printer->turn = *turn;
    printer->seen = (struct cursor){.part = 0};
    begin_line(printer, type, &line);
    end_line(printer, &line);
    printer->turn = own;
    printer->seen = seen;
}

static bool is_streaming_json(const struct printer *printer)
{
    return printer->format == HEADLESS_STREAM_JSON;
}

void printer_begun(struct printer *printer, const char *model)
{
    if (is_streaming_json(printer)) {
        struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
        begin_line(printer, "started", &line);
        record_int(&line, "version", HEADLESS_FORMAT_VERSION);
        record_text(&line, "model", sv_from(model));
        end_line(printer, &line);
    }
}

void printer_part_open(struct printer *printer, const struct answer_part *part, uint32_t number)
{
    if (!is_streaming_json(printer)) {
        return;
    }
    printer->seen.part = number;
    printer->seen.offset = 0;
    bool is_call = part->kind == PART_TOOL_CALL;
    struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
    begin_line(printer, is_call ? "tool_call" : "part_open", &line);
    record_int(&line, "part", number);
    record_text(&line, "part_kind", sv_from(part_kind_text(part->kind)));
    if (is_call || part->kind == PART_TOOL_RESULT) {
        record_text(&line, "id", sv_from(part->tool_id));
        record_text(&line, "name", sv_from(part->tool_name));
    }
    end_line(printer, &line);
}

static void print_answer_text(struct printer *printer, uint32_t number, struct sv text)
{
    if (printer->output_path || printer->at_end) {
        return;
    }
    if (printer->wrote_text && printer->text_part != number) {
        stream_text(printer, STDOUT_FILENO, SV("\n\n"));
    }
    printer->wrote_text = true;
    printer->text_part = number;
    printer->last_byte = text.p[text.n - 1];
    stream_text(printer, STDOUT_FILENO, text);
}

static void print_text_format(struct printer *printer, const struct answer_part *part,
                              uint32_t number, struct sv text)
{
    if (part->kind == PART_TEXT) {
        print_answer_text(printer, number, text);
    }
}

static const char *event_of(enum part_kind kind)
{
    switch (kind) {
    case PART_TEXT:
        return "text";
    case PART_REASONING:
        return "reasoning";
    case PART_TOOL_CALL:
        return "tool_input";
    default:
        return part_kind_text(kind);
    }
}

void printer_text(struct printer *printer, const struct answer_part *part, uint32_t number,
                  size_t offset)
{
    struct sv text = sv_skip(buf_sv(&part->text), offset);
    printer->seen.part = number;
    printer->seen.offset = part->text.n;
    if (part->kind == PART_REASONING && printer->show_reasoning) {
        printer->wrote_reasoning = true;
        stream_text(printer, STDERR_FILENO, text);
    }
    if (printer->format == HEADLESS_TEXT) {
        print_text_format(printer, part, number, text);
    }
    if (is_streaming_json(printer) && part->kind != PART_NATIVE) {
        struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
        begin_line(printer, event_of(part->kind), &line);
        record_int(&line, "part", number);
        record_int(&line, "offset", (int64_t)offset);
        record_text(&line, "text", text);
        end_line(printer, &line);
    }
}

void printer_part_end(struct printer *printer, const struct answer_part *part, uint32_t number)
{
    if (part->kind == PART_REASONING && printer->wrote_reasoning) {
        stream_text(printer, STDERR_FILENO, SV("\n"));
    }
    bool is_call = part->kind == PART_TOOL_CALL;
    if (is_streaming_json(printer) && (is_call || part->kind == PART_REASONING)) {
        struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
        begin_line(printer, is_call ? "tool_call_end" : "reasoning_end", &line);
        record_int(&line, "part", number);
        end_line(printer, &line);
    }
}

void printer_waiting(struct printer *printer, const struct message_update *update)
{
    int64_t wait_us = update->until_us - clock_mono_us();
    const char *text = update->detail ? update->detail : err_text(update->error);
    if (printer->tells_progress) {
        output_remark("retry %u of %u in %.1f s: %s", update->attempt + 1, update->attempts,
                      wait_us > 0 ? (double)wait_us / 1e6 : 0.0, text);
    }
    if (is_streaming_json(printer)) {
        struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
        char *name = record_error_name(update->error);
        begin_line(printer, "waiting", &line);
        record_text(&line, "code", sv_from(name));
        record_text(&line, "message", sv_from(text));
        record_int(&line, "attempt", update->attempt);
        record_int(&line, "attempts", update->attempts);
        record_int(&line, "wait_ms", wait_us > 0 ? wait_us / 1000 : 0);
        end_line(printer, &line);
        free(name);
    }
}

/* A prompt that was left without an answer has none. */
void printer_finish(struct printer *printer, const struct answer *answer)
{
    if (!is_streaming_json(printer)) {
        return;
    }
    struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
    begin_line(printer, "usage", &line);
    record_usage(&line, &answer->usage);
    end_line(printer, &line);
    printer->seen.part = CURSOR_END;
    begin_line(printer, "finish", &line);
    record_reason(&line, "reason", answer->reason);
    record_text(&line, "detail", sv_from(answer->detail));
    end_line(printer, &line);
}

static void append_result(struct printer *printer, const struct answer *answer,
                          const struct outcome *outcome, struct buf *out)
{
    begin_line(printer, "result", out);
    headless__record_result(printer, answer, outcome, out);
}

static void remark_usage(const struct answer *answer, const struct outcome *outcome)
{
    const struct usage *usage = &answer->usage;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {{"input", usage->input_tokens},
                  {"output", usage->output_tokens},
                  {"reasoning", usage->reasoning_tokens},
                  {"cache read", usage->cache_read_tokens},
                  {"cache write", usage->cache_write_tokens}};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        if (counts[i].value >= 0) {
            buf_appendf(&text, "%s%s %lld", text.n ? ", " : "", counts[i].name,
                        (long long)counts[i].value);
        }
    }
    if (usage->cost_micros >= 0) {
        buf_appendf(&text, "%scost %s$%.6f", text.n ? ", " : "", usage->cost_estimated ? "~" : "",
                    (double)usage->cost_micros / 1e6);
    }
    /* What was refused has none. */
    if (text.n > 0 || !outcome->code || answer->part_count > 0) {
        output_remark("tokens: %s", text.n ? buf_cstr(&text) : "unknown");
    }
    buf_release(&text);
}

/* What did not stream. */
static void print_whole(struct printer *printer, const struct answer *answer)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    if (printer_pick(printer, answer, &text, NULL) == ERR_OK && text.n > 0) {
        printer->at_end = false;
        print_answer_text(printer, 0, buf_sv(&text));
    }
    buf_release(&text);
}

/* Ends the text that streamed: what waited for more bytes, and a newline. */
static void end_text(struct printer *printer)
{
    struct buf rest = BUF_INIT(BUF_MAX_INTERNAL);
    (void)safe_end(&printer->out_safe, &rest);
    if (printer->wrote_text && printer->last_byte != '\n') {
        buf_append_byte(&rest, '\n');
    }
    write_out(printer, buf_sv(&rest));
    buf_release(&rest);
}

/* An answer that failed leaves a file that is there as it is. */
static bool is_usable(const struct outcome *outcome)
{
    return outcome->exit_code == 0 || outcome->exit_code == 3 || outcome->exit_code == 4;
}

static int write_file(const struct printer *printer, struct sv text, int exit_code)
{
    struct err err = {0};
    if (output_to_file(printer->output_path, text, &err) == ERR_OK) {
        return exit_code;
    }
    int failed = command_fail(&err);
    return exit_code ? exit_code : failed;
}

static int result_to_file(struct printer *printer, const struct answer *answer,
                          const struct outcome *outcome)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    int exit_code = outcome->exit_code;
    if (printer->format == HEADLESS_JSON) {
        append_result(printer, answer, outcome, &out);
        close_object(printer, &out);
        exit_code = write_file(printer, buf_sv(&out), exit_code);
    } else if (is_usable(outcome)) {
        bool found = printer_pick(printer, answer, &out, NULL) == ERR_OK;
        buf_append_str(&out, out.n && out.p[out.n - 1] != '\n' ? "\n" : "");
        exit_code = found ? write_file(printer, buf_sv(&out), exit_code) : exit_code;
    }
    buf_release(&out);
    return exit_code;
}

/* Tools are never run, so an answer of nothing but a request for one has to say so. */
static void remark_tool_calls(const struct answer *answer)
{
    for (size_t i = 0; i < answer->part_count; i++) {
        const struct answer_part *part = &answer->parts[i];
        if (part->known && part->kind == PART_TOOL_CALL) {
            struct buf what = BUF_INIT(BUF_MAX_INTERNAL);
            struct sv input = buf_sv(&part->text);
            size_t shown = utf8_cut(input.p, input.n, TOOL_INPUT_SHOWN);
            (void)safe_append(&what, sv_from(part->tool_name), SAFE_ONE_LINE);
            buf_append_str(&what, " ");
            (void)safe_append(&what, sv_take(input, shown), SAFE_ONE_LINE);
            output_remark("the model asks for a tool, which weir does not run: %s%s",
                          buf_cstr(&what), shown < input.n ? "..." : "");
            buf_release(&what);
        }
    }
}

/* An answer without text, or a refusal with its reason: the server's sentence, where it is one and
 * not the plain word for an end. */
static void remark_detail(const struct answer *answer, const struct outcome *outcome)
{
    const char *detail = answer->ended ? answer->detail : NULL;
    if (detail && strchr(detail, ' ') && outcome->text != detail &&
        (!outcome->code || outcome->code == ERR_REFUSED)) {
        output_remark("%s", detail);
    }
}

int printer_result(struct printer *printer, const struct answer *answer,
                   const struct outcome *outcome)
{
    if (printer->format == HEADLESS_TEXT && printer->at_end) {
        print_whole(printer, answer);
    }
    if (printer->format == HEADLESS_TEXT) {
        end_text(printer);
    }
    if (printer->format == HEADLESS_TEXT && !printer->quiet) {
        remark_tool_calls(answer);
    }
    /* Who does not read on has had enough, and knows. */
    if (outcome->text && outcome->exit_code != EXIT_READER_GONE) {
        output_remark("%s", outcome->text);
    }
    if (!printer->quiet) {
        remark_detail(answer, outcome);
    }
    if (printer->show_usage) {
        remark_usage(answer, outcome);
    }
    if (printer->output_path) {
        return result_to_file(printer, answer, outcome);
    }
    if (printer->format != HEADLESS_TEXT) {
        struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
        append_result(printer, answer, outcome, &line);
        end_line(printer, &line);
    }
    bool tells = printer->failure == EPIPE || (printer->failure && outcome->exit_code == 0);
    return tells ? output_exit_code(printer->failure) : outcome->exit_code;
}
