/*
 * JSON as it is written: finding where a value ends without reading it. What is checked is only
 * what that needs: quotes and brackets.
 */
#include "app/json.h"

static struct sv skip_space(struct sv text)
{
    while (text.n && (text.p[0] == ' ' || (text.p[0] >= '\t' && text.p[0] <= '\r'))) {
        text = sv_skip(text, 1);
    }
    return text;
}

/* Length of the string that `text` begins with, quotes included; 0: it does not end. */
static size_t string_length(struct sv text)
{
    for (size_t i = 1; i < text.n; i++) {
        if (text.p[i] == '\\') {
            i++;
        } else if (text.p[i] == '"') {
            return i + 1;
        }
    }
    return 0;
}

/* Length of the object or array that `text` begins with; 0: it does not end. */
static size_t nest_length(struct sv text)
{
    size_t depth = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"') {
            size_t n = string_length(sv_skip(text, i));
            if (n == 0) {
                return 0;
            }
            i += n - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        if (depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

static size_t value_length(struct sv text)
{
    if (text.n == 0) {
        return 0;
    }
    if (text.p[0] == '"') {
        return string_length(text);
    }
    if (text.p[0] == '{' || text.p[0] == '[') {
        return nest_length(text);
    }
    size_t n = 0;
    while (n < text.n && text.p[n] > ' ' && text.p[n] != ',' && text.p[n] != '}' &&
           text.p[n] != ']' && text.p[n] != ':') {
        n++;
    }
    return n;
}

/* Past the bracket that begins it all, or the comma before the next one. */
static struct sv enter(struct sv text, char bracket)
{
    text = skip_space(text);
    bool inside = text.n && (text.p[0] == bracket || text.p[0] == ',');
    return inside ? skip_space(sv_skip(text, 1)) : (struct sv){NULL, 0};
}

static bool take_value(struct sv text, struct sv *rest, struct sv *ret_value)
{
    size_t n = value_length(text);
    *rest = sv_skip(text, n);
    if (n) {
        *ret_value = sv_take(text, n);
    }
    return n > 0;
}

bool json_next_member(struct sv *rest, struct sv *ret_name, struct sv *ret_value)
{
    struct sv text = enter(*rest, '{');
    size_t n = text.n && text.p[0] == '"' ? string_length(text) : 0;
    struct sv after = skip_space(sv_skip(text, n));
    if (n == 0 || after.n == 0 || after.p[0] != ':') {
        *rest = (struct sv){NULL, 0};
        return false;
    }
    if (!take_value(skip_space(sv_skip(after, 1)), rest, ret_value)) {
        return false;
    }
    *ret_name = sv_of(text.p + 1, n - 2);
    return true;
}

bool json_next_item(struct sv *rest, struct sv *ret_value)
{
    return take_value(enter(*rest, '['), rest, ret_value);
}

struct sv json_raw_get(struct sv object, struct sv name)
{
    struct sv found;
    struct sv value;
    while (json_next_member(&object, &found, &value)) {
        if (sv_equal(found, name)) {
            return value;
        }
    }
    return (struct sv){NULL, 0};
}
