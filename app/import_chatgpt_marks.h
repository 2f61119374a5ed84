/*
 * Marks in the texts of ChatGPT: "\ue200cite\ue202turn0search0\ue201" stands where its page shows a
 * source. metadata.content_references of the message tells what it shows there ("alt", Markdown).
 *
 * Threads: pure. Source: account exports of 2025.
 */
#ifndef WEIR_APP_IMPORT_CHATGPT_MARKS_H
#define WEIR_APP_IMPORT_CHATGPT_MARKS_H

#include "app/json.h"

/* Puts into the texts of a conversation what their marks stand for; those of which nothing is known
 * go. */
void chatgpt_resolve_marks(const cJSON *conversation);

#endif
