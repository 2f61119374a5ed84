/*
 * What a headless run is made of: its input, the answer as it comes, and how it is printed.
 *
 * Threads: main. Shared by cmd_run.c and the headless_*.c files.
 */
#ifndef WEIR_APP_HEADLESS_H
#define WEIR_APP_HEADLESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/cursor.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/safe.h"
#include "base/ulid.h"
#include "store/message.h"
#include "store/turn.h"
#include "store/update.h"

/* Largest prompt, what comes on stdin included. */
#define HEADLESS_INPUT_MAX ((size_t)32 << 20)

/*
 * Input: the words joined by blanks, then, after a blank line, what comes on stdin when that is a
 * file or a pipe. The word - insists on stdin. Ill-formed UTF-8 becomes U+FFFD. A pipe that is
 * silent for 3 s is given up with a remark, unless it is insisted on or all there is.
 */
struct headless_input {
    const char *const *words;
    size_t word_count;
    bool no_stdin;
    bool quiet;  /* no remark about silence */
    int stop_fd; /* readable: give up (ERR_INTERRUPTED); -1: none */
    int64_t deadline_us;
};
/* Appends the prompt. ERR_USAGE: there is none; ERR_TOO_BIG, ERR_IO, ERR_TIMEOUT, ERR_INTERRUPTED.
 */
enum err_code headless_read(const struct headless_input *input, struct buf *out,
                            struct err *err) NODISCARD;
/* Appends stdin, however long it is silent, as its bytes are. The same errors. */
enum err_code headless_read_stdin(const struct headless_input *input, struct buf *out,
                                  struct err *err) NODISCARD;
/* TEXT, or the content of @FILE. For free(). */
enum err_code headless_text_option(const char *value, char **ret_text, struct err *err) NODISCARD;

/* Printing. */
enum headless_format { HEADLESS_TEXT, HEADLESS_JSON, HEADLESS_STREAM_JSON };
bool headless_format_parse(const char *name, enum headless_format *ret_format);

struct printer {
    enum headless_format format;
    const char *output_path; /* NULL: stdout */
    bool raw;                /* text as it came, also to a terminal */
    bool quiet;              /* no remarks on stderr but errors */
    bool tells_progress;     /* retries and silence too: somebody reads stderr, or asked for it */
    bool show_reasoning;
    bool show_usage;
    bool only_code;   /* of the text the first code block */
    bool at_end;      /* text is printed when it is whole */
    bool replayed;    /* the answer is another run's */
    struct turn turn; /* zeroed until it has begun */
    int failure;      /* errno of the first write to stdout that failed, or 0 */
    uint64_t seq;
    struct cursor seen; /* part and offset: what a reader of the lines has seen of the answer */
    bool stdout_is_terminal, stderr_is_terminal;
    struct safe_stream out_safe, err_safe;
    bool wrote_text, wrote_reasoning;
    uint32_t text_part; /* that was printed last */
    char last_byte;
};
void printer_init(struct printer *printer, enum headless_format format);

/* The answer as far as it has come. */
struct answer_part {
    bool known;
    enum part_kind kind;
    bool ended;
    struct buf text;
    char *tool_id, *tool_name;
};
struct answer {
    struct answer_part *parts;
    size_t part_count;
    bool ended;
    uint32_t revision; /* that it is complete up to */
    enum finish_reason reason;
    enum err_code error;
    char *detail, *model;
    struct usage usage;
};
void answer_init(struct answer *answer);
void answer_release(struct answer *answer);
/* Takes what is new, prints it. True: there is a gap, and a snapshot has to close it. */
bool answer_apply_update(struct answer *answer, const struct message_update *update,
                         struct printer *printer);
void answer_apply_snapshot(struct answer *answer, const struct message *message,
                           struct printer *printer);
/* All parts of that kind with a blank line between. */
void answer_append_text(const struct answer *answer, enum part_kind kind, struct buf *out);

/* How it ended, for the last line. */
struct outcome {
    int exit_code;
    enum err_code code; /* ERR_OK: nothing failed */
    const char *text;   /* of the error, or NULL */
    enum finish_reason reason;
};

/* How an answer that has ended did so by itself; `*outcome` is zeroed. Texts live as long as the
 * answer. `saves_nothing`: none of it is stored. */
void headless_describe(const struct answer *answer, bool saves_nothing, struct outcome *outcome);

/* Called by answer_*: events of the stream. */
void printer_begun(struct printer *printer, const char *model);
void printer_part_open(struct printer *printer, const struct answer_part *part, uint32_t number);
void printer_text(struct printer *printer, const struct answer_part *part, uint32_t number,
                  size_t offset);
void printer_part_end(struct printer *printer, const struct answer_part *part, uint32_t number);
void printer_waiting(struct printer *printer, const struct message_update *update);
void printer_finish(struct printer *printer, const struct answer *answer);
/* A line of JSON on an answer that is not there as it was seen: "resync" or "deleted". */
void printer_lost(struct printer *printer, const char *type, const struct turn *turn);
/* Appends what is printed of the answer's text. ERR_UNFIT: it has no code block. */
enum err_code printer_pick(const struct printer *printer, const struct answer *answer,
                           struct buf *out, struct err *err) NODISCARD;
/* The result, in the form of the format; gives the exit code, which a failed write changes. */
int printer_result(struct printer *printer, const struct answer *answer,
                   const struct outcome *outcome);

#endif
