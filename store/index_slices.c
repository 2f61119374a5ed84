/* Slices: what of a message is looked for, cut into stretches of a bounded size. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/index_internal.h"

/* How far back a blank is looked for, so that no word is cut. */
#define BLANK_MAX 256

static bool column_of(const struct message *message, const struct message_part *part,
                      enum index_column *ret_column)
{
    switch (part->kind) {
    case PART_TEXT:
        *ret_column = message->role == ROLE_ASSISTANT ? INDEX_ANSWER
                      : message->role == ROLE_TOOL    ? INDEX_TOOL
                                                      : INDEX_PROMPT;
        return true;
    case PART_REASONING:
        *ret_column = INDEX_REASONING;
        return true;
    case PART_TOOL_CALL:
    case PART_TOOL_RESULT:
        *ret_column = INDEX_TOOL;
        return true;
    default:
        return false;
    }
}

void index_slices_init(struct index_slices *slices, const struct message *message)
{
    *slices = (struct index_slices){.message = message};
}

/* At most `room` bytes, ending before a word rather than in it. */
static size_t cut(struct sv text, size_t room)
{
    if (text.n <= room) {
        return text.n;
    }
    size_t at = utf8_cut(text.p, text.n, room);
    for (size_t i = at; i > 0 && at - i < BLANK_MAX; i--) {
        if (text.p[i - 1] == ' ' || text.p[i - 1] == '\n') {
            return i;
        }
    }
    return at;
}

static void add(struct index_slice *slice, enum index_column column, struct sv text)
{
    if (text.n == 0) {
        return;
    }
    slice->pieces = xgrow(slice->pieces, slice->count, sizeof(*slice->pieces));
    slice->pieces[slice->count++] = (struct index_piece){column, text};
}

/* As much of the part as there is room for. True: all of it is given. */
static bool take_part(struct index_slices *slices, struct index_slice *slice, size_t *room)
{
    const struct message_part *part = &slices->message->parts[slices->part];
    enum index_column column;
    if (!column_of(slices->message, part, &column)) {
        return true;
    }
    if (!slices->named) {
        add(slice, column, part->tool_name ? sv_from(part->tool_name) : sv_from(""));
        slices->named = true;
    }
    struct sv rest = sv_skip((struct sv){part->text, part->text_n}, slices->offset);
    size_t taken = cut(rest, *room);
    add(slice, column, sv_take(rest, taken));
    slices->offset += taken;
    *room -= taken;
    return taken == rest.n;
}

bool index_slices_next(struct index_slices *slices, struct index_slice *ret_slice)
{
    struct index_slice slice = {NULL, 0};
    size_t room = INDEX__SLICE;
    while (room > 4 && slices->part < slices->message->part_count &&
           take_part(slices, &slice, &room)) {
        slices->part++;
        slices->offset = 0;
        slices->named = false;
    }
    if (slice.count == 0) {
        return false;
    }
    *ret_slice = slice;
    return true;
}

bool index_slice_at(const struct message *message, size_t number, struct index_slice *ret_slice)
{
    struct index_slices slices;
    index_slices_init(&slices, message);
    for (size_t i = 0; index_slices_next(&slices, ret_slice); i++) {
        if (i == number) {
            return true;
        }
        free(ret_slice->pieces);
    }
    return false;
}
