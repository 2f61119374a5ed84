/* What tests of the transcript share: one of a session "S", a grid, and messages named by a letter.
 */
#ifndef WEIR_TESTS_UI_TRANSCRIPT_FIXTURE_H
#define WEIR_TESTS_UI_TRANSCRIPT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/ui/rows.h"
#include "ui/transcript.h"

#include <cmocka.h>

#define NOW 1700000000000000

static inline struct ulid id_of(const char *letter)
{
    struct ulid id;
    memset(id.text, letter[0], ULID_LENGTH);
    id.text[ULID_LENGTH] = '\0';
    return id;
}

struct fixture {
    struct transcript *transcript;
    struct grid grid;
    unsigned gaps;
    const struct message *snapshot; /* given when there is a gap */
};

static inline void on_gap(void *ctx, const struct ulid *message)
{
    struct fixture *f = ctx;
    f->gaps++;
    if (f->snapshot && ulid_equal(&f->snapshot->id, message)) {
        transcript_load(f->transcript, f->snapshot);
    }
}

static inline int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct ulid session = id_of("S");
    f->transcript = transcript_new(on_gap, f);
    transcript_reset(f->transcript, &session);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    transcript_free(f->transcript);
    grid_release(&f->grid);
    free(f);
    return 0;
}

static inline char *view(struct fixture *f, int rows, int columns)
{
    grid_resize(&f->grid, rows, columns);
    transcript_set_size(f->transcript, rows, columns);
    transcript_paint(f->transcript, &f->grid, 0);
    assert_true(grid_is_sound(&f->grid));
    return grid_dump(&f->grid);
}

static inline struct message_update update_of(const char *id, int64_t seq, enum role role,
                                              enum update_kind kind)
{
    return (struct message_update){
        .kind = kind,
        .session = id_of("S"),
        .message = id_of(id),
        .role = role,
        .seq = seq,
        .usage = usage_unknown(),
        .model = "demo/echo",
    };
}

static inline bool apply_piece(struct fixture *f, const struct message_update *update,
                               struct piece piece)
{
    struct message_update copy = *update;
    copy.pieces = &piece;
    copy.piece_count = 1;
    return transcript_apply(f->transcript, &copy, NOW);
}

static inline void say(struct fixture *f, const char *id, int64_t seq, enum role role,
                       const char *text)
{
    struct message_update update = update_of(id, seq, role, UPDATE_ENDED);
    update.reason = FINISH_END_TURN;
    apply_piece(f, &update,
                (struct piece){.kind = PART_TEXT, .text = sv_from(text), .ended = true});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
