/* The decoder: a table of sequences, each cut at every place; pastes; broken and hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "ui/input.h"

#include <cmocka.h>

/*
 * Events as text: typed text as it is, pastes in [ ], keys in < > with S-, M-, C-, W- before them.
 */
static const char *const key_names[] = {
    [INPUT_ENTER] = "Enter", [INPUT_TAB] = "Tab",       [INPUT_BACKSPACE] = "Backspace",
    [INPUT_ESCAPE] = "Esc",  [INPUT_UP] = "Up",         [INPUT_DOWN] = "Down",
    [INPUT_LEFT] = "Left",   [INPUT_RIGHT] = "Right",   [INPUT_HOME] = "Home",
    [INPUT_END] = "End",     [INPUT_PAGE_UP] = "PgUp",  [INPUT_PAGE_DOWN] = "PgDn",
    [INPUT_INSERT] = "Ins",  [INPUT_DELETE] = "Del",    [INPUT_FUNCTION] = "F",
    [INPUT_FOCUS_IN] = "In", [INPUT_FOCUS_OUT] = "Out", [INPUT_CHAR] = "",
    [INPUT_REPORT] = "",
};

static void write_key(const struct input_event *event, struct buf *log)
{
    buf_append_byte(log, '<');
    buf_append_str(log, event->modifiers & INPUT_SHIFT ? "S-" : "");
    buf_append_str(log, event->modifiers & INPUT_ALT ? "M-" : "");
    buf_append_str(log, event->modifiers & INPUT_CTRL ? "C-" : "");
    buf_append_str(log, event->modifiers & INPUT_SUPER ? "W-" : "");
    buf_append_str(log, key_names[event->key]);
    if (event->key == INPUT_CHAR) {
        buf_append_cp(log, event->cp);
    } else if (event->key == INPUT_FUNCTION) {
        buf_appendf(log, "%u", (unsigned)event->cp);
    } else if (event->key == INPUT_REPORT) {
        buf_append_sv(log, event->text);
    }
    buf_append_byte(log, '>');
}

static void record(void *ctx, const struct input_event *event)
{
    struct buf *log = ctx;
    bool text = event->key == INPUT_TEXT || event->key == INPUT_PASTE;
    assert_int_equal(utf8_valid_prefix(event->text.p ? event->text.p : "", event->text.n),
                     event->text.n);
    if (!text) {
        write_key(event, log);
        return;
    }
    buf_append_str(log, event->key == INPUT_PASTE ? "[" : "");
    buf_append_sv(log, event->text);
    buf_append_str(log, event->cut ? "!" : "");
    buf_append_str(log, event->key == INPUT_PASTE ? "]" : "");
}

struct sequence_row {
    const char *bytes;
    const char *events;
};

