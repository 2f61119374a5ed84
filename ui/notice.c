/* Notices are plain payloads with two texts. */
#include "ui/notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void destroy(struct payload *self)
{
    struct notice *notice = (struct notice *)self;
    free(notice->text);
    free(notice->detail);
    free(notice);
}

static struct notice *make(enum notice_kind kind, const struct ulid *session, const char *text,
                           const char *detail)
{
    struct notice *notice = xcalloc(1, sizeof(*notice));
    payload_init(&notice->payload, destroy);
    notice->kind = kind;
    notice->session = session ? *session : (struct ulid){""};
    notice->text = xstrdup(text ? text : "");
    notice->detail = xstrdup(detail);
    return notice;
}

void notice_publish(struct broker *broker, enum notice_kind kind, const struct ulid *session,
                    const char *text, const char *detail)
{
    struct notice *notice = make(kind, session, text, detail);
    struct event event = {
        .topic = TOPIC_UI,
        .key = notice->session,
        .payload = &notice->payload,
        .bytes = sizeof(*notice) + strlen(notice->text) + (detail ? strlen(detail) : 0),
    };
    broker_publish_parked(broker, &event);
    payload_unref(&notice->payload);
}
