/*
 * Titles: the config's [title] model gives a session that was begun on the screen a title, in place
 * of the one that was made of its first prompt.
 *
 * Once an answer of it has ended, a thread of its own asks with a request that stores nothing but
 * the title. Of several processes one does it (store/claim.h), once. A title that the user gave is
 * never replaced, before or meanwhile. What fails is logged and tried again after the next answer.
 * Where a budget holds for that model none is asked for: such a request is booked nowhere.
 *
 * Threads: titles_make on the engine's; the rest is pure.
 */
#ifndef WEIR_APP_TITLES_H
#define WEIR_APP_TITLES_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"

#define TITLE_MAX_BYTES 120

struct engine;

/* Begins to make one for this session, where the config names a model and the engine was told to
 * (engine_make_titles). */
void titles_make(struct engine *engine, const struct ulid *session);

/* What a model answered, as a title: one line without quotes around it, a word "Title:" before it
 * or a full stop behind it, cut to TITLE_MAX_BYTES. Appends nothing where there is no text. */
void title_clean(struct sv answer, struct buf *out);

#endif
