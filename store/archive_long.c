/*
 * What is too long for one transaction is taken apart: the beginning of each part's text stays in
 * the message's record, the rest becomes rows of segment, which readers put together again.
 *
 * The record is walked once, without a tree or a copy of it: a long text is known by where it
 * stands, and is decoded piece by piece as the pieces are written. What is no JSON makes no sense
 * here either, and is found out when its record is put in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "store/archive_internal.h"

#define ESCAPE_BYTES 6 /* \uXXXX */
#define PART_DEPTH 3   /* the record, its parts, one of them */

/* ---- the text of a string ---- */

static int unit_of(struct sv raw)
{
    char digits[5] = "";
    char *end = NULL;
    if (raw.n < ESCAPE_BYTES || raw.p[0] != '\\' || raw.p[1] != 'u') {
        return -1;
    }
    memcpy(digits, raw.p + 2, 4);
    long value = strtol(digits, &end, 16);
    return end == digits + 4 ? (int)value : -1;
}

/* The character of the escape that begins here. Gives the length of the escape. */
static size_t decode_escape(struct sv raw, char out[4], size_t *ret_n)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    const char *name = raw.n > 1 ? strchr(names, raw.p[1]) : NULL;
    int unit = unit_of(raw);
    if (unit < 0) {
        out[0] = name && *name ? values[name - names] : raw.p[raw.n > 1];
        *ret_n = 1;
        return raw.n > 1 ? 2 : 1;
    }
    int low = unit_of(sv_skip(raw, ESCAPE_BYTES));
    bool is_pair = unit >= 0xd800 && unit <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
    bool is_half = !is_pair && unit >= 0xd800 && unit <= 0xdfff;
    uint32_t cp = is_pair ? 0x10000u + (((uint32_t)unit & 0x3ff) << 10) + ((uint32_t)low & 0x3ff)
                          : (uint32_t)unit;
    *ret_n = utf8_encode(is_half || cp == 0 ? 0xfffd : cp, out);
    return is_pair ? (size_t)2 * ESCAPE_BYTES : ESCAPE_BYTES;
}

/* As much of it as fits into `room` bytes, whole characters. `out` may be NULL. Gives the bytes of
 * the string, and of the text. */
static size_t decode(struct sv raw, size_t room, struct buf *out, size_t *ret_n)
{
    size_t at = 0, n = 0;
    while (at < raw.n && n < room) {
        char bytes[4];
        struct sv rest = sv_skip(raw, at);
        size_t run = sv_find(sv_take(rest, room - n), '\\'), taken = run, length = run;
        const char *text = rest.p;
        if (run == 0) {
            taken = decode_escape(rest, bytes, &length);
            text = bytes;
        } else if (run == room - n) {
            taken = length = utf8_cut(rest.p, rest.n, run);
        }
        if (length == 0 || length > room - n) {
            break;
        }
        if (out) {
            buf_append(out, text, length);
        }
        at += taken;
        n += length;
    }
    *ret_n = n;
    return at;
}

/* ---- the walk ---- */

struct tail {
    struct sv raw; /* in the record */
    int64_t part;
    size_t offset;
};

struct walk {
    struct sv json;
    size_t at, copied; /* how far it has come, and what is in `left` */
    struct buf left;
    size_t room;
    int depth;
    bool in_parts;
    struct sv name;          /* of the member at hand */
    int64_t index, position; /* of the part at hand; -1: it says none */
    struct tail *tails;
    size_t count, first; /* of the part at hand */
};

/* Its end is the quote, or the end of all. */
static struct sv take_string(struct walk *walk)
{
    size_t first = ++walk->at;
    while (walk->at < walk->json.n && walk->json.p[walk->at] != '"') {
        walk->at += walk->json.p[walk->at] == '\\' ? 2 : 1;
    }
    walk->at = walk->at < walk->json.n ? walk->at : walk->json.n;
    return sv_of(walk->json.p + first, walk->at - first);
}

static void cut(struct walk *walk, struct sv raw)
{
    size_t n = 0;
    size_t kept = decode(raw, walk->room, NULL, &n);
    walk->room -= n;
    if (kept < raw.n) {
        size_t from = (size_t)(raw.p - walk->json.p) + kept;
        buf_append(&walk->left, walk->json.p + walk->copied, from - walk->copied);
        walk->copied = walk->at;
        walk->tails = xrealloc(walk->tails, (walk->count + 1) * sizeof(*walk->tails));
        walk->tails[walk->count++] = (struct tail){.raw = sv_skip(raw, kept), .offset = n};
    }
}

