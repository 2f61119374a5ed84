/* Headers: gathered line by line, those of the config last. */
#include "app/headers.h"

#include <stdlib.h>

#include "app/provider.h"
#include "base/alloc.h"

static size_t count_headers(const char *const *headers)
{
    size_t count = 0;
    while (headers && headers[count]) {
        count++;
    }
    return count;
}

struct header_list {
    char **lines;
    size_t count;
    const char *const *configured;
};

/* What the config says goes before what the protocol would have sent under that name. */
static bool is_configured(const struct header_list *list, const char *line)
{
    struct sv name = sv_take(sv_from(line), sv_find(sv_from(line), ':') + 1);
    for (size_t i = 0; list->configured && list->configured[i]; i++) {
        if (sv_equal_nocase(sv_take(sv_from(list->configured[i]), name.n), name)) {
            return true;
        }
    }
    return false;
}

/* Takes the line. */
static void add_header(struct header_list *list, char *line)
{
    if (is_configured(list, line)) {
        key_free(line);
    } else {
        list->lines[list->count++] = line;
    }
}

char **headers_make(const struct config_provider *provider, const struct chat_request *request,
                    const char *key)
{
    const struct codec *codec = provider->type->codec;
    const char *const *configured = (const char *const *)provider->headers;
    size_t room = count_headers(configured) + count_headers(codec->headers) + 3;
    struct header_list list = {xcalloc(room, sizeof(char *)), 0, configured};
    add_header(&list, xasprintf("Accept: %s", codec->accept));
    for (size_t i = 0; codec->headers && codec->headers[i]; i++) {
        add_header(&list, xstrdup(codec->headers[i]));
    }
    if (key) {
        add_header(&list, xasprintf("%s%s", codec->key_header(request), key));
    }
    for (size_t i = 0; configured && configured[i]; i++) {
        list.lines[list.count++] = xstrdup(configured[i]);
    }
    return list.lines;
}

void headers_free(char **headers)
{
    for (size_t i = 0; headers && headers[i]; i++) {
        key_free(headers[i]);
    }
    free(headers);
}
