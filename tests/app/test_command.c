/* Command line: what is parsed, what is refused and with which hint, and what the help says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command_internal.h"
#include "app/headless.h"
#include "base/clock.h"

#include <cmocka.h>

#define WORDS_MAX 16

/* Splits at blanks. */
static int split(char *text, char *argv[WORDS_MAX])
{
    int argc = 0;
    char *save = NULL;
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        assert_true(argc < WORDS_MAX);
        argv[argc++] = word;
    }
    return argc;
}

/* What a command line became; its views point into `text`. */
struct parsed {
    char text[256];
    char *argv[WORDS_MAX];
    struct command_line line;
    struct err err;
    enum err_code code;
};

static struct parsed *parse(const char *text)
{
    struct parsed *parsed = calloc(1, sizeof *parsed);
    assert_non_null(parsed);
    assert_true(strlen(text) < sizeof parsed->text);
    memcpy(parsed->text, text, strlen(text) + 1);
    int argc = split(parsed->text, parsed->argv);
    parsed->code = command__parse(argc, parsed->argv, &parsed->line, &parsed->err);
    return parsed;
}

static void release(struct parsed *parsed)
{
    command_line_release(&parsed->line);
    free(parsed);
}

static void runs(const char *text, const char *command)
{
    struct parsed *parsed = parse(text);
    if (parsed->code) {
        fail_msg("'%s': %s", text, parsed->err.text);
    }
    assert_string_equal(parsed->line.command->name, command);
    release(parsed);
}

static void refuses(const char *text, const char *expected)
{
    struct parsed *parsed = parse(text);
    assert_int_equal(parsed->code, ERR_USAGE);
    if (!strstr(parsed->err.text, expected)) {
        fail_msg("'%s': expected '%s' in '%s'", text, expected, parsed->err.text);
    }
    release(parsed);
}

static void option_is(const char *text, const char *name, const char *value)
{
    struct parsed *parsed = parse(text);
    if (parsed->code) {
        fail_msg("'%s': %s", text, parsed->err.text);
    }
    const char *found = argument_text(&parsed->line.arguments, name);
    if (value) {
        assert_non_null(found);
        assert_string_equal(found, value);
    } else {
        assert_null(found);
    }
    release(parsed);
}

static void a_list__keeps_every_mention_in_order(void **state)
{
    (void)state;
    struct parsed *parsed = parse("weir run -a one --attach=two -m demo -athree q");
    assert_int_equal(parsed->code, ERR_OK);
    const struct arguments *arguments = &parsed->line.arguments;
    size_t at = 0;
    assert_string_equal(argument_next(arguments, "attach", &at), "one");
    assert_string_equal(argument_next(arguments, "attach", &at), "two");
    assert_string_equal(argument_next(arguments, "attach", &at), "three");
    assert_null(argument_next(arguments, "attach", &at));
    at = 0;
    assert_null(argument_next(arguments, "model", &at));
    assert_string_equal(argument_text(arguments, "attach"), "three");
    release(parsed);
}

static void parse__finds_the_command(void **state)
{
    (void)state;
    runs("weir", "chat");
    runs("weir chat", "chat");
    runs("weir -m demo", "chat");
    runs("weir -v -m demo", "chat");
    runs("weir run hello", "run");
    runs("weir -p hello", "run");
    runs("weir -m demo -p hello", "run");
    runs("weir -q -p", "run");
    runs("weir -- -p", "chat");
    runs("weir --db x session list", "session");
    runs("weir --config=x -v export y", "export");
}

static void parse__hints_at_run_for_bare_words(void **state)
{
    (void)state;
    refuses("weir -m demo run hello", "'run' comes first");
    refuses("weir tell me the time", "to send it as a prompt, 'weir run");
    refuses("weir sesion list", "did you mean 'session'?");
    refuses("weir rum hello", "did you mean 'run'?");
}

static void parse__takes_options_in_every_form(void **state)
{
    (void)state;
    option_is("weir run --model a/b x", "model", "a/b");
    option_is("weir run --model=a/b x", "model", "a/b");
    option_is("weir run --model= x", "model", "");
    option_is("weir run --system=a=b", "system", "a=b");
    option_is("weir run x -m a/b", "model", "a/b");
    option_is("weir run -ma/b", "model", "a/b");
    option_is("weir run -unm a/b", "model", "a/b");
    option_is("weir run -unm a/b", "usage", "");
    option_is("weir run -unm a/b", "no-save", "");
    option_is("weir run -s -n", "session", "-n");
    option_is("weir run -s -n", "no-save", NULL);
    option_is("weir run -m a -m b", "model", "b");
    option_is("weir run -- -m a", "model", NULL);
    option_is("weir run --timeout 0.5", "timeout", "0.5");
    option_is("weir run", "nothing-of-that-name", NULL);
}

