/*
 * Participants: who took part in a session. Each message knows the one that wrote it.
 *
 * A participant is known by its kind and by the name that the outside knows it by: '' for the user,
 * PROVIDER/MODEL for a model, a tool's name. Several models in one session are several
 * participants.
 *
 * Threads: any; participant_list and finding one that is there read, adding one waits for the
 * writer. Errors: ERR_NOT_FOUND (session), ERR_GONE (it is in the trash), ERR_INVALID, ERR_TOO_BIG,
 * and those of the store.
 */
#ifndef WEIR_STORE_PARTICIPANT_H
#define WEIR_STORE_PARTICIPANT_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

#define PARTICIPANT_MAX 500 /* bytes of an external id */

enum participant_kind {
    PARTICIPANT_USER,
    PARTICIPANT_MODEL,
    PARTICIPANT_TOOL,
    PARTICIPANT_KIND_COUNT
};
/* "user", "model", "tool"; "" for values out of range. */
const char *participant_kind_text(enum participant_kind kind);

struct participant {
    int64_t number; /* rises in the order in which they came, over all sessions */
    enum participant_kind kind;
    char *external_id; /* never NULL */
    int64_t created_us;
};

struct participant_list {
    struct participant *participants; /* in the order in which they came */
    size_t count;
};
void participant_list_release(struct participant_list *list); /* what it points to; zeroed after */

enum err_code participant_list(struct store *store, const struct ulid *session,
                               struct participant_list *ret_list, struct err *err) NODISCARD;
/* The number of the one that is known so, who is added where there is none. Valid UTF-8. */
enum err_code participant_resolve(struct store *store, const struct ulid *session,
                                  enum participant_kind kind, struct sv external_id,
                                  int64_t *ret_number,
                                  struct err *err) NODISCARD; /* wide: see above */

#endif
