/*
 * JSON and JSONL: everything that is stored, in the form that doc/export.md describes. The same
 * store gives the same bytes, so nothing of when and where it was written stands in it.
 */
#include "app/export.h"

static void json_begin(struct buf *out)
{
    buf_append_str(out, "{\"weir_export\":1,\"sessions\":[\n");
}

/* Kinds come in their order; the members between two that come are empty arrays. */
static void json_record(struct buf *out, enum archive_kind kind, struct sv json, bool first)
{
    if (kind == ARCHIVE_SESSION) {
        buf_append_str(out, "{\"session\":");
        buf_append_sv(out, json);
        return;
    }
    if (first) {
        buf_appendf(out, "%s,\n\"%s\":[\n", kind > ARCHIVE_ATTACHMENT ? "\n]" : "",
                    archive_kind_text(kind));
    }
    if (json.n > 0) {
        buf_append_str(out, first ? "" : ",\n");
        buf_append_sv(out, json);
    }
}

static void json_session_end(struct buf *out)
{
    buf_append_str(out, "\n]}");
}

static void json_between(struct buf *out)
{
    buf_append_str(out, ",\n");
}

static void json_end(struct buf *out)
{
    buf_append_str(out, "\n]}\n");
}

static void jsonl_begin(struct buf *out)
{
    buf_append_str(out, "{\"record\":\"weir_export\",\"version\":1}\n");
}

static void jsonl_record(struct buf *out, enum archive_kind kind, struct sv json, bool first)
{
    (void)first;
    if (json.n > 0) {
        buf_appendf(out, "{\"record\":\"%s\",", archive_kind_text(kind));
        buf_append_sv(out, sv_skip(json, 1));
        buf_append_byte(out, '\n');
    }
}

const struct export_format export_json = {
    .name = "json",
    .begin = json_begin,
    .record = json_record,
    .session_end = json_session_end,
    .between = json_between,
    .end = json_end,
};

const struct export_format export_jsonl = {
    .name = "jsonl",
    .begin = jsonl_begin,
    .record = jsonl_record,
};
