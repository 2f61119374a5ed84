/*
 * JSON Schema: one function for each keyword, in one table; each looks at the value, or lets it
 * pass when it is of another type. The first that fails leaves its reason, with the path.
 */
#include "app/json_schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "app/json_pattern.h"
#include "base/alloc.h"
#include "base/buf.h"

/* References may go in circles. */
#define DEPTH_MOST 128
#define STEPS_MOST 2000000

struct check {
    cJSON *root;
    struct buf path; /* of the value, as a JSON pointer */
    struct buf why;  /* empty until something fails */
    unsigned depth, steps;
    unsigned silent; /* inside of what may fail, reasons are not kept */
};

static bool holds(struct check *check, const cJSON *schema, const cJSON *value);

static bool fail(struct check *check, const char *what)
{
    if (check->silent == 0 && check->why.n == 0) {
        buf_appendf(&check->why, "at %s: %s", check->path.n ? buf_cstr(&check->path) : "the top",
                    what);
    }
    return false;
}

static bool fail_named(struct check *check, const char *format, const char *name)
{
    char *what = xasprintf("%s '%.100s'", format, name);
    (void)fail(check, what);
    free(what);
    return false;
}

/* The value lies at `name` (or `index`) of the one that is looked at. */
static bool holds_inside(struct check *check, const cJSON *schema, const cJSON *value,
                         const char *name, int index)
{
    size_t before = check->path.n;
    if (name) {
        buf_appendf(&check->path, "/%.100s", name);
    } else {
        buf_appendf(&check->path, "/%d", index);
    }
    bool good = holds(check, schema, value);
    buf_truncate(&check->path, before);
    return good;
}

/* Without a reason: for what is allowed to fail. */
static bool would_hold(struct check *check, const cJSON *schema, const cJSON *value)
{
    check->silent++;
    bool good = holds(check, schema, value);
    check->silent--;
    return good;
}

/* ---- any type ---- */

static bool is_of_type(const cJSON *value, const char *type)
{
    static const struct {
        const char *name;
        int types;
    } types[] = {{"object", cJSON_Object},
                 {"array", cJSON_Array},
                 {"string", cJSON_String},
                 {"number", cJSON_Number},
                 {"boolean", cJSON_True | cJSON_False},
                 {"null", cJSON_NULL}};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcmp(type, types[i].name) == 0) {
            return (value->type & types[i].types) != 0;
        }
    }
    bool is_integer = strcmp(type, "integer") == 0;
    return !is_integer ||
           (cJSON_IsNumber(value) && floor(value->valuedouble) == value->valuedouble);
}

static bool check_type(struct check *check, const cJSON *schema, const cJSON *rule,
                       const cJSON *value)
{
    (void)schema;
    if (cJSON_IsString(rule)) {
        return is_of_type(value, rule->valuestring) ||
               fail_named(check, "expected type", rule->valuestring);
    }
    const cJSON *type = NULL;
    cJSON_ArrayForEach(type, rule)
    {
        if (cJSON_IsString(type) && is_of_type(value, type->valuestring)) {
            return true;
        }
    }
    return !cJSON_IsArray(rule) || fail(check, "is of none of the expected types");
}

static bool check_enum(struct check *check, const cJSON *schema, const cJSON *rule,
                       const cJSON *value)
{
    (void)schema;
    const cJSON *one = NULL;
    cJSON_ArrayForEach(one, rule)
    {
        if (cJSON_Compare(one, value, true)) {
            return true;
        }
    }
    return fail(check, "is none of the listed values");
}

static bool check_const(struct check *check, const cJSON *schema, const cJSON *rule,
                        const cJSON *value)
{
    (void)schema;
    return cJSON_Compare(rule, value, true) || fail(check, "is not the constant value");
}

/* ---- combinations ---- */

/* How many of them hold. */
static int count_holding(struct check *check, const cJSON *rule, const cJSON *value)
{
    int count = 0;
    const cJSON *one = NULL;
    cJSON_ArrayForEach(one, rule)
    {
        count += would_hold(check, one, value);
    }
    return count;
}

