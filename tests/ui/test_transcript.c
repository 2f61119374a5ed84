/* The transcript: golden rows, updates cut in any way, the view that does not move, any size. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/ui/transcript_fixture.h"

#include <cmocka.h>

static void assert_view(struct fixture *f, int rows, int columns, const char *expected)
{
    char *dump = view(f, rows, columns);
    assert_string_equal(dump, expected);
    free(dump);
}

static void a_conversation__is_shown_calmly(void **state)
{
    struct fixture *f = *state;
    say(f, "A", 1, ROLE_USER, "hello\n\n");
    say(f, "B", 2, ROLE_ASSISTANT, "Good morning to you.\n");
    assert_view(f, 10, 12, "you\nhello\n\ndemo/echo\nGood morning\nto you.\n");
    assert_int_equal(grid_at(&f->grid, 0, 0)->style, STYLE_USER);
    assert_int_equal(grid_at(&f->grid, 3, 0)->style, STYLE_MODEL);
    assert_int_equal(grid_at(&f->grid, 4, 0)->style, STYLE_PLAIN);
    assert_view(f, 3, 12, "demo/echo\nGood morning\nto you.\n");
}

static void reasoning__is_folded_when_it_has_ended(void **state)
{
    struct fixture *f = *state;
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CHANGED);
    apply_piece(f, &update, (struct piece){.kind = PART_REASONING, .text = SV("hm, let me see")});
    assert_view(f, 5, 9, "demo/echo\nhm, let\nme see\n");
    assert_int_equal(grid_at(&f->grid, 1, 0)->style, STYLE_REASONING);
    struct piece end = {.kind = PART_REASONING, .offset = 14, .ended = true};
    update.pieces = &end;
    update.piece_count = 1;
    transcript_apply(f->transcript, &update, NOW + CLOCK_S(7));
    assert_view(f, 5, 20, "demo/echo\n▸ thought for 7 s\n");
    transcript_toggle_folds(f->transcript);
    assert_view(f, 5, 20, "demo/echo\n▾ thought for 7 s\nhm, let me see\n");
    transcript_toggle_folds(f->transcript);
    assert_view(f, 5, 20, "demo/echo\n▸ thought for 7 s\n");
}

static void tools_and_native_parts__are_one_line_or_none(void **state)
{
    struct fixture *f = *state;
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CHANGED);
    apply_piece(f, &update,
                (struct piece){.kind = PART_TOOL_CALL,
                               .tool_name = SV("read\x1b[2J"),
                               .text = SV("{\"path\":\n\"x\"}")});
    apply_piece(f, &update, (struct piece){.part = 1, .kind = PART_NATIVE, .text = SV("{}")});
    apply_piece(f, &update,
                (struct piece){.part = 2, .kind = PART_TOOL_RESULT, .text = SV("a long result")});
    assert_view(
        f, 6, 40,
        "demo/echo\n▸ tool call: read␛[2J {\"path\": \"x\"}\n▸ tool result: a long result\n");
    assert_view(f, 6, 12, "demo/echo\n▸ tool call…\n▸ tool resu…\n");
    transcript_toggle_folds(f->transcript);
    assert_view(f, 6, 40,
                "demo/echo\n▾ tool call: read␛[2J\n{\"path\":\n\"x\"}\n▾ tool result:\na long "
                "result\n");
}

static void the_end__is_told_in_words(void **state)
{
    static const struct {
        enum finish_reason reason;
        enum err_code error;
        const char *detail;
        const char *rows;
    } ends[] = {
        {FINISH_END_TURN, 0, NULL, "demo/echo\ntext\n"},
        {FINISH_CANCELED, 0, NULL, "demo/echo\ntext\ncancelled\n"},
        {FINISH_INTERRUPTED, 0, NULL, "demo/echo\ntext\ninterrupted\n"},
        {FINISH_MAX_TOKENS, 0, NULL, "demo/echo\ntext\ncut at the token limit\n"},
        {FINISH_ERROR, ERR_UNREACHABLE, "cannot reach x",
         "demo/echo\ntext\nfailed: cannot reach x (check\nthat the server runs and can\nbe "
         "reached, then press Up and\nEnter)\n"},
        {FINISH_ERROR, ERR_IO, NULL, "demo/echo\ntext\nfailed: input or output\nfailed\n"},
        {FINISH_ERROR, ERR_IO, "\x1b]0;x\x07", "demo/echo\ntext\nfailed: ␛]0;x␇\n"},
    };
    struct fixture *f = *state;
    struct ulid session = id_of("S");
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        transcript_reset(f->transcript, &session);
        struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_ENDED);
        update.reason = ends[i].reason;
        update.error = ends[i].error;
        update.detail = ends[i].detail;
        apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .text = SV("text")});
        assert_view(f, 9, 29, ends[i].rows);
    }
}

/* Another process's, made and ended between two looks: nothing follows it. */
static void an_answer_that_had_ended_when_it_was_seen_first__does_not_run(void **state)
{
    struct fixture *f = *state;
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CREATED);
    apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .text = SV("text")});
    assert_true(transcript_status(f->transcript).running);
    update = update_of("C", 3, ROLE_ASSISTANT, UPDATE_CREATED);
    update.reason = FINISH_MAX_TOKENS;
    apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .text = SV("text")});
    assert_false(transcript_status(f->transcript).running);
    assert_int_equal(transcript_status(f->transcript).reason, FINISH_MAX_TOKENS);
}

