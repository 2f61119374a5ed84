/* Marks and what is known of them come in the same order, so a few are looked at for each. */
#include "app/import_chatgpt_marks.h"

#define BEGIN SV("\xee\x88\x80")
#define END SV("\xee\x88\x81")
#define AHEAD 32

/* NULL: nothing is known. What is found is where the next search begins. */
static const char *shown(const cJSON **next, struct sv mark)
{
    const cJSON *reference = *next;
    for (size_t i = 0; reference && i < AHEAD; i++, reference = reference->next) {
        const cJSON *alt = json_get(reference, "alt");
        if (sv_equal(json_get_text(reference, "matched_text"), mark)) {
            *next = reference->next;
            return cJSON_IsString(alt) ? alt->valuestring : NULL;
        }
    }
    return NULL;
}

static void resolve(cJSON *part, const cJSON **next)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    struct sv rest = sv_from(part->valuestring);
    size_t begin = sv_find_sv(rest, BEGIN), end;
    bool any = false;
    for (; begin < rest.n; begin = sv_find_sv(rest, BEGIN)) {
        end = begin + sv_find_sv(sv_skip(rest, begin), END);
        if (end == rest.n) {
            break;
        }
        end += END.n;
        const char *text = shown(next, sv_of(rest.p + begin, end - begin));
        buf_append_sv(&out, sv_take(rest, begin));
        buf_append_str(&out, text ? text : "");
        rest = sv_skip(rest, end);
        any = true;
    }
    buf_append_sv(&out, rest);
    if (any && buf_ok(&out)) {
        (void)cJSON_SetValuestring(part, buf_cstr(&out));
    }
    buf_release(&out);
}

void chatgpt_resolve_marks(const cJSON *conversation)
{
    const cJSON *node;
    cJSON_ArrayForEach(node, json_get(conversation, "mapping"))
    {
        const cJSON *message = json_get(node, "message");
        const cJSON *known = json_get(json_get(message, "metadata"), "content_references");
        const cJSON *next = known ? known->child : NULL;
        const cJSON *parts = json_get(json_get(message, "content"), "parts");
        for (cJSON *part = parts ? parts->child : NULL; part; part = part->next) {
            if (cJSON_IsString(part)) {
                resolve(part, &next);
            }
        }
    }
}
