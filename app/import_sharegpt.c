/*
 * ShareGPT: an array (or lines) of {"id", "conversations": [{"from", "value"}]}. It knows no times,
 * so a session has that of its first import. A record without an id has one made from its bytes.
 */
#include <stdio.h>

#include "app/import_foreign.h"
#include "app/json.h"
#include "base/clock.h"

#define RECORD_MAX ((size_t)24 << 20)
#define VALUES_MAX 400000

static bool names_conversations(struct sv head)
{
    return sv_find_sv(head, SV("\"conversations\"")) < head.n;
}

static bool knows(struct sv head)
{
    return sv_starts_with(sv_trim(head), SV("[")) && names_conversations(head);
}

static bool knows_lines(struct sv head)
{
    return sv_starts_with(sv_trim(head), SV("{")) && names_conversations(head);
}

static const struct from {
    const char *name;
    enum role role;
    enum part_kind kind;
} froms[] = {
    {"human", ROLE_USER, PART_TEXT},
    {"user", ROLE_USER, PART_TEXT},
    {"gpt", ROLE_ASSISTANT, PART_TEXT},
    {"chatgpt", ROLE_ASSISTANT, PART_TEXT},
    {"assistant", ROLE_ASSISTANT, PART_TEXT},
    {"bing", ROLE_ASSISTANT, PART_TEXT},
    {"bard", ROLE_ASSISTANT, PART_TEXT},
    {"system", ROLE_SYSTEM, PART_TEXT},
    {"function_call", ROLE_ASSISTANT, PART_TOOL_CALL},
    {"observation", ROLE_TOOL, PART_TOOL_RESULT},
    {"tool", ROLE_TOOL, PART_TOOL_RESULT},
};

static const struct from *find_from(struct sv name)
{
    for (size_t i = 0; i < COUNT_OF(froms); i++) {
        if (sv_equal_str(name, froms[i].name)) {
            return &froms[i];
        }
    }
    return NULL;
}

struct talk {
    struct ulid session, branch;
    struct sv model;
    int64_t seq, now_us;
};

static enum err_code take_item(struct import *import, struct talk *talk, const cJSON *item,
                               struct err *err)
{
    const struct from *from = find_from(json_get_text(item, "from"));
    const cJSON *value = json_get(item, "value");
    char name[64];
    if (!from || !cJSON_IsString(value)) {
        import_refuse(import, "a message", "it has no known 'from', or no text in 'value'");
        return ERR_OK;
    }
    const struct foreign_part part = {
        .kind = from->kind,
        .text = sv_from(value->valuestring),
        .tool_name = from->kind == PART_TOOL_CALL ? SV("function") : (struct sv){NULL, 0}};
    talk->seq++;
    (void)snprintf(name, sizeof name, "%s %lld", talk->session.text, (long long)talk->seq);
    const struct foreign_message message = {.id = import_id("sharegpt message", sv_from(name), 0),
                                            .branch = talk->branch,
                                            .seq = talk->seq,
                                            .created_us = talk->now_us,
                                            .role = from->role,
                                            .model =
                                                from->role == ROLE_ASSISTANT ? talk->model : SV(""),
                                            .parts = &part,
                                            .part_count = 1};
    return foreign_message(import, &message, err);
}

/* The first prompt, cut to a line. */
static struct sv title_of(const cJSON *items)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        const struct from *from = find_from(json_get_text(item, "from"));
        if (from && from->role == ROLE_USER) {
            struct sv text = sv_trim(json_get_text(item, "value"));
            return sv_take(text, sv_find(text, '\n'));
        }
    }
    return SV("");
}

static enum err_code take_talk(struct import *import, const cJSON *root, struct sv json,
                               struct err *err)
{
    const cJSON *items = json_get(root, "conversations");
    struct sv id = json_get_text(root, "id");
    struct sv source = id.n > 0 ? id : json;
    struct talk talk = {.session = import_id("sharegpt session", source, 0),
                        .branch = import_id("sharegpt branch", source, 0),
                        .model = json_get_text(root, "model"),
                        .now_us = clock_wall_us()};
    if (!cJSON_IsArray(items)) {
        import_refuse(import, "a conversation", "it has no array 'conversations'");
        return ERR_OK;
    }
    const struct foreign_session session = {.id = talk.session,
                                            .branch = talk.branch,
                                            .title = title_of(items),
                                            .model = talk.model,
                                            .created_us = talk.now_us,
                                            .active_us = talk.now_us};
    const struct foreign_branch branch = {.id = talk.branch, .created_us = talk.now_us};
    enum err_code code = foreign_session(import, &session, err);
    code = code ? code : foreign_branch(import, &branch, err);
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        code = code ? code : take_item(import, &talk, item, err);
    }
    return code ? code : import_end(import, err);
}

static enum err_code take(struct import *import, const struct scan_event *event, struct err *err)
{
    if (event->kind != SCAN_RECORD) {
        return ERR_OK;
    }
    cJSON *root = json_parse(event->text);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        import_refuse(import, "a conversation", "it is no JSON object");
        return ERR_OK;
    }
    enum err_code code = take_talk(import, root, event->text, err);
    cJSON_Delete(root);
    return code;
}

const struct importer importer_sharegpt = {
    .name = "sharegpt",
    .pattern = "A",
    .max_bytes = RECORD_MAX,
    .max_values = VALUES_MAX,
    .knows = knows,
    .take = take,
};

const struct importer importer_sharegpt_lines = {
    .name = "sharegpt-jsonl",
    .pattern = NULL,
    .max_bytes = RECORD_MAX,
    .max_values = VALUES_MAX,
    .knows = knows_lines,
    .take = take,
};