static void updates__are_harmless_twice(void **state)
{
    struct fixture *f = *state;
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CHANGED);
    struct piece first = {.kind = PART_TEXT, .text = SV("one ")};
    struct piece second = {.kind = PART_TEXT, .offset = 4, .text = SV("two")};
    struct piece both = {.kind = PART_TEXT, .text = SV("one two")};
    apply_piece(f, &update, first);
    apply_piece(f, &update, first);
    apply_piece(f, &update, second);
    apply_piece(f, &update, both);
    apply_piece(f, &update, first);
    assert_view(f, 3, 20, "demo/echo\none two\n");
    assert_int_equal(f->gaps, 0);
}

static struct message *snapshot_of(const char *id, int64_t seq, const char *text)
{
    struct message *message = xcalloc(1, sizeof(*message));
    message->id = id_of(id);
    message->session = id_of("S");
    message->seq = seq;
    message->role = ROLE_ASSISTANT;
    message->model = xstrdup("demo/echo");
    message->usage = usage_unknown();
    message->parts = xcalloc(1, sizeof(*message->parts));
    message->parts[0] =
        (struct message_part){.kind = PART_TEXT, .text = xstrdup(text), .text_n = strlen(text)};
    message->part_count = 1;
    return message;
}

static void free_snapshot(struct message *message)
{
    free(message->parts[0].text);
    free(message->parts);
    free(message->model);
    free(message);
}

static void a_gap__asks_for_a_snapshot_that_closes_it(void **state)
{
    struct fixture *f = *state;
    struct message *snapshot = snapshot_of("B", 2, "one two three");
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CHANGED);
    f->snapshot = snapshot;
    apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .text = SV("one ")});
    apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .offset = 8, .text = SV("three")});
    assert_int_equal(f->gaps, 1);
    assert_view(f, 3, 20, "demo/echo\none two three\n");
    apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .offset = 13, .text = SV(" four")});
    assert_int_equal(f->gaps, 1);
    assert_view(f, 3, 20, "demo/echo\none two three four\n");
    update.revision_before = 3;
    apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .offset = 13, .text = SV(" four")});
    assert_int_equal(f->gaps, 2);
    update.revision_before = 0;
    apply_piece(f, &update, (struct piece){.part = 2, .kind = PART_TEXT, .text = SV("x")});
    assert_int_equal(f->gaps, 3);
    free_snapshot(snapshot);
}

static void an_unknown_message__is_a_creation_and_a_deleted_one_goes(void **state)
{
    struct fixture *f = *state;
    say(f, "C", 3, ROLE_ASSISTANT, "third");
    say(f, "A", 1, ROLE_USER, "first");
    say(f, "B", 2, ROLE_ASSISTANT, "second");
    assert_view(f, 9, 20, "you\nfirst\n\ndemo/echo\nsecond\n\ndemo/echo\nthird\n");
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_DELETED);
    assert_true(transcript_apply(f->transcript, &update, NOW));
    assert_false(transcript_apply(f->transcript, &update, NOW));
    assert_view(f, 9, 20, "you\nfirst\n\ndemo/echo\nthird\n");
}

