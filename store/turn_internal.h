/*
 * Turn, inside: the job that begins one, shared by turn.c (the job), turn_key.c (what was asked
 * before), turn_place.c (where it goes) and turn_rows.c (the rows it writes). Internal to this
 * floor.
 *
 * Threads: the writer's. All of it runs inside one transaction, perhaps more than once, so what is
 * found and made is set anew each time.
 */
#ifndef WEIR_STORE_TURN_INTERNAL_H
#define WEIR_STORE_TURN_INTERNAL_H

#include "store/core_internal.h"
#include "store/turn.h"

struct turn_job {
    struct job job;
    /* What was asked: copies. */
    enum turn_kind kind;
    struct ulid id, session, at;
    char *scope, *prompt, *model;
    size_t prompt_n;
    char *key_scope, *key, *fingerprint; /* NULL: none */
    struct turn_attachment *attachments; /* complete ones; their texts follow in the same block */
    size_t attachment_count;
    bool unanswered, by_run;
    turn_begun_fn *begun;
    void *ctx;
    /* What run found and made. */
    enum turn_kind act; /* what is done: a key whose turn has failed makes a new attempt of it */
    struct turn turn;
    int64_t session_row, branch_row, turn_row, attempt_row, prompt_row, answer_row;
    int64_t at_row; /* TURN_CONTINUE: the message that is continued */
    int64_t seq;    /* of the first message that is made */
    int64_t prompt_seq, answer_seq;
    int64_t now_us;
    bool busy; /* refused because an answer runs */
};

/* turn_key.c. True in *ret_done: the turn of the key is all there is to give, nothing is written.
 */
enum err_code turn__look_up(struct turn_job *self, struct db *db, bool *ret_done,
                            struct err *err) NODISCARD;
enum err_code turn__keep_key(struct turn_job *self, struct db *db, struct err *err) NODISCARD;

/* turn_place.c: finds or makes the session and the branch, and says where the messages go. */
enum err_code turn__place(struct turn_job *self, struct db *db, struct err *err) NODISCARD;

/* turn_rows.c */
enum err_code turn__write(struct turn_job *self, struct db *db, const struct ulid *owner,
                          struct err *err) NODISCARD;
uint32_t turn__prompt_revision(const struct turn_job *self);
/* TURN_NEW and TURN_EDIT bring a prompt of their own. */
bool turn__has_prompt(const struct turn_job *self);

#endif
