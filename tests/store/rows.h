/*
 * Rows as the writer leaves them, for tests that read: a session with a turn, an answer and its
 * pieces of text.
 */
#ifndef WEIR_TESTS_STORE_ROWS_H
#define WEIR_TESTS_STORE_ROWS_H

#include <string.h>

#include "tests/store/db_helpers.h"

/* Runs one statement with two numbers and a text as ?1, ?2, ?3. */
static UNUSED int64_t put(struct db *db, const char *sql, int64_t a, int64_t b, const char *c)
{
    struct err err = {ERR_OK, ""};
    struct sqlite3_stmt *stmt = db_prepare(db, sql, &err);
    db_bind_int(stmt, 1, a);
    db_bind_int(stmt, 2, b);
    db_bind_text(stmt, 3, sv_from(c));
    if (db_run(db, stmt, &err) != ERR_OK) {
        fail_msg("%s: %s", sql, err.text);
    }
    return db_last_id(db);
}

/* A session with its first branch. Gives the branch. */
static UNUSED int64_t put_session(struct db *db, const struct ulid *id, const char *handle)
{
    must_exec(db, "PRAGMA foreign_keys=ON");
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO session (uid, handle, title, created_at, last_active_at)"
                   " VALUES (?1, ?2, 'a title', 1, 1)",
                   NULL);
    db_bind_id(stmt, 1, id);
    db_bind_text(stmt, 2, sv_from(handle));
    assert_int_equal(db_run(db, stmt, NULL), ERR_OK);
    int64_t session = db_last_id(db);
    int64_t branch =
        put(db, "INSERT INTO branch (session, created_at) VALUES (?1, ?2)", session, 1, NULL);
    (void)put(db, "UPDATE session SET branch = ?2 WHERE id = ?1", session, branch, NULL);
    return branch;
}

/* A message that runs, its text to come as chunks. Gives its row. */
static UNUSED int64_t put_answer(struct db *db, int64_t branch, int64_t seq)
{
    struct ulid id = ulid_new();
    return put(db,
               "INSERT INTO message (uid, branch, seq, role, model, chunk_first, created_at)"
               " VALUES (?3, ?1, ?2, 'assistant', 'demo/one',"
               " 1 + coalesce((SELECT max(id) FROM chunk), 0), 5)",
               branch, seq, id.text);
}

/* A user's message: whole from the start. Gives its row. */
static UNUSED int64_t put_prompt(struct db *db, int64_t branch, int64_t seq, const char *text)
{
    struct ulid id = ulid_new();
    int64_t row = put(db,
                      "INSERT INTO message (uid, branch, seq, role, reason, folded, created_at,"
                      " ended_at) VALUES (?3, ?1, ?2, 'user', 'end_turn', 1, 5, 5)",
                      branch, seq, id.text);
    (void)put(db,
              "INSERT INTO part (message, position, kind, began_at, ended_at, text)"
              " VALUES (?1, ?2, 'text', 5, 5, ?3)",
              row, 0, text);
    return row;
}

static UNUSED void put_part(struct db *db, int64_t row, int64_t position, const char *kind)
{
    (void)put(db, "INSERT INTO part (message, position, kind, began_at) VALUES (?1, ?2, ?3, 6)",
              row, position, kind);
}

static UNUSED int64_t put_chunk(struct db *db, int64_t row, int64_t part, int64_t offset,
                                const char *text)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "INSERT INTO chunk (message, part, byte_offset, text) VALUES (?1, ?2, ?3, ?4)", NULL);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, part);
    db_bind_int(stmt, 3, offset);
    db_bind_text(stmt, 4, sv_from(text));
    assert_int_equal(db_run(db, stmt, NULL), ERR_OK);
    return db_last_id(db);
}

/* What the writer's last commit for a message says. */
static UNUSED void put_end(struct db *db, int64_t row)
{
    (void)put(db, "UPDATE part SET ended_at = ?2 WHERE message = ?1 AND ended_at IS NULL", row, 9,
              NULL);
    (void)put(db,
              "UPDATE message SET reason = 'end_turn', ended_at = ?2, revision = 3,"
              " chunk_last = (SELECT max(id) FROM chunk) WHERE id = ?1",
              row, 9, NULL);
}

/* A running attempt with that answer. Gives its row. */
static UNUSED int64_t put_attempt(struct db *db, int64_t branch, int64_t answer,
                                  const struct ulid *owner)
{
    struct ulid turn_id = ulid_new();
    struct ulid attempt_id = ulid_new();
    int64_t turn = put(db, "INSERT INTO turn (branch, created_at, uid) VALUES (?1, ?2, ?3)", branch,
                       5, turn_id.text);
    (void)put(db, "UPDATE message SET turn = ?2 WHERE id = ?1", answer, turn, NULL);
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO attempt (uid, turn, branch, answer, owner, began_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, 5)",
                   NULL);
    db_bind_id(stmt, 1, &attempt_id);
    db_bind_int(stmt, 2, turn);
    db_bind_int(stmt, 3, branch);
    db_bind_int(stmt, 4, answer);
    db_bind_id(stmt, 5, owner);
    assert_int_equal(db_run(db, stmt, NULL), ERR_OK);
    return db_last_id(db);
}

#endif
