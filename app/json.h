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

/* Member of an object by exact name, or NULL; the text of a string member, or the empty view. */
const cJSON *json_get(const cJSON *object, const char *name);
struct sv json_get_text(const cJSON *object, const char *name);
/* False when it is missing or no number; clipped to int64. */
bool json_get_int(const cJSON *object, const char *name, int64_t *ret_value);

/* Appends a JSON string with its quotes. `text` is valid UTF-8. U+2028, U+2029 and control
 * characters are escaped. */
bool json_append_string(struct buf *out, struct sv text);

#endif