static void parse__keeps_operands_in_order(void **state)
{
    (void)state;
    struct parsed *parsed = parse("weir run one -n two - -- -u three");
    assert_int_equal(parsed->code, ERR_OK);
    static const char *const expected[] = {"one", "two", "-", "-u", "three"};
    assert_int_equal(parsed->line.arguments.rest_count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_string_equal(parsed->line.arguments.rest[i], expected[i]);
    }
    release(parsed);
}

static void parse__takes_global_options_before_and_after_the_command(void **state)
{
    (void)state;
    struct parsed *parsed = parse("weir --config a run -v x --db=b --color never -q");
    assert_int_equal(parsed->code, ERR_OK);
    assert_string_equal(parsed->line.global.config_path, "a");
    assert_string_equal(parsed->line.global.db_path, "b");
    assert_string_equal(parsed->line.global.color, "never");
    assert_true(parsed->line.global.verbose);
    assert_true(parsed->line.global.quiet);
    release(parsed);
    parsed = parse("weir");
    assert_string_equal(parsed->line.global.color, "auto");
    release(parsed);
}

static void parse__refuses_what_it_does_not_know(void **state)
{
    (void)state;
    refuses("weir run --modle x", "unknown option '--modle' (did you mean '--model'?)");
    refuses("weir run -nZ", "unknown option '-Z'");
    refuses("weir --versoin", "did you mean '--version'?");
    refuses("weir run --json=1", "option '--json' takes no value");
    refuses("weir run --model", "option '--model' needs a value: MODEL");
    refuses("weir run -nm", "option '--model' needs a value");
    refuses("weir run --timeout soon", "option '--timeout' takes a number, not 'soon'");
    refuses("weir run --timeout -1", "takes a number, not '-1'");
    refuses("weir run --timeout 1s", "takes a number, not '1s'");
    refuses("weir run --timeout 1e999", "takes a number");
    refuses("weir --color sometimes", "expected one of 'auto', 'always', 'never'");
    refuses("weir help nothing", "unknown command 'nothing'");
}

static void parse__sees_help_and_version_everywhere(void **state)
{
    (void)state;
    struct parsed *parsed = parse("weir --help");
    assert_true(parsed->line.help);
    assert_null(parsed->line.command);
    release(parsed);
    parsed = parse("weir run --help");
    assert_true(parsed->line.help);
    assert_ptr_equal(parsed->line.command, &command_run);
    release(parsed);
    parsed = parse("weir help export");
    assert_true(parsed->line.help);
    assert_ptr_equal(parsed->line.command, &command_export);
    release(parsed);
    parsed = parse("weir --version");
    assert_true(parsed->line.version);
    release(parsed);
    parsed = parse("weir run -- --help");
    assert_false(parsed->line.help);
    release(parsed);
}

static void parse__lives_without_arguments(void **state)
{
    (void)state;
    struct command_line line;
    struct err err = {0};
    char *none[] = {NULL};
    assert_int_equal(command__parse(0, none, &line, &err), ERR_OK);
    assert_ptr_equal(line.command, &command_chat);
    command_line_release(&line);
    command_line_release(&line);
}

static void options__have_names_of_their_own_and_fit(void **state)
{
    (void)state;
    for (const struct command *const *command = commands(); *command; command++) {
        size_t count = 0;
        for (const struct option_spec *a = (*command)->options; a->name; a++, count++) {
            assert_true((a->kind == OPTION_FLAG) == (a->value == NULL));
            for (const struct option_spec *b = a + 1; b->name; b++) {
                assert_string_not_equal(a->name, b->name);
                assert_true(!a->letter || a->letter != b->letter);
            }
            for (const struct option_spec *g = global_option_specs(); g->name; g++) {
                assert_string_not_equal(a->name, g->name);
                assert_true(!a->letter || a->letter != g->letter);
            }
        }
        assert_true(count <= COUNT_OF(((struct arguments *)NULL)->values));
    }
}

static void help__names_every_command_and_option_within_100_columns(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(1 << 20);
    command__help(NULL, &out);
    for (const struct command *const *command = commands(); *command; command++) {
        assert_non_null(strstr(buf_cstr(&out), (*command)->name));
        command__help(*command, &out);
        for (const struct option_spec *spec = (*command)->options; spec->name; spec++) {
            assert_non_null(strstr(buf_cstr(&out), spec->help));
        }
    }
    struct sv rest = buf_sv(&out);
    struct sv line;
    while (sv_next_line(&rest, &line)) {
        assert_true(line.n <= 100);
    }
    buf_release(&out);
}