static const struct sequence_row table[] = {
    {"a", "a"},
    {"hello world", "hello world"},
    {"é", "é"},
    {"日本", "日本"},
    {"😀", "😀"},
    {"\r", "<Enter>"},
    {"\n", "<C-j>"},
    {"\t", "<Tab>"},
    {"\x7f", "<Backspace>"},
    {"\x08", "<C-h>"},
    {"\x01", "<C-a>"},
    {"\x02", "<C-b>"},
    {"\x03", "<C-c>"},
    {"\x04", "<C-d>"},
    {"\x05", "<C-e>"},
    {"\x06", "<C-f>"},
    {"\x0b", "<C-k>"},
    {"\x0c", "<C-l>"},
    {"\x0e", "<C-n>"},
    {"\x10", "<C-p>"},
    {"\x15", "<C-u>"},
    {"\x17", "<C-w>"},
    {"\x19", "<C-y>"},
    {"\x1a", "<C-z>"},
    {"\x1c", "<C-\\>"},
    {"\x1d", "<C-]>"},
    {"\x1f", "<C-_>"},
    {"\x1b", "<Esc>"},
    {"\x1b\x1b", "<Esc><Esc>"},
    {"\x1b\x1b\x1b", "<Esc><Esc><Esc>"},
    {"\x1b[A", "<Up>"},
    {"\x1b[B", "<Down>"},
    {"\x1b[C", "<Right>"},
    {"\x1b[D", "<Left>"},
    {"\x1b[H", "<Home>"},
    {"\x1b[F", "<End>"},
    {"\x1bOA", "<Up>"},
    {"\x1bOB", "<Down>"},
    {"\x1bOC", "<Right>"},
    {"\x1bOD", "<Left>"},
    {"\x1bOH", "<Home>"},
    {"\x1bOF", "<End>"},
    {"\x1bOM", "<Enter>"},
    {"\x1bOP", "<F1>"},
    {"\x1bOS", "<F4>"},
    {"\x1bO5A", "<C-Up>"},
    {"\x1bOa", "<C-Up>"},
    {"\x1bOz", ""},
    {"\x1b[1~", "<Home>"},
    {"\x1b[2~", "<Ins>"},
    {"\x1b[3~", "<Del>"},
    {"\x1b[4~", "<End>"},
    {"\x1b[5~", "<PgUp>"},
    {"\x1b[6~", "<PgDn>"},
    {"\x1b[7~", "<Home>"},
    {"\x1b[8~", "<End>"},
    {"\x1b[15~", "<F5>"},
    {"\x1b[24~", "<F12>"},
    {"\x1b[99~", ""},
    {"\x1b[1;2A", "<S-Up>"},
    {"\x1b[1;3A", "<M-Up>"},
    {"\x1b[1;5C", "<C-Right>"},
    {"\x1b[1;6D", "<S-C-Left>"},
    {"\x1b[1;9A", "<W-Up>"},
    {"\x1b[1;5H", "<C-Home>"},
    {"\x1b[1;5F", "<C-End>"},
    {"\x1b[3;5~", "<C-Del>"},
    {"\x1b[5;2~", "<S-PgUp>"},
    {"\x1b[1;69A", "<C-Up>"},  /* with Caps Lock */
    {"\x1b[1;133A", "<C-Up>"}, /* with Num Lock */
    {"\x1b[a", "<S-Up>"},
    {"\x1b[5^", "<C-PgUp>"},
    {"\x1b[5$", "<S-PgUp>"},
    {"\x1b[5@", "<S-C-PgUp>"},
    {"\x1b[Z", "<S-Tab>"},
    {"\x1b[[A", "<F1>"},
    {"\x1b[[E", "<F5>"},
    {"\x1b[[Z", ""},
    {"\x1b[I", "<In>"},
    {"\x1b[O", "<Out>"},
    {"\x1b"
     "a",
     "<M-a>"},
    {"\x1b"
     "b",
     "<M-b>"},
    {"\x1b"
     "d",
     "<M-d>"},
    {"\x1b\r", "<M-Enter>"},
    {"\x1b\n", "<M-C-j>"},
    {"\x1b\x03", "<Esc><C-c>"},
    {"\x1b\x1b\x04", "<Esc><Esc><C-d>"},
    {"\x1b\x7f", "<M-Backspace>"},
    {"\x1b\x08", "<M-C-h>"},
    {"\x1b\t", "<M-Tab>"},
    {"\x1b日", "<M-日>"},
    {"\x1b\x1b[A", "<M-Up>"},
    {"\x1b\x1bOA", "<M-Up>"},
    {"\x1b\x1b"
     "a",
     "<Esc><M-a>"},
    {"\x1b\x1b日", "<Esc><M-日>"},
    {"\x1b[13;2u", "<S-Enter>"},
    {"\x1b[13;3u", "<M-Enter>"},
    {"\x1b[13;5u", "<C-Enter>"},
    {"\x1b[13u", "<Enter>"},
    {"\x1b[27u", "<Esc>"},
    {"\x1b[9;2u", "<S-Tab>"},
    {"\x1b[127;5u", "<C-Backspace>"},
    {"\x1b[99;5u", "<C-c>"},
    {"\x1b[97;5u", "<C-a>"},
    {"\x1b[67;6u", "<S-C-c>"},
    {"\x1b[97;3u", "<M-a>"},
    {"\x1b[97u", "a"},
    {"\x1b[97;2u", "A"},
    {"\x1b[233u", "é"},
    {"\x1b[128512u", "😀"},
    {"\x1b[97;5:1u", "<C-a>"},
    {"\x1b[97;5:3u", ""}, /* a release */
    {"\x1b[97:65;2u", "A"},
    {"\x1b[97;;97u", "a"},
    {"\x1b[109;5u", "<Enter>"},
    {"\x1b[91;5u", "<Esc>"},
    {"\x1b[106;5u", "<C-j>"},
    {"\x1b[57414u", "<Enter>"},
    {"\x1b[57419u", "<Up>"},
    {"\x1b[57400u", "1"},
    {"\x1b[57358u", ""}, /* Caps Lock */
    {"\x1b[27;2;13~", "<S-Enter>"},
    {"\x1b[27;5;13~", "<C-Enter>"},
    {"\x1b[27;5;105~", "<Tab>"},
    {"\x1b[27;6;97~", "<S-C-a>"},
    {"\x1b[155u", ""},
    {"\x1b[1114112u", ""},
    {"\x1b[99999999999999999999u", ""},
    {"\x1b[?1;2c", ""},
    {"\x1b[>41;330;0c", ""},
    {"\x1b[24;80R", ""},
    {"\x1b[?2026;2$y", "<[?2026;2$y>"},
    {"\x1b[?7u", ""},
    {"\x1b[<64;10;5M", ""},
    {"\x1b[<0;10;5m", ""},
    {"\x1b[M !!", ""},
    {"\x1b[8;24;80t", ""},
    {"\x1b[1;2;3;4;5;6;7;8;9;10A", ""},
    {"\x1b[ q", ""},
    {"\x1b]0;title\x07x", "x"},
    {"\x1b]11;rgb:0000/0000/0000\x1b\\x", "<]11;rgb:0000/0000/0000>x"},
    {"\x1b]11;rgb:ff/ff/ff\ax", "<]11;rgb:ff/ff/ff>x"},
    {"\x1b]11;\x18x", "x"},
    {"\x1b]11;\xff\ax", "x"},
    {"\x1b]12;rgb:0/0/0\ax", "x"},
    {"\x1b[?2026;2$yx", "<[?2026;2$y>x"},
    {"\x1b[?2026;2yx", "x"},
    {"\x1b]52;c;ZXZpbA==\x07", ""},
    {"\x1bP>|term 1.0\x1b\\x", "x"},
    {"\x1b_Gi=1;OK\x1b\\", ""},
    {"\x1b^pm\x1b\\x", "x"},
    {"\x1bXsos\x1b\\x", "x"},
    {"\x1b]0;cancelled\x18x", "x"},
    {"\x1b]0;restart\x1b[Ax", "<Up>x"},
    {"\x1b[12\x1b[A", "<Up>"},
    {"\x1b[12\rx", "<Enter>x"},
    {"\x1b[12日", "日"},
    {"\x1bO\r", "<Enter>"},
    {"\x1b[200~hello\x1b[201~", "[hello]"},
    {"\x1b[200~\x1b[201~", "[]"},
    {"\x1b[200~a\rb\r\nc\nd\x1b[201~", "[a\nb\nc\nd]"},
    {"\x1b[200~a\r\r\nb\n\n\x1b[201~", "[a\n\nb\n\n]"},
    {"\x1b[200~a\tb\x03\x07\x7f\x1b[31mc\x1b[201~", "[a\tb[31mc]"},
    {"\x1b[200~\xc2\x9b"
     "31m\xc2\xa0\x1b[201~",
     "[31m\xc2\xa0]"},
    {"\x1b[200~\xff日\xe6\x1b[201~", "[\uFFFD日\uFFFD]"},
    {"\x1b[200~a\x1b[20\x1b[201~b", "[a[20]b"},
    {"\x1b[200~a\x1b\x1b[201~b", "[a]b"},
    {"\x1b[200~a\x1b[201~\x1b[201~b", "[a]b"},
    {"\x1b[200~a\x1b[200~b\x1b[201~c", "[a[200~b]c"},
    {"\x1b[201~", ""},
    {"\xc2\x9b"
     "A",
     "A"},
    {"\xc2\x85", ""},
    {"\xff", "\uFFFD"},
    {"\xe6\x97x", "\uFFFDx"},
    {"\xe6\x1b[A", "\uFFFD<Up>"},
    {"\xc0\xaf", "\uFFFD\uFFFD"},
    {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
};

static void feed(struct input *input, const char *bytes, size_t n, struct buf *log)
{
    input_feed(input, bytes, n, record, log);
}

static void settle(struct input *input, struct buf *log)
{
    while (input_patience(input) >= 0) {
        input_timeout(input, record, log);
    }
}

static void every_sequence__gives_its_events(void **state)
{
    (void)state;
    assert_true(COUNT_OF(table) >= 100);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct input *input = input_new();
        struct buf log = BUF_INIT(1000);
        feed(input, table[i].bytes, strlen(table[i].bytes), &log);
        settle(input, &log);
        assert_string_equal(buf_cstr(&log), table[i].events);
        buf_release(&log);
        input_free(input);
    }
}

