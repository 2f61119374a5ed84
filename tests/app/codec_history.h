/* A history made by hand, and a comparison of what a codec makes of it with a JSON text. */
#ifndef WEIR_TESTS_APP_CODEC_HISTORY_H
#define WEIR_TESTS_APP_CODEC_HISTORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/codec.h"
#include "app/json.h"

#include <cmocka.h>

#define CODEC_HISTORY_MAX 16

struct codec_history {
    struct message *messages[CODEC_HISTORY_MAX];
    size_t count;
};

/* `model` NULL: of nobody. */
static inline struct message *codec_history_add(struct codec_history *history, enum role role,
                                                const char *model)
{
    struct message *message = message_new();
    message->role = role;
    message->model = model ? strdup(model) : NULL;
    assert_true(history->count < CODEC_HISTORY_MAX);
    history->messages[history->count++] = message;
    return message;
}

static inline struct message_part *codec_history_part(struct message *message, enum part_kind kind,
                                                      const char *text, const char *id)
{
    struct message_part *part = message_add_part(message, kind, sv_from(text));
    part->tool_id = id ? strdup(id) : NULL;
    part->tool_name = kind == PART_TOOL_CALL ? strdup("f") : NULL;
    return part;
}

static inline void codec_history_text(struct codec_history *history, enum role role,
                                      const char *text)
{
    codec_history_part(codec_history_add(history, role, NULL), PART_TEXT, text, NULL);
}

static inline struct chat_request codec_history_request(const struct codec_history *history)
{
    return (struct chat_request){.model = "m",
                                 .label = "p/m",
                                 .host = "h.example",
                                 .messages = history->messages,
                                 .message_count = history->count};
}

static inline void codec_history_release(struct codec_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        message_free(history->messages[i]);
    }
    history->count = 0;
}

/* The whole body, as JSON. */
static inline void codec_history_encodes(const struct codec *codec,
                                         const struct chat_request *request, const char *expected)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    struct err err = {0};
    if (codec->encode(request, &out, &err)) {
        fail_msg("%s", err.text);
    }
    cJSON *got = json_parse(buf_sv(&out));
    cJSON *wanted = json_parse(sv_from(expected));
    assert_non_null(wanted);
    if (!got || !cJSON_Compare(got, wanted, true)) {
        fail_msg("got      %s\nexpected %s", out.p, expected);
    }
    cJSON_Delete(got);
    cJSON_Delete(wanted);
    buf_release(&out);
}

#endif
