/* Bindings: what the table says, changed by what the config says. */
#include "ui/keymap.h"

#include <stdlib.h>

#include "base/alloc.h"

#define CHORDS_MAX 2

struct binding {
    struct chord chords[CHORDS_MAX];
    unsigned count; /* 0: none */
};

struct keymap {
    struct binding of[ACTION_COUNT][KEYMAP_KEYS_MAX]; /* from the first on, without holes */
};

/* Chords with blanks between. */
static bool parse(struct sv text, struct binding *ret_binding)
{
    struct binding binding = {.count = 0};
    for (text = sv_trim(text); text.n; text = sv_trim(text)) {
        size_t end = sv_find(text, ' ');
        if (binding.count == CHORDS_MAX ||
            !chord_parse(sv_take(text, end), &binding.chords[binding.count])) {
            return false;
        }
        binding.count++;
        text = sv_skip(text, end);
    }
    *ret_binding = binding;
    return binding.count > 0;
}

struct keymap *keymap_new(void)
{
    struct keymap *keymap = xcalloc(1, sizeof(*keymap));
    for (const struct key_action *action = key_actions(); action->name; action++) {
        for (size_t i = 0; i < KEYMAP_KEYS_MAX && action->keys[i]; i++) {
            (void)parse(sv_from(action->keys[i]), &keymap->of[action->action][i]);
        }
    }
    return keymap;
}

void keymap_free(struct keymap *keymap)
{
    free(keymap);
}

bool keymap_is_of_replay(enum action action)
{
    return action >= ACTION_REPLAY_PAUSE && action <= ACTION_REPLAY_LEAVE;
}

static enum err_code check_binding(const struct key_action *action, const struct binding *binding,
                                   struct sv key, struct err *err)
{
    if (keymap_is_of_replay(action->action)) {
        return binding->count == 1
                   ? ERR_OK
                   : err_set(err, ERR_CONFIG, "'%s' takes single keys only", action->name);
    }
    return chord_is_text(&binding->chords[0])
               ? err_set(err, ERR_CONFIG, "'%.*s' alone is typed text", SV_ARG(key))
               : ERR_OK;
}

enum err_code keymap_bind(struct keymap *keymap, struct sv name, const struct sv *keys,
                          size_t count, struct err *err)
{
    const struct key_action *action = key_action_find(name);
    struct binding bindings[KEYMAP_KEYS_MAX] = {{.count = 0}};
    if (!action) {
        return err_set(err, ERR_CONFIG, "no action is called '%.*s'", SV_ARG(sv_take(name, 40)));
    }
    if (count > KEYMAP_KEYS_MAX) {
        return err_set(err, ERR_CONFIG, "more than %d keys for '%s'", KEYMAP_KEYS_MAX,
                       action->name);
    }
    for (size_t i = 0; i < count; i++) {
        if (!parse(keys[i], &bindings[i])) {
            return err_set(err, ERR_CONFIG, "'%.*s' is no key (\"C-x\", \"M-Enter\", \"F1\")",
                           SV_ARG(sv_take(keys[i], 40)));
        }
        enum err_code code = check_binding(action, &bindings[i], keys[i], err);
        if (code) {
            return code;
        }
    }
    for (size_t i = 0; i < KEYMAP_KEYS_MAX; i++) {
        keymap->of[action->action][i] = bindings[i];
    }
    return ERR_OK;
}

/* One is the other, or the beginning of it. */
static bool collide(const struct binding *a, const struct binding *b)
{
    unsigned common = a->count < b->count ? a->count : b->count;
    for (unsigned i = 0; i < common; i++) {
        if (!chord_equal(&a->chords[i], &b->chords[i])) {
            return false;
        }
    }
    return common > 0;
}

static void append_binding(const struct binding *binding, struct buf *out)
{
    for (unsigned i = 0; i < binding->count; i++) {
        buf_append_str(out, i ? " " : "");
        chord_format(&binding->chords[i], out);
    }
}