static void every_sequence__gives_the_same_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        size_t n = strlen(table[i].bytes);
        for (size_t cut = 0; cut <= n + 1; cut++) {
            struct input *input = input_new();
            struct buf log = BUF_INIT(1000);
            feed(input, "x", 1, &log);
            for (size_t at = 0; cut > n && at < n; at++) {
                feed(input, table[i].bytes + at, 1, &log); /* the last round: byte by byte */
            }
            if (cut <= n) {
                feed(input, table[i].bytes, cut, &log);
                feed(input, table[i].bytes + cut, n - cut, &log);
            }
            settle(input, &log);
            feed(input, "y", 1, &log);
            assert_string_equal(buf_cstr(&log) + 1 + strlen(table[i].events), "y");
            assert_memory_equal(buf_cstr(&log) + 1, table[i].events, strlen(table[i].events));
            buf_release(&log);
            input_free(input);
        }
    }
}

static void sequences_in_a_row__do_not_disturb_each_other(void **state)
{
    (void)state;
    struct input *input = input_new();
    struct buf log = BUF_INIT(100000);
    struct buf expected = BUF_INIT(100000);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        feed(input, table[i].bytes, strlen(table[i].bytes), &log);
        settle(input, &log);
        buf_append_str(&expected, table[i].events);
    }
    assert_string_equal(buf_cstr(&log), buf_cstr(&expected));
    buf_release(&expected);
    buf_release(&log);
    input_free(input);
}

