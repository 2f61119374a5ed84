/*
 * SSE splitter. Line ends are looked for with memchr, and a line that lies whole in the input is
 * parsed where it lies; only what a cut leaves over is gathered in `line`.
 *
 * The byte order mark holds no line end, so it is always the start of the first line: it is dropped
 * there, wherever the input was cut.
 */
#include "app/sse.h"

#include <string.h>

/* Input of one call. The next LF and the next CR are remembered, so that each byte is looked at
 * twice at most, however short the lines are. */
struct scan {
    const char *p;
    const char *end;
    const char *lf;
    const char *cr;
};

void sse_init(struct sse *sse, size_t max_event, sse_event_fn *handler, void *ctx)
{
    *sse = (struct sse){.handler = handler, .ctx = ctx};
    buf_init(&sse->line, max_event);
    buf_init(&sse->data, max_event);
    buf_init(&sse->type, max_event);
}

void sse_release(struct sse *sse)
{
    if (!sse) {
        return;
    }
    buf_release(&sse->line);
    buf_release(&sse->data);
    buf_release(&sse->type);
}

static void fail(struct sse *sse)
{
    sse->failed = true;
    sse_release(sse);
}

static void emit(struct sse *sse, struct sv data)
{
    struct sv type = sse->type.n ? buf_sv(&sse->type) : SV("message");
    sse->handler(sse->ctx, type, data);
}

static void dispatch(struct sse *sse)
{
    if (sse->has_data) {
        emit(sse, buf_sv(&sse->data));
    }
    sse->has_data = false;
    buf_clear(&sse->data);
    buf_clear(&sse->type);
}

static void add_data(struct sse *sse, struct sv value)
{
    if (sse->has_data) {
        (void)buf_append_byte(&sse->data, '\n');
    }
    sse->has_data = true;
    (void)buf_append_sv(&sse->data, value);
    if (!buf_ok(&sse->data)) {
        fail(sse);
    }
}

/* Splits "name: value"; one space after the colon belongs to neither. */
static struct sv field_value(struct sv line, struct sv *ret_name)
{
    size_t colon = sv_find(line, ':');
    *ret_name = sv_take(line, colon);
    struct sv value = sv_skip(line, colon + 1);
    return value.n && value.p[0] == ' ' ? sv_skip(value, 1) : value;
}

static void take_field(struct sse *sse, struct sv name, struct sv value)
{
    if (sv_equal(name, SV("data"))) {
        add_data(sse, value);
    } else if (sv_equal(name, SV("event"))) {
        buf_clear(&sse->type);
        (void)buf_append_sv(&sse->type, value);
    } else if (sv_equal(name, SV("error"))) {
        sse->handler(sse->ctx, SV("error"), value);
    }
}

static struct sv without_mark(struct sse *sse, struct sv line)
{
    if (sse->started) {
        return line;
    }
    sse->started = true;
    return sv_starts_with(line, SV("\xEF\xBB\xBF")) ? sv_skip(line, 3) : line;
}

/* No field begins like that, and nothing ends a document but the body's end. */
static bool is_of_document(struct sse *sse, struct sv line)
{
    if (!sse->in_document && !sse->has_data && line.n && (line.p[0] == '{' || line.p[0] == '[')) {
        sse->in_document = true;
        buf_clear(&sse->type);
        (void)buf_append_str(&sse->type, SSE_DOCUMENT);
    }
    return sse->in_document;
}

static void take_line(struct sse *sse, struct sv raw)
{
    struct sv line = without_mark(sse, raw);
    if (is_of_document(sse, line)) {
        add_data(sse, line);
    } else if (line.n == 0) {
        dispatch(sse);
    } else if (line.p[0] == ':') {
        sse->comments++;
    } else {
        struct sv name;
        struct sv value = field_value(line, &name);
        take_field(sse, name, value);
    }
}

static const char *next_end(struct scan *scan)
{
    size_t left = (size_t)(scan->end - scan->p);
    if (!scan->lf || scan->lf < scan->p) {
        scan->lf = memchr(scan->p, '\n', left);
        scan->lf = scan->lf ? scan->lf : scan->end;
    }
    if (!scan->cr || scan->cr < scan->p) {
        scan->cr = memchr(scan->p, '\r', left);
        scan->cr = scan->cr ? scan->cr : scan->end;
    }
    return scan->lf < scan->cr ? scan->lf : scan->cr;
}

/* The common event, one data line and a blank one, both here whole: given without a copy. */
static bool take_whole_event(struct sse *sse, struct scan *scan, struct sv line)
{
    bool whole = scan->p < scan->end && scan->p[0] == '\n' && scan->p[-1] == '\n';
    if (!whole || sse->has_data || !sse->started || !sv_starts_with(line, SV("data:"))) {
        return false;
    }
    struct sv name;
    emit(sse, field_value(line, &name));
    buf_clear(&sse->type);
    scan->p++;
    return true;
}

/* The line ends at `end`, which is a CR or an LF within the input. */
static void take_ended(struct sse *sse, struct scan *scan, const char *end)
{
    struct sv tail = sv_of(scan->p, (size_t)(end - scan->p));
    scan->p = end + 1;
    sse->skip_lf = *end == '\r';
    if (tail.n > sse->line.max || (sse->line.n && !buf_append_sv(&sse->line, tail))) {
        fail(sse);
    } else if (sse->line.n) {
        take_line(sse, buf_sv(&sse->line));
        buf_clear(&sse->line);
    } else if (!take_whole_event(sse, scan, tail)) {
        take_line(sse, tail);
    }
}

static void scan_all(struct sse *sse, struct scan *scan)
{
    while (scan->p < scan->end && !sse->failed) {
        if (sse->skip_lf) {
            sse->skip_lf = false;
            if (*scan->p == '\n') {
                scan->p++;
                continue;
            }
        }
        const char *end = next_end(scan);
        if (end < scan->end) {
            take_ended(sse, scan, end);
            continue;
        }
        if (!buf_append(&sse->line, scan->p, (size_t)(scan->end - scan->p))) {
            fail(sse);
        }
        scan->p = scan->end;
    }
}

enum err_code sse_feed(struct sse *sse, struct sv bytes, struct err *err)
{
    if (!sse->failed && bytes.n) {
        struct scan scan = {.p = bytes.p, .end = bytes.p + bytes.n};
        scan_all(sse, &scan);
    }
    if (sse->failed) {
        return err_set(err, ERR_TOO_BIG, "one event of the stream is larger than %zu bytes",
                       sse->line.max);
    }
    return ERR_OK;
}

void sse_end(struct sse *sse)
{
    if (sse->failed) {
        return;
    }
    if (sse->line.n) {
        take_line(sse, buf_sv(&sse->line));
        buf_clear(&sse->line);
    }
    if (!sse->failed) {
        dispatch(sse);
    }
}
