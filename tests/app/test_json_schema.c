/* JSON Schema: each keyword holds and fails, and a failure names its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "app/json_schema.h"
#include "base/attr.h"

#include <cmocka.h>

static const struct {
    const char *schema, *good, *bad, *why;
} cases[] = {
    {"{'type':'integer'}", "3.0", "3.5", "at the top: expected type 'integer'"},
    {"{'type':['string','null']}", "null", "1", "none of the expected types"},
    {"{'type':'boolean'}", "false", "0", "expected type 'boolean'"},
    {"{'enum':[1,'a',{'x':1}]}", "{'x':1}", "{'x':2}", "none of the listed values"},
    {"{'const':[1,2]}", "[1,2]", "[2,1]", "not the constant value"},
    {"{'required':['a','b']}", "{'a':1,'b':2}", "{'a':1}", "lacks 'b'"},
    {"{'properties':{'a':{'type':'string'}}}", "{'b':1}", "{'a':1}", "at /a: expected type"},
    {"{'properties':{'a':true},'additionalProperties':false}", "{'a':1}", "{'A':1}",
     "unexpected member 'A'"},
    {"{'additionalProperties':{'type':'null'}}", "{'a':null}", "{'a':1}", "at /a: expected"},
    {"{'patternProperties':{'^x':{'type':'null'}},'additionalProperties':false}", "{'xy':null}",
     "{'xy':1}", "at /xy: expected"},
    {"{'propertyNames':{'maxLength':2}}", "{'ab':1}", "{'abc':1}", "breaks 'maxLength'"},
    {"{'minProperties':1,'maxProperties':2}", "{'a':1}", "{}", "breaks 'minProperties'"},
    {"{'items':{'type':'number'}}", "[1,2]", "[1,'2']", "at /1: expected type 'number'"},
    {"{'prefixItems':[{'type':'null'}],'items':{'type':'number'}}", "[null,1]", "[null,null]",
     "at /1: expected"},
    {"{'items':[{'type':'null'}],'additionalItems':false}", "[null]", "[null,1]",
     "at /1: nothing is allowed here"},
    {"{'contains':{'const':3}}", "[1,3]", "[1,2]", "contains nothing"},
    {"{'minItems':1,'maxItems':2}", "[1,2]", "[1,2,3]", "breaks 'maxItems'"},
    {"{'uniqueItems':true}", "[1,2,'1']", "[{'a':1},{'a':1}]", "holds an item twice"},
    {"{'minimum':1,'exclusiveMaximum':3}", "1", "3", "breaks 'exclusiveMaximum'"},
    {"{'multipleOf':0.1}", "0.3", "0.35", "breaks 'multipleOf'"},
    {"{'minLength':2,'maxLength':2}", "'\xe4\xb8\x96\xe7\x95\x8c'", "'\xe4\xb8\x96'",
     "breaks 'minLength'"},
    {"{'pattern':'^\\\\d{2}-[\\\\w.]+$'}", "'12-a.b'", "'1x-a'", "does not match"},
    {"{'pattern':'^[\\\\w\\\\-]+(?:\\\\.\\\\d)?$'}", "'a-b.1'", "'a b'", "does not match"},
    {"{'type':'string','pattern':'(?=x)[\\\\D]\\\\'}", "'y'", "1", "expected type"},
    {"{'allOf':[{'minimum':1},{'maximum':2}]}", "2", "3", "breaks 'maximum'"},
    {"{'anyOf':[{'type':'null'},{'type':'string'}]}", "'a'", "1", "fits none of anyOf"},
    {"{'oneOf':[{'minimum':1},{'maximum':2}]}", "0", "1", "not exactly one"},
    {"{'not':{'type':'null'}}", "1", "null", "fits what it must not"},
    {"{'if':{'type':'number'},'then':{'minimum':1},'else':{'type':'null'}}", "null", "0",
     "breaks 'minimum'"},
    {"{'$ref':'#/$defs/a~1b','$defs':{'a/b':{'type':'null'}}}", "null", "1", "expected type"},
    {"{'allOf':[{'$ref':'#/anyOf/1'}],'anyOf':[true,{'type':'null'}]}", "null", "1",
     "expected type"},
    {"{'properties':{'next':{'$ref':'#'}},'required':['id']}", "{'id':1,'next':{'id':2}}",
     "{'id':1,'next':{'id':2,'next':{}}}", "at /next/next: lacks 'id'"},
    {"{'properties':{'a':{'$ref':'other.json'}}}", "{}", "{'a':1}", "refers to what is not in it"},
    {"{'allOf':[{'$ref':'#'}]}", "", "1", "nested too deeply"},
    {"{'not':{},'anyOf':[{'$ref':'#'},{'$ref':'#'}]}", "", "1", "fits"},
    {"{'format':'date','unheardOf':[1]}", "1", "nothing", "no JSON"},
    {"{}", "[1]", "[1] and more", "no JSON"},
};

/* With double quotes for single ones. */
static const char *quoted(const char *text, char out[400])
{
    size_t length = strlen(text);
    assert_true(length < 400);
    for (size_t i = 0; i <= length; i++) {
        out[i] = text[i] == '\'' ? '"' : text[i];
    }
    return out;
}

static void every_keyword__holds_and_fails_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char schema[400];
        char text[400];
        struct err err = {0};
        (void)quoted(cases[i].schema, schema);
        (void)quoted(cases[i].good, text);
        if (*text && json_schema_check(sv_from(schema), sv_from(text), &err)) {
            fail_msg("%s refused %s: %s", schema, text, err.text);
        }
        (void)quoted(cases[i].bad, text);
        if (json_schema_check(sv_from(schema), sv_from(text), &err) != ERR_UNFIT) {
            fail_msg("%s took %s", schema, text);
        }
        if (!strstr(err.text, cases[i].why)) {
            fail_msg("%s: expected '%s' in '%s'", schema, cases[i].why, err.text);
        }
    }
}

static void a_schema__that_goes_in_many_circles_ends(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(
        json_schema_check(SV("{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}"), SV("1"), &err),
        ERR_UNFIT);
}

static void a_schema__that_is_no_object_is_refused(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(json_schema_check(SV("[]"), SV("1"), &err), ERR_INVALID);
    assert_int_equal(json_schema_check(SV("{"), SV("1"), &err), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_keyword__holds_and_fails_with_its_place),
        cmocka_unit_test(a_schema__that_goes_in_many_circles_ends),
        cmocka_unit_test(a_schema__that_is_no_object_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
