/* Chords as text, the table of actions, and what a config may make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/keymap.h"

#include <cmocka.h>

static const struct {
    const char *text;
    const char *shown; /* NULL: no chord */
} spellings[] = {
    {"Enter", "Enter"},     {"enter", "Enter"},     {"c-x", "C-x"},
    {"C-X", "C-x"},         {"A-b", "M-b"},         {"M-C-b", "C-M-b"},
    {"C-Space", "C-Space"}, {"S-Enter", "S-Enter"}, {"F1", "F1"},
    {"f24", "F24"},         {"C--", "C--"},         {"C-]", "C-]"},
    {"M-é", "M-é"},         {"PageUp", "PgUp"},     {"x", "x"},
    {"F0", NULL},           {"F25", NULL},          {"", NULL},
    {"C-", NULL},           {"Hyper-x", NULL},      {"xy", NULL},
    {"\xff", NULL},         {"M-\x01", NULL},       {"C-\x7f", NULL},
};

static void chords__are_read_and_written_as_people_spell_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        struct chord chord;
        struct buf text = BUF_INIT(100);
        bool known = chord_parse(sv_from(spellings[i].text), &chord);
        if (known != (spellings[i].shown != NULL)) {
            fail_msg("'%s'", spellings[i].text);
        }
        if (known) {
            chord_format(&chord, &text);
            assert_string_equal(buf_cstr(&text), spellings[i].shown);
        }
        buf_release(&text);
    }
}

struct press {
    const struct keymap *keymap;
    struct chord first;
    enum action action;
};

static void press(void *ctx, const struct input_event *event)
{
    struct press *press = ctx;
    struct chord chord;
    assert_true(chord_of_event(event, &chord));
    bool second = press->action == ACTION_PREFIX;
    press->action = keymap_find(press->keymap, second ? &press->first : NULL, &chord);
    press->first = chord;
}

static enum action action_of(const struct keymap *keymap, const char *bytes)
{
    struct press result = {.keymap = keymap};
    struct input *input = input_new();
    input_feed(input, bytes, strlen(bytes), press, &result);
    input_timeout(input, press, &result);
    input_free(input);
    return result.action;
}

/* One key in each form in which terminals send it: as ever, CSI u, modifyOtherKeys. */
static const struct {
    const char *bytes;
    enum action action;
} forms[] = {
    {"\r", ACTION_SEND},
    {"\x1b\r", ACTION_NEW_LINE},
    {"\n", ACTION_NEW_LINE},
    {"\x1b[13;2u", ACTION_NEW_LINE},
    {"\x1b[27;2;13~", ACTION_NEW_LINE},
    {"\x1b[13;3u", ACTION_NEW_LINE},
    {"\x1b[106;5u", ACTION_NEW_LINE},
    {"\x03", ACTION_INTERRUPT},
    {"\x1b[99;5u", ACTION_INTERRUPT},
    {"\x1b[27;5;99~", ACTION_INTERRUPT},
    {"\x1b", ACTION_CANCEL},
    {"\x1b[27u", ACTION_CANCEL},
    {"\x1f", ACTION_UNDO},
    {"\x1b[95;5u", ACTION_UNDO},
    {"\x1b[45;6u", ACTION_UNDO},
    {"\x1b[27;6;95~", ACTION_UNDO},
    {"\x1b[47;5u", ACTION_UNDO},
    {"\x1b<", ACTION_TEXT_START},
    {"\x1b[60;4u", ACTION_TEXT_START},
    {"\x1b[44;4u", ACTION_TEXT_START},
    {"\x1b"
     "B",
     ACTION_WORD_LEFT},
    {"\x1b"
     "b",
     ACTION_WORD_LEFT},
    {"\x1b[98;3u", ACTION_WORD_LEFT},
    {"\x1bOP", ACTION_HELP},
    {"\x1b[11~", ACTION_HELP},
    {"\x18\x05", ACTION_EDIT_OUTSIDE},
    {"\x18", ACTION_PREFIX},
    {"\x18s", ACTION_SESSIONS},
    {"\x18z", ACTION_NONE},
    {"\x1b[127;3u", ACTION_KILL_WORD_LEFT},
};

static void a_key__is_the_same_in_every_form(void **state)
{
    (void)state;
    struct keymap *keymap = keymap_new();
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (action_of(keymap, forms[i].bytes) != forms[i].action) {
            fail_msg("form %zu: action %d", i, (int)action_of(keymap, forms[i].bytes));
        }
    }
    keymap_free(keymap);
}

