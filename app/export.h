/*
 * Export: a session as text, in one of the formats of cmd_export.c.
 *
 * Threads: any; reads the store.
 */
#ifndef WEIR_APP_EXPORT_H
#define WEIR_APP_EXPORT_H

#include "app/opening.h"
#include "base/buf.h"

/* Appends the session that `what` names. `name` of the format, NULL: the first one. ERR_USAGE: no
 * such format; ERR_TOO_BIG: it does not fit into the buffer. */
enum err_code export_session(const struct reading *reading, const char *what, const char *name,
                             struct buf *out, struct err *err) NODISCARD;

#endif
