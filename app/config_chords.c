/* Keys of the config handed to a keymap. */
#include "app/config_chords.h"

#include "base/nearest.h"
#include "ui/keymap.h"

static enum err_code check_action(struct sv name, struct err *err)
{
    struct nearest nearest = nearest_start(name);
    if (key_action_find(name)) {
        return ERR_OK;
    }
    for (const struct key_action *action = key_actions(); action->name; action++) {
        nearest_offer(&nearest, action->name);
    }
    return err_set(err, ERR_CONFIG, "is no action of the screen%s%s%s",
                   nearest.best ? " (did you mean '" : "", nearest.best ? nearest.best : "",
                   nearest.best ? "'?)" : "");
}

enum err_code config_bind(struct config *config, const struct toml_item *item, struct err *err)
{
    struct sv action = item->path[item->depth - 1];
    bool one = item->type == TOML_TEXT;
    enum err_code code = check_action(action, err);
    if (code) {
        return code;
    }
    if (!one && item->type != TOML_TEXTS) {
        return err_set(err, ERR_CONFIG, "must be a key like \"C-x\", or an array of them");
    }
    if (!config->keymap) {
        config->keymap = keymap_new();
    }
    code = keymap_bind(config->keymap, action, one ? &item->text : item->texts,
                       one ? 1 : item->text_count, err);
    return code ? err_prefix(err, "is wrong") : ERR_OK;
}

enum err_code config_check_chords(const struct config *config, struct err *err)
{
    return config->keymap ? keymap_check(config->keymap, err) : ERR_OK;
}
