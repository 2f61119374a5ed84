/*
 * weir's own exports: JSON, and JSON lines, as doc/export.md describes them. What they hold is
 * handed on as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "app/import.h"
#include "app/json.h"
#include "base/alloc.h"
#include "base/file.h"
#include "store/attachment.h"

#define VERSION 1
/* An answer has up to 64 MiB of text, which escapes may make longer. */
#define RECORD_MAX ((size_t)160 << 20)
#define VALUES_MAX ((size_t)1 << 20)

static bool knows(struct sv head)
{
    head = sv_trim(head);
    return sv_starts_with(head, SV("{")) &&
           sv_starts_with(sv_trim(sv_skip(head, 1)), SV("\"weir_export\""));
}

static bool knows_lines(struct sv head)
{
    struct sv line;
    return sv_next_line(&head, &line) &&
           sv_equal(json_raw_get(line, SV("record")), SV("\"weir_export\""));
}

static enum err_code check_version(struct sv text, struct err *err)
{
    uint64_t version = 0;
    if (!sv_to_u64(sv_trim(text), &version) || version < 1) {
        return err_set(err, ERR_INVALID, "the export does not say of which version it is");
    }
    return version > VERSION
               ? err_set(err, ERR_NEWER, "the export was written by a newer version of weir")
               : ERR_OK;
}

static bool is_id(struct sv id)
{
    bool is = id.n == ATTACHMENT_ID_LENGTH;
    for (size_t i = 0; is && i < id.n; i++) {
        is = strchr("0123456789abcdef", id.p[i]) != NULL;
    }
    return is;
}

static struct sv unquoted(struct sv text)
{
    return text.n >= 2 && text.p[0] == '"' ? sv_of(text.p + 1, text.n - 2) : sv_of("", 0);
}

/* Inline, else from the folder. */
static bool read_attachment(const struct import *import, struct sv json, struct buf *out)
{
    struct sv data = json_raw_get(json, SV("data"));
    struct sv id = unquoted(json_raw_get(json, SV("id")));
    if (data.n > 0) {
        return import_decode(out, unquoted(data));
    }
    if (!import->options->attachments || !is_id(id)) {
        return false;
    }
    char *path = xasprintf("%s/%.*s", import->options->attachments, SV_ARG(id));
    bool is_read = file_read(path, out, NULL) == ERR_OK;
    free(path);
    return is_read;
}

static enum err_code take_attachment(struct import *import, struct sv json, struct err *err)
{
    struct buf bytes = BUF_INIT(ATTACHMENT_MAX_BYTES);
    struct sv id = unquoted(json_raw_get(json, SV("id")));
    char made[ATTACHMENT_ID_LENGTH + 1];
    enum err_code code = ERR_OK;
    if (!read_attachment(import, json, &bytes)) {
        import_refuse(import, "an attachment", "its bytes are not there (--attachments DIR)");
        buf_release(&bytes);
        return ERR_OK;
    }
    attachment_id(buf_sv(&bytes), made);
    if (!sv_equal_str(id, made)) {
        import_refuse(import, "an attachment", "its bytes are not those of its id");
    } else {
        code = import_attachment(import, unquoted(json_raw_get(json, SV("type"))), buf_sv(&bytes),
                                 made, err);
    }
    buf_release(&bytes);
    return code;
}

static enum err_code take_record(struct import *import, struct sv name, struct sv json,
                                 struct err *err)
{
    enum archive_kind kind = archive_kind_parse(name);
    if (kind == ARCHIVE_SESSION) {
        return import_session(import, json, err);
    }
    if (kind == ARCHIVE_ATTACHMENT) {
        return import->skips ? ERR_OK : take_attachment(import, json, err);
    }
    if (kind == ARCHIVE_KIND_COUNT) {
        import_refuse(import, "a record", "its kind is not known");
        return ERR_OK;
    }
    return import_put(import, kind, json, err);
}

static enum err_code take(struct import *import, const struct scan_event *event, struct err *err)
{
    if (event->kind == SCAN_ENTER && event->depth == 2) {
        return import_end(import, err);
    }
    if (event->kind != SCAN_RECORD) {
        return ERR_OK;
    }
    if (event->depth == 1 && sv_equal_str(event->key, "weir_export")) {
        return check_version(event->text, err);
    }
    if (event->depth < 3) {
        import_refuse(import, "a record", "it stands where none should");
        return ERR_OK;
    }
    return take_record(import, event->key, event->text, err);
}

static enum err_code take_line(struct import *import, const struct scan_event *event,
                               struct err *err)
{
    struct sv name = unquoted(json_raw_get(event->text, SV("record")));
    return sv_equal_str(name, "weir_export")
               ? check_version(json_raw_get(event->text, SV("version")), err)
               : take_record(import, name, event->text, err);
}

const struct importer importer_weir = {
    .name = "weir",
    .pattern = "OAOA",
    .max_bytes = RECORD_MAX,
    .max_values = VALUES_MAX,
    .knows = knows,
    .take = take,
};

const struct importer importer_weir_lines = {
    .name = "weir-jsonl",
    .pattern = NULL,
    .max_bytes = RECORD_MAX,
    .max_values = VALUES_MAX,
    .knows = knows_lines,
    .take = take_line,
};
