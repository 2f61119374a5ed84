/* Sessions out of one store and into another: the same bytes, once, whole or not seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "store/archive.h"
#include "store/attachment.h"
#include "store/message.h"
#include "store/session.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

#define SESSIONS_SHORT "30"

/* Sessions with two branches, turns, answers with every kind of part, review, and what hangs on
 * them. */
static const char generation[] =
    "CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
    " WHERE i < (SELECT n FROM amount)) SELECT i FROM c;"
    "INSERT INTO session (id, uid, handle, name, title, title_by, scope, key, metadata,"
    " status, state, model, message_count, input_tokens, output_tokens, cost_micros,"
    " created_at, last_active_at, ended_at, archived_at) SELECT i,"
    " printf('01M00000000000000S%08d', i), printf('h%05d', i), CASE WHEN i % 3 = 0 THEN 'name '"
    " || i END, 'title \"' || i || '\" é\\', 'user', 'scope ' || (i % 2), CASE WHEN i % 4 = 0"
    " THEN 'key ' || i END, CASE WHEN i % 5 = 0 THEN '{\"a\":[1]}' END, 'idle', 'completed',"
    " 'p/m', 5, 10, 20, 30, 1000 + i, 2000 + i, CASE WHEN i % 2 THEN 5000 END, NULL FROM n;"
    "INSERT INTO participant (session, kind, external_id, created_at) SELECT i, 'user', '', 7"
    " FROM n UNION ALL SELECT i, 'model', 'p/m', 8 FROM n UNION ALL SELECT i, 'tool', 'grep', 9"
    " FROM n;"
    "INSERT INTO branch (id, uid, session, reason, created_at) SELECT 2 * i,"
    " printf('01M00000000000000B%08d', 2 * i), i, 'fork', 11 FROM n;"
    "INSERT INTO branch (id, uid, session, parent, fork_seq, name, reason, created_at) SELECT"
    " 2 * i + 1, printf('01M00000000000000B%08d', 2 * i + 1), i, 2 * i, 1, 'other', 'again', 12"
    " FROM n;"
    "UPDATE session SET branch = 2 * id + 1;"
    "INSERT INTO turn (id, uid, branch, state, created_at, ended_at, unanswered, checkpoint)"
    " SELECT 2 * i, printf('01M00000000000000T%08d', 2 * i), 2 * i, 'completed', 13, 14, 0,"
    " '{}' FROM n UNION ALL SELECT 2 * i + 1, printf('01M00000000000000T%08d', 2 * i + 1), 2 *"
    " i + 1, 'failed', 13, 14, i % 2, NULL FROM n;"
    "UPDATE turn SET replaced_by = id + 1 WHERE id % 2 = 0;"
    "INSERT INTO request (scope, key, fingerprint, turn, created_at) SELECT '', 'request ' ||"
    " i, 'f', 2 * i, 15 FROM n;"
    "INSERT INTO message (id, uid, branch, seq, turn, role, model, reason, error, detail,"
    " folded, created_at, ended_at, participant, action) SELECT 10 * i + s,"
    " printf('01M00000000000000M%08d', 10 * i + s), 2 * i + (s > 3), CASE WHEN s > 3 THEN s - 2"
    " ELSE s END, 2 * i + (s > 3), CASE s WHEN 1 THEN 'user' WHEN 3 THEN 'tool' WHEN 5 THEN"
    " 'system' ELSE 'assistant' END, CASE WHEN s % 2 = 0 THEN 'p/m' END, CASE s WHEN 4 THEN"
    " 'error' ELSE 'end_turn' END, CASE s WHEN 4 THEN 'server failed' END, CASE s WHEN 4 THEN"
    " 'why' END, 1, 20 + s, 30 + s, (SELECT id FROM participant p WHERE p.session = i LIMIT 1),"
    " CASE s WHEN 2 THEN 'act' END FROM n, (SELECT 1 AS s UNION SELECT 2 UNION SELECT 3 UNION"
    " SELECT 4 UNION SELECT 5);"
    "UPDATE message SET continues = id - 1 WHERE id % 10 IN (3, 5);"
    "INSERT INTO part (message, position, kind, tool_id, tool_name, began_at, ended_at, text,"
    " attachment) SELECT m.id, k.key, k.value, CASE k.value WHEN 'attachment' THEN (SELECT"
    " sha256 FROM attachment) WHEN 'tool_call' THEN 'call' END, CASE k.value WHEN 'tool_call'"
    " THEN 'grep' END, 20, CASE WHEN k.key < 6 THEN 21 END, CASE k.key WHEN 0 THEN '' ELSE"
    " 'line ' || m.id || char(10) || '\\\" ``` é 世' END, CASE k.value WHEN 'attachment' THEN"
    " (SELECT id FROM attachment) END FROM message m, json_each('[\"text\","
    " \"reasoning\",\"tool_call\",\"tool_result\",\"attachment\",\"status\",\"native\"]') k;"
    "INSERT INTO usage (message, input_tokens, output_tokens, cost_micros, at, model, session,"
    " estimated) SELECT 10 * i + 2, 1, NULL, 3, 4, 'p/m', i, 1 FROM n;"
    "INSERT INTO note (uid, message, part, first, last, text, created_at, changed_at) SELECT"
    " printf('01M00000000000000N%08d', i), 10 * i + 2, 1, 0, 4, 'a note', 5, 6 FROM n;"
    "INSERT INTO verdict (session, message, rating, verdict, decided_at) SELECT i, NULL, 4,"
    " 'good', 7 FROM n UNION ALL SELECT i, 10 * i + 2, 1, 'bad', 8 FROM n;"
    "INSERT INTO label (session, name, last_active_at) SELECT i, 'label ' || (i % 3), 2000 + i"
    " FROM n UNION ALL SELECT i, 'all', 2000 + i FROM n;"
    "INSERT INTO attempt (uid, turn, branch, answer, state, owner, response_id, error, detail,"
    " model, position, began_at, ended_at) SELECT printf('01M00000000000000A%08d', i), 2 * i, 2"
    " * i, 10 * i + 2, 'completed', 'x', 'r', NULL, NULL, 'p/m', 'pos', 20, 30 FROM n;"
    "INSERT INTO segment (message, part, byte_offset, text) SELECT 12, 1, (SELECT"
    " length(CAST(text AS BLOB)) FROM part WHERE message = 12 AND position = 1),"
    " replace(hex(zeroblob(300000)), '00', 'é');";