static bool check_all_of(struct check *check, const cJSON *schema, const cJSON *rule,
                         const cJSON *value)
{
    (void)schema;
    const cJSON *one = NULL;
    cJSON_ArrayForEach(one, rule)
    {
        if (!holds(check, one, value)) {
            return false;
        }
    }
    return true;
}

static bool check_any_of(struct check *check, const cJSON *schema, const cJSON *rule,
                         const cJSON *value)
{
    (void)schema;
    return count_holding(check, rule, value) > 0 || fail(check, "fits none of anyOf");
}

static bool check_one_of(struct check *check, const cJSON *schema, const cJSON *rule,
                         const cJSON *value)
{
    (void)schema;
    return count_holding(check, rule, value) == 1 || fail(check, "fits not exactly one of oneOf");
}

static bool check_not(struct check *check, const cJSON *schema, const cJSON *rule,
                      const cJSON *value)
{
    (void)schema;
    return !would_hold(check, rule, value) || fail(check, "fits what it must not");
}

static bool check_if(struct check *check, const cJSON *schema, const cJSON *rule,
                     const cJSON *value)
{
    const cJSON *next = json_get(schema, would_hold(check, rule, value) ? "then" : "else");
    return !next || holds(check, next, value);
}

/* The part of the document that "#/a/b" names; NULL: there is none. */
static const cJSON *resolve(const cJSON *root, struct sv pointer)
{
    const cJSON *at = root;
    struct sv rest = sv_skip(pointer, 1);
    while (at && rest.n > 0 && rest.p[0] == '/') {
        rest = sv_skip(rest, 1);
        struct sv segment = sv_take(rest, sv_find(rest, '/'));
        struct buf name = BUF_INIT(BUF_MAX_INTERNAL);
        for (size_t i = 0; i < segment.n; i++) {
            bool is_escape = segment.p[i] == '~' && i + 1 < segment.n;
            buf_append_byte(&name, !is_escape ? segment.p[i] : segment.p[i + 1] == '0' ? '~' : '/');
            i += is_escape;
        }
        uint64_t index = 0;
        bool is_index = cJSON_IsArray(at) && sv_to_u64(buf_sv(&name), &index) && index < INT32_MAX;
        at = is_index ? cJSON_GetArrayItem(at, (int)index) : json_get(at, buf_cstr(&name));
        buf_release(&name);
        rest = sv_skip(rest, segment.n);
    }
    return rest.n == 0 ? at : NULL;
}

static bool check_ref(struct check *check, const cJSON *schema, const cJSON *rule,
                      const cJSON *value)
{
    (void)schema;
    bool is_inside = cJSON_IsString(rule) && rule->valuestring[0] == '#';
    const cJSON *target = is_inside ? resolve(check->root, sv_from(rule->valuestring)) : NULL;
    if (!target) {
        return fail_named(check, "the schema refers to what is not in it:",
                          cJSON_IsString(rule) ? rule->valuestring : "$ref");
    }
    return holds(check, target, value);
}

/* ---- texts ---- */