static void what_is_of_another_session_or_above_the_window__is_left_out(void **state)
{
    struct fixture *f = *state;
    say(f, "C", 3, ROLE_USER, "here");
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CHANGED);
    update.session = id_of("T");
    assert_false(transcript_apply(f->transcript, &update, NOW));
    transcript_set_more(f->transcript, true);
    update.session = id_of("S");
    assert_false(transcript_apply(f->transcript, &update, NOW));
    assert_int_equal(transcript_count(f->transcript), 1);
}

/* A message of several parts, and the rows it has when all of it comes at once. */
static const struct {
    enum part_kind kind;
    const char *text;
} parts[] = {
    {PART_REASONING, "thinking about 日本語 and such\nfor a while"},
    {PART_TEXT,
     "Hello 👩\u200d💻 world, this is a text with e\u0301 and \u202E marks.\n\n  code\t1\n"},
    {PART_TOOL_CALL, "{\"a\": 1}"},
    {PART_TEXT, "\n\nThe end of it: 🇪🇺🇺🇸 averyverylongwordthatdoesnotfit   \n\n"},
};

static void stream(struct fixture *f, size_t step, bool cut_code_points)
{
    for (uint32_t p = 0; p < COUNT_OF(parts); p++) {
        struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CHANGED);
        size_t n = strlen(parts[p].text);
        for (size_t at = 0; at < n;) {
            size_t end = at + step < n ? at + step : n;
            while (!cut_code_points && end < n &&
                   ((unsigned char)parts[p].text[end] & 0xC0) == 0x80) {
                end++;
            }
            apply_piece(f, &update,
                        (struct piece){.part = p,
                                       .kind = parts[p].kind,
                                       .offset = at,
                                       .text = sv_of(parts[p].text + at, end - at)});
            free(view(f, 7, 23));
            at = end;
        }
        apply_piece(f, &update,
                    (struct piece){.part = p, .kind = parts[p].kind, .offset = n, .ended = true});
    }
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_ENDED);
    update.reason = FINISH_CANCELED;
    transcript_apply(f->transcript, &update, NOW);
}

static void any_cutting_of_updates__gives_the_rows_of_the_whole(void **state)
{
    struct fixture *f = *state;
    struct ulid session = id_of("S");
    stream(f, 10000, false);
    char *whole = view(f, 30, 23);
    assert_non_null(strstr(whole, "Hello"));
    for (size_t step = 1; step < 40; step++) {
        for (int cut = 0; cut < 2; cut++) {
            transcript_reset(f->transcript, &session);
            stream(f, step, cut);
            assert_view(f, 30, 23, whole);
        }
    }
    free(whole);
}

static void fill(struct fixture *f, int messages)
{
    for (int i = 0; i < messages; i++) {
        char name[2] = {(char)('a' + i), 0};
        char text[60];
        snprintf(text, sizeof(text), "message %d\nwith a second line", i);
        say(f, name, 10 + i, i % 2 ? ROLE_ASSISTANT : ROLE_USER, text);
    }
}

static void a_view_that_is_scrolled_away__does_not_move(void **state)
{
    struct fixture *f = *state;
    fill(f, 10);
    free(view(f, 6, 30));
    assert_true(transcript_follows(f->transcript));
    assert_int_equal(transcript_scroll(f->transcript, -9), -9);
    assert_false(transcript_follows(f->transcript));
    char *before = view(f, 6, 30);
    say(f, "y", 40, ROLE_ASSISTANT, "a new answer\nof some\nlines");
    assert_view(f, 6, 30, before);
    say(f, "z", 1, ROLE_USER, "an older prompt that is loaded now");
    assert_view(f, 6, 30, before);
    transcript_follow(f->transcript);
    assert_view(f, 3, 30, "a new answer\nof some\nlines\n");
    free(before);
}

static void a_running_answer__does_not_move_what_is_read_above(void **state)
{
    struct fixture *f = *state;
    struct message_update update = update_of("B", 99, ROLE_ASSISTANT, UPDATE_CHANGED);
    char text[4000];
    memset(text, 'w', sizeof(text));
    fill(f, 2);
    apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .text = sv_of(text, 1000)});
    free(view(f, 10, 40));
    transcript_scroll(f->transcript, -5);
    char *before = view(f, 10, 40);
    apply_piece(f, &update,
                (struct piece){.kind = PART_TEXT, .offset = 1000, .text = sv_of(text, 3000)});
    assert_view(f, 10, 40, before);
    free(before);
}