static void generate(struct fixture *fixture, const char *count)
{
    char amount[64];
    (void)snprintf(amount, sizeof amount, "CREATE TEMP TABLE amount AS SELECT %s AS n;", count);
    struct buf all = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_str(&all, amount);
    buf_append_str(&all, generation);
    fixture_execute(fixture, buf_cstr(&all));
    buf_release(&all);
}

/* A line for each record. */
static enum err_code append_line(void *ctx, enum archive_kind kind, struct sv json, struct err *err)
{
    (void)err;
    buf_appendf(ctx, "%s ", archive_kind_text(kind));
    buf_append_sv(ctx, json);
    buf_append_byte(ctx, '\n');
    return ERR_OK;
}

static struct ulid session_id(int number)
{
    struct ulid id;
    (void)snprintf(id.text, sizeof id.text, "01M00000000000000S%08u", (unsigned)number % 100000000);
    return id;
}

/* Says where they part: they are long. */
static void assert_same(const struct buf *a, const struct buf *b)
{
    size_t at = 0;
    while (at < a->n && at < b->n && a->p[at] == b->p[at]) {
        at++;
    }
    if (at < a->n || at < b->n) {
        size_t from = at > 80 ? at - 80 : 0;
        fail_msg("at byte %zu: '%.200s' and '%.200s'", at, buf_cstr(a) + (from < a->n ? from : 0),
                 buf_cstr(b) + (from < b->n ? from : 0));
    }
}