static void a_lone_escape__waits_for_25_ms(void **state)
{
    (void)state;
    struct input *input = input_new();
    struct buf log = BUF_INIT(1000);
    assert_int_equal(input_patience(input), -1);
    feed(input, "\x1b", 1, &log);
    assert_int_equal(input_patience(input), CLOCK_MS(25));
    assert_string_equal(buf_cstr(&log), "");
    input_timeout(input, record, &log);
    assert_string_equal(buf_cstr(&log), "<Esc>");
    assert_int_equal(input_patience(input), -1);
    input_timeout(input, record, &log);
    assert_string_equal(buf_cstr(&log), "<Esc>");
    buf_release(&log);
    input_free(input);
}

static void broken_sequences__end_by_time(void **state)
{
    (void)state;
    static const struct sequence_row broken[] = {
        {"\x1b[", "<M-[>z"},        {"\x1bO", "<M-O>z"},     {"\x1b[1;", "z"},
        {"\x1b]0;never ends", "z"}, {"\x1bP", "z"},          {"\x1b[M!", "z"},
        {"\xe6\x97", "\uFFFDz"},    {"\x1b\x1b[", "<M-[>z"},
    };
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        struct input *input = input_new();
        struct buf log = BUF_INIT(1000);
        feed(input, broken[i].bytes, strlen(broken[i].bytes), &log);
        assert_true(input_patience(input) > 0);
        input_timeout(input, record, &log);
        assert_int_equal(input_patience(input), -1);
        feed(input, "z", 1, &log);
        assert_string_equal(buf_cstr(&log), broken[i].events);
        buf_release(&log);
        input_free(input);
    }
}