static void scrolling__ends_at_both_ends(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(transcript_scroll(f->transcript, -5), 0);
    fill(f, 4); /* 15 rows */
    free(view(f, 6, 30));
    assert_int_equal(transcript_scroll(f->transcript, 5), 0);
    assert_int_equal(transcript_scroll(f->transcript, -100), -9);
    assert_view(f, 2, 30, "you\nmessage 0\n");
    free(view(f, 6, 30));
    assert_int_equal(transcript_scroll(f->transcript, 4), 4);
    assert_false(transcript_follows(f->transcript));
    assert_int_equal(transcript_scroll(f->transcript, 100), 5);
    assert_true(transcript_follows(f->transcript));
}

static void older_messages__are_wanted_only_where_they_would_be_seen(void **state)
{
    struct fixture *f = *state;
    fill(f, 4);
    transcript_set_more(f->transcript, true);
    free(view(f, 6, 30));
    assert_false(transcript_wants_older(f->transcript));
    free(view(f, 20, 30));
    assert_true(transcript_wants_older(f->transcript));
    free(view(f, 6, 30));
    transcript_scroll(f->transcript, -100);
    assert_true(transcript_wants_older(f->transcript));
    transcript_set_more(f->transcript, false);
    assert_false(transcript_wants_older(f->transcript));
}

static void resizing__keeps_the_text_that_is_read(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT(100000);
    for (int i = 0; i < 2000; i++) {
        buf_appendf(&text, "w%d ", i);
    }
    say(f, "A", 1, ROLE_ASSISTANT, buf_cstr(&text));
    buf_release(&text);
    free(view(f, 10, 80));
    transcript_scroll(f->transcript, -60);
    char *before = view(f, 10, 80);
    static const int sizes[][2] = {{1, 1}, {2, 2}, {40, 10}, {0, 0}, {10, 33}, {50, 200}};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        free(view(f, sizes[i][0], sizes[i][1]));
    }
    char *after = view(f, 10, 80);
    char word[8] = "";
    sscanf(before, "%7s", word);
    word[strlen(word) - 1] = '\0'; /* the row may begin a few words before */
    assert_non_null(strstr(after, word));
    assert_false(transcript_follows(f->transcript));
    free(before);
    free(after);
}

static void a_storm_of_sizes__ends_in_the_right_view(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 5;
    fill(f, 12);
    char *right = view(f, 20, 40);
    struct message_update update = update_of("M", 22, ROLE_ASSISTANT, UPDATE_CHANGED);
    for (size_t i = 0; i < 400; i++) {
        seed = seed * 1664525u + 1013904223u;
        apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .offset = i, .text = SV("w")});
        free(view(f, (int)(seed >> 8) % 50, (int)(seed >> 16) % 200));
        transcript_scroll(f->transcript, (int)(seed >> 24) % 20 - 10);
    }
    struct message_update gone = update_of("M", 22, ROLE_ASSISTANT, UPDATE_DELETED);
    transcript_apply(f->transcript, &gone, NOW);
    transcript_follow(f->transcript);
    assert_view(f, 20, 40, right);
    free(right);
}

static void hostile_text__never_reaches_a_cell_raw(void **state)
{
    static const char *const payloads[] = {
        "\x1b]52;c;ZXZpbA==\x07",
        "\xc2\x9d"
        "52;c;x\xc2\x9c",
        "\x1b[2J\x1b[H\x1b[?1049l",
        "\x1b"
        "c",
        "\x08\x08\x08\r",
        "\u202Egnp.exe\u2066",
        "\U000E0041\U000E0042",
        "\x7f\x01\x02",
        "\xff\xfe\x80",
        "\u2028\u2029\uFEFF\u200B",
        "\x1bPq\x1b\\",
        "\x1b[31;5m",
        "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(payloads); i++) {
        char name[2] = {(char)('a' + i), 0};
        struct message_update update =
            update_of(name, 10 + (int64_t)i, ROLE_ASSISTANT, UPDATE_ENDED);
        update.model = payloads[i];
        update.detail = payloads[i];
        update.reason = FINISH_ERROR;
        for (uint32_t kind = 0; kind < PART_KIND_COUNT; kind++) {
            apply_piece(f, &update,
                        (struct piece){.part = kind,
                                       .kind = (enum part_kind)kind,
                                       .text = sv_from(payloads[i]),
                                       .tool_name = sv_from(payloads[i])});
        }
        free(view(f, 30, 40));
        free(view(f, 30, 3));
    }
}

