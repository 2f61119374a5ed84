/*
 * Body patch: what the config adds to a request's body, or puts in place of what is there.
 *
 * As in RFC 7396: objects are merged member by member, everything else is replaced; but null is a
 * value like others, since TOML has none. What is not patched stays as it was written.
 *
 * Threads: pure. Ownership: views are borrowed.
 */
#ifndef WEIR_APP_BODY_PATCH_H
#define WEIR_APP_BODY_PATCH_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"

/* Merges the patch, the text of a JSON object, into the body; empty: nothing. ERR_INVALID: the body
 * is no object, and stays; ERR_TOO_BIG. */
enum err_code body_patch(struct buf *body, struct sv patch, struct err *err) NODISCARD;

#endif
