/* Chat: deep copies, each one block of memory: the struct, the arrays, then the texts. */
#include "app/chat.h"

#include <string.h>

#include "base/alloc.h"

/* A block that is filled from its start; without memory it only measures. */
struct block {
    char *p;
    size_t n;
};

static size_t aligned(size_t size)
{
    size_t unit = sizeof(max_align_t);
    return (size + unit - 1) / unit * unit;
}

static void *put(struct block *block, const void *bytes, size_t size)
{
    char *at = block->p ? block->p + block->n : NULL;
    if (at && size) {
        memcpy(at, bytes, size);
    }
    block->n += aligned(size);
    return at;
}

static void put_text(struct block *block, struct sv from, struct sv *to)
{
    char *at = put(block, from.p, from.n);
    if (at) {
        *to = sv_of(at, from.n);
    }
}

static void put_tools(struct block *block, const struct chat_options *from, struct chat_options *to)
{
    struct chat_tool none;
    struct chat_tool *tools = put(block, from->tools, from->tool_count * sizeof(struct chat_tool));
    to->tools = tools;
    for (size_t i = 0; i < from->tool_count; i++) {
        struct chat_tool *tool = tools ? &tools[i] : &none;
        put_text(block, from->tools[i].name, &tool->name);
        put_text(block, from->tools[i].description, &tool->description);
        put_text(block, from->tools[i].schema, &tool->schema);
    }
}

static void put_options(struct block *block, const struct chat_options *from,
                        struct chat_options *to)
{
    struct sv none;
    struct sv *stop = put(block, from->stop, from->stop_count * sizeof(struct sv));
    to->stop = stop;
    for (size_t i = 0; i < from->stop_count; i++) {
        put_text(block, from->stop[i], stop ? &stop[i] : &none);
    }
    put_text(block, from->effort, &to->effort);
    put_text(block, from->schema, &to->schema);
    put_text(block, from->schema_name, &to->schema_name);
    put_tools(block, from, to);
}

static void put_attachments(struct block *block, const struct chat_extras *from,
                            struct chat_extras *to)
{
    struct chat_attachment none;
    struct chat_attachment *all =
        put(block, from->attachments, from->attachment_count * sizeof(struct chat_attachment));
    to->attachments = all;
    for (size_t i = 0; i < from->attachment_count; i++) {
        const struct chat_attachment *source = &from->attachments[i];
        struct chat_attachment *target = all ? &all[i] : &none;
        put_text(block, source->id, &target->id);
        put_text(block, source->media_type, &target->media_type);
        put_text(block, source->name, &target->name);
        put_text(block, source->bytes, &target->bytes);
    }
}

static struct chat_extras *put_extras(struct block *block, const struct chat_extras *from)
{
    struct chat_extras unused;
    struct chat_extras *to = put(block, from, sizeof(*from));
    put_options(block, &from->options, to ? &to->options : &unused.options);
    put_attachments(block, from, to ? to : &unused);
    return to;
}

struct chat_extras *chat_extras_copy(const struct chat_extras *extras)
{
    static const struct chat_extras none;
    struct block block = {.p = NULL};
    (void)put_extras(&block, extras ? extras : &none);
    block = (struct block){.p = xmalloc(block.n)};
    return put_extras(&block, extras ? extras : &none);
}