static void texts_of_any_length__are_shown_as_far_as_there_is_room(void **state)
{
    struct fixture *f = *state;
    size_t n = (size_t)1 << 20;
    char *text = xmalloc(n + 1);
    memset(text, 'x', n);
    text[n] = '\0';
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_ENDED);
    update.model = text;
    update.detail = text;
    update.reason = FINISH_ERROR;
    apply_piece(f, &update,
                (struct piece){
                    .kind = PART_TOOL_CALL, .tool_name = sv_of(text, n), .text = sv_of(text, n)});
    char *dump = view(f, 3000, 20);
    const char *start =
        "xxxxxxxxxxxxxxxxxxx…\n▸ tool call: xxxxxx…\nfailed:\nxxxxxxxxxxxxxxxxxxxx\n";
    assert_memory_equal(dump, start, strlen(start));
    free(dump);
    free(text);
}

static void the_status__is_that_of_the_latest_answer(void **state)
{
    struct fixture *f = *state;
    struct transcript_status status = transcript_status(f->transcript);
    assert_false(status.running || status.ended || status.content);
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_WAITING);
    update.until_us = 123;
    update.attempt = 1;
    update.attempts = 4;
    update.detail = "busy there";
    transcript_apply(f->transcript, &update, NOW);
    status = transcript_status(f->transcript);
    assert_true(status.running && !status.content);
    assert_int_equal(status.retry_us, 123);
    assert_int_equal(status.retry, 2);
    assert_int_equal(status.retries, 4);
    assert_string_equal(status.why, "busy there");
    update.kind = UPDATE_CHANGED;
    update.unsaved = true;
    update.error = ERR_DISK_FULL;
    update.detail = NULL;
    apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .text = SV("x")});
    status = transcript_status(f->transcript);
    assert_true(status.running && status.content && status.unsaved);
    assert_true(status.changed_us > 0 && status.changed_us <= clock_mono_us());
    assert_string_equal(status.why, "disk is full");
    update.kind = UPDATE_SAVED;
    transcript_apply(f->transcript, &update, NOW);
    assert_false(transcript_status(f->transcript).unsaved);
    update.kind = UPDATE_ENDED;
    update.unsaved = false;
    update.reason = FINISH_CANCELED;
    update.usage.output_tokens = 7;
    transcript_apply(f->transcript, &update, NOW);
    status = transcript_status(f->transcript);
    assert_true(status.ended && !status.running);
    assert_int_equal(status.reason, FINISH_CANCELED);
    assert_int_equal(status.usage.output_tokens, 7);
}

static void an_answer__is_markdown_and_a_prompt_is_not(void **state)
{
    struct fixture *f = *state;
    say(f, "A", 1, ROLE_USER, "**as** typed\n- so");
    say(f, "B", 2, ROLE_ASSISTANT, "**bold**\n- one\n- two\n\n```c\nint x;\n```\n");
    assert_view(f, 14, 20,
                "you\n**as** typed\n- so\n\ndemo/echo\nbold\n• one\n• two\n\n  ── c\n  int x;\n");
    assert_int_equal(grid_at(&f->grid, 5, 0)->style, STYLE_STRONG);
    assert_int_equal(grid_at(&f->grid, 10, 2)->style, STYLE_BLOCK_TYPE);
}

static char *numbered_lines(int count)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    for (int i = 1; i <= count; i++) {
        buf_appendf(&text, "line %d\n", i);
    }
    char *copy = xstrdup(buf_cstr(&text));
    buf_release(&text);
    return copy;
}