static void exit_codes__are_the_ones_that_were_promised(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        int exit_code;
    } promised[] = {
        {ERR_OK, 0},           {ERR_INTERNAL, 1},
        {ERR_USAGE, 2},        {ERR_REFUSED, 4},
        {ERR_INVALID, 65},     {ERR_TOO_BIG, 65},
        {ERR_REJECTED, 65},    {ERR_NOT_FOUND, 65},
        {ERR_UNREACHABLE, 69}, {ERR_SERVER, 69},
        {ERR_READ_ONLY, 73},   {ERR_CANNOT_CREATE, 73},
        {ERR_IO, 74},          {ERR_DISK_FULL, 74},
        {ERR_CORRUPT, 74},     {ERR_BUSY, 75},
        {ERR_RATE_LIMIT, 75},  {ERR_PROTOCOL, 76},
        {ERR_INTERRUPTED, 76}, {ERR_AUTH, 77},
        {ERR_CONFIG, 78},      {ERR_NOT_CONFIGURED, 78},
        {ERR_NEWER, 78},       {ERR_TIMEOUT, 124},
        {ERR_CANCELLED, 130},
    };
    for (size_t i = 0; i < COUNT_OF(promised); i++) {
        assert_int_equal(exit_code_of(promised[i].code), promised[i].exit_code);
    }
    for (enum err_code code = ERR_INTERNAL; code < ERR_COUNT; code++) {
        assert_int_not_equal(exit_code_of(code), 0);
    }
    assert_int_equal(exit_code_of(ERR_COUNT), 1);
}

/* An answer that is printed nowhere: json prints only its result. */
static struct printer silent_printer(void)
{
    struct printer printer;
    printer_init(&printer, HEADLESS_JSON);
    return printer;
}

static struct message_update update_of(struct piece *pieces, size_t count)
{
    return (struct message_update){
        .kind = UPDATE_CHANGED, .pieces = pieces, .piece_count = count, .usage = usage_unknown()};
}

static void expect_text(const struct answer *answer, enum part_kind kind, const char *expected)
{
    struct buf text = BUF_INIT(1 << 20);
    answer_append_text(answer, kind, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_release(&text);
}

static void answer__takes_pieces_once_and_reports_gaps(void **state)
{
    (void)state;
    struct printer printer = silent_printer();
    struct answer answer;
    answer_init(&answer);
    struct piece first[] = {{.part = 0, .kind = PART_TEXT, .offset = 0, .text = SV("Hel")}};
    struct piece again[] = {{.part = 0, .kind = PART_TEXT, .offset = 1, .text = SV("ello")}};
    struct piece beyond[] = {{.part = 0, .kind = PART_TEXT, .offset = 9, .text = SV("!")}};
    struct piece later[] = {{.part = 2, .kind = PART_TEXT, .offset = 0, .text = SV("there")}};
    struct message_update update = update_of(first, 1);
    assert_false(answer_apply_update(&answer, &update, &printer));
    assert_false(answer_apply_update(&answer, &update, &printer));
    update = update_of(again, 1);
    assert_false(answer_apply_update(&answer, &update, &printer));
    expect_text(&answer, PART_TEXT, "Hello");
    update = update_of(beyond, 1);
    assert_true(answer_apply_update(&answer, &update, &printer));
    expect_text(&answer, PART_TEXT, "Hello");
    update = update_of(later, 1);
    assert_false(answer_apply_update(&answer, &update, &printer));
    expect_text(&answer, PART_TEXT, "Hello\n\nthere");
    expect_text(&answer, PART_REASONING, "");
    answer_release(&answer);
}

static void answer__is_made_whole_by_a_snapshot(void **state)
{
    (void)state;
    struct printer printer = silent_printer();
    struct answer answer;
    answer_init(&answer);
    struct piece first[] = {{.part = 0, .kind = PART_REASONING, .offset = 0, .text = SV("Hm")}};
    struct message_update update = update_of(first, 1);
    assert_false(answer_apply_update(&answer, &update, &printer));
    struct message *message = message_new();
    message_add_part(message, PART_REASONING, SV("Hmm."));
    message_add_part(message, PART_TEXT, SV("Yes."));
    message->ended = true;
    message->reason = FINISH_END_TURN;
    answer_apply_snapshot(&answer, message, &printer);
    answer_apply_snapshot(&answer, message, &printer);
    expect_text(&answer, PART_REASONING, "Hmm.");
    expect_text(&answer, PART_TEXT, "Yes.");
    assert_true(answer.ended);
    assert_int_equal(answer.reason, FINISH_END_TURN);
    message_free(message);
    answer_release(&answer);
}

/* Reads with stdin replaced by a pipe that holds `text`; `open`: the writer stays. */
static enum err_code read_with_stdin(struct headless_input *input, struct sv text, bool open,
                                     struct buf *out)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int before = dup(STDIN_FILENO);
    assert_true(before >= 0);
    assert_int_equal(write(ends[1], text.p, text.n), (ssize_t)text.n);
    if (!open) {
        close(ends[1]);
    }
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    struct err err = {0};
    enum err_code code = headless_read(input, out, &err);
    dup2(before, STDIN_FILENO);
    close(before);
    if (open) {
        close(ends[1]);
    }
    return code;
}

