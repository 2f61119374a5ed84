/*
 * Spill: what could not be written at the end goes to a file beside the database, and the next
 * start brings it in.
 *
 * `PATH-spill-ULID`, 0600. Text lines with counted bytes, so that any text fits:
 *
 *   weir-spill 1
 *   message ULID
 *   part POSITION KIND OFFSET ENDED ID-BYTES NAME-BYTES TEXT-BYTES LF  id name text LF
 *   usage INPUT OUTPUT CACHE-READ CACHE-WRITE REASONING COST    before the end, when it is known
 *   end REASON ERROR DETAIL-BYTES LF  detail LF
 *
 * Offsets are those of the part, so bringing a file in twice, or on top of what was saved after
 * all, changes nothing. A file that cannot be read to its end is brought in as far as it goes and
 * kept under another name.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "store/core_internal.h"

#define SPILL_MARK "-spill-"
#define SPILL_HEAD "weir-spill 1\n"
#define SPILL_MAX ((size_t)256 << 20)

static void put_counted(struct buf *out, struct sv text)
{
    buf_append_sv(out, text);
    buf_append_byte(out, '\n');
}

static void put_end(struct buf *out, const struct live *live)
{
    const struct usage *usage = &live->usage;
    struct sv detail = sv_from(live->detail);
    if (usage_is_known(usage)) {
        buf_appendf(
            out, "usage %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d",
            usage->input_tokens, usage->output_tokens, usage->cache_read_tokens,
            usage->cache_write_tokens, usage->reasoning_tokens, usage->cost_micros,
            usage->cost_estimated);
        buf_append_byte(out, '\n');
    }
    buf_appendf(out, "end %s %s %zu\n", finish_reason_text(live->reason), err_name(live->error),
                detail.n);
    put_counted(out, detail);
}

static void put_message(struct buf *out, struct live *live)
{
    struct taken taken;
    live_take(live, true, &taken);
    buf_appendf(out, "message %s\n", live->id.text);
    for (size_t i = 0; i < taken.write_count; i++) {
        const struct part_write *write = &taken.writes[i];
        buf_appendf(out, "part %u %s %zu %d %zu %zu %zu\n", write->part,
                    part_kind_text(write->kind), write->offset, write->write_end, write->tool_id.n,
                    write->tool_name.n, write->text.n);
        buf_append_sv(out, write->tool_id);
        buf_append_sv(out, write->tool_name);
        put_counted(out, write->text);
    }
    if (taken.ends) {
        put_end(out, live);
    }
    taken_release(&taken);
}

enum err_code spill_write(struct store *store, struct err *err)
{
    struct buf out = BUF_INIT(SPILL_MAX);
    struct live *live = NULL;
    size_t cursor = 0;
    buf_append_str(&out, SPILL_HEAD);
    pthread_mutex_lock(&store->lock);
    while ((live = idmap_next(&store->live, &cursor))) {
        if (!live->gone && !live_is_saved(live)) {
            put_message(&out, live);
        }
    }
    pthread_mutex_unlock(&store->lock);
    struct ulid id = ulid_new();
    char *path = xasprintf("%s" SPILL_MARK "%s", store->path, id.text);
    enum err_code code = buf_ok(&out) ? file_write_atomic(path, buf_sv(&out), err)
                                      : err_set(err, ERR_TOO_BIG, "too much is unsaved");
    free(path);
    buf_release(&out);
    return code;
}

/* ---- bringing it in ---- */

struct spill {
    struct sv rest;
    struct db *db;
    int64_t row; /* of the message; 0: gone, or ended meanwhile */
    int64_t attempt, turn;
    bool ended; /* meanwhile, by the recovery of another process */
    struct usage usage;
};

static bool take_bytes(struct spill *spill, size_t count, struct sv *ret_bytes)
{
    if (count > spill->rest.n) {
        return false;
    }
    *ret_bytes = sv_take(spill->rest, count);
    spill->rest = sv_skip(spill->rest, count);
    return true;
}