static void a_long_prompt__shows_its_beginning_and_its_end(void **state)
{
    struct fixture *f = *state;
    char *text = numbered_lines(1000);
    say(f, "A", 1, ROLE_USER, text);
    say(f, "B", 2, ROLE_ASSISTANT, text);
    char *dump = view(f, 1025, 20);
    assert_non_null(strstr(dump, "you\nline 1\n"));
    assert_non_null(strstr(dump, "\nline 12\n▸ 982 more lines\nline 995\n"));
    assert_non_null(strstr(dump, "\nline 1000\n\ndemo/echo\nline 1\nline 2\n"));
    free(dump);
    transcript_toggle_folds(f->transcript);
    dump = view(f, 3000, 20);
    assert_null(strstr(dump, "more lines"));
    assert_non_null(strstr(dump, "\nline 500\n"));
    free(dump);
    transcript_toggle_folds(f->transcript);
    free(view(f, 3, 12));
    transcript_scroll(f->transcript, -5000);
    assert_view(f, 3, 12, "you\nline 1\nline 2\n");
    assert_int_equal(transcript_scroll(f->transcript, 12), 12);
    assert_view(f, 4, 12, "line 12\n▸ 982 more …\nline 995\nline 996\n");
    free(text);
}

static void a_prompt__is_whole_up_to_a_length(void **state)
{
    struct fixture *f = *state;
    char *text = numbered_lines(40);
    say(f, "A", 1, ROLE_USER, text);
    char *dump = view(f, 60, 20);
    assert_null(strstr(dump, "more"));
    free(dump);
    free(text);
    text = xmalloc(20001);
    for (size_t i = 0; i < 20000; i += 2) {
        memcpy(text + i, "é", 2);
    }
    text[20000] = '\0';
    say(f, "B", 2, ROLE_USER, text);
    dump = view(f, 120, 100);
    assert_non_null(strstr(dump, "▸ 13856 more bytes\n"));
    assert_null(strstr(dump, "\xEF\xBF\xBD"));
    free(dump);
    free(text);
}

/* A session of numbered messages, loaded as the screen does: pages before and behind what is there.
 */
#define LONG_SESSION 1500
#define PAGE 24

static struct message *numbered_message(int number)
{
    char text[40];
    snprintf(text, sizeof(text), "text %d\nand more", number);
    struct message *message = snapshot_of("A", number, text);
    snprintf(message->id.text, sizeof(message->id.text), "%026d", number);
    message->ended = true;
    message->reason = FINISH_END_TURN;
    return message;
}

static void load_older(struct fixture *f)
{
    int64_t oldest = transcript_oldest(f->transcript);
    int from = oldest > LONG_SESSION ? LONG_SESSION : (int)oldest;
    for (int i = from - 1; i >= from - PAGE && i >= 0; i--) {
        struct message *message = numbered_message(i);
        transcript_load(f->transcript, message);
        free_snapshot(message);
    }
    transcript_set_more(f->transcript, from > PAGE);
}

static void load_newer(struct fixture *f, int64_t seq)
{
    bool wanted = true;
    for (int i = (int)seq + 1; wanted && i <= (int)seq + PAGE; i++) {
        struct message *message = numbered_message(i);
        wanted = transcript_load_newer(f->transcript, message);
        free_snapshot(message);
    }
    if (!wanted) {
        transcript_close_hole(f->transcript);
    }
}

static void load_what_is_wanted(struct fixture *f)
{
    int64_t seq;
    while (transcript_wants_older(f->transcript)) {
        load_older(f);
    }
    while (transcript_wants_newer(f->transcript, &seq)) {
        load_newer(f, seq);
    }
}

static int first_number(const char *dump)
{
    const char *text = strstr(dump, "text ");
    assert_non_null(text);
    return (int)strtol(text + 5, NULL, 10);
}

/* Scrolls to an end; no message may be left out on the way, and few may be held at a time. */
static void walk(struct fixture *f, int rows)
{
    int last = -1;
    for (int moved = 1; moved != 0;) {
        load_what_is_wanted(f);
        char *dump = view(f, 20, 30);
        int first = first_number(dump);
        assert_true(last < 0 || abs(first - last) <= 4);
        assert_true(transcript_count(f->transcript) < 500);
        last = first;
        free(dump);
        load_what_is_wanted(f);
        moved = transcript_scroll(f->transcript, rows);
    }
}

