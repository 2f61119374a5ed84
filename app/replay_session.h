/*
 * A stored session as a recording: its answers in pieces of a token's size, spread evenly over the
 * time that each of their parts took.
 *
 * Threads: any; reads the store.
 */
#ifndef WEIR_APP_REPLAY_SESSION_H
#define WEIR_APP_REPLAY_SESSION_H

#include "app/recording.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/store.h"

/* Along its current branch. Gives; recording_close. ERR_TOO_BIG; ERR_NOT_FOUND: it has no answer.
 */
enum err_code replay_session(struct store *store, const struct ulid *session,
                             struct recording **ret_recording, struct err *err) NODISCARD;

#endif