static void reads(const char *const *words, size_t count, struct sv piped, const char *expected)
{
    struct headless_input input = {
        .words = words, .word_count = count, .stop_fd = -1, .deadline_us = CLOCK_NEVER};
    struct buf out = BUF_INIT(1 << 20);
    assert_int_equal(read_with_stdin(&input, piped, false, &out), ERR_OK);
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
}

static void input__is_words_then_stdin_after_a_blank_line(void **state)
{
    (void)state;
    const char *const words[] = {"What", "is", "this?", "-"};
    reads(words, 3, SV("data\n"), "What is this?\n\ndata\n");
    reads(words, 4, SV("data"), "What is this?\n\ndata");
    reads(words, 3, SV(""), "What is this?");
    reads(words + 3, 1, SV("data"), "data");
    reads(NULL, 0, SV("data"), "data");
    reads(words, 1, SV("a\xff\0z"), "What\n\na\xEF\xBF\xBD\xEF\xBF\xBDz");
}

static void input__has_to_be_there_and_in_time(void **state)
{
    (void)state;
    struct headless_input input = {.stop_fd = -1, .deadline_us = CLOCK_NEVER};
    struct buf out = BUF_INIT(1 << 20);
    assert_int_equal(read_with_stdin(&input, SV(" \n"), false, &out), ERR_USAGE);
    input.deadline_us = clock_mono_us() + CLOCK_MS(50);
    assert_int_equal(read_with_stdin(&input, SV("part"), true, &out), ERR_TIMEOUT);
    int stop[2];
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(write(stop[1], "x", 1), 1);
    input.deadline_us = CLOCK_NEVER;
    input.stop_fd = stop[0];
    assert_int_equal(read_with_stdin(&input, SV("part"), true, &out), ERR_INTERRUPTED);
    close(stop[0]);
    close(stop[1]);
    buf_release(&out);
}

static void input__does_not_look_where_it_must_not(void **state)
{
    (void)state;
    const char *const words[] = {"hi"};
    struct headless_input input = {.words = words,
                                   .word_count = 1,
                                   .no_stdin = true,
                                   .stop_fd = -1,
                                   .deadline_us = CLOCK_NEVER};
    struct buf out = BUF_INIT(1 << 20);
    assert_int_equal(read_with_stdin(&input, SV("data"), true, &out), ERR_OK);
    assert_string_equal(buf_cstr(&out), "hi");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list__keeps_every_mention_in_order),
        cmocka_unit_test(parse__finds_the_command),
        cmocka_unit_test(parse__hints_at_run_for_bare_words),
        cmocka_unit_test(parse__takes_options_in_every_form),
        cmocka_unit_test(parse__keeps_operands_in_order),
        cmocka_unit_test(parse__takes_global_options_before_and_after_the_command),
        cmocka_unit_test(parse__refuses_what_it_does_not_know),
        cmocka_unit_test(parse__sees_help_and_version_everywhere),
        cmocka_unit_test(parse__lives_without_arguments),
        cmocka_unit_test(options__have_names_of_their_own_and_fit),
        cmocka_unit_test(help__names_every_command_and_option_within_100_columns),
        cmocka_unit_test(exit_codes__are_the_ones_that_were_promised),
        cmocka_unit_test(answer__takes_pieces_once_and_reports_gaps),
        cmocka_unit_test(answer__is_made_whole_by_a_snapshot),
        cmocka_unit_test(input__is_words_then_stdin_after_a_blank_line),
        cmocka_unit_test(input__has_to_be_there_and_in_time),
        cmocka_unit_test(input__does_not_look_where_it_must_not),
    };
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
