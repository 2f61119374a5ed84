/*
 * Parts of crush's messages: an array of {"type", "data"}.
 *
 * Texts are views into the tree; what is put together of several members (a shell command and its
 * output, the id of an attachment) lies in `made`, which grows, so its views are set at the end.
 */
#include "app/import_crush.h"
#include "app/json.h"

#define NO_START ((size_t)-1)

static struct foreign_part *add(struct crush_parts *parts, enum part_kind kind)
{
    struct foreign_part *part = &parts->parts[parts->count];
    *part = (struct foreign_part){.kind = kind};
    parts->starts[parts->count++] = NO_START;
    return part;
}

static void add_text(struct crush_parts *parts, enum part_kind kind, struct sv text)
{
    if (text.n > 0) {
        add(parts, kind)->text = text;
    }
}

/* Its text is what is appended to `made` until end_made. */
static void begin_made(struct crush_parts *parts, enum part_kind kind)
{
    (void)add(parts, kind);
    parts->starts[parts->count - 1] = parts->made.n;
}

static void end_made(struct crush_parts *parts)
{
    size_t at = parts->count - 1;
    parts->parts[at].text.n = parts->made.n - parts->starts[at];
    buf_append_byte(&parts->made, '\0');
}

static void read_text(struct crush_parts *parts, const cJSON *data)
{
    add_text(parts, PART_TEXT, json_get_text(data, "text"));
}

static void read_reasoning(struct crush_parts *parts, const cJSON *data)
{
    add_text(parts, PART_REASONING, json_get_text(data, "thinking"));
}

static void read_call(struct crush_parts *parts, const cJSON *data)
{
    struct foreign_part *part = add(parts, PART_TOOL_CALL);
    part->text = json_get_text(data, "input");
    part->tool_id = json_get_text(data, "id");
    part->tool_name = json_get_text(data, "name");
}

static void read_result(struct crush_parts *parts, const cJSON *data)
{
    struct foreign_part *part = add(parts, PART_TOOL_RESULT);
    part->text = json_get_text(data, "content");
    part->tool_id = json_get_text(data, "tool_call_id");
    part->tool_name = json_get_text(data, "name");
}

static void read_image(struct crush_parts *parts, const cJSON *data)
{
    begin_made(parts, PART_STATUS);
    buf_appendf(&parts->made, "image: %.*s", SV_ARG(sv_take(json_get_text(data, "url"), 2000)));
    end_made(parts);
}

static void read_shell(struct crush_parts *parts, const cJSON *data)
{
    int64_t exit_code = 0;
    begin_made(parts, PART_TEXT);
    buf_append_str(&parts->made, "$ ");
    buf_append_sv(&parts->made, json_get_text(data, "command"));
    buf_append_str(&parts->made, "\n\n");
    buf_append_sv(&parts->made, json_get_text(data, "output"));
    if (json_get_int(data, "exit_code", &exit_code) && exit_code != 0) {
        buf_appendf(&parts->made, "\n\nexit code %lld", (long long)exit_code);
    }
    end_made(parts);
}

static void read_finish(struct crush_parts *parts, const cJSON *data)
{
    struct sv reason = json_get_text(data, "reason");
    parts->reason = sv_equal_str(reason, "stop") ? FINISH_END_TURN : FINISH_UNKNOWN;
    (void)finish_reason_parse(reason, &parts->reason);
    if (parts->reason == FINISH_NONE || parts->reason == FINISH_ERROR) {
        parts->reason = parts->reason ? FINISH_ERROR : FINISH_UNKNOWN;
        parts->detail = json_get_text(data, "details");
        parts->detail = parts->detail.n > 0 ? parts->detail : json_get_text(data, "message");
    }
}

static const struct kind {
    const char *name;
    void (*read)(struct crush_parts *parts, const cJSON *data);
} kinds[] = {
    {"text", read_text},           {"reasoning", read_reasoning}, {"tool_call", read_call},
    {"tool_result", read_result},  {"image_url", read_image},     {"finish", read_finish},
    {"shell_command", read_shell},
};

static enum err_code read_binary(struct import *import, struct crush_parts *parts,
                                 const cJSON *data, struct err *err)
{
    struct buf bytes = BUF_INIT(ATTACHMENT_MAX_BYTES);
    struct sv path = json_get_text(data, "Path");
    struct sv type = sv_take(json_get_text(data, "MIMEType"), 100);
    char id[ATTACHMENT_ID_LENGTH + 1] = "";
    enum err_code code = ERR_OK;
    if (!import_decode(&bytes, json_get_text(data, "Data"))) {
        import_refuse(import, "an attachment", "it is no base64, or too large");
    } else {
        code = import_attachment(import, type, buf_sv(&bytes), id, err);
    }
    if (code == ERR_OK && id[0]) {
        begin_made(parts, PART_ATTACHMENT);
        buf_append_sv(&parts->made, path);
        end_made(parts);
        struct foreign_part *part = &parts->parts[parts->count - 1];
        part->tool_name = type;
        /* Behind the text and its end. */
        part->tool_id.n = ATTACHMENT_ID_LENGTH;
        buf_append_str(&parts->made, id);
    }
    buf_release(&bytes);
    return code;
}

static enum err_code read_part(struct import *import, struct crush_parts *parts, const cJSON *item,
                               struct err *err)
{
    struct sv type = json_get_text(item, "type");
    const cJSON *data = json_get(item, "data");
    if (sv_equal_str(type, "binary")) {
        return read_binary(import, parts, data, err);
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (sv_equal_str(type, kinds[i].name)) {
            kinds[i].read(parts, data);
            return ERR_OK;
        }
    }
    import_refuse(import, "a part", "its kind is not known");
    return ERR_OK;
}

static void set_views(struct crush_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        struct foreign_part *part = &parts->parts[i];
        if (parts->starts[i] != NO_START) {
            part->text.p = parts->made.p + parts->starts[i];
            part->tool_id.p = part->tool_id.n > 0 ? part->text.p + part->text.n + 1 : NULL;
        }
    }
}

enum err_code crush_parts_read(struct import *import, struct sv json, struct crush_parts *parts,
                               bool *ret_is, struct err *err)
{
    const cJSON *item;
    enum err_code code = ERR_OK;
    cJSON *tree = json_parse(json);
    parts->tree = tree;
    parts->made = (struct buf)BUF_INIT(BUF_MAX_INTERNAL);
    *ret_is = cJSON_IsArray(tree);
    cJSON_ArrayForEach(item, tree)
    {
        if (!*ret_is || code || parts->count == CRUSH_PARTS_MAX) {
            break;
        }
        code = read_part(import, parts, item, err);
    }
    set_views(parts);
    return code;
}

void crush_parts_release(struct crush_parts *parts)
{
    cJSON_Delete(parts->tree);
    buf_release(&parts->made);
    parts->tree = NULL;
    parts->count = 0;
}