static void read_session(struct fixture *fixture, int number, struct buf *out)
{
    const struct archive_query query = {.session = session_id(number)};
    struct err err = {0};
    if (archive_read(fixture->store, &query, append_line, out, &err)) {
        fail_msg("%s", err.text);
    }
}

static void put_lines(struct archive_import *import, struct sv lines, bool whole)
{
    struct sv line;
    struct err err = {0};
    enum err_code code = ERR_OK;
    while (code == ERR_OK && sv_next_line(&lines, &line)) {
        size_t space = sv_find(line, ' ');
        enum archive_kind kind = archive_kind_parse(sv_take(line, space));
        struct sv json = sv_skip(line, space + 1);
        if (kind == ARCHIVE_SESSION) {
            code = archive_begin(import, json, &err);
        } else if (kind != ARCHIVE_ATTACHMENT) {
            code = archive_put(import, kind, json, &err);
        }
    }
    if (code == ERR_OK && whole) {
        code = archive_end(import, &err);
    }
    if (code) {
        fail_msg("%s", err.text);
    }
}

static void count_refusal(void *ctx, enum archive_kind kind, const char *reason)
{
    (void)kind;
    (void)reason;
    ++*(int *)ctx;
}

static struct archive_counts put(struct fixture *fixture, struct sv lines, bool whole, int *refused)
{
    const struct archive_options options = {.refused = count_refusal, .ctx = refused};
    struct archive_import *import = archive_import_new(fixture->store, &options);
    put_lines(import, lines, whole);
    struct archive_counts counts = *archive_import_counts(import);
    archive_import_free(import);
    return counts;
}

struct both {
    struct fixture from, to;
};

static int setup(void **state)
{
    struct both *both = xcalloc(1, sizeof(*both));
    fixture_open(&both->from, 1000);
    fixture_open(&both->to, 1000);
    struct attachment added;
    struct fixture *const each[] = {&both->from, &both->to};
    for (size_t i = 0; i < COUNT_OF(each); i++) {
        if (attachment_add(each[i]->store, SV("text/plain"), SV("bytes"), &added, NULL)) {
            return -1;
        }
    }
    *state = both;
    return 0;
}

static int teardown(void **state)
{
    struct both *both = *state;
    fixture_close(&both->from);
    fixture_close(&both->to);
    free(both);
    return 0;
}

static void a_store_that_was_taken_out_and_put_in_is_the_same_bytes(void **state)
{
    struct both *both = *state;
    const char *count = getenv("WEIR_SESSIONS");
    int refused = 0;
    count = count ? count : SESSIONS_SHORT;
    generate(&both->from, count);
    for (int i = 1; i <= (int)strtol(count, NULL, 10); i++) {
        struct buf before = BUF_INIT(BUF_MAX_INTERNAL);
        struct buf after = BUF_INIT(BUF_MAX_INTERNAL);
        read_session(&both->from, i, &before);
        struct archive_counts counts = put(&both->to, buf_sv(&before), true, &refused);
        assert_int_equal(refused, 0);
        assert_int_equal(counts.messages, 5);
        read_session(&both->to, i, &after);
        assert_same(&before, &after);
        buf_release(&before);
        buf_release(&after);
    }
}

static void a_second_time_adds_nothing(void **state)
{
    struct both *both = *state;
    struct buf lines = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf again = BUF_INIT(BUF_MAX_INTERNAL);
    int refused = 0;
    generate(&both->from, "1");
    read_session(&both->from, 1, &lines);
    (void)put(&both->to, buf_sv(&lines), true, &refused);
    struct archive_counts counts = put(&both->to, buf_sv(&lines), true, &refused);
    assert_int_equal(counts.sessions, 0);
    assert_int_equal(counts.messages, 0);
    assert_int_equal(counts.known, 5);
    assert_int_equal(refused, 0);
    read_session(&both->to, 1, &again);
    assert_same(&lines, &again);
    buf_release(&lines);
    buf_release(&again);
}