static enum err_code find_message(struct spill *spill, const struct ulid *id, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(spill->db,
                                           "SELECT m.id, a.id, a.turn, m.reason <> '' FROM message "
                                           "m LEFT JOIN attempt a ON a.answer = m.id"
                                           " WHERE m.uid = ?1",
                                           err);
    db_bind_id(stmt, 1, id);
    spill->row = spill->attempt = spill->turn = 0;
    spill->usage = usage_unknown();
    if (!db_step(spill->db, stmt, err)) {
        return db_result(spill->db);
    }
    spill->row = db_column_int(stmt, 0);
    spill->attempt = db_column_int(stmt, 1);
    spill->turn = db_column_int(stmt, 2);
    spill->ended = db_column_int(stmt, 3);
    db_reset(stmt);
    return ERR_OK;
}

static bool part_exists(struct spill *spill, uint32_t position, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(spill->db, "SELECT 1 FROM part WHERE message = ?1 AND position = ?2", err);
    db_bind_int(stmt, 1, spill->row);
    db_bind_int(stmt, 2, position);
    bool exists = db_step(spill->db, stmt, err);
    db_reset(stmt);
    return exists;
}

static enum err_code bring_part(struct spill *spill, const char *line, struct err *err)
{
    struct part_write write = {.began_us = clock_wall_us()};
    char kind[32];
    size_t id_n = 0;
    size_t name_n = 0;
    size_t text_n = 0;
    int ended = 0;
    struct sv newline;
    bool sound = sscanf(line, "part %u %31s %zu %d %zu %zu %zu", &write.part, kind, &write.offset,
                        &ended, &id_n, &name_n, &text_n) == 7 &&
                 part_kind_parse(sv_from(kind), &write.kind) &&
                 take_bytes(spill, id_n, &write.tool_id) &&
                 take_bytes(spill, name_n, &write.tool_name) &&
                 take_bytes(spill, text_n, &write.text) && take_bytes(spill, 1, &newline);
    if (!sound) {
        return err_set(err, ERR_INVALID, "a spilled part is damaged");
    }
    if (!spill->row) {
        return ERR_OK;
    }
    write.insert_row = !part_exists(spill, write.part, err);
    write.write_end = ended;
    write.ended_us = write.began_us;
    enum err_code code = batch_write_part(spill->db, spill->row, &write, err);
    return code || !spill->ended ? code : batch_extend_ended(spill->db, spill->row, err);
}

static enum err_code bring_usage(struct spill *spill, const char *line, struct err *err)
{
    struct usage usage;
    int estimated = 0; /* the last, and missing in older files */
    if (sscanf(line,
               "usage %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %d",
               &usage.input_tokens, &usage.output_tokens, &usage.cache_read_tokens,
               &usage.cache_write_tokens, &usage.reasoning_tokens, &usage.cost_micros,
               &estimated) < 6) {
        return err_set(err, ERR_INVALID, "a spilled usage is damaged");
    }
    usage.cost_estimated = estimated != 0;
    spill->usage = usage_sane(&usage);
    return ERR_OK;
}

static enum err_code bring_end(struct spill *spill, const char *line, struct err *err)
{
    char reason[32];
    char error[48];
    size_t detail_n = 0;
    struct sv detail;
    struct sv newline;
    struct live live = {.row = spill->row, .attempt_row = spill->attempt, .turn_row = spill->turn};
    if (sscanf(line, "end %31s %47s %zu", reason, error, &detail_n) != 3 ||
        !finish_reason_parse(sv_from(reason), &live.reason) ||
        !take_bytes(spill, detail_n, &detail) || !take_bytes(spill, 1, &newline)) {
        return err_set(err, ERR_INVALID, "the end of a spilled message is damaged");
    }
    live.usage = spill->usage;
    live.error = err_parse(sv_from(error));
    live.detail = detail.n > 0 ? xstrndup(detail.p, detail.n) : NULL;
    live.ended_us = clock_wall_us();
    struct taken taken = {.live = &live, .ends = true};
    enum err_code code = spill->row ? batch_write_end(spill->db, &taken, err) : ERR_OK;
    free(live.detail);
    return code;
}

