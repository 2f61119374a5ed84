/*
 * Records as JSON: sessions, messages, usage, as `--json`, exports and stream-json print them. The
 * names are a contract with scripts.
 *
 * Threads: pure. All text in is valid UTF-8.
 */
#ifndef WEIR_APP_RECORDS_H
#define WEIR_APP_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/message.h"
#include "store/session.h"

/* Members of an object: a comma where one is needed, the name, the value. */
void record_key(struct buf *out, const char *name);
void record_text(struct buf *out, const char *name, struct sv text); /* p NULL: null */
void record_int(struct buf *out, const char *name, int64_t value);
void record_known(struct buf *out, const char *name, int64_t value); /* negative: null */
void record_bool(struct buf *out, const char *name, bool value);
void record_id(struct buf *out, const char *name, const struct ulid *id);         /* unset: null */
void record_time(struct buf *out, const char *name, int64_t wall_us);             /* 0: null */
void record_reason(struct buf *out, const char *name, enum finish_reason reason); /* none: null */
/* "usage": { the counts }, and "cost_micros" beside it; what is unknown is null. */
void record_usage(struct buf *out, const struct usage *usage);

/* Whole objects. */
void record_session(struct buf *out, const struct session *session);
void record_message(struct buf *out, const struct message *message);

/* "rate_limit" for ERR_RATE_LIMIT; the text of a record's error code. For free(). */
char *record_error_name(enum err_code code) NODISCARD;

#endif
