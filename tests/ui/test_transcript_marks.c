/* What was searched for, marked in the transcript. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "tests/ui/transcript_fixture.h"

#include <cmocka.h>

/* The view with what is marked in brackets, in double ones where the reader was led to. */
static void assert_marked(struct fixture *f, int rows, int columns, const char *expected)
{
    struct buf out = BUF_INIT(4000);
    free(view(f, rows, columns));
    for (int row = 0; row < rows; row++) {
        enum style before = STYLE_PLAIN;
        for (int column = 0; column <= columns; column++) {
            const struct cell *cell = column < columns ? grid_at(&f->grid, row, column) : NULL;
            enum style style = cell ? (enum style)cell->style : STYLE_PLAIN;
            if (style != before) {
                buf_append_str(&out, before == STYLE_FOUND        ? "]"
                                     : before == STYLE_FOUND_HERE ? "]]"
                                                                  : "");
                buf_append_str(&out, style == STYLE_FOUND        ? "["
                                     : style == STYLE_FOUND_HERE ? "[["
                                                                 : "");
            }
            before = style;
            buf_append(&out, cell ? cell->text : "", cell ? cell->n : 0);
        }
        while (out.n && out.p[out.n - 1] == ' ') {
            out.n--;
        }
        buf_append_byte(&out, '\n');
    }
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
}

static void what_was_searched_for__is_marked_wherever_it_is_in_view(void **state)
{
    struct fixture *f = *state;
    say(f, "A", 1, ROLE_USER, "where is the heron?");
    say(f, "B", 2, ROLE_ASSISTANT, "**Heron**s\n\n- a her`on`, 青鷺 heron\n");
    transcript_mark(f->transcript, search_marker_new(SV("heron* 青鷺")));
    assert_true(transcript_marks(f->transcript));
    assert_marked(
        f, 9, 12,
        "you\nwhere is the\n[heron]?\n\ndemo/echo\n[Herons]\n\n• a [heron],\n  [青鷺] [heron]\n");
    assert_marked(f, 9, 6,
                  "demo/…\n[Herons]\n\n• a\n  [hero]\n  [n],\n  [青鷺]\n  [hero]\n  [n]\n");
    transcript_mark(f->transcript, NULL);
    assert_marked(f, 4, 40, "demo/echo\nHerons\n\n• a heron, 青鷺 heron\n");
}

static void the_reader__is_led_from_mark_to_mark(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT(100000);
    struct ulid b = id_of("B");
    struct transcript_message at;
    for (int i = 0; i < 60; i++) {
        buf_appendf(&text, "paragraph %d%s\n\n", i,
                    i == 10   ? " on reeds"
                    : i == 30 ? " on a heron in the reeds"
                              : "");
    }
    say(f, "A", 1, ROLE_USER, "reeds?");
    say(f, "B", 2, ROLE_ASSISTANT, buf_cstr(&text));
    say(f, "C", 3, ROLE_USER, "nothing of it");
    transcript_mark(f->transcript, search_marker_new(SV("reeds heron")));
    free(view(f, 6, 40));
    assert_true(transcript_select(f->transcript, &b));
    assert_true(transcript_lead_to(f->transcript, &b));
    assert_marked(f, 6, 40,
                  "paragraph 29\n\nparagraph 30 on a [[heron]] in the [reeds]\n\nparagraph 31\n\n");
    assert_true(transcript_step_mark(f->transcript, 1));
    assert_marked(f, 6, 40,
                  "paragraph 29\n\nparagraph 30 on a [heron] in the [[reeds]]\n\nparagraph 31\n\n");
    assert_false(transcript_step_mark(f->transcript, 1));
    assert_true(transcript_step_mark(f->transcript, -1));
    assert_true(transcript_step_mark(f->transcript, -1));
    assert_marked(f, 6, 40, "paragraph 9\n\nparagraph 10 on [[reeds]]\n\nparagraph 11\n\n");
    assert_true(transcript_step_mark(f->transcript, -1));
    assert_true(transcript_selected(f->transcript, &at) && at.seq == 1);
    assert_marked(f, 2, 40, "you\n[[reeds]]?\n");
    assert_false(transcript_step_mark(f->transcript, -1));
    buf_release(&text);
}

static void a_mark__that_is_folded_away_is_unfolded(void **state)
{
    struct fixture *f = *state;
    struct ulid b = id_of("B");
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CHANGED);
    apply_piece(f, &update,
                (struct piece){.kind = PART_REASONING, .text = SV("a heron?"), .ended = true});
    update.kind = UPDATE_ENDED;
    update.reason = FINISH_END_TURN;
    apply_piece(f, &update,
                (struct piece){.part = 1, .kind = PART_TEXT, .text = SV("no"), .ended = true});
    transcript_mark(f->transcript, search_marker_new(SV("crane")));
    assert_false(transcript_lead_to(f->transcript, &b));
    assert_marked(f, 3, 40, "demo/echo\n▸ thought\nno\n");
    transcript_mark(f->transcript, search_marker_new(SV("heron")));
    assert_true(transcript_lead_to(f->transcript, &b));
    assert_marked(f, 4, 40, "demo/echo\n▾ thought\na [[heron]]?\nno\n");
}

static void names_of_tools__are_marked_in_their_lines(void **state)
{
    struct fixture *f = *state;
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CHANGED);
    apply_piece(f, &update,
                (struct piece){.kind = PART_TOOL_CALL,
                               .tool_name = SV("read_heron"),
                               .text = SV("{\"heron\":1}"),
                               .ended = true});
    transcript_mark(f->transcript, search_marker_new(SV("heron")));
    assert_marked(f, 2, 60, "demo/echo\n▸ tool call: read_[heron] {\"[heron]\":1}\n");
}

static void a_mark__in_a_huge_text_is_found_and_costs_little(void **state)
{
    struct fixture *f = *state;
    size_t length = (size_t)2 << 20;
    struct ulid a = id_of("A");
    char *text = xmalloc(length + 1);
    memset(text, 'x', length);
    for (size_t i = 0; i < length; i += 9) {
        text[i] = ' ';
    }
    text[length] = '\0';
    memcpy(text + length - 100, " heron ", 7);
    say(f, "A", 1, ROLE_USER, text);
    say(f, "B", 2, ROLE_ASSISTANT, "well");
    transcript_mark(f->transcript, search_marker_new(SV("heron")));
    free(view(f, 5, 40));
    assert_true(transcript_lead_to(f->transcript, &a));
    char *dump = view(f, 5, 40);
    assert_non_null(strstr(dump, "heron"));
    free(dump);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_searched_for__is_marked_wherever_it_is_in_view),
        TEST(the_reader__is_led_from_mark_to_mark),
        TEST(a_mark__that_is_folded_away_is_unfolded),
        TEST(names_of_tools__are_marked_in_their_lines),
        TEST(a_mark__in_a_huge_text_is_found_and_costs_little),
    };
    alarm(60);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
