/* Attachments: the same bytes once, pieces, what was interrupted, damage, collection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attachment.h"
#include "store/core_internal.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

/* Bytes of every value, NUL among them, none of them a repetition of the piece before. */
static struct buf content_of(size_t length)
{
    struct buf bytes = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < length; i++) {
        buf_append_byte(&bytes, (char)(i * 31 + i / 1000));
    }
    return bytes;
}

static struct attachment add(struct fixture *fixture, struct sv bytes)
{
    struct attachment attachment = {.bytes = 0};
    struct err err = {ERR_OK, ""};
    if (attachment_add(fixture->store, SV("application/pdf"), bytes, &attachment, &err)) {
        fail_msg("%s", err.text);
    }
    return attachment;
}

static void assert_content(struct fixture *fixture, const char *id, struct sv bytes)
{
    struct buf out = BUF_INIT(ATTACHMENT_MAX_BYTES);
    struct err err = {ERR_OK, ""};
    if (attachment_read(fixture->store, sv_from(id), &out, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(out.n, bytes.n);
    assert_true(sv_equal(buf_sv(&out), bytes));
    buf_release(&out);
}

/* Test vectors of FIPS 180-4. */
static void id__is_the_sha256_of_the_bytes(void **state)
{
    (void)state;
    char id[ATTACHMENT_ID_LENGTH + 1];
    attachment_id(SV(""), id);
    assert_string_equal(id, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    attachment_id(SV("abc"), id);
    assert_string_equal(id, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void add__reads_back_what_was_given(void **state)
{
    struct fixture *fixture = *state;
    static const size_t sizes[] = {0, 1, 262144, 262145, 1000000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf bytes = content_of(sizes[i]);
        struct attachment attachment = add(fixture, buf_sv(&bytes));
        assert_int_equal(attachment.bytes, sizes[i]);
        assert_content(fixture, attachment.id, buf_sv(&bytes));
        buf_release(&bytes);
    }
    fixture_assert_query(fixture, "SELECT max(length(data)) FROM attachment_piece", "262144");
}

static void add__keeps_the_same_bytes_once(void **state)
{
    struct fixture *fixture = *state;
    struct attachment again = {.bytes = 0};
    struct attachment first = add(fixture, SV("some bytes"));
    assert_int_equal(
        attachment_add(fixture->store, SV("text/plain"), SV("some bytes"), &again, NULL), ERR_OK);
    assert_string_equal(again.id, first.id);
    assert_string_equal(again.type, "application/pdf");
    fixture_assert_query(fixture, "SELECT count(*) FROM attachment", "1");
    fixture_assert_query(fixture, "SELECT count(*) FROM attachment_piece", "1");
    assert_int_equal(attachment_find(fixture->store, sv_from(first.id), &again, NULL), ERR_OK);
    assert_int_equal(again.bytes, 10);
}

static void add__completes_what_was_interrupted(void **state)
{
    (void)state;
    struct fixture fixture;
    struct attachment found;
    fixture_open(&fixture, 0);
    struct buf bytes = content_of(600000);
    struct attachment attachment = add(&fixture, buf_sv(&bytes));
    fixture_execute(&fixture, "UPDATE attachment SET whole = 0");
    fixture_execute(&fixture, "DELETE FROM attachment_piece WHERE position = 1");
    assert_int_equal(attachment_find(fixture.store, sv_from(attachment.id), &found, NULL),
                     ERR_NOT_FOUND);
    (void)add(&fixture, buf_sv(&bytes));
    assert_content(&fixture, attachment.id, buf_sv(&bytes));
    buf_release(&bytes);
    fixture_close(&fixture);
}

static void read__says_when_the_bytes_are_not_those_of_the_id(void **state)
{
    (void)state;
    struct fixture fixture;
    struct buf out = BUF_INIT(ATTACHMENT_MAX_BYTES);
    fixture_open(&fixture, 0);
    struct attachment attachment = add(&fixture, SV("some bytes"));
    struct sv id = sv_from(attachment.id);
    fixture_execute(&fixture, "UPDATE attachment_piece SET data = CAST('SOME bytes' AS BLOB)");
    buf_append_str(&out, "before");
    assert_int_equal(attachment_read(fixture.store, id, &out, NULL), ERR_CORRUPT);
    assert_string_equal(buf_cstr(&out), "before");
    assert_int_equal(attachment_read(fixture.store, SV("nothing"), &out, NULL), ERR_NOT_FOUND);
    struct buf small = BUF_INIT(5);
    assert_int_equal(attachment_read(fixture.store, id, &small, NULL), ERR_TOO_BIG);
    buf_release(&small);
    buf_release(&out);
    fixture_close(&fixture);
}

static void add__refuses_what_is_too_large_or_has_no_type(void **state)
{
    struct fixture *fixture = *state;
    struct attachment attachment;
    struct buf bytes = BUF_INIT(BUF_MAX_INTERNAL);
    assert_true(buf_reserve(&bytes, ATTACHMENT_MAX_BYTES + 1));
    struct sv huge = sv_of(bytes.p, ATTACHMENT_MAX_BYTES + 1);
    assert_int_equal(attachment_add(fixture->store, SV("a/b"), huge, &attachment, NULL),
                     ERR_TOO_BIG);
    assert_int_equal(attachment_add(fixture->store, SV(""), SV("x"), &attachment, NULL),
                     ERR_INVALID);
    fixture_assert_query(fixture, "SELECT count(*) FROM attachment", "0");
    buf_release(&bytes);
}

static void collect__takes_what_is_old_and_no_message_names(void **state)
{
    (void)state;
    struct fixture fixture;
    struct attachment found;
    struct attachment_sum sum = {0, 0};
    fixture_open(&fixture, 0);
    (void)fixture_turn(&fixture, "q");
    struct buf bytes = content_of(700000);
    struct attachment unused = add(&fixture, buf_sv(&bytes));
    struct attachment other = add(&fixture, SV("unused, too"));
    struct attachment used = add(&fixture, SV("named by a message"));
    fixture_execute(&fixture, "UPDATE part SET attachment = (SELECT max(id) FROM attachment)"
                              " WHERE id = (SELECT min(id) FROM part)");
    assert_int_equal(attachment_collect(fixture.store, ATTACHMENT_GRACE_US, &sum, NULL), ERR_OK);
    assert_int_equal(sum.count, 0);
    assert_int_equal(attachment_collect(fixture.store, -CLOCK_S(60), &sum, NULL), ERR_OK);
    assert_int_equal(sum.count, 2);
    assert_int_equal(sum.bytes, 700000 + 11);
    assert_int_equal(attachment_find(fixture.store, sv_from(unused.id), &found, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(attachment_find(fixture.store, sv_from(other.id), &found, NULL),
                     ERR_NOT_FOUND);
    assert_content(&fixture, used.id, SV("named by a message"));
    fixture_assert_query(&fixture, "SELECT count(*) FROM attachment_piece", "1");
    buf_release(&bytes);
    fixture_close(&fixture);
}

static void sd2__the_content_that_a_turn_names_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct attachment_sum sum = {0, 0};
    struct turn turn;
    struct attachment attachment = add(fixture, SV("a scanned page"));
    const struct turn_attachment named = {
        .id = sv_from(attachment.id), .title = SV("page.pdf"), .type = SV("application/pdf")};
    const struct turn_request request = {.prompt = SV("read this"),
                                         .model = SV("test/model"),
                                         .attachments = &named,
                                         .attachment_count = 1};
    assert_int_equal(turn_begin(fixture->store, &request, fixture_soon(), &turn, NULL), ERR_OK);
    assert_int_equal(attachment_collect(fixture->store, -CLOCK_S(60), &sum, NULL), ERR_OK);
    assert_int_equal(sum.count, 0);
    assert_content(fixture, attachment.id, SV("a scanned page"));
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id__is_the_sha256_of_the_bytes),
        ON_BOTH(add__reads_back_what_was_given),
        ON_BOTH(add__keeps_the_same_bytes_once),
        cmocka_unit_test(add__completes_what_was_interrupted),
        cmocka_unit_test(read__says_when_the_bytes_are_not_those_of_the_id),
        ON_BOTH(add__refuses_what_is_too_large_or_has_no_type),
        ON_BOTH(sd2__the_content_that_a_turn_names_is_kept),
        cmocka_unit_test(collect__takes_what_is_old_and_no_message_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
