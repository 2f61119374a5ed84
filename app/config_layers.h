/*
 * Layers over the config file: the environment, and the file of a folder.
 *
 * Every key that is one value has a variable: WEIR_, then the key in capitals with _ for points
 * (network.idle_timeout_s: WEIR_NETWORK_IDLE_TIMEOUT_S). Two are read elsewhere: WEIR_MODEL
 * (app/provider.h), and WEIR_DB for store.path (app/opening.h).
 *
 * A folder's file (.weir.toml) comes with what others wrote, so it is read only when its content
 * was trusted (app/trust.h), and may say only what model answers and what is said to it: model,
 * system, [alias], [role]. Where requests go, with which key, through which proxy, and what they
 * may cost is not its affair.
 *
 * Threads: main. Errors: ERR_CONFIG, which names the variable or the file and its line.
 */
#ifndef WEIR_APP_CONFIG_LAYERS_H
#define WEIR_APP_CONFIG_LAYERS_H

#include "app/config.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"

enum err_code config_add_environment(struct config *config, struct err *err) NODISCARD;
/* `text`: of the file, which was trusted; `name` stands in errors. */
enum err_code config_add_folder(struct config *config, const char *name, struct sv text,
                                struct err *err) NODISCARD;

#endif
