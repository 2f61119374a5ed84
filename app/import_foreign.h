/*
 * What importers of other programs' files share: sessions and messages as records.
 *
 * A session is made of its parts in this order: foreign_session, foreign_branch for each branch
 * (parents first), foreign_message for each message.
 *
 * Threads: those of import.h. All text is valid UTF-8.
 */
#ifndef WEIR_APP_IMPORT_FOREIGN_H
#define WEIR_APP_IMPORT_FOREIGN_H

#include "app/import.h"
#include "store/vocabulary.h"

struct foreign_session {
    struct ulid id, branch; /* branch: the current one */
    struct sv title, model; /* empty: none */
    int64_t created_us, active_us;
    struct sv metadata;                     /* a JSON text; empty: none */
    bool archived;                          /* out of the list of sessions */
    int64_t messages, cost_micros, in, out; /* its sums; messages 0: they are counted */
};
enum err_code foreign_session(struct import *import, const struct foreign_session *session,
                              struct err *err) NODISCARD;

struct foreign_branch {
    struct ulid id, parent; /* unset: the first */
    int64_t fork_seq;
    int64_t created_us;
};
enum err_code foreign_branch(struct import *import, const struct foreign_branch *branch,
                             struct err *err) NODISCARD;

struct foreign_part {
    enum part_kind kind;
    struct sv text, tool_id, tool_name; /* p NULL: none */
};
struct foreign_message {
    struct ulid id, branch;
    int64_t seq, created_us;
    enum role role;
    struct sv model; /* empty: none */
    const struct foreign_part *parts;
    size_t part_count;
    enum finish_reason reason; /* FINISH_NONE: its end */
    struct sv detail;          /* of an error; empty: none */
};
enum err_code foreign_message(struct import *import, const struct foreign_message *message,
                              struct err *err) NODISCARD;

#endif
