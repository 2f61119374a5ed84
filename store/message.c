/*
 * Message: plain data.
 */
#include "store/message.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"

struct message *message_new(void)
{
    struct message *message = xcalloc(1, sizeof(*message));
    message->usage = usage_unknown();
    return message;
}

void message_free(struct message *message)
{
    if (message == NULL) {
        return;
    }
    for (size_t i = 0; i < message->part_count; i++) {
        free(message->parts[i].text);
        free(message->parts[i].tool_id);
        free(message->parts[i].tool_name);
    }
    free(message->parts);
    free(message->detail);
    free(message->model);
    free(message);
}

struct message_part *message_add_part(struct message *message, enum part_kind kind, struct sv text)
{
    size_t count = message->part_count;
    /* Doubles at each power of two, so that no capacity has to be kept. */
    message->parts = xgrow(message->parts, count, sizeof(*message->parts));
    struct message_part *part = &message->parts[count];
    *part = (struct message_part){
        .kind = kind,
        .text = xstrndup(text.p != NULL ? text.p : "", text.n),
        .text_n = text.n,
    };
    message->part_count = count + 1;
    return part;
}

char *message_text(const struct message *message, enum part_kind kind)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        if (part->kind != kind || part->text_n == 0) {
            continue;
        }
        if (text.n > 0) {
            (void)buf_append_str(&text, "\n\n");
        }
        (void)buf_append(&text, part->text, part->text_n);
    }
    return buf_detach(&text);
}
