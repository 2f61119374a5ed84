/* Body patch: merges the texts, without reading and writing what is in them. */
#include "app/body_patch.h"

#include "app/json.h"

/* A config's tables are not nested as deeply. */
#define DEPTH_MAX 16

static bool is_object(struct sv text)
{
    return sv_starts_with(sv_trim(text), SV("{"));
}

static void append_name(struct buf *out, struct sv name, bool *any)
{
    (void)buf_append_str(out, *any ? ",\"" : "\"");
    (void)buf_append_sv(out, name);
    (void)buf_append_str(out, "\":");
    *any = true;
}

static void merge(struct sv base, struct sv patch, unsigned depth, struct buf *out)
{
    if (!is_object(base) || !is_object(patch) || depth == DEPTH_MAX) {
        (void)buf_append_sv(out, patch);
        return;
    }
    bool any = false;
    struct sv name;
    struct sv value;
    (void)buf_append_byte(out, '{');
    for (struct sv rest = base; json_next_member(&rest, &name, &value);) {
        struct sv other = json_raw_get(patch, name);
        append_name(out, name, &any);
        if (other.n) {
            merge(value, other, depth + 1, out);
        } else {
            (void)buf_append_sv(out, value);
        }
    }
    for (struct sv rest = patch; json_next_member(&rest, &name, &value);) {
        if (json_raw_get(base, name).n == 0) {
            append_name(out, name, &any);
            (void)buf_append_sv(out, value);
        }
    }
    (void)buf_append_byte(out, '}');
}

enum err_code body_patch(struct buf *body, struct sv patch, struct err *err)
{
    if (patch.n == 0) {
        return ERR_OK;
    }
    if (!is_object(buf_sv(body))) {
        return err_set(err, ERR_INVALID, "a request that is no JSON object cannot be patched");
    }
    struct buf out;
    buf_init(&out, body->max);
    merge(buf_sv(body), patch, 0, &out);
    if (!buf_ok(&out)) {
        buf_release(&out);
        return err_set(err, ERR_TOO_BIG, "the patched request is too large");
    }
    buf_release(body);
    *body = out;
    return ERR_OK;
}
