/*
 * What `weir review` prints: the queue, a session with its notes and verdicts, its timeline, models
 * side by side; as text and as JSON. The names in the JSON are a contract with scripts.
 *
 * Threads: pure, but for review_print_session, which reads the store.
 */
#ifndef WEIR_APP_REVIEW_PRINT_H
#define WEIR_APP_REVIEW_PRINT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "store/note.h"
#include "store/review.h"
#include "store/session.h"
#include "store/verdict.h"

void review_print_queue(struct buf *out, const struct session_list *list, bool json);
void review_print_summary(struct buf *out, const struct review_summary *summary, bool json);
void review_print_note(struct buf *out, const struct note *note); /* as JSON */
/* As JSON; NULL: null. */
void review_print_verdict(struct buf *out, const struct verdict *verdict);

/* Two texts word by word: as text with [-what only the left one has-] and {+what only the right one
 * has+}, white space as the right one has it. */
struct word_diff;
void review_print_diff(struct buf *out, const struct word_diff *diff);
/* As JSON: the runs in order, each with the bytes of both texts. */
void review_print_diff_record(struct buf *out, const struct word_diff *diff);

enum review_form { REVIEW_TEXT, REVIEW_TIMELINE, REVIEW_JSON };
/* The whole session, along its current branch. ERR_TOO_BIG: it does not fit `out`. */
enum err_code review_print_session(struct store *store, const struct session *session,
                                   enum review_form form, struct buf *out,
                                   struct err *err) NODISCARD;

#endif
