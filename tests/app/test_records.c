/* Records: what scripts read is JSON, whole, and says null where nothing is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/json.h"
#include "app/records.h"

#include <cmocka.h>

static cJSON *parsed(const struct buf *text)
{
    cJSON *json = json_parse(buf_sv(text));
    if (!json) {
        fail_msg("not JSON: %s", buf_cstr(text));
    }
    return json;
}

static bool is_null(const cJSON *object, const char *name)
{
    return cJSON_IsNull(json_get(object, name));
}

static void usage__tells_unknown_from_none(void **state)
{
    (void)state;
    struct usage usage = usage_unknown();
    usage.output_tokens = 0;
    usage.cost_micros = 5;
    struct buf out = BUF_INIT(1 << 20);
    buf_append_byte(&out, '{');
    record_usage(&out, &usage);
    buf_append_byte(&out, '}');
    cJSON *json = parsed(&out);
    const cJSON *counts = json_get(json, "usage");
    int64_t value = -1;
    assert_true(is_null(counts, "input_tokens"));
    assert_true(json_get_int(counts, "output_tokens", &value));
    assert_int_equal(value, 0);
    assert_true(json_get_int(json, "cost_micros", &value));
    assert_int_equal(value, 5);
    cJSON_Delete(json);
    buf_release(&out);
}

static void message__keeps_every_part_and_hostile_text(void **state)
{
    (void)state;
    static const char hostile[] = "a\"b\\c\n\x1b[31m\x7f\u2028\u202e</script>";
    struct message *message = message_new();
    message->id = ulid_new();
    message->role = ROLE_ASSISTANT;
    message->usage = usage_unknown();
    message->ended = true;
    message->reason = FINISH_ERROR;
    message->error = ERR_RATE_LIMIT;
    message_add_part(message, PART_REASONING, SV("hm"));
    message_add_part(message, PART_TEXT, sv_from(hostile));
    struct buf out = BUF_INIT(1 << 20);
    record_message(&out, message);
    cJSON *json = parsed(&out);
    assert_string_equal(json_get_text(json, "id").p, message->id.text);
    assert_true(is_null(json, "turn_id"));
    assert_true(is_null(json, "model"));
    assert_true(sv_equal_str(json_get_text(json, "error"), "rate_limit"));
    assert_true(sv_equal_str(json_get_text(json, "finish_reason"), "error"));
    const cJSON *parts = json_get(json, "parts");
    assert_int_equal(cJSON_GetArraySize(parts), 2);
    const cJSON *text = cJSON_GetArrayItem(parts, 1);
    assert_true(sv_equal_str(json_get_text(text, "kind"), "text"));
    assert_true(sv_equal_str(json_get_text(text, "text"), hostile));
    for (size_t i = 0; i < out.n; i++) {
        assert_true((unsigned char)out.p[i] >= 0x20);
    }
    cJSON_Delete(json);
    buf_release(&out);
    message_free(message);
}

static void session__is_an_object_of_its_own(void **state)
{
    (void)state;
    struct session session = {.id = ulid_new(), .handle = "ab12", .title = (char *)"Ri\"vers"};
    struct buf out = BUF_INIT(1 << 20);
    record_session(&out, &session);
    cJSON *json = parsed(&out);
    assert_true(sv_equal_str(json_get_text(json, "handle"), "ab12"));
    assert_true(sv_equal_str(json_get_text(json, "title"), "Ri\"vers"));
    assert_true(is_null(json, "name"));
    assert_true(is_null(json, "created_at"));
    cJSON_Delete(json);
    buf_release(&out);
}

static void error_names__are_lower_case_words(void **state)
{
    (void)state;
    for (enum err_code code = ERR_OK; code < ERR_COUNT; code++) {
        char *name = record_error_name(code);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        assert_true(strlen(name) > 1);
        free(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage__tells_unknown_from_none),
        cmocka_unit_test(message__keeps_every_part_and_hostile_text),
        cmocka_unit_test(session__is_an_object_of_its_own),
        cmocka_unit_test(error_names__are_lower_case_words),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
