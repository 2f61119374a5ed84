/* Chat: deep copies of what an order carries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/chat.h"

#include <cmocka.h>

static void copy__outlives_what_it_was_made_from(void **state)
{
    (void)state;
    char text[] = "text";
    struct sv view = {text, 4};
    struct sv stop[] = {view, {NULL, 0}};
    struct chat_tool tools[] = {{view, view, view}, {view, {NULL, 0}, {NULL, 0}}};
    char bytes[] = {'a', 0, 'b'};
    struct chat_attachment files[] = {{view, view, view, {bytes, sizeof(bytes)}}};
    struct chat_extras extras = {
        .options = {.has_temperature = true,
                    .stop = stop,
                    .stop_count = 2,
                    .effort = view,
                    .schema = view,
                    .schema_name = view,
                    .tools = tools,
                    .tool_count = 2},
        .attachments = files,
        .attachment_count = 1,
        .continues = true,
    };
    struct chat_extras *copy = chat_extras_copy(&extras);
    memset(text, 'x', 4);
    memset(bytes, 'x', sizeof(bytes));
    memset(stop, 0, sizeof(stop));
    memset(tools, 0, sizeof(tools));
    memset(files, 0, sizeof(files));
    assert_true(copy->continues && copy->options.has_temperature && !copy->options.has_top_p);
    assert_true(sv_equal_str(copy->options.stop[0], "text"));
    assert_int_equal(copy->options.stop[1].n, 0);
    assert_true(sv_equal_str(copy->options.effort, "text"));
    assert_true(sv_equal_str(copy->options.schema, "text"));
    assert_true(sv_equal_str(copy->options.schema_name, "text"));
    assert_int_equal(copy->options.tool_count, 2);
    assert_true(sv_equal_str(copy->options.tools[0].schema, "text"));
    assert_true(sv_equal_str(copy->options.tools[1].name, "text"));
    assert_true(sv_equal_str(copy->attachments[0].media_type, "text"));
    assert_true(sv_equal(copy->attachments[0].bytes, SV("a\0b")));
    free(copy);
}

static void copy__of_nothing_asks_for_nothing(void **state)
{
    (void)state;
    static const struct chat_extras zeros;
    struct chat_extras *copy = chat_extras_copy(NULL);
    struct chat_extras *other = chat_extras_copy(&zeros);
    assert_false(copy->continues || copy->options.has_max_tokens);
    assert_int_equal(copy->options.tool_count + copy->attachment_count + other->options.stop_count,
                     0);
    assert_int_equal(other->options.effort.n, 0);
    free(copy);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy__outlives_what_it_was_made_from),
        cmocka_unit_test(copy__of_nothing_asks_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
