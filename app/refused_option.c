/* Refused option: found in the error's body by its name, taken out of the request as text. */
#include "app/refused_option.h"

#include <string.h>

#include "app/codec.h"
#include "app/json.h"

#define MESSAGE_MAX ((size_t)64 << 10)

/* As servers name it, and where it stands: a member of the request, or of an object in it. */
static const struct option {
    const char *name, *member, *inner;
} options[] = {
    {"temperature", "temperature", NULL},
    {"top_p", "top_p", NULL},
    {"top_k", "top_k", NULL},
    {"reasoning_effort", "reasoning_effort", NULL},
    {"reasoning.effort", "reasoning", "effort"},
    {"reasoning.summary", "reasoning", "summary"},
    {"reasoning_format", "reasoning_format", NULL},
    {"output_config.effort", "output_config", "effort"},
    {"think", "think", NULL},
    {"stream_options", "stream_options", NULL},
    {"stream_options.include_usage", "stream_options", NULL},
};

/* In lower case. */
static const char *const reasons[] = {
    "unsupported", "not support", "unknown",       "unrecognized", "unrecognised",
    "not allowed", "unexpected",  "not permitted", "deprecated",
};
/* Where Ollama names what the model cannot do, and not the option. */
static const struct sv thinks_not = SV("does not support thinking");

static const struct option *option_of(struct sv name)
{
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        if (sv_equal_nocase(name, sv_from(options[i].name))) {
            return &options[i];
        }
    }
    return NULL;
}

static bool holds(struct sv text, struct sv part)
{
    for (; text.n >= part.n; text = sv_skip(text, 1)) {
        if (sv_equal_nocase(sv_take(text, part.n), part)) {
            return true;
        }
    }
    return false;
}

static bool says_why(struct sv text)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (holds(text, sv_from(reasons[i]))) {
            return true;
        }
    }
    return false;
}

/* {"error":{"param":"NAME"}}, also in an array of one; or the param beside the message. */
static struct sv named_param(const cJSON *tree)
{
    const cJSON *root = cJSON_IsArray(tree) ? cJSON_GetArrayItem(tree, 0) : tree;
    struct sv param = json_get_text(json_get(root, "error"), "param");
    return param.n ? param : json_get_text(root, "param");
}

/* {"detail":[{"loc":["body","NAME"],"type":"extra_forbidden"}]} */
static const struct option *named_place(const cJSON *tree)
{
    const cJSON *detail = json_get(tree, "detail");
    detail = detail ? detail : json_get(json_get(tree, "message"), "detail");
    const cJSON *item;
    cJSON_ArrayForEach(item, detail)
    {
        const cJSON *loc = json_get(item, "loc");
        const cJSON *last = cJSON_GetArrayItem(loc, cJSON_GetArraySize(loc) - 1);
        bool extra = sv_equal(json_get_text(item, "type"), SV("extra_forbidden")) ||
                     says_why(json_get_text(item, "msg"));
        if (extra && cJSON_IsString(last) && option_of(sv_from(last->valuestring))) {
            return option_of(sv_from(last->valuestring));
        }
    }
    return NULL;
}

static bool is_quote(char c)
{
    return c == '\'' || c == '"' || c == '`';
}

/* In quotes, or at the beginning before a colon. */
static bool is_named(struct sv message, struct sv name)
{
    if (message.n > name.n && sv_equal(sv_take(message, name.n), name) &&
        message.p[name.n] == ':') {
        return true;
    }
    for (size_t i = 1; i + name.n < message.n; i++) {
        if (is_quote(message.p[i - 1]) && is_quote(message.p[i + name.n]) &&
            sv_equal(sv_take(sv_skip(message, i), name.n), name)) {
            return true;
        }
    }
    return false;
}

static const struct option *named_in(struct sv message)
{
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        if (is_named(message, sv_from(options[i].name))) {
            return &options[i];
        }
    }
    return holds(message, thinks_not) ? option_of(SV("think")) : NULL;
}

const char *refused_option_find(struct sv error)
{
    struct buf message = BUF_INIT(MESSAGE_MAX);
    cJSON *tree = json_parse(error);
    const struct option *found = named_place(tree);
    if (!found && error_body_message(error, &message) && says_why(buf_sv(&message))) {
        struct sv param = named_param(tree);
        found = param.n ? option_of(param) : named_in(buf_sv(&message));
    }
    cJSON_Delete(tree);
    buf_release(&message);
    return found ? found->name : NULL;
}

/* In lower case: Anthropic's, Google's, OpenAI's. */
static const char *const of_natives[] = {
    "bound to a different conversation",
    "thought signature",
    "thought_signature",
    "`signature`",
    "`thinking` or `redacted_thinking` blocks",
    "items are not persisted",
    "without its required",
    "encrypted content",
};

bool refused_natives(struct sv error)
{
    struct buf message = BUF_INIT(MESSAGE_MAX);
    bool found = false;
    if (error_body_message(error, &message)) {
        for (size_t i = 0; !found && i < COUNT_OF(of_natives); i++) {
            found = holds(buf_sv(&message), sv_from(of_natives[i]));
        }
    }
    buf_release(&message);
    return found;
}

/* ---- the request without it ---- */

/* The object without that member, or, with `inner`, with what is left of that one. */
static void append_without(struct sv object, const char *member, const char *inner, struct buf *out)
{
    struct sv name, value;
    bool any = false;
    (void)buf_append_byte(out, '{');
    while (json_next_member(&object, &name, &value)) {
        bool meant = sv_equal_str(name, member);
        if (meant && !inner) {
            continue;
        }
        (void)buf_appendf(out, "%s\"%.*s\":", any ? "," : "", SV_ARG(name));
        if (meant) {
            append_without(value, inner, NULL, out);
        } else {
            (void)buf_append_sv(out, value);
        }
        any = true;
    }
    (void)buf_append_byte(out, '}');
}

bool refused_option_drop(const char *name, struct buf *body)
{
    const struct option *option = option_of(sv_from(name));
    struct sv value = option ? json_raw_get(buf_sv(body), sv_from(option->member)) : (struct sv){0};
    if (value.n == 0 || (option->inner && json_raw_get(value, sv_from(option->inner)).n == 0)) {
        return false;
    }
    struct buf out;
    buf_init(&out, body->max);
    append_without(buf_sv(body), option->member, option->inner, &out);
    if (!buf_ok(&out)) {
        buf_release(&out);
        return false;
    }
    buf_release(body);
    *body = out;
    return true;
}
