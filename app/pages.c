/* Walking a session's messages. */
#include "app/pages.h"

#include "store/history.h"

#define PAGE_MESSAGES 100

enum err_code pages_walk(struct store *store, const struct ulid *session, page_visit_fn *visit,
                         void *ctx, struct err *err)
{
    int64_t after = -1;
    bool more = true;
    while (more) {
        struct history_page page = {.messages = NULL};
        enum err_code code = history_after(store, session, after, PAGE_MESSAGES, &page, err);
        if (code) {
            return code;
        }
        for (size_t i = 0; i < page.count; i++) {
            visit(ctx, page.messages[i]);
            after = page.messages[i]->seq;
        }
        more = page.more && page.count > 0;
        history_page_release(&page);
    }
    return ERR_OK;
}
