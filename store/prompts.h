/*
 * Prompts: what the user wrote in all sessions, newest first, for looking through it.
 *
 * Threads: any; takes a read connection from the store's pool and reads a bounded piece. Ownership:
 * a prompt is borrowed for the call. What lies in the trash is left out.
 */
#ifndef WEIR_STORE_PROMPTS_H
#define WEIR_STORE_PROMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "store/store.h"

typedef void prompt_visit_fn(void *ctx, struct sv prompt);

/*
 * Calls for each prompt among the next 2,000 messages (fewer where they are long) before `*cursor`
 * (0: the newest), and moves the cursor behind them. `*ret_more`: there are older messages. Must
 * not call the store from `visit`.
 */
enum err_code prompts_before(struct store *store, int64_t *cursor, prompt_visit_fn *visit,
                             void *ctx, bool *ret_more,
                             struct err *err) NODISCARD; /* wide: a cursor and a callback */

#endif
