/*
 * Branches: the ways a conversation went.
 *
 * A session begins with one branch. Another prompt in the place of an earlier one, another answer,
 * and a fork are branches of their own: each shares its parent's messages up to and including
 * fork_seq and goes on with its own; nothing is overwritten. One branch is the session's current
 * one, which is shown and goes on with the next prompt.
 *
 * Threads: any; reads take a read connection, changes wait for the writer and are published (struct
 * session_update) after their commit. Ownership: what is given belongs to the caller. Errors:
 * ERR_NOT_FOUND (session, branch, message), ERR_GONE (the session is in the trash), ERR_INVALID,
 * ERR_TOO_BIG (a name), and those of the store.
 */
#ifndef WEIR_STORE_BRANCH_H
#define WEIR_STORE_BRANCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"
#include "store/vocabulary.h"

#define BRANCH_NAME_MAX 100

struct branch {
    struct ulid id;
    struct ulid parent; /* unset: the first one */
    int64_t fork_seq;   /* the last message that it shares; 0: none */
    int64_t last_seq;   /* of its last message, shared or its own */
    char *name;         /* NULL: none */
    char reason[8];     /* fork, edit, again, import */
    int64_t created_us;
    bool current;
};

struct branch_list {
    struct branch *branches; /* oldest first */
    size_t count;
};
void branch_list_release(struct branch_list *list); /* zeroed afterwards */

enum err_code branch_list(struct store *store, const struct ulid *session,
                          struct branch_list *ret_list, struct err *err) NODISCARD;
/* The id of the one that is meant: by its number in the list, from 1, its name, or its id.
 * ERR_NOT_FOUND: there is none. */
enum err_code branch_find(struct store *store, const struct ulid *session, struct sv what,
                          struct ulid *ret_branch, struct err *err) NODISCARD;

/* A message that stands where others stand on other branches, with the same before it. */
struct sibling {
    struct ulid message;
    struct ulid branch; /* to switch to */
    enum role role;
    int64_t created_us;
};
struct sibling_list {
    struct sibling *siblings; /* oldest first; the message itself is among them */
    size_t count;
    size_t at; /* its place */
};
void sibling_list_release(struct sibling_list *list); /* zeroed afterwards */

/* What is deleted is left out. */
enum err_code branch_siblings(struct store *store, const struct ulid *message,
                              struct sibling_list *ret_list, struct err *err) NODISCARD;

/* Makes a branch of the session its current one. `expected`: the current one until then, or NULL
 * for any. ERR_EXISTS: another one was, for somebody else has switched. */
enum err_code branch_switch(struct store *store, const struct ulid *session,
                            const struct ulid *branch, const struct ulid *expected,
                            struct err *err) NODISCARD;
/* A new branch after that message, which becomes the current one. `name`: one line, or empty for
 * none. ERR_EXISTS: another branch of the session has it. */
enum err_code branch_fork(struct store *store, const struct ulid *message, struct sv name,
                          struct ulid *ret_branch, struct err *err) NODISCARD;

/*
 * A session of its own with the messages of a branch up to one of them.
 *
 * They are copied, not shared: what is deleted, purged or counted in one session then never touches
 * the other. The copy has new ids; labels, title and scope come along, the name does not, and
 * neither do usage and cost, which were paid once. It is made in steps of at most 10 ms with rests;
 * until it is whole it lies in the trash, which is where one that was broken off stays.
 */
struct branch_copy {
    struct ulid session;
    struct ulid branch;  /* unset: the current one */
    struct ulid message; /* the last one; unset: all */
    struct sv name;      /* of the new session; empty: none. ERR_EXISTS: another has it */
};
/* ERR_EXISTS, too: an answer that is to be copied still runs. */
enum err_code branch_copy(struct store *store, const struct branch_copy *copy,
                          struct ulid *ret_session, struct err *err) NODISCARD;

#endif
