/* Cutting records out of a stream of JSON. */
#include "app/import_scan.h"

#include <string.h>

void scan_init(struct scan *scan, const struct scan_options *options)
{
    *scan = (struct scan){.options = *options, .record = BUF_INIT(options->max_bytes)};
}

void scan_release(struct scan *scan)
{
    buf_release(&scan->record);
}

static enum err_code tell(struct scan *scan, enum scan_kind kind, struct sv text, struct err *err)
{
    size_t at = scan->depth;
    /* Elements go by the name of their array. */
    while (at > 0 && scan->path[at - 1] == '[') {
        at--;
    }
    struct scan_event event = {.kind = kind,
                               .depth = scan->depth,
                               .key = sv_of(scan->keys[at], scan->key_n[at]),
                               .text = text};
    return scan->options.visit(scan->options.ctx, &event, err);
}

static enum err_code finish(struct scan *scan, struct err *err)
{
    bool lines = !scan->options.pattern;
    struct sv text = sv_trim(buf_sv(&scan->record));
    enum err_code code = ERR_OK;
    scan->in_record = false;
    if (!buf_ok(&scan->record)) {
        code = tell(scan, SCAN_BAD, SV("it is too long"), err);
    } else if (scan->is_deep) {
        code = tell(scan, SCAN_BAD, SV("it is nested too deeply"), err);
    } else if (scan->values > scan->options.max_values) {
        code = tell(scan, SCAN_BAD, SV("it has too many values"), err);
    } else if (text.n > 0 || !lines) {
        code = tell(scan, SCAN_RECORD, text, err);
    }
    buf_clear(&scan->record);
    return code;
}

static void begin(struct scan *scan, bool is_scalar)
{
    scan->in_record = true;
    scan->in_string = scan->escaped = scan->is_deep = false;
    scan->is_scalar = is_scalar;
    scan->nesting = scan->values = 0;
}

/* One byte of a record. True: the record ends with it; `*ret_belongs` false: before it. */
static bool step(struct scan *scan, char c, bool *ret_belongs)
{
    *ret_belongs = true;
    if (scan->in_string) {
        bool ends = c == '"' && !scan->escaped;
        scan->escaped = c == '\\' && !scan->escaped;
        scan->in_string = !ends;
        return ends && scan->nesting == 0;
    }
    if (scan->is_scalar && c && strchr(",]} \t\r\n", c)) {
        *ret_belongs = false;
        return true;
    }
    scan->in_string = c == '"';
    if (c == '{' || c == '[') {
        scan->values++;
        scan->is_deep = scan->is_deep || ++scan->nesting > SCAN_NESTING_MAX;
    } else if (c == '}' || c == ']') {
        scan->nesting -= scan->nesting > 0;
        return scan->nesting == 0;
    } else if (c == ',') {
        scan->values++;
    }
    return false;
}

/* A record goes on in `*bytes`, which it takes its part from. */
static enum err_code take_record(struct scan *scan, struct sv *bytes, struct err *err)
{
    for (size_t i = 0; i < bytes->n; i++) {
        bool belongs = true;
        if (step(scan, bytes->p[i], &belongs)) {
            size_t n = i + belongs;
            (void)buf_append(&scan->record, bytes->p, n);
            *bytes = sv_skip(*bytes, n);
            return finish(scan, err);
        }
    }
    (void)buf_append_sv(&scan->record, *bytes);
    *bytes = sv_skip(*bytes, bytes->n);
    return ERR_OK;
}

static void key_byte(struct scan *scan, char c)
{
    size_t *n = &scan->key_n[scan->depth];
    if (c == '"' && !scan->escaped) {
        scan->in_key = false;
        scan->after_key = true;
        return;
    }
    scan->escaped = c == '\\' && !scan->escaped;
    if (*n < SCAN_KEY_MAX) {
        scan->keys[scan->depth][(*n)++] = c;
    }
}

static bool is_wanted(const struct scan *scan, char c)
{
    const char *pattern = scan->options.pattern;
    return strlen(pattern) > scan->depth && pattern[scan->depth] == (c == '{' ? 'O' : 'A');
}

/* One byte between records. True: a record begins with it. */
static enum err_code between(struct scan *scan, char c, bool *ret_begins, struct err *err)
{
    bool in_object = scan->depth > 0 && scan->path[scan->depth - 1] == '{';
    enum err_code code = ERR_OK;
    if (scan->in_key) {
        key_byte(scan, c);
    } else if (c && strchr(" \t\r\n:", c)) {
        return ERR_OK;
    } else if (c == ',') {
        scan->after_key = false;
    } else if (c == '}' || c == ']') {
        scan->after_key = false;
        if (scan->depth > 0) {
            scan->depth--;
            code = tell(scan, SCAN_LEAVE, SV(""), err);
        }
    } else if (in_object && !scan->after_key) {
        scan->in_key = c == '"';
        scan->escaped = false;
        scan->key_n[scan->depth] = 0;
    } else if ((c == '{' || c == '[') && scan->depth < SCAN_DEPTH_MAX && is_wanted(scan, c)) {
        code = tell(scan, SCAN_ENTER, SV(""), err);
        scan->path[scan->depth++] = c;
        scan->after_key = false;
        scan->key_n[scan->depth] = 0;
    } else {
        begin(scan, c != '{' && c != '[' && c != '"');
        *ret_begins = true;
    }
    return code;
}

static enum err_code feed_lines(struct scan *scan, struct sv bytes, struct err *err)
{
    enum err_code code = ERR_OK;
    while (code == ERR_OK && bytes.n > 0) {
        size_t n = sv_find(bytes, '\n');
        struct sv line = sv_take(bytes, n);
        if (!scan->in_record) {
            begin(scan, false);
        }
        /* Looked at for its depth and size alone. */
        bool belongs;
        for (size_t i = 0; i < line.n; i++) {
            (void)step(scan, line.p[i], &belongs);
        }
        (void)buf_append_sv(&scan->record, line);
        if (n < bytes.n) {
            code = finish(scan, err);
        }
        bytes = sv_skip(bytes, n + 1);
    }
    return code;
}

enum err_code scan_feed(struct scan *scan, struct sv bytes, struct err *err)
{
    if (!scan->options.pattern) {
        return feed_lines(scan, bytes, err);
    }
    enum err_code code = ERR_OK;
    while (code == ERR_OK && bytes.n > 0) {
        bool begins = false;
        if (!scan->in_record) {
            code = between(scan, bytes.p[0], &begins, err);
            bytes = begins ? bytes : sv_skip(bytes, 1);
        } else {
            code = take_record(scan, &bytes, err);
            scan->after_key = scan->in_record && scan->after_key;
        }
    }
    return code;
}

enum err_code scan_end(struct scan *scan, struct err *err)
{
    enum err_code code = ERR_OK;
    if (scan->in_record && (scan->is_scalar || !scan->options.pattern)) {
        code = finish(scan, err);
    } else if (scan->in_record || scan->depth > 0) {
        scan->in_record = false;
        code = tell(scan, SCAN_BAD, SV("the file ends in the middle of it"), err);
    }
    return code;
}
