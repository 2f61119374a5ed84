/* Completion: which word, what fits it, what the list does. Files in a folder of the test's own. */
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ui/rows.h"
#include "ui/complete.h"

#include <cmocka.h>

static const struct {
    const char *text; /* | is the insertion point */
    enum complete_kind kind;
    size_t from;
} words[] = {
    {"|", COMPLETE_NONE, 0},
    {"/|", COMPLETE_COMMAND, 0},
    {"/he|", COMPLETE_COMMAND, 0},
    {"//he|", COMPLETE_NONE, 4},
    {"a /he|", COMPLETE_NONE, 5},
    {"/model |", COMPLETE_MODEL, 7},
    {"/model lo|", COMPLETE_MODEL, 7},
    {"/model lo cal|", COMPLETE_NONE, 13},
    {"/copy co|", COMPLETE_NONE, 8},
    {"see @|", COMPLETE_FILE, 5},
    {"see @src/ma|in", COMPLETE_FILE, 5},
    {"a\n@x|", COMPLETE_FILE, 3},
    {"mail a@b|", COMPLETE_NONE, 8},
};

static void the_word__is_the_one_before_the_insertion_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct sv whole = sv_from(words[i].text);
        size_t cursor = sv_find(whole, '|');
        char *text = strdup(words[i].text);
        memmove(text + cursor, text + cursor + 1, strlen(text + cursor));
        struct complete_word word = complete_word_at(sv_from(text), cursor);
        assert_int_equal(word.kind, words[i].kind);
        assert_int_equal(word.from, words[i].from);
        assert_int_equal(word.to, cursor);
        free(text);
    }
}

static void source(void *ctx, enum complete_kind kind, struct choices *choices)
{
    int *calls = ctx;
    ++*calls;
    if (kind == COMPLETE_MODEL) {
        choices_add(choices, SV("local/qwen"), "fast", "local/qwen");
        choices_add(choices, SV("far/gpt"), NULL, "far/gpt");
        return;
    }
    choices_add(choices, SV("/help"), "keys", NULL);
    choices_add(choices, SV("/hello"), NULL, NULL);
    choices_add(choices, SV("/quit"), "leave", NULL);
}

static void update(struct complete *complete, const char *text, bool asked)
{
    complete_update(complete, sv_from(text), strlen(text), asked);
}

static void assert_shown(const struct complete *complete, const char *expected, size_t count)
{
    struct complete_word word;
    bool moved;
    const struct choice *choice = complete_selected(complete, &word, &moved);
    assert_int_equal(complete_count(complete), count);
    assert_int_equal(choice != NULL, expected != NULL);
    if (expected) {
        assert_string_equal(choice->text, expected);
    }
}

static void the_list__follows_what_is_typed(void **state)
{
    (void)state;
    int calls = 0;
    struct complete *complete = complete_new(source, &calls);
    update(complete, "no command", false);
    assert_shown(complete, NULL, 0);
    update(complete, "/", false);
    assert_shown(complete, "/help", 3);
    update(complete, "/HEL", false);
    assert_shown(complete, "/help", 2);
    complete_select(complete, 1);
    assert_shown(complete, "/hello", 2);
    complete_select(complete, 1);
    assert_shown(complete, "/help", 2);
    complete_select(complete, -1);
    assert_shown(complete, "/hello", 2);
    update(complete, "/help", false);
    assert_shown(complete, NULL, 0); /* it stands there already */
    update(complete, "/x", false);
    assert_shown(complete, NULL, 0);
    assert_int_equal(calls, 1);
    update(complete, "/model fast", false);
    assert_shown(complete, "local/qwen", 1);
    update(complete, "/model GPT", false);
    assert_shown(complete, "far/gpt", 1);
    complete_select(complete, -1);
    complete_free(complete);
    complete_free(NULL);
}

