/*
 * Walking a session's messages page by page, oldest first.
 *
 * Threads: any. Ownership: the message is borrowed for the visit.
 */
#ifndef WEIR_APP_PAGES_H
#define WEIR_APP_PAGES_H

#include "base/attr.h"
#include "base/err.h"
#include "store/message.h"
#include "store/store.h"

typedef void page_visit_fn(void *ctx, const struct message *message);

enum err_code pages_walk(struct store *store, const struct ulid *session, page_visit_fn *visit,
                         void *ctx, struct err *err) NODISCARD;

#endif
