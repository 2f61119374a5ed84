/*
 * Making updates. Internal to this floor; the type is in store/update.h.
 *
 * An update, its pieces and their text are one block of memory: made by update_new with room for
 * both, filled through update_text, immutable after the first publication.
 */
#ifndef WEIR_STORE_UPDATE_INTERNAL_H
#define WEIR_STORE_UPDATE_INTERNAL_H

#include "base/attr.h"
#include "store/update.h"

/* One reference. `pieces` has room for `piece_count` entries (update->piece_count starts at 0), all
 * zero. */
struct message_update *update_new(enum update_kind kind, size_t piece_count,
                                  size_t text_bytes) NODISCARD;
/* Copies into the update's own room; the sum of all lengths stays within text_bytes. An empty view
 * stays empty. */
struct sv update_text(struct message_update *update, struct sv text);
/* The same with a NUL behind it, which counts; NULL gives NULL. */
const char *update_string(struct message_update *update, const char *text);

/* Says anything that a reader would want to know. */
bool update_is_news(const struct message_update *update);
/* Publishes with the lane that fits: text alone is lossy, everything else must be delivered. */
void update_publish(struct broker *broker, struct message_update *update);
void session_update_publish(struct broker *broker, const struct ulid *session, bool deleted);

#endif