static void what_was_cut_short_is_not_seen_and_is_completed(void **state)
{
    struct both *both = *state;
    struct buf lines = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf after = BUF_INIT(BUF_MAX_INTERNAL);
    int64_t shown = -1;
    int refused = 0;
    generate(&both->from, "1");
    read_session(&both->from, 1, &lines);
    struct sv half = sv_take(buf_sv(&lines), lines.n / 2);
    (void)put(&both->to, sv_take(half, sv_find_sv(half, SV("messages "))), false, &refused);
    assert_int_equal(session_count(both->to.store, NULL, &shown, NULL), ERR_OK);
    assert_int_equal(shown, 0);
    (void)put(&both->to, buf_sv(&lines), true, &refused);
    read_session(&both->to, 1, &after);
    assert_same(&lines, &after);
    assert_int_equal(refused, 0);
    buf_release(&lines);
    buf_release(&after);
}

static void a_damaged_record_is_refused_and_the_others_go_in(void **state)
{
    struct both *both = *state;
    static const char *const damaged[] = {
        "{\"id\":\"no id\",\"branch\":\"01M00000000000000B00000001\",\"seq\":5,\"role\":\"user\","
        "\"reason\":\"\",\"created_at\":1}",
        "{\"id\":\"01M00000000000000M00000099\",\"branch\":\"01M00000000000000B00000002\","
        "\"seq\":7,\"role\":\"king\",\"reason\":\"\",\"created_at\":1}",
        "{\"id\":\"01M00000000000000M00000099\",\"branch\":\"01M00000000000000B00000002\","
        "\"seq\":\"many\",\"role\":\"user\",\"reason\":\"\",\"created_at\":1}",
        "{\"id\":\"01M00000000000000M00000099\",\"branch\":\"01M00000000000000B00000002\","
        "\"seq\":7,\"role\":\"user\",\"reason\":\"\",\"created_at\":1,\"parts\":[{\"kind\":\"odd\"}"
        "]}",
        "{\"id\":\"01M00000000000000M00000099\",\"branch\":\"01M00000000000000B00000002\","
        "\"seq\":1,\"role\":\"user\",\"reason\":\"\",\"created_at\":1}",
        "[1,2]",
        "not JSON {",
        "",
    };
    struct buf lines = BUF_INIT(BUF_MAX_INTERNAL);
    int refused = 0;
    generate(&both->from, "1");
    read_session(&both->from, 1, &lines);
    for (size_t i = 0; i < COUNT_OF(damaged); i++) {
        buf_appendf(&lines, "messages %s\n", damaged[i]);
    }
    struct archive_counts counts = put(&both->to, buf_sv(&lines), true, &refused);
    assert_int_equal(refused, COUNT_OF(damaged));
    assert_int_equal(counts.messages, 5);
    fixture_assert_query(&both->to, "SELECT message_count FROM session", "5");
    buf_release(&lines);
}

static void a_session_in_the_trash_stays_there(void **state)
{
    struct both *both = *state;
    struct buf lines = BUF_INIT(BUF_MAX_INTERNAL);
    struct err err = {0};
    generate(&both->from, "1");
    read_session(&both->from, 1, &lines);
    fixture_execute(&both->from, "UPDATE session SET deleted_at = 9");
    struct archive_import *import = archive_import_new(both->from.store, NULL);
    struct sv record = buf_sv(&lines), line;
    assert_true(sv_next_line(&record, &line));
    assert_int_equal(archive_begin(import, sv_skip(line, 8), &err), ERR_GONE);
    archive_import_free(import);
    buf_release(&lines);
}

