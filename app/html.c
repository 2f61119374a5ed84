/* Text and code as HTML. */
#include "app/html.h"

#include <strings.h>

#include "base/safe.h"
#include "ui/styled.h"
#include "ui/syntax.h"

static void append_escaped(struct buf *out, struct sv text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *mark = text.p[i] == '&'    ? "&amp;"
                           : text.p[i] == '<'  ? "&lt;"
                           : text.p[i] == '>'  ? "&gt;"
                           : text.p[i] == '"'  ? "&quot;"
                           : text.p[i] == '\'' ? "&#39;"
                                               : NULL;
        if (mark) {
            buf_append(out, text.p + from, i - from);
            buf_append_str(out, mark);
            from = i + 1;
        }
    }
    buf_append(out, text.p + from, text.n - from);
}

static void append_safe(struct buf *out, struct sv text, unsigned flags)
{
    struct buf safe = BUF_INIT(BUF_MAX_INTERNAL);
    (void)safe_append(&safe, text, flags);
    append_escaped(out, buf_sv(&safe));
    buf_release(&safe);
}

void html_text(struct buf *out, struct sv text)
{
    append_safe(out, text, SAFE_DEFAULT);
}

void html_line(struct buf *out, struct sv text)
{
    append_safe(out, text, SAFE_ONE_LINE);
}

/* The runs of a line, those without a colour bare. */
static void append_styled(struct buf *out, const struct styled *line)
{
    size_t from = 0;
    for (size_t i = 0; i < line->run_count; i++) {
        const struct style_run *run = &line->runs[i];
        struct sv text = sv_of(line->text.p + from, run->end - from);
        bool is_bare = run->style == STYLE_BLOCK || run->style == STYLE_PLAIN;
        if (!is_bare) {
            buf_appendf(out, "<span class=\"%s\">", style_name(run->style));
        }
        append_safe(out, text, SAFE_MARK_INVISIBLE);
        buf_append_str(out, is_bare ? "" : "</span>");
        from = run->end;
    }
}

void html_code(struct buf *out, struct sv info, struct sv code)
{
    const struct syntax_language *language = syntax_find(info);
    unsigned state = SYNTAX_START;
    struct styled line;
    struct sv text;
    styled_init(&line, BUF_MAX_INTERNAL);
    buf_append_str(out, "<pre><code>");
    while (sv_next_line(&code, &text)) {
        styled_clear(&line);
        state = syntax_line(language, state, text, &line);
        append_styled(out, &line);
        buf_append_byte(out, '\n');
    }
    buf_append_str(out, "</code></pre>\n");
    styled_release(&line);
}

bool html_is_link(struct sv address)
{
    static const char *const schemes[] = {"http://", "https://", "mailto:"};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        struct sv scheme = sv_from(schemes[i]);
        if (address.n > scheme.n && strncasecmp(address.p, scheme.p, scheme.n) == 0) {
            return true;
        }
    }
    return false;
}
