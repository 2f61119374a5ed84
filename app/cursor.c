/* Cursors as text. */
#include "app/cursor.h"

#include <inttypes.h>

#define MARK "w1"
#define DIGITS_MOST 16

void cursor_append(struct buf *out, const struct cursor *cursor)
{
    buf_appendf(out, MARK ".%s.%s.%" PRIx32 ".%" PRIx64 ".%" PRIx32 ".%" PRIx64,
                ulid_is_set(&cursor->session) ? cursor->session.text : "",
                ulid_is_set(&cursor->message) ? cursor->message.text : "", cursor->part,
                cursor->offset, cursor->revision, (uint64_t)cursor->event);
}

/* Cuts the next field off; false: there is none. */
static bool next_field(struct sv *rest, struct sv *ret_field)
{
    if (!rest->p) {
        return false;
    }
    size_t point = sv_find(*rest, '.');
    *ret_field = sv_take(*rest, point);
    *rest = point < rest->n ? sv_skip(*rest, point + 1) : (struct sv){NULL, 0};
    return true;
}

static bool take_id(struct sv *rest, struct ulid *ret_id)
{
    struct sv field;
    return next_field(rest, &field) && (field.n == 0 || ulid_parse(field, ret_id));
}

static int digit_of(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool take_number(struct sv *rest, uint64_t most, uint64_t *ret_number)
{
    struct sv field;
    uint64_t number = 0;
    if (!next_field(rest, &field) || field.n == 0 || field.n > DIGITS_MOST) {
        return false;
    }
    for (size_t i = 0; i < field.n; i++) {
        int digit = digit_of(field.p[i]);
        if (digit < 0) {
            return false;
        }
        number = number << 4 | (uint64_t)digit;
    }
    *ret_number = number;
    return number <= most;
}

enum err_code cursor_parse(struct sv text, struct cursor *ret_cursor, struct err *err)
{
    struct cursor cursor = {.part = 0};
    struct sv rest = text;
    struct sv mark;
    uint64_t part = 0;
    uint64_t revision = 0;
    uint64_t event = 0;
    bool good = next_field(&rest, &mark) && sv_equal_str(mark, MARK) &&
                take_id(&rest, &cursor.session) && take_id(&rest, &cursor.message) &&
                take_number(&rest, UINT32_MAX, &part) &&
                take_number(&rest, INT64_MAX, &cursor.offset) &&
                take_number(&rest, UINT32_MAX, &revision) &&
                take_number(&rest, INT64_MAX, &event) && !rest.p;
    if (!good) {
        return err_set(err, ERR_USAGE, "'%.*s' is no cursor", text.n < 100 ? (int)text.n : 100,
                       text.p ? text.p : "");
    }
    cursor.part = (uint32_t)part;
    cursor.revision = (uint32_t)revision;
    cursor.event = (int64_t)event;
    *ret_cursor = cursor;
    return ERR_OK;
}
