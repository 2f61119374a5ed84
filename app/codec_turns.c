/* Turns: gathers parts, pairs calls and results, puts native items in their places. */
#include "app/codec_turns.h"

#include <stdlib.h>
#include <string.h>

#include "app/codec_encode.h"
#include "base/alloc.h"

#define NO_RESULT "canceled by user"

/* A call of the latest assistant's turn. */
struct open_call {
    struct sv id, name;
    bool answered;
};

struct builder {
    struct codec_turns *turns;
    struct open_call *calls;
    size_t call_count;
    size_t results; /* that begin the turn after them */
};

static struct codec_turn *last_turn(struct builder *builder)
{
    struct codec_turns *turns = builder->turns;
    return turns->count ? &turns->turns[turns->count - 1] : NULL;
}

static struct codec_turn *begin_turn(struct builder *builder, enum role role)
{
    struct codec_turns *turns = builder->turns;
    size_t count = turns->count;
    /* Doubled at each power of two. */
    turns->turns = xgrow(turns->turns, count, sizeof(struct codec_turn));
    turns->turns[count] = (struct codec_turn){.role = role};
    turns->count++;
    return &turns->turns[count];
}

static void insert_item(struct codec_turn *turn, size_t at, const struct codec_item *item)
{
    /* Doubled at each power of two. */
    turn->items = xgrow(turn->items, turn->count, sizeof(struct codec_item));
    memmove(&turn->items[at + 1], &turn->items[at], (turn->count - at) * sizeof(struct codec_item));
    turn->items[at] = *item;
    turn->count++;
}

/* Results go before anything else into the turn that follows their calls. */
static void add_result(struct builder *builder, struct open_call *call, struct sv text)
{
    struct codec_turn *turn = last_turn(builder);
    if (turn->role == ROLE_ASSISTANT) {
        turn = begin_turn(builder, ROLE_USER);
    }
    struct codec_item item = {
        .kind = PART_TOOL_RESULT, .text = text, .id = call->id, .name = call->name};
    insert_item(turn, builder->results++, &item);
    call->answered = true;
}

/* Nothing more can answer the calls. */
static void settle(struct builder *builder)
{
    for (size_t i = 0; i < builder->call_count; i++) {
        if (!builder->calls[i].answered) {
            add_result(builder, &builder->calls[i], SV(NO_RESULT));
        }
    }
    builder->call_count = 0;
    builder->results = 0;
}

static struct codec_turn *turn_of(struct builder *builder, enum role role)
{
    struct codec_turn *turn = last_turn(builder);
    if (turn && turn->role == role) {
        return turn;
    }
    if (role != ROLE_USER) {
        settle(builder);
    }
    return begin_turn(builder, role);
}

static void add_item(struct builder *builder, enum role role, const struct codec_item *item)
{
    struct codec_turn *turn = turn_of(builder, role);
    insert_item(turn, turn->count, item);
}

static void expect_result(struct builder *builder, const struct message_part *part)
{
    builder->calls = xrealloc(builder->calls, (builder->call_count + 1) * sizeof(struct open_call));
    builder->calls[builder->call_count++] = (struct open_call){
        sv_from(part->tool_id), sv_from(part->tool_name ? part->tool_name : "unknown"), false};
}

static void take_result(struct builder *builder, const struct message_part *part)
{
    for (size_t i = 0; i < builder->call_count; i++) {
        struct open_call *call = &builder->calls[i];
        if (!call->answered && sv_equal(call->id, sv_from(part->tool_id))) {
            add_result(builder, call, sv_of(part->text, part->text_n));
            return;
        }
    }
}

static bool has_id(const struct message_part *part)
{
    return part->tool_id && *part->tool_id;
}

static void take_call(struct builder *builder, const struct message_part *part)
{
    if (!has_id(part)) {
        return;
    }
    struct codec_item item = {.kind = PART_TOOL_CALL,
                              .text = codec_object_or(sv_of(part->text, part->text_n), SV("{}")),
                              .id = sv_from(part->tool_id),
                              .name = sv_from(part->tool_name ? part->tool_name : "unknown")};
    add_item(builder, ROLE_ASSISTANT, &item);
    expect_result(builder, part);
}

static void take_attachment(struct builder *builder, const struct chat_request *request,
                            const struct message_part *part)
{
    struct codec_item item = {.kind = PART_ATTACHMENT,
                              .id = sv_from(part->tool_id),
                              .name = sv_of(part->text, part->text_n)};
    for (size_t i = 0; i < request->attachment_count; i++) {
        if (sv_equal(request->attachments[i].id, item.id)) {
            item.attachment = &request->attachments[i];
        }
    }
    add_item(builder, ROLE_USER, &item);
}

/* ---- native items ---- */

/* Cuts the next number off the list; false when there is none. */
static bool next_number(struct sv *list, uint64_t *ret_number)
{
    size_t comma = sv_find(*list, ',');
    struct sv word = sv_take(*list, comma);
    *list = sv_skip(*list, comma + 1);
    return sv_to_u64(word, ret_number);
}

/* For each part of the message the native item that it is replaced by, or NULL; free() it. */
static const struct message_part **map_natives(const struct message *message)
{
    const struct message_part **map =
        xcalloc(message->part_count + 1, sizeof(const struct message_part *));
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        struct sv list = sv_from(part->kind == PART_NATIVE && part->text_n ? part->tool_id : NULL);
        uint64_t number = 0;
        while (next_number(&list, &number)) {
            if (number < message->part_count && message->parts[number].kind != PART_NATIVE) {
                map[number] = part;
            }
        }
    }
    return map;
}

