/*
 * JSON: reading what servers send, writing what scripts read. cJSON trees stay in the file that
 * decodes them.
 *
 * Threads: pure. Source: RFC 8259.
 */
#ifndef WEIR_APP_JSON_H
#define WEIR_APP_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/sv.h"

/*
 * Parses text as it came from a server: ill-formed UTF-8, lone surrogate escapes and \u0000 become
 * U+FFFD first, so that a bad character loses nothing around it. NULL: not JSON, or nested too
 * deeply. Free with cJSON_Delete. Without memory the program ends as in base/alloc.h.
 */
cJSON *json_parse(struct sv text) NODISCARD;

/* It needs none of those repairs. */
bool json_is_clean(struct sv text);
/* Appends the text with those repairs, for what is sent or stored as it came. */
bool json_append_repaired(struct buf *out, struct sv text);

/* Member of an object by exact name, or NULL; the text of a string member, or the empty view. */
const cJSON *json_get(const cJSON *object, const char *name);
struct sv json_get_text(const cJSON *object, const char *name);
/* False when it is missing or no number; clipped to int64. */
bool json_get_int(const cJSON *object, const char *name, int64_t *ret_value);
/* The same of a number that is not negative; -1 for what is none. */
int64_t json_get_count(const cJSON *object, const char *name);

/*
 * The texts of an object's members and of an array's items, as they are written, for what must not
 * be changed by reading and writing it. Linear, without recursion. `*rest` is the object or array
 * at first, and what is left of it afterwards; false at its end, and where it is not well-formed.
 * Names are given without their quotes, with their escapes.
 */
bool json_next_member(struct sv *rest, struct sv *ret_name, struct sv *ret_value);
bool json_next_item(struct sv *rest, struct sv *ret_value);
/* The text of the first member of that name, which has no escapes; empty: there is none. */
struct sv json_raw_get(struct sv object, struct sv name);

/* Appends a JSON string with its quotes. `text` is valid UTF-8. U+2028, U+2029 and control
 * characters are escaped. */
bool json_append_string(struct buf *out, struct sv text);

#endif