static void a_long_session__is_held_in_part_and_read_whole(void **state)
{
    struct fixture *f = *state;
    load_older(f);
    char *tail = view(f, 20, 30);
    assert_non_null(strstr(tail, "text 1499"));
    walk(f, -10);
    char *dump = view(f, 20, 30);
    assert_int_equal(first_number(dump), 0);
    free(dump);
    walk(f, 10);
    assert_true(transcript_follows(f->transcript));
    assert_view(f, 20, 30, tail);
    walk(f, -10);
    dump = view(f, 20, 30);
    assert_int_equal(first_number(dump), 0);
    free(dump);
    transcript_follow(f->transcript);
    load_what_is_wanted(f);
    assert_view(f, 20, 30, tail);
    assert_true(transcript_oldest(f->transcript) > LONG_SESSION / 2);
    free(tail);
}

static void what_stands_in_the_hole__is_left_out_until_it_is_wanted(void **state)
{
    struct fixture *f = *state;
    load_older(f);
    walk(f, -10);
    size_t count = transcript_count(f->transcript);
    struct message *message = numbered_message(1000);
    transcript_load(f->transcript, message);
    free_snapshot(message);
    struct message_update update = update_of("X", 1000, ROLE_ASSISTANT, UPDATE_CHANGED);
    assert_false(transcript_apply(f->transcript, &update, NOW));
    assert_int_equal(transcript_count(f->transcript), count);
    assert_true(transcript_status(f->transcript).ended);
    update = update_of("Y", LONG_SESSION + 1, ROLE_ASSISTANT, UPDATE_CHANGED);
    assert_true(transcript_apply(f->transcript, &update, NOW));
    assert_true(transcript_status(f->transcript).running);
}

/* Time for many pieces at the end of an answer of that length, painted each time. */
static int64_t time_of_streaming(struct fixture *f, size_t length)
{
    struct ulid session = id_of("S");
    char *text = xmalloc(length);
    for (size_t i = 0; i < length; i++) {
        text[i] = i % 7 == 6 ? ' ' : 'w';
    }
    transcript_reset(f->transcript, &session);
    struct message_update update = update_of("B", 2, ROLE_ASSISTANT, UPDATE_CHANGED);
    apply_piece(f, &update, (struct piece){.kind = PART_TEXT, .text = sv_of(text, length)});
    free(view(f, 24, 80));
    int64_t began = clock_mono_us();
    for (size_t i = 0; i < 500; i++) {
        apply_piece(
            f, &update,
            (struct piece){.kind = PART_TEXT, .offset = length + 5 * i, .text = SV("word ")});
        free(view(f, 24, 80));
    }
    free(text);
    return clock_mono_us() - began;
}

static void one_more_piece__costs_the_same_at_any_length(void **state)
{
    struct fixture *f = *state;
    int64_t shorter = time_of_streaming(f, 3000);
    int64_t longer = time_of_streaming(f, (size_t)2 << 20);
    assert_true(longer < shorter * 20 + CLOCK_S(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_conversation__is_shown_calmly),
        TEST(reasoning__is_folded_when_it_has_ended),
        TEST(tools_and_native_parts__are_one_line_or_none),
        TEST(the_end__is_told_in_words),
        TEST(an_answer_that_had_ended_when_it_was_seen_first__does_not_run),
        TEST(updates__are_harmless_twice),
        TEST(a_gap__asks_for_a_snapshot_that_closes_it),
        TEST(an_unknown_message__is_a_creation_and_a_deleted_one_goes),
        TEST(what_is_of_another_session_or_above_the_window__is_left_out),
        TEST(any_cutting_of_updates__gives_the_rows_of_the_whole),
        TEST(a_view_that_is_scrolled_away__does_not_move),
        TEST(a_running_answer__does_not_move_what_is_read_above),
        TEST(scrolling__ends_at_both_ends),
        TEST(older_messages__are_wanted_only_where_they_would_be_seen),
        TEST(resizing__keeps_the_text_that_is_read),
        TEST(a_storm_of_sizes__ends_in_the_right_view),
        TEST(hostile_text__never_reaches_a_cell_raw),
        TEST(texts_of_any_length__are_shown_as_far_as_there_is_room),
        TEST(the_status__is_that_of_the_latest_answer),
        TEST(an_answer__is_markdown_and_a_prompt_is_not),
        TEST(a_long_prompt__shows_its_beginning_and_its_end),
        TEST(a_prompt__is_whole_up_to_a_length),
        TEST(a_long_session__is_held_in_part_and_read_whole),
        TEST(what_stands_in_the_hole__is_left_out_until_it_is_wanted),
        TEST(one_more_piece__costs_the_same_at_any_length),
    };
    alarm(120);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
