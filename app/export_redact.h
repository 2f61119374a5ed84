/*
 * What an export takes out of what it writes: sessions, messages, notes and attachments go through
 * a redactor (app/redact.h) before a format sees them.
 *
 * Attachments of text are searched, and have another id where something was found. What is no text
 * cannot be searched: it stops the export, unless the request keeps such as they are.
 *
 * Threads: those of the redactor. Errors: ERR_INVALID (something cannot be searched), and those of
 * the store.
 */
#ifndef WEIR_APP_EXPORT_REDACT_H
#define WEIR_APP_EXPORT_REDACT_H

#include "app/export.h"
#include "app/redact.h"
#include "store/attachment.h"

void export_redact_session(struct redactor *redactor, struct session *session);
void export_redact_branch(struct redactor *redactor, struct branch *branch);
void export_redact_notes(struct redactor *redactor, struct note_list *notes);
void export_redact_verdicts(struct redactor *redactor, struct verdict_list *verdicts);
/* Looks at what is attached, too. */
enum err_code export_redact_message(const struct export_request *request, struct message *message,
                                    struct err *err) NODISCARD;

/* The bytes of an attachment as they are to be written, and the id that they have then. */
enum err_code export_redact_bytes(const struct export_request *request, struct sv type,
                                  struct buf *bytes, char id[ATTACHMENT_ID_LENGTH + 1],
                                  struct err *err) NODISCARD;

#endif