static void a_closed_list__stays_closed_for_that_word(void **state)
{
    (void)state;
    int calls = 0;
    struct complete *complete = complete_new(source, &calls);
    update(complete, "/he", false);
    complete_close(complete);
    assert_shown(complete, NULL, 0);
    update(complete, "/he", false);
    assert_shown(complete, NULL, 0);
    update(complete, "/he", true);
    assert_shown(complete, "/help", 2);
    complete_close(complete);
    update(complete, "/hel", false);
    assert_shown(complete, "/help", 2);
    complete_free(complete);
}

static void another_word__opens_the_list_again(void **state)
{
    (void)state;
    int calls = 0;
    struct complete *complete = complete_new(source, &calls);
    update(complete, "/model ", false);
    assert_shown(complete, "local/qwen", 2);
    complete_close(complete);
    update(complete, "/model ", false);
    assert_shown(complete, NULL, 0);
    update(complete, "", false); /* the prompt was cleared, or sent */
    update(complete, "/model ", false);
    assert_shown(complete, "local/qwen", 2);
    update(complete, "text", false);
    complete_close(complete); /* where none is open there is none to stay closed */
    update(complete, "/model ", false);
    assert_shown(complete, "local/qwen", 2);
    complete_free(complete);
}

static void make(const char *path)
{
    close(open(path, O_CREAT | O_WRONLY, 0600));
}

static void files__are_those_of_the_folder_that_was_typed(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-complete-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("src", 0700), 0);
    make("src/main.c");
    make("src/map.c");
    make("read me.txt");
    make(".hidden");
    make("evil\x1b]0;x");
    make("bad\xff");
    struct complete *complete = complete_new(source, NULL);
    update(complete, "see @", false);
    assert_shown(complete, "read me.txt", 2);
    update(complete, "see @s", false);
    assert_shown(complete, "src/", 1);
    update(complete, "see @src/ma", false);
    assert_shown(complete, "src/main.c", 2);
    update(complete, "see @.h", false);
    assert_shown(complete, ".hidden", 1);
    update(complete, "see @nowhere/x", false);
    assert_shown(complete, NULL, 0);
    char *whole = malloc(200);
    snprintf(whole, 200, "@%s/src/map", folder);
    update(complete, whole, false);
    snprintf(whole, 200, "%s/src/map.c", folder);
    assert_shown(complete, whole, 1);
    /* A file that came later is there after a reset. */
    update(complete, "@src/", false);
    make("src/new.c");
    complete_reset(complete);
    update(complete, "@src/n", false);
    assert_shown(complete, "src/new.c", 1);
    free(whole);
    complete_free(complete);
    unlink("src/main.c");
    unlink("src/map.c");
    unlink("src/new.c");
    unlink("read me.txt");
    unlink(".hidden");
    unlink("evil\x1b]0;x");
    unlink("bad\xff");
    rmdir("src");
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void the_list__is_painted_with_what_is_selected_in_view(void **state)
{
    (void)state;
    int calls = 0;
    struct grid grid = {0};
    struct complete *complete = complete_new(source, &calls);
    grid_resize(&grid, 2, 20);
    update(complete, "/", false);
    assert_int_equal(complete_rows(complete), 3);
    complete_select(complete, -1);
    complete_paint(complete, &grid, 0, 2, 2);
    char *dump = grid_dump(&grid);
    assert_string_equal(dump, "  /hello\n  /quit   leave\n");
    free(dump);
    complete_paint(complete, &grid, 0, 0, 2);
    complete_paint(complete, &grid, 5, 2, 30);
    grid_release(&grid);
    complete_free(complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_word__is_the_one_before_the_insertion_point),
        cmocka_unit_test(the_list__follows_what_is_typed),
        cmocka_unit_test(a_closed_list__stays_closed_for_that_word),
        cmocka_unit_test(another_word__opens_the_list_again),
        cmocka_unit_test(files__are_those_of_the_folder_that_was_typed),
        cmocka_unit_test(the_list__is_painted_with_what_is_selected_in_view),
    };
    alarm(30);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
