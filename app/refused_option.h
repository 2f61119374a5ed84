/*
 * Refused option: an option of a request that the server does not take, and the request without it.
 *
 * Servers differ in what they do with options that they do not know or that a model does not have:
 * some pass over them, others refuse the request (400 or 422) and name what they did not take. Only
 * options that tune an answer, or ask for extras, are known here: without one of them the question
 * is still the same. A value that is out of range is the user's mistake, and no reason.
 *
 * The same goes for what a provider wanted back as it was (native items: signed or encrypted
 * reasoning). It is bound to the key, the model or all that was said before it, and refused where
 * one of them has changed; the conversation without it says the same.
 *
 * Threads: pure. Ownership: views are borrowed. Source: the error bodies that the servers'
 * references describe (app/error_body.c).
 */
#ifndef WEIR_APP_REFUSED_OPTION_H
#define WEIR_APP_REFUSED_OPTION_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/sv.h"

/* The name of the option that the error's body says is not taken, such as "temperature"; NULL:
 * none that is known here. A literal. */
const char *refused_option_find(struct sv error);
/* Whether the error's body says that native items are not taken. */
bool refused_natives(struct sv error);
/* Takes it out of the request's body, a JSON object. False: it was not in there, or the body is no
 * object; nothing is changed. */
bool refused_option_drop(const char *name, struct buf *body);

#endif
