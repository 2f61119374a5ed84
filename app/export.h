/*
 * Export: sessions as text, one format each a file of its own (export_md.c, export_json.c …), one
 * table in export.c.
 *
 * A format appends to a buffer, which is emptied into its destination after each message, so memory
 * stays flat however long a session is.
 *
 * Threads: any; reads the store.
 */
#ifndef WEIR_APP_EXPORT_H
#define WEIR_APP_EXPORT_H

#include <stdbool.h>

#include "app/opening.h"
#include "app/redact.h"
#include "app/sink.h"
#include "base/buf.h"
#include "store/archive.h"
#include "store/branch.h"
#include "store/message.h"
#include "store/note.h"
#include "store/session.h"
#include "store/verdict.h"

/* A message, and what was written beside it. */
struct export_entry {
    const struct message *message;
    const struct note *notes;
    size_t note_count;
    const struct verdict *verdict; /* NULL: none */
    struct store *store;           /* for what is attached */
};

/* One way to write sessions. What is NULL is not called. */
struct export_format {
    const char *name; /* also the ending of files */
    void (*begin)(struct buf *out);
    void (*session_begin)(struct buf *out, const struct session *session,
                          const struct verdict *verdict); /* NULL: none */
    /* Where there are several. One that forks from another shows what is its own. */
    void (*branch)(struct buf *out, const struct branch *branch);
    void (*message)(struct buf *out, const struct export_entry *entry);
    void (*branch_end)(struct buf *out);
    /* Instead of messages: all that is stored. `first`: of its session. */
    void (*record)(struct buf *out, enum archive_kind kind, struct sv json, bool first);
    void (*session_end)(struct buf *out);
    void (*between)(struct buf *out); /* two sessions */
    void (*end)(struct buf *out);
};

/* One line, made safe: the title, or where there is none what the session is. */
void export_append_title(struct buf *out, const struct session *session);

/* "2026-11-21 20:35 UTC". */
void export_append_time(struct buf *out, int64_t wall_us);
/* How an answer ended that is not whole, between these two. False: it is. */
bool export_append_ending(struct buf *out, const struct message *message, const char *before,
                          const char *behind);

/* A line for each thing that is attached: "[attached: src/m.c, 12 bytes]". False: there is none. */
bool export_append_attached(struct buf *out, const struct message *message, struct store *store);

extern const struct export_format export_md, export_html, export_json, export_jsonl, export_txt;

/* NULL: the first one. ERR_USAGE: no such format; the text names them. */
enum err_code export_find_format(const char *name, const struct export_format **ret_format,
                                 struct err *err) NODISCARD;

struct export_request {
    struct store *store;
    const struct export_format *format;
    struct ulid branch; /* unset: the current one, or, of the formats that hold all, all of them */
    bool all_branches;
    int64_t first_seq, last_seq; /* 0: open */
    const char *attachments;     /* folder for their bytes; NULL: inline */
    struct redactor *redactor;   /* NULL: everything as it is */
    bool keep_attachments;       /* also those that a redactor cannot search */
    bool rehearses;              /* nothing is written beside the sink either */
};

/* The sessions one after the other, the sink flushed; it is not committed. */
enum err_code export_write(const struct export_request *request, const struct ulid *sessions,
                           size_t count, struct sink *sink, struct err *err) NODISCARD;

/* Appends the session that `what` names. `name` of the format, NULL: the first one. ERR_USAGE: no
 * such format; ERR_TOO_BIG: it does not fit into the buffer. */
enum err_code export_session(const struct reading *reading, const char *what, const char *name,
                             struct buf *out, struct err *err) NODISCARD;

#endif
