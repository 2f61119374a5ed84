/*
 * Queue: prompts that wait for the answer before them, in the order in which they were given.
 *
 * Who sends one begins its turn with the queued prompt's id as turn_request.id, and removes it.
 * Until then it is in the database: a crash loses none, and none is sent twice, since a turn of
 * that id begins once.
 *
 * Threads: queue_change_then may be called on any, and never waits; queue_list only reads; the
 * others wait for the disk and are not for the screen's thread. After each change a session_update
 * is published. Ownership: views are borrowed for the call; queue_list gives. Errors: ERR_NOT_FOUND
 * (session, prompt), ERR_INVALID (an empty prompt, or not UTF-8), ERR_TOO_BIG (over QUEUE_TEXT_MAX,
 * or QUEUE_MAX prompts wait), and those of every write: ERR_CLOSED, ERR_READ_ONLY, ERR_DISK_FULL,
 * ERR_BUSY, ERR_TIMEOUT, ERR_IO.
 */
#ifndef WEIR_STORE_QUEUE_H
#define WEIR_STORE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/message_service.h"
#include "store/store.h"

#define QUEUE_TEXT_MAX ((size_t)4 << 20)
#define QUEUE_MAX 1000

struct queued {
    struct ulid id;
    char *text;
    int64_t created_us;
};

struct queue_list {
    struct queued *items;
    size_t count;
};
void queue_list_release(struct queue_list *list); /* zeroed afterwards */

/* In order. A session that is not there has none. */
enum err_code queue_list(struct store *store, const struct ulid *session,
                         struct queue_list *ret_list, struct err *err) NODISCARD;

enum queue_act { QUEUE_ADD, QUEUE_REMOVE };
struct queue_change {
    enum queue_act act;
    struct ulid session; /* QUEUE_ADD */
    struct ulid id;      /* of the prompt; QUEUE_ADD: unset, or one of ulid_new */
    struct sv text;      /* QUEUE_ADD */
};
/* `done` (may be NULL) is called once on the writer's thread, no lock held: only queue and wake
 * there. Not called when this call fails. */
enum err_code queue_change_then(struct store *store, const struct queue_change *change,
                                message_done_fn *done, void *ctx, struct err *err) NODISCARD;

enum err_code queue_add(struct store *store, const struct ulid *session, struct sv text,
                        struct ulid *ret_id, struct err *err) NODISCARD;
enum err_code queue_remove(struct store *store, const struct ulid *id, struct err *err) NODISCARD;

#endif
