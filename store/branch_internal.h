/*
 * Branches, inside: made by whoever stores messages, and walked by whoever reads them. Internal to
 * this floor.
 *
 * A branch shows its own messages, which follow fork_seq, and below them its parent's up to
 * fork_seq, and so on up to the root: its path is a few ranges, each of which the index on (branch,
 * seq) reads in order.
 */
#ifndef WEIR_STORE_BRANCH_INTERNAL_H
#define WEIR_STORE_BRANCH_INTERNAL_H

#include "base/ulid.h"
#include "store/store_internal.h"

struct branch_new {
    int64_t session; /* row */
    int64_t parent;  /* row; 0: the session's first */
    int64_t fork_seq;
    const char *reason; /* "fork", "edit", "again", "import" */
    struct sv name;     /* empty: none */
    int64_t now_us;
};
/* Does not become the session's current one. */
enum err_code branch__make(struct db *db, const struct branch_new *new, struct ulid *ret_id,
                           int64_t *ret_row, struct err *err) NODISCARD;

/* Where the next message of the branch goes: above all that it has or shares, and above all that
 * branches from it take as theirs, also where those messages were purged. */
enum err_code branch__next_seq(struct db *db, int64_t branch, int64_t *ret_seq,
                               struct err *err) NODISCARD;

/* Messages of `branch` with after < seq < before. */
struct branch_range {
    int64_t branch;
    int64_t after;
    int64_t before;
};
struct branch_path {
    struct branch_range *ranges; /* from the branch itself up to the root */
    size_t count;
};
/* ERR_CORRUPT: the forks go in a circle. */
enum err_code branch__path(struct db *db, int64_t branch, struct branch_path *ret_path,
                           struct err *err) NODISCARD;
void branch__path_release(struct branch_path *path); /* zeroed afterwards */
/* Whether the message of that branch and seq is on the path. */
bool branch__path_holds(const struct branch_path *path, int64_t branch, int64_t seq);

/* The rows of a session, and of the branch of that id within it (unset: its current one).
 * ERR_NOT_FOUND. */
enum err_code branch__find(struct db *db, const struct ulid *session, const struct ulid *branch,
                           int64_t *ret_session, int64_t *ret_branch, struct err *err) NODISCARD;

#endif