static size_t code_points(const char *text)
{
    size_t count = 0;
    for (; *text; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

static bool check_pattern(struct check *check, const cJSON *schema, const cJSON *rule,
                          const cJSON *value)
{
    (void)schema;
    return !cJSON_IsString(value) || !cJSON_IsString(rule) ||
           json_pattern_matches(rule->valuestring, value->valuestring) ||
           fail_named(check, "does not match", rule->valuestring);
}

/* ---- numbers, and what is counted ---- */

struct bound {
    const char *keyword;
    int type;
    bool is_least, is_open;
};

static double measure(const cJSON *value)
{
    if (cJSON_IsNumber(value)) {
        return value->valuedouble;
    }
    return cJSON_IsString(value) ? (double)code_points(value->valuestring)
                                 : (double)cJSON_GetArraySize(value);
}

static bool check_bounds(struct check *check, const cJSON *schema, const cJSON *value)
{
    static const struct bound bounds[] = {
        {"minimum", cJSON_Number, true, false},
        {"maximum", cJSON_Number, false, false},
        {"exclusiveMinimum", cJSON_Number, true, true},
        {"exclusiveMaximum", cJSON_Number, false, true},
        {"minLength", cJSON_String, true, false},
        {"maxLength", cJSON_String, false, false},
        {"minItems", cJSON_Array, true, false},
        {"maxItems", cJSON_Array, false, false},
        {"minProperties", cJSON_Object, true, false},
        {"maxProperties", cJSON_Object, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        const cJSON *rule = json_get(schema, bounds[i].keyword);
        if (!cJSON_IsNumber(rule) || !(value->type & bounds[i].type)) {
            continue;
        }
        double over = measure(value) - rule->valuedouble;
        over = bounds[i].is_least ? over : -over;
        if (bounds[i].is_open ? !(over > 0) : !(over >= 0)) {
            return fail_named(check, "breaks", bounds[i].keyword);
        }
    }
    return true;
}

static bool check_multiple_of(struct check *check, const cJSON *schema, const cJSON *rule,
                              const cJSON *value)
{
    (void)schema;
    if (!cJSON_IsNumber(value) || !cJSON_IsNumber(rule) || !(rule->valuedouble > 0)) {
        return true;
    }
    /* 0.3 is a multiple of 0.1, although their doubles are not. */
    double quotient = value->valuedouble / rule->valuedouble;
    return fabs(quotient - round(quotient)) < 1e-9 * fmax(1, fabs(quotient)) ||
           fail(check, "breaks 'multipleOf'");
}

/* ---- objects ---- */

static bool check_required(struct check *check, const cJSON *schema, const cJSON *rule,
                           const cJSON *value)
{
    (void)schema;
    const cJSON *name = NULL;
    cJSON_ArrayForEach(name, rule)
    {
        if (cJSON_IsObject(value) && cJSON_IsString(name) && !json_get(value, name->valuestring)) {
            return fail_named(check, "lacks", name->valuestring);
        }
    }
    return true;
}

/* Checks a member against all that speaks of it. */
static bool check_member(struct check *check, const cJSON *schema, const cJSON *member)
{
    const char *name = member->string;
    const cJSON *own = json_get(json_get(schema, "properties"), name);
    bool is_known = own != NULL;
    if (own && !holds_inside(check, own, member, name, 0)) {
        return false;
    }
    const cJSON *pattern = NULL;
    cJSON_ArrayForEach(pattern, json_get(schema, "patternProperties"))
    {
        if (json_pattern_matches(pattern->string, name)) {
            is_known = true;
            if (!holds_inside(check, pattern, member, name, 0)) {
                return false;
            }
        }
    }
    const cJSON *others = json_get(schema, "additionalProperties");
    if (is_known || !others) {
        return true;
    }
    return cJSON_IsFalse(others) ? fail_named(check, "has an unexpected member", name)
                                 : holds_inside(check, others, member, name, 0);
}

static bool check_members(struct check *check, const cJSON *schema, const cJSON *value)
{
    const cJSON *names = json_get(schema, "propertyNames");
    const cJSON *member = NULL;
    cJSON_ArrayForEach(member, value)
    {
        cJSON *name = names ? cJSON_CreateString(member->string) : NULL;
        bool good = (!name || holds_inside(check, names, name, member->string, 0)) &&
                    check_member(check, schema, member);
        cJSON_Delete(name);
        if (!good) {
            return false;
        }
    }
    return true;
}

/* ---- arrays ---- */

static bool is_unique(const cJSON *array)
{
    for (const cJSON *one = array->child; one; one = one->next) {
        for (const cJSON *other = one->next; other; other = other->next) {
            if (cJSON_Compare(one, other, true)) {
                return false;
            }
        }
    }
    return true;
}

static bool check_contains(struct check *check, const cJSON *schema, const cJSON *value)
{
    const cJSON *wanted = json_get(schema, "contains");
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, value)
    {
        if (wanted && would_hold(check, wanted, item)) {
            return true;
        }
    }
    return !wanted || fail(check, "contains nothing that fits 'contains'");
}

/* The first items have schemas of their own, the others share one. */
static bool check_items(struct check *check, const cJSON *schema, const cJSON *value)
{
    const cJSON *items = json_get(schema, "items");
    bool is_old = cJSON_IsArray(items);
    const cJSON *first = is_old ? items : json_get(schema, "prefixItems");
    const cJSON *others = is_old ? json_get(schema, "additionalItems") : items;
    const cJSON *rule = first ? first->child : NULL;
    int index = 0;
    for (const cJSON *item = value->child; item; item = item->next, index++) {
        const cJSON *applies = rule ? rule : others;
        if (applies && !holds_inside(check, applies, item, NULL, index)) {
            return false;
        }
        rule = rule ? rule->next : NULL;
    }
    if (cJSON_IsTrue(json_get(schema, "uniqueItems")) && !is_unique(value)) {
        return fail(check, "holds an item twice");
    }
    return check_contains(check, schema, value);
}

/* ---- all of it ---- */

typedef bool keyword_fn(struct check *check, const cJSON *schema, const cJSON *rule,
                        const cJSON *value);

static const struct {
    const char *name;
    keyword_fn *holds;
} keywords[] = {
    {"$ref", check_ref},
    {"type", check_type},
    {"enum", check_enum},
    {"const", check_const},
    {"required", check_required},
    {"pattern", check_pattern},
    {"multipleOf", check_multiple_of},
    {"allOf", check_all_of},
    {"anyOf", check_any_of},
    {"oneOf", check_one_of},
    {"not", check_not},
    {"if", check_if},
};

static bool holds_here(struct check *check, const cJSON *schema, const cJSON *value)
{
    for (size_t i = 0; i < COUNT_OF(keywords); i++) {
        const cJSON *rule = json_get(schema, keywords[i].name);
        if (rule && !keywords[i].holds(check, schema, rule, value)) {
            return false;
        }
    }
    if (!check_bounds(check, schema, value)) {
        return false;
    }
    if (cJSON_IsObject(value)) {
        return check_members(check, schema, value);
    }
    return !cJSON_IsArray(value) || check_items(check, schema, value);
}

static bool holds(struct check *check, const cJSON *schema, const cJSON *value)
{
    if (cJSON_IsFalse(schema)) {
        return fail(check, "nothing is allowed here");
    }
    if (!cJSON_IsObject(schema)) {
        return true;
    }
    if (check->depth >= DEPTH_MOST || ++check->steps > STEPS_MOST) {
        return fail(check, "schema and value are nested too deeply");
    }
    check->depth++;
    bool good = holds_here(check, schema, value);
    check->depth--;
    return good;
}

enum err_code json_schema_check(struct sv schema, struct sv text, struct err *err)
{
    enum err_code code = ERR_OK;
    struct check check = {.root = json_parse(schema),
                          .path = BUF_INIT(BUF_MAX_INTERNAL),
                          .why = BUF_INIT(BUF_MAX_INTERNAL)};
    cJSON *value = json_parse(text);
    if (!cJSON_IsObject(check.root)) {
        code = err_set(err, ERR_INVALID, "the schema is no JSON object");
    } else if (!value) {
        code = err_set(err, ERR_UNFIT, "the answer is no JSON");
    } else if (!holds(&check, check.root, value)) {
        code = err_set(err, ERR_UNFIT, "the answer does not follow the schema: %s",
                       check.why.n ? buf_cstr(&check.why) : "it does not fit");
    }
    cJSON_Delete(value);
    cJSON_Delete(check.root);
    buf_release(&check.path);
    buf_release(&check.why);
    return code;
}
