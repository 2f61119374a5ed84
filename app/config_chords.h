/*
 * [keys] of the config: bindings of the screen's actions (ui/keymap.h).
 *
 * Threads: as config.h.
 */
#ifndef WEIR_APP_CONFIG_CHORDS_H
#define WEIR_APP_CONFIG_CHORDS_H

#include "app/config.h"
#include "app/toml.h"

/* Takes `keys.ACTION`: a key, or an array of them. ERR_CONFIG: the text is what is wrong with it,
 * to stand behind the key's name. */
enum err_code config_bind(struct config *config, const struct toml_item *item,
                          struct err *err) NODISCARD;
/* After all of them. ERR_CONFIG: two actions have the same key. */
enum err_code config_check_chords(const struct config *config, struct err *err) NODISCARD;

#endif
