/*
 * Taking attachments away, in steps. Internal to this floor.
 *
 * Threads: the writer's, inside a transaction. Each step takes about 4 ms at most.
 */
#ifndef WEIR_STORE_ATTACHMENT_INTERNAL_H
#define WEIR_STORE_ATTACHMENT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/attachment.h"
#include "store/db_internal.h"

/*
 * Removes some of what attachment `row` consists of, unless a part names it or it was added after
 * `before_us`. `*ret_done`: it is kept, or nothing of it is left, and `sum` has counted it.
 */
struct attachment_removal {
    int64_t row;
    int64_t before_us;
};
enum err_code attachment__remove_step(struct db *db, const struct attachment_removal *removal,
                                      bool *ret_done, struct attachment_sum *sum,
                                      struct err *err) NODISCARD;

#endif