static enum err_code bring_line(struct spill *spill, struct sv line, struct err *err)
{
    struct ulid id;
    char text[160];
    snprintf(text, sizeof(text), "%.*s", SV_ARG(sv_take(line, sizeof(text) - 1)));
    if (sv_starts_with(line, SV("message ")) && ulid_parse(sv_skip(line, 8), &id)) {
        return find_message(spill, &id, err);
    }
    if (sv_starts_with(line, SV("part "))) {
        return bring_part(spill, text, err);
    }
    if (sv_starts_with(line, SV("usage "))) {
        return bring_usage(spill, text, err);
    }
    if (sv_starts_with(line, SV("end "))) {
        return bring_end(spill, text, err);
    }
    return err_set(err, ERR_INVALID, "a spilled line is damaged");
}

/* As far as it goes: what is sound before the damage is kept. */
static enum err_code bring_in(struct db *db, struct sv content, struct err *err)
{
    struct spill spill = {.db = db, .rest = content};
    struct sv line;
    if (!sv_starts_with(content, SV(SPILL_HEAD))) {
        return err_set(err, ERR_INVALID, "the spilled file has an unknown form");
    }
    spill.rest = sv_skip(content, sizeof(SPILL_HEAD) - 1);
    enum err_code damage = ERR_OK;
    enum err_code code = db_begin(db, true, err);
    db_expect_bytes(db, content.n);
    while (code == ERR_OK && damage == ERR_OK && sv_next_line(&spill.rest, &line)) {
        code = bring_line(&spill, line, err);
        if (code == ERR_INVALID) {
            damage = code;
            code = ERR_OK;
        }
    }
    if (code) {
        db_rollback(db);
        return code;
    }
    code = db_commit(db, err);
    return code ? code : damage;
}

static enum err_code bring_in_file(struct db *db, const char *path)
{
    struct err err;
    struct buf content = BUF_INIT(SPILL_MAX + 1);
    enum err_code code = file_read(path, &content, &err);
    if (code == ERR_OK) {
        code = bring_in(db, buf_sv(&content), &err);
    }
    buf_release(&content);
    if (code == ERR_OK) {
        unlink(path);
    } else if (code == ERR_INVALID) {
        char *aside = xasprintf("%s.damaged", path);
        rename(path, aside);
        free(aside);
    }
    if (code) {
        log_write(LOG_WARN, "'%s' was not brought in whole: %s", path, err.text);
    }
    return code == ERR_INVALID ? ERR_OK : code;
}

static bool is_spill(const char *name, const char *base)
{
    size_t n = strlen(base);
    struct ulid id;
    return strncmp(name, base, n) == 0 &&
           strncmp(name + n, SPILL_MARK, sizeof(SPILL_MARK) - 1) == 0 &&
           ulid_parse(sv_from(name + n + sizeof(SPILL_MARK) - 1), &id);
}

enum err_code spill_bring_in(struct db *db, const char *db_path)
{
    enum err_code result = ERR_OK;
    const char *slash = strrchr(db_path, '/');
    const char *base = slash ? slash + 1 : db_path;
    char *folder = slash ? xstrndup(db_path, (size_t)(slash - db_path) + 1) : xstrdup("./");
    DIR *dir = opendir(folder);
    const struct dirent *entry = NULL;
    while (dir && (entry = readdir(dir))) {
        if (is_spill(entry->d_name, base)) {
            char *path = xasprintf("%s%s", folder, entry->d_name);
            enum err_code code = bring_in_file(db, path);
            result = code ? code : result;
            free(path);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(folder);
    return result;
}