/* Moved by a byte each time, so that pieces end in every place of what is repeated. */
static void a_long_text_is_whole_wherever_it_is_cut(void **state)
{
    struct both *both = *state;
    static const char escaped[] = "a\\ud83d\\ude00\\n\\\"\\u00e9\\/";
    static const char plain[] = "a😀\\n\\\"é/";
    struct buf lines = BUF_INIT(BUF_MAX_INTERNAL);
    int refused = 0;
    generate(&both->from, "1");
    read_session(&both->from, 1, &lines);
    (void)put(&both->to, buf_sv(&lines), true, &refused);
    for (int shift = 0; shift < (int)sizeof(plain); shift++) {
        struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
        struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
        struct buf after = BUF_INIT(BUF_MAX_INTERNAL);
        buf_append_sv(&line, sv_take(buf_sv(&lines), sv_find(buf_sv(&lines), '\n') + 1));
        buf_appendf(&line,
                    "messages {\"id\":\"01M00000000000000M000001%02d\",\"branch\":"
                    "\"01M00000000000000B00000002\",\"seq\":%d,\"role\":\"user\",\"reason\":\"\","
                    "\"created_at\":1,\"parts\":[{\"kind\":\"text\",\"text\":\"%.*s",
                    shift, 100 + shift, shift, "xxxxxxxxxxxxxxxxxxxxxxxx");
        buf_appendf(&text, "\"text\":\"%.*s", shift, "xxxxxxxxxxxxxxxxxxxxxxxx");
        for (size_t n = 0; n < 300000; n += sizeof(plain)) {
            buf_append_str(&line, escaped);
            buf_append_str(&text, plain);
        }
        buf_append_str(&line, "\",\"position\":3}]}\n");
        buf_append_byte(&text, '"');
        struct archive_counts counts = put(&both->to, buf_sv(&line), true, &refused);
        assert_int_equal(counts.messages, 1);
        read_session(&both->to, 1, &after);
        assert_true(sv_find_sv(buf_sv(&after), buf_sv(&text)) < after.n);
        buf_release(&line);
        buf_release(&text);
        buf_release(&after);
    }
    assert_int_equal(refused, 0);
    buf_release(&lines);
}

static void a_session_that_is_purged_meanwhile_ends_as_gone(void **state)
{
    struct both *both = *state;
    struct buf lines = BUF_INIT(BUF_MAX_INTERNAL);
    struct err err = {0};
    int refused = 0;
    const struct archive_options options = {.refused = count_refusal, .ctx = &refused};
    generate(&both->from, "1");
    read_session(&both->from, 1, &lines);
    struct archive_import *import = archive_import_new(both->to.store, &options);
    put_lines(import, sv_take(buf_sv(&lines), sv_find_sv(buf_sv(&lines), SV("messages "))), false);
    fixture_execute(&both->to, "DELETE FROM session");
    assert_int_equal(archive_end(import, &err), ERR_GONE);
    put_lines(import, buf_sv(&lines), true);
    archive_import_free(import);
    struct buf after = BUF_INIT(BUF_MAX_INTERNAL);
    read_session(&both->to, 1, &after);
    assert_same(&lines, &after);
    buf_release(&lines);
    buf_release(&after);
}

static void one_branch_is_its_path_only(void **state)
{
    struct both *both = *state;
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    generate(&both->from, "1");
    struct archive_query query = {.session = session_id(1)};
    (void)snprintf(query.branch.text, sizeof query.branch.text, "01M00000000000000B%08d", 3);
    assert_int_equal(archive_read(both->from.store, &query, append_line, &out, NULL), ERR_OK);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "messages {\"id\":\"01M00000000000000M00000011"));
    assert_null(strstr(text, "messages {\"id\":\"01M00000000000000M00000012"));
    assert_non_null(strstr(text, "messages {\"id\":\"01M00000000000000M00000014"));
    int refused = 0;
    struct archive_counts counts = put(&both->to, buf_sv(&out), true, &refused);
    assert_int_equal(refused, 0);
    assert_true(counts.messages < 5);
    fixture_assert_query(&both->to,
                         "SELECT message_count = (SELECT count(*) FROM message) FROM session", "1");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_store_that_was_taken_out_and_put_in_is_the_same_bytes,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_time_adds_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_cut_short_is_not_seen_and_is_completed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_refused_and_the_others_go_in, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_session_in_the_trash_stays_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_text_is_whole_wherever_it_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_session_that_is_purged_meanwhile_ends_as_gone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(one_branch_is_its_path_only, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
