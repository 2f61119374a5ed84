/*
 * Encoding: what the codecs share when they write a request.
 *
 * Threads: pure. Errors: a buffer that is full says so by buf_ok().
 */
#ifndef WEIR_APP_CODEC_ENCODE_H
#define WEIR_APP_CODEC_ENCODE_H

#include <stdbool.h>

#include "app/codec.h"
#include "base/buf.h"
#include "base/sv.h"

/* Whether `host` (NULL: no) is that domain or one below it. */
bool codec_host_is(const char *host, struct sv domain);
/* Appends one segment of a URL's path, or a value of its query, percent-encoded (RFC 3986). */
void codec_append_segment(struct buf *out, struct sv text);

/* `text` when it is a JSON object, else `fallback`. */
struct sv codec_object_or(struct sv text, struct sv fallback);
/* `,"name":` or `"name":`, when something stands before it in its object, and the string. */
void codec_append_text(struct buf *out, const char *name, struct sv text);
/* The same with JSON as it is, made well-formed. */
void codec_append_raw(struct buf *out, const char *name, struct sv json);
void codec_append_number(struct buf *out, const char *name, double value);
void codec_append_integer(struct buf *out, const char *name, int64_t value);
void codec_append_texts(struct buf *out, const char *name, const struct sv *texts, size_t count);
/* A comma, unless the buffer ends where an object, an array or a member's value begins. */
void codec_append_comma(struct buf *out);

/* RFC 4648, with padding. */
void codec_append_base64(struct buf *out, struct sv bytes);

enum codec_medium {
    CODEC_IMAGE, /* png, jpeg, gif, webp */
    CODEC_PDF,
    CODEC_PLAIN, /* text, whatever its type is called */
    CODEC_OTHER, /* what no protocol carries */
};
enum codec_medium codec_medium_of(const struct chat_attachment *attachment);
/* The bytes as a string, "data:TYPE;base64,…", with its quotes. */
void codec_append_data_url(struct buf *out, const struct chat_attachment *attachment);
/* An attachment as words: a text with its name around it; for one whose bytes are not there, that
 * (`attachment` NULL, `title` its name). */
void codec_append_file_text(struct buf *out, const struct chat_attachment *attachment,
                            struct sv title);
enum err_code codec_refuse_attachment(const struct chat_attachment *attachment,
                                      struct err *err) NODISCARD;
/* The members of a tool's object: its name, its description, its arguments' schema under `schema`.
 */
void codec_append_tool(struct buf *out, const char *schema, const struct chat_tool *tool);
/* The members of what OpenAI's protocols call a json_schema: name, schema, strict. */
void codec_append_schema(struct buf *out, const struct chat_options *options);
/* Whether a server that holds answers to the letter of a schema takes it: every object lists all of
 * its properties as required and allows no others. */
bool codec_schema_is_strict(struct sv schema);
/* Whether OpenAI's model of that name reasons: other names of parameters hold for it. */
bool codec_is_openai_reasoner(const char *model);
/* The result of an encoder that is done: ERR_TOO_BIG when the buffer was full. */
enum err_code codec_encoded(const struct buf *out, struct err *err) NODISCARD;

#endif