static void count_bytes(void *ctx, const struct input_event *event)
{
    assert_int_equal(event->key, INPUT_PASTE);
    *(size_t *)ctx = event->text.n;
}

static void a_megabyte_of_paste__is_fast(void **state)
{
    (void)state;
    size_t n = (size_t)1 << 20;
    char *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = "some line of text\r"[i % 18];
    }
    struct input *input = input_new();
    size_t got = 0;
    int64_t began = clock_mono_us();
    input_feed(input, "\x1b[200~", 6, count_bytes, &got);
    for (size_t at = 0; at < n; at += 4096) {
        input_feed(input, bytes + at, 4096, count_bytes, &got);
    }
    input_feed(input, "\x1b[201~", 6, count_bytes, &got);
    assert_true(clock_mono_us() - began < CLOCK_S(2));
    assert_int_equal(got, n);
    input_free(input);
    free(bytes);
}

static void expect_cut(void *ctx, const struct input_event *event)
{
    *(bool *)ctx = event->cut && event->text.n <= INPUT_PASTE_MAX;
}

static void a_paste_without_end__is_bounded(void **state)
{
    (void)state;
    static char block[1 << 16];
    bool cut = false;
    struct input *input = input_new();
    memset(block, 'x', sizeof(block));
    input_feed(input, "\x1b[200~", 6, expect_cut, &cut);
    for (size_t fed = 0; fed < INPUT_PASTE_MAX + sizeof(block); fed += sizeof(block)) {
        input_feed(input, block, sizeof(block), expect_cut, &cut);
    }
    input_feed(input, "\x1b[201~", 6, expect_cut, &cut);
    assert_true(cut);
    input_free(input);
}

struct resetting {
    struct input *input;
    struct buf log;
};

static void record_and_reset(void *ctx, const struct input_event *event)
{
    struct resetting *resetting = ctx;
    record(&resetting->log, event);
    input_reset(resetting->input);
}

static void a_handler_may_reset_it__and_gets_what_follows(void **state)
{
    (void)state;
    static const char bytes[] = "a\x1b[A\x1a"
                                "b\x1b[200~x\x1b[201~\xC3\xA9\x1b\x1b[Bc";
    struct resetting resetting = {input_new(), BUF_INIT(1000)};
    input_feed(resetting.input, bytes, sizeof(bytes) - 1, record_and_reset, &resetting);
    assert_string_equal(buf_cstr(&resetting.log), "a<Up><C-z>b[x]é<M-Down>c");
    buf_release(&resetting.log);
    input_free(resetting.input);
}

static void no_bytes__break_it(void **state)
{
    (void)state;
    unsigned seed = 1;
    struct input *input = input_new();
    struct buf log = BUF_INIT(BUF_MAX_INTERNAL);
    for (int round = 0; round < 20000; round++) {
        char bytes[16];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (seed >> 29) == 0 ? '\x1b' : (char)(seed >> 16);
            bytes[i] = (seed >> 28) == 2 ? "[O]P;~M0"[(seed >> 8) & 7] : bytes[i];
        }
        feed(input, bytes, sizeof(bytes), &log);
        if (round % 50 == 0) {
            input_timeout(input, record, &log);
        }
        buf_clear(&log);
    }
    input_reset(input);
    feed(input, "ok", 2, &log);
    assert_string_equal(buf_cstr(&log), "ok");
    buf_release(&log);
    input_free(input);
    input_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence__gives_its_events),
        cmocka_unit_test(every_sequence__gives_the_same_however_it_is_cut),
        cmocka_unit_test(sequences_in_a_row__do_not_disturb_each_other),
        cmocka_unit_test(a_lone_escape__waits_for_25_ms),
        cmocka_unit_test(broken_sequences__end_by_time),
        cmocka_unit_test(a_megabyte_of_paste__is_fast),
        cmocka_unit_test(a_paste_without_end__is_bounded),
        cmocka_unit_test(a_handler_may_reset_it__and_gets_what_follows),
        cmocka_unit_test(no_bytes__break_it),
    };
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