static void the_table__has_every_action_once_with_a_name_and_words(void **state)
{
    (void)state;
    struct keymap *keymap = keymap_new();
    struct err err;
    int seen[ACTION_COUNT] = {0};
    for (const struct key_action *action = key_actions(); action->name; action++) {
        struct buf keys = BUF_INIT(BUF_MAX_INTERNAL);
        seen[action->action]++;
        assert_true(strlen(action->help) > 3 && strlen(action->help) <= KEY_HELP_MAX);
        assert_ptr_equal(key_action_find(sv_from(action->name)), action);
        keymap_keys_text(keymap, action->action, &keys);
        for (size_t i = 0; i < KEYMAP_KEYS_MAX && action->keys[i]; i++) {
            if (!strstr(buf_cstr(&keys), action->keys[i])) {
                fail_msg("'%s' of %s is not bound", action->keys[i], action->name);
            }
        }
        buf_release(&keys);
    }
    for (int i = ACTION_PREFIX + 1; i < ACTION_COUNT; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_int_equal(keymap_check(keymap, &err), ERR_OK);
    keymap_free(keymap);
    keymap_free(NULL);
}

static enum err_code bind(struct keymap *keymap, const char *name, const char *key, struct err *err)
{
    struct sv keys = sv_from(key);
    return keymap_bind(keymap, sv_from(name), &keys, key ? 1 : 0, err);
}

static void rebinding__gives_other_keys_and_takes_the_old_ones(void **state)
{
    (void)state;
    struct keymap *keymap = keymap_new();
    struct err err;
    assert_int_equal(bind(keymap, "send", "C-x Enter", &err), ERR_OK);
    assert_int_equal(keymap_check(keymap, &err), ERR_OK);
    assert_int_equal(action_of(keymap, "\r"), ACTION_NONE);
    assert_int_equal(action_of(keymap, "\x18\r"), ACTION_SEND);
    assert_int_equal(bind(keymap, "palette", NULL, &err), ERR_OK);
    assert_int_equal(action_of(keymap, "\x10"), ACTION_NONE);
    keymap_free(keymap);
}

static void two_actions_with_one_key__are_told_apart_or_refused(void **state)
{
    (void)state;
    struct keymap *keymap = keymap_new();
    struct err err;
    assert_int_equal(bind(keymap, "palette", "C-k", &err), ERR_OK);
    assert_int_equal(keymap_check(keymap, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "'C-k'"));
    assert_non_null(strstr(err.text, "'palette'"));
    assert_non_null(strstr(err.text, "'kill_line_end'"));
    assert_int_equal(bind(keymap, "kill_line_end", NULL, &err), ERR_OK);
    assert_int_equal(keymap_check(keymap, &err), ERR_OK);
    /* A key that begins others cannot stand alone. */
    assert_int_equal(bind(keymap, "palette", "C-x", &err), ERR_OK);
    assert_int_equal(keymap_check(keymap, &err), ERR_CONFIG);
    keymap_free(keymap);
}

static void wrong_bindings__are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct keymap *keymap = keymap_new();
    struct err err;
    struct sv many[KEYMAP_KEYS_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        many[i] = SV("C-a");
    }
    assert_int_equal(bind(keymap, "nonsense", "C-k", &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "'nonsense'"));
    assert_int_equal(bind(keymap, "send", "Ctrl+K", &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "'Ctrl+K'"));
    assert_int_equal(bind(keymap, "send", "", &err), ERR_CONFIG);
    assert_int_equal(bind(keymap, "send", "C-x C-x C-x", &err), ERR_CONFIG);
    assert_int_equal(bind(keymap, "send", "q", &err), ERR_CONFIG);
    assert_int_equal(bind(keymap, "send", "Space", &err), ERR_CONFIG);
    assert_int_equal(keymap_bind(keymap, SV("send"), many, COUNT_OF(many), &err), ERR_CONFIG);
    assert_int_equal(action_of(keymap, "\r"), ACTION_SEND);
    keymap_free(keymap);
}

static enum action replay_action_of(const struct keymap *keymap, const char *key)
{
    struct chord chord;
    assert_true(chord_parse(sv_from(key), &chord));
    return keymap_find_replay(keymap, &chord);
}

static void keys_of_a_replay__hold_there_alone_and_may_be_characters(void **state)
{
    (void)state;
    struct keymap *keymap = keymap_new();
    struct err err;
    struct chord right, dot;
    assert_true(chord_parse(SV("Right"), &right) && chord_parse(SV("."), &dot));
    assert_int_equal(keymap_find(keymap, NULL, &right), ACTION_RIGHT);
    assert_int_equal(keymap_find(keymap, NULL, &dot), ACTION_NONE);
    assert_int_equal(replay_action_of(keymap, "Right"), ACTION_REPLAY_STEP);
    assert_int_equal(replay_action_of(keymap, "Space"), ACTION_REPLAY_PAUSE);
    assert_int_equal(replay_action_of(keymap, "S-="), ACTION_REPLAY_FASTER);
    assert_int_equal(replay_action_of(keymap, "C-x"), ACTION_NONE);

    const struct sv letter = SV("w"), two = SV("C-x p"), taken = SV("q");
    assert_int_equal(keymap_bind(keymap, SV("replay_pause"), &letter, 1, &err), ERR_OK);
    assert_int_equal(replay_action_of(keymap, "w"), ACTION_REPLAY_PAUSE);
    assert_int_equal(replay_action_of(keymap, "Space"), ACTION_NONE);
    assert_int_equal(keymap_bind(keymap, SV("replay_pause"), &two, 1, &err), ERR_CONFIG);
    assert_int_equal(keymap_check(keymap, &err), ERR_OK);
    assert_int_equal(keymap_bind(keymap, SV("replay_step"), &taken, 1, &err), ERR_OK);
    assert_int_equal(keymap_check(keymap, &err), ERR_CONFIG);
    keymap_free(keymap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chords__are_read_and_written_as_people_spell_them),
        cmocka_unit_test(a_key__is_the_same_in_every_form),
        cmocka_unit_test(the_table__has_every_action_once_with_a_name_and_words),
        cmocka_unit_test(rebinding__gives_other_keys_and_takes_the_old_ones),
        cmocka_unit_test(two_actions_with_one_key__are_told_apart_or_refused),
        cmocka_unit_test(wrong_bindings__are_refused_and_change_nothing),
        cmocka_unit_test(keys_of_a_replay__hold_there_alone_and_may_be_characters),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