static bool is_first_of(const struct message_part *native, size_t number)
{
    struct sv list = sv_from(native->tool_id);
    uint64_t first = 0;
    return next_number(&list, &first) && first == number;
}

static void take_native(struct builder *builder, const struct message_part *part)
{
    if (part->text_n) {
        struct codec_item item = {.kind = PART_NATIVE, .text = sv_of(part->text, part->text_n)};
        add_item(builder, ROLE_ASSISTANT, &item);
    }
}

static void take_replaced(struct builder *builder, const struct message *message, size_t number,
                          const struct message_part *native)
{
    const struct message_part *part = &message->parts[number];
    if (is_first_of(native, number)) {
        take_native(builder, native);
    }
    if (part->kind == PART_TOOL_CALL && has_id(part)) {
        expect_result(builder, part);
    }
}

/* ---- messages ---- */

static void take_text(struct builder *builder, enum role role, const struct message_part *part)
{
    struct sv text = sv_of(part->text, part->text_n);
    if (sv_trim(text).n && role != ROLE_TOOL) {
        struct codec_item item = {.kind = part->kind, .text = text};
        add_item(builder, role, &item);
    }
}

static void take_part(struct builder *builder, const struct chat_request *request,
                      const struct message *message, const struct message_part *part)
{
    bool assistant = message->role == ROLE_ASSISTANT;
    switch (part->kind) {
    case PART_TEXT:
        take_text(builder, message->role, part);
        break;
    case PART_TOOL_RESULT:
        take_result(builder, part);
        break;
    case PART_ATTACHMENT:
        if (message->role == ROLE_USER) {
            take_attachment(builder, request, part);
        }
        break;
    case PART_TOOL_CALL:
        if (assistant) {
            take_call(builder, part);
        }
        break;
    default:
        break;
    }
}

/* An answer of the same model, which may see its own reasoning again. */
static void take_own(struct builder *builder, const struct chat_request *request,
                     const struct message *message)
{
    const struct message_part **natives = map_natives(message);
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        if (natives[i]) {
            take_replaced(builder, message, i, natives[i]);
        } else if (part->kind == PART_NATIVE && !has_id(part)) {
            take_native(builder, part);
        } else if (part->kind == PART_REASONING) {
            take_text(builder, ROLE_ASSISTANT, part);
        } else {
            take_part(builder, request, message, part);
        }
    }
    free(natives);
}

static void take_message(struct builder *builder, const struct chat_request *request,
                         const struct message *message)
{
    bool own = message->role == ROLE_ASSISTANT && message->model && request->label &&
               strcmp(message->model, request->label) == 0;
    if (own && !request->options.forget_reasoning) {
        take_own(builder, request, message);
        return;
    }
    for (size_t i = 0; i < message->part_count; i++) {
        take_part(builder, request, message, &message->parts[i]);
    }
}

/* Reasoning with nothing after it is no turn. */
static bool says_something(const struct codec_turn *turn)
{
    for (size_t i = 0; i < turn->count; i++) {
        if (turn->items[i].kind != PART_REASONING) {
            return true;
        }
    }
    return false;
}

static void drop_turn(struct codec_turns *turns, size_t at)
{
    free(turns->turns[at].items);
    turns->count--;
    memmove(&turns->turns[at], &turns->turns[at + 1],
            (turns->count - at) * sizeof(struct codec_turn));
}

/* Puts the items of a turn behind those of the one before it. */
static void join_turn(struct codec_turns *turns, size_t at)
{
    struct codec_turn *before = &turns->turns[at - 1];
    for (size_t i = 0; i < turns->turns[at].count; i++) {
        insert_item(before, before->count, &turns->turns[at].items[i]);
    }
    drop_turn(turns, at);
}

static void drop_silent(struct codec_turns *turns)
{
    size_t at = 0;
    while (at < turns->count) {
        if (says_something(&turns->turns[at])) {
            at++;
            continue;
        }
        drop_turn(turns, at);
        if (at > 0 && at < turns->count && turns->turns[at].role == turns->turns[at - 1].role) {
            join_turn(turns, at);
        }
    }
}

static void ask_for_more(struct builder *builder, bool can_prefill)
{
    const struct codec_turn *last = last_turn(builder);
    if (!last || last->role != ROLE_ASSISTANT) {
        return;
    }
    if (can_prefill && last->items[last->count - 1].kind == PART_TEXT) {
        builder->turns->prefilled = true;
    } else {
        struct codec_item item = {.kind = PART_TEXT, .text = SV(CHAT_GO_ON)};
        add_item(builder, ROLE_USER, &item);
    }
}

void codec_turns_make(const struct chat_request *request, bool can_prefill,
                      struct codec_turns *ret_turns)
{
    *ret_turns = (struct codec_turns){.count = 0};
    struct builder builder = {.turns = ret_turns};
    for (size_t i = 0; i < request->message_count; i++) {
        take_message(&builder, request, request->messages[i]);
    }
    settle(&builder);
    drop_silent(ret_turns);
    if (request->continues) {
        ask_for_more(&builder, can_prefill);
    }
    free(builder.calls);
}

void codec_turns_release(struct codec_turns *turns)
{
    for (size_t i = 0; i < turns->count; i++) {
        free(turns->turns[i].items);
    }
    free(turns->turns);
    *turns = (struct codec_turns){.count = 0};
}
