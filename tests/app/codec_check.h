/* Checks of a codec's requests: conversations, and what is compared as JSON. */
#ifndef WEIR_TESTS_APP_CODEC_CHECK_H
#define WEIR_TESTS_APP_CODEC_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/codec.h"
#include "app/json.h"

#include <cmocka.h>

#define CODEC_HISTORY_MAX 8

struct codec_history {
    struct message *messages[CODEC_HISTORY_MAX];
    size_t count;
};

static inline struct message *history_add(struct codec_history *history, enum role role)
{
    struct message *message = message_new();
    message->role = role;
    message->model = role == ROLE_ASSISTANT ? strdup("p/m") : NULL;
    history->messages[history->count++] = message;
    return message;
}

/* A part of any kind; `id` and `name` may be NULL. */
static inline void history_part(struct message *message, enum part_kind kind, const char *text,
                                const char *id, const char *name)
{
    struct message_part *part = message_add_part(message, kind, sv_from(text));
    part->tool_id = id ? strdup(id) : NULL;
    part->tool_name = name ? strdup(name) : NULL;
}

static inline void history_say(struct codec_history *history, enum role role, const char *text)
{
    history_part(history_add(history, role), PART_TEXT, text, NULL, NULL);
}

static inline void history_free(struct codec_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        message_free(history->messages[i]);
    }
    history->count = 0;
}

static inline struct chat_request history_request(const struct codec_history *history,
                                                  const char *model)
{
    return (struct chat_request){.model = model,
                                 .label = "p/m",
                                 .host = "h.example",
                                 .messages = history->messages,
                                 .message_count = history->count};
}

/* The member `name` of the request's JSON (NULL: all of it) is `expected` (NULL: it is not there),
 * numbers and order of members aside. */
static inline void codec_check_request(const struct codec *codec,
                                       const struct chat_request *request, const char *name,
                                       const char *expected)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    assert_int_equal(codec->encode(request, &out, NULL), ERR_OK);
    cJSON *tree = json_parse(buf_sv(&out));
    assert_non_null(tree);
    const cJSON *found = name ? json_get(tree, name) : tree;
    cJSON *wanted = expected ? json_parse(sv_from(expected)) : NULL;
    if (expected) {
        assert_non_null(wanted);
    }
    if (expected ? !cJSON_Compare(found, wanted, true) : found != NULL) {
        print_error("sent:     %s\nexpected: %s: %s\n", buf_cstr(&out), name ? name : "",
                    expected ? expected : "nothing");
        fail();
    }
    cJSON_Delete(wanted);
    cJSON_Delete(tree);
    buf_release(&out);
}

#endif