static enum err_code complain(const struct key_action *a, const struct key_action *b,
                              const struct binding *binding, struct err *err)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    append_binding(binding, &text);
    err_set(err, ERR_CONFIG,
            "the key '%s' is that of '%s' and of '%s': give one of them another, or [] for none",
            buf_cstr(&text), a->name, b->name);
    buf_release(&text);
    return ERR_CONFIG;
}

static enum err_code check_pair(const struct keymap *keymap, const struct key_action *a,
                                const struct key_action *b, struct err *err)
{
    if (keymap_is_of_replay(a->action) != keymap_is_of_replay(b->action)) {
        return ERR_OK;
    }
    for (size_t i = 0; i < KEYMAP_KEYS_MAX; i++) {
        for (size_t j = 0; j < KEYMAP_KEYS_MAX; j++) {
            const struct binding *binding = &keymap->of[a->action][i];
            if (collide(binding, &keymap->of[b->action][j])) {
                return complain(a, b, binding, err);
            }
        }
    }
    return ERR_OK;
}

enum err_code keymap_check(const struct keymap *keymap, struct err *err)
{
    for (const struct key_action *a = key_actions(); a->name; a++) {
        for (const struct key_action *b = a + 1; b->name; b++) {
            enum err_code code = check_pair(keymap, a, b, err);
            if (code) {
                return code;
            }
        }
    }
    return ERR_OK;
}

static bool is_prefix(const struct binding *binding, const struct chord *chord)
{
    return binding->count == CHORDS_MAX && chord_equal(&binding->chords[0], chord);
}

static bool matches(const struct binding *binding, const struct chord *first,
                    const struct chord *chord)
{
    if (first) {
        return is_prefix(binding, first) && chord_equal(&binding->chords[1], chord);
    }
    return binding->count == 1 && chord_equal(&binding->chords[0], chord);
}

static enum action find_exactly(const struct keymap *keymap, const struct chord *first,
                                const struct chord *chord)
{
    enum action found = ACTION_NONE;
    for (unsigned action = 0; action < ACTION_REPLAY_PAUSE; action++) {
        for (size_t i = 0; i < KEYMAP_KEYS_MAX; i++) {
            const struct binding *binding = &keymap->of[action][i];
            if (matches(binding, first, chord)) {
                return (enum action)action;
            }
            if (!first && is_prefix(binding, chord)) {
                found = ACTION_PREFIX;
            }
        }
    }
    return found;
}

enum action keymap_find(const struct keymap *keymap, const struct chord *first,
                        const struct chord *chord)
{
    struct chord variant;
    for (unsigned i = 0; chord_variant(chord, i, &variant); i++) {
        enum action action = find_exactly(keymap, first, &variant);
        if (action != ACTION_NONE) {
            return action;
        }
    }
    return ACTION_NONE;
}

static bool has_key(const struct binding *bindings, const struct chord *chord)
{
    bool has = false;
    for (size_t i = 0; i < KEYMAP_KEYS_MAX; i++) {
        has = has || matches(&bindings[i], NULL, chord);
    }
    return has;
}

enum action keymap_find_replay(const struct keymap *keymap, const struct chord *chord)
{
    struct chord variant;
    for (unsigned i = 0; chord_variant(chord, i, &variant); i++) {
        for (unsigned action = ACTION_REPLAY_PAUSE; action <= ACTION_REPLAY_LEAVE; action++) {
            if (has_key(keymap->of[action], &variant)) {
                return (enum action)action;
            }
        }
    }
    return ACTION_NONE;
}

void keymap_keys_text(const struct keymap *keymap, enum action action, struct buf *out)
{
    for (size_t i = 0; i < KEYMAP_KEYS_MAX && keymap->of[action][i].count; i++) {
        buf_append_str(out, i ? ", " : "");
        append_binding(&keymap->of[action][i], out);
    }
}