static void walk_string(struct walk *walk)
{
    struct sv text = take_string(walk);
    size_t next = walk->at + 1;
    while (next < walk->json.n && walk->json.p[next] == ' ') {
        next++;
    }
    bool is_text = walk->depth == PART_DEPTH && walk->in_parts;
    if (next < walk->json.n && walk->json.p[next] == ':') {
        walk->name = text;
        walk->in_parts = walk->depth == 1 ? sv_equal_str(text, "parts") : walk->in_parts;
    } else if (is_text && sv_equal_str(walk->name, "text")) {
        cut(walk, text);
    }
}

/* Where it stands is known at its end. */
static void end_part(struct walk *walk)
{
    for (; walk->first < walk->count; walk->first++) {
        walk->tails[walk->first].part = walk->position < 0 ? walk->index : walk->position;
    }
    walk->position = -1;
}

/* Up to the number's last digit. */
static void walk_position(struct walk *walk)
{
    uint64_t value = 0;
    struct sv rest = sv_skip(walk->json, walk->at);
    size_t n = 0;
    while (n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9') {
        n++;
    }
    bool is_sound = sv_to_u64(sv_take(rest, n), &value) && value < INT32_MAX;
    walk->position = is_sound ? (int64_t)value : -1;
    walk->at += n - 1;
}

static void step(struct walk *walk)
{
    char c = walk->json.p[walk->at];
    bool is_part = walk->in_parts && walk->depth == PART_DEPTH;
    if (c == '"') {
        walk_string(walk);
    } else if (c == '{' || c == '[') {
        walk->depth++;
    } else if (c == '}' || c == ']') {
        if (is_part) {
            end_part(walk);
        }
        walk->depth--;
    } else if (c == ',' && walk->in_parts && walk->depth == PART_DEPTH - 1) {
        walk->index++;
    } else if (c >= '0' && c <= '9' && is_part && sv_equal_str(walk->name, "position")) {
        walk_position(walk);
    }
    walk->at++;
}

/* ---- items ---- */

struct found {
    bool is, known; /* a message, one that is there */
    struct ulid id;
};

static enum err_code look_at(struct archive_import *import, struct sv json, struct found *ret_found,
                             struct err *err)
{
    struct db *db = NULL;
    struct found found = {.is = false};
    enum err_code code = reader_take(import->store, &db, err);
    if (code == ERR_OK && db) {
        code = archive__is_object(db, json, &found.is, err);
    }
    if (code == ERR_OK && found.is) {
        code = archive__is_known(db, ARCHIVE_MESSAGE, json, &found.known, err);
    }
    if (code == ERR_OK && found.is) {
        struct sqlite3_stmt *stmt = db_prepare(db, "SELECT ?1 ->> 'id'", err);
        db_bind_text(stmt, 1, json);
        found.is = db_step(db, stmt, err) && ulid_parse(db_column_text(stmt, 0), &found.id);
        db_reset(stmt);
    }
    reader_give(import->store, db);
    *ret_found = found;
    return code;
}

/* Written as they are made: all of them at once may be long. */
static enum err_code add_tail(struct archive_import *import, const struct tail *tail,
                              const struct ulid *message, struct err *err)
{
    size_t at = 0, offset = tail->offset, n = 1;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && at < tail->raw.n && n > 0) {
        struct buf piece = BUF_INIT(2 * ARCHIVE__PIECE_BYTES);
        at += decode(sv_skip(tail->raw, at), ARCHIVE__PIECE_BYTES, &piece, &n);
        struct archive_item *item =
            archive__add_item(import->work, ARCHIVE_MESSAGE, buf_sv(&piece));
        item->is_segment = true;
        item->message = *message;
        item->part = tail->part;
        item->offset = (int64_t)offset;
        offset += n;
        buf_release(&piece);
        code = archive__write_full(import, err);
    }
    return code;
}

enum err_code archive__add_long(struct archive_import *import, struct sv json, struct err *err)
{
    struct walk walk = {.json = json,
                        .left = BUF_INIT(BUF_MAX_INTERNAL),
                        .room = ARCHIVE__PIECE_BYTES,
                        .name = SV(""),
                        .position = -1};
    struct found found;
    while (walk.at < json.n) {
        step(&walk);
    }
    buf_append_sv(&walk.left, sv_skip(json, walk.copied));
    enum err_code code = look_at(import, buf_sv(&walk.left), &found, err);
    if (code == ERR_OK) {
        bool is_wanted = found.is && (!found.known || import->work->unwhole);
        (void)archive__add_item(import->work, ARCHIVE_MESSAGE,
                                found.is ? buf_sv(&walk.left) : SV("0"));
        for (size_t i = 0; code == ERR_OK && is_wanted && i < walk.count; i++) {
            code = add_tail(import, &walk.tails[i], &found.id, err);
        }
    }
    free(walk.tails);
    buf_release(&walk.left);
    return code;
}
