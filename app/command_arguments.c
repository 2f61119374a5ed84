/* What the command line said, as a command asks for it. */
#include <string.h>

#include "app/command.h"

static size_t index_of(const struct arguments *arguments, const char *name)
{
    size_t i = 0;
    while (arguments->specs && arguments->specs[i].name &&
           strcmp(arguments->specs[i].name, name) != 0) {
        i++;
    }
    return i;
}

const char *argument_text(const struct arguments *arguments, const char *name)
{
    size_t i = index_of(arguments, name);
    return i < COUNT_OF(arguments->values) ? arguments->values[i] : NULL;
}

bool argument_flag(const struct arguments *arguments, const char *name)
{
    return argument_text(arguments, name) != NULL;
}

const char *argument_next(const struct arguments *arguments, const char *name, size_t *at)
{
    while (*at < arguments->mention_count) {
        const struct option_mention *mention = &arguments->mentions[(*at)++];
        if (strcmp(mention->spec->name, name) == 0) {
            return mention->value;
        }
    }
    return NULL;
}
