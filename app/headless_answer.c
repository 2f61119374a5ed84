/*
 * The answer of a headless run, put together from updates. Pieces have positions, so what comes
 * twice is skipped, and what is missing shows itself.
 */
#include <stdlib.h>
#include <string.h>

#include "app/headless.h"
#include "base/alloc.h"
#include "store/message_service.h"

void answer_init(struct answer *answer)
{
    *answer = (struct answer){.usage = usage_unknown()};
}

void answer_release(struct answer *answer)
{
    for (size_t i = 0; i < answer->part_count; i++) {
        buf_release(&answer->parts[i].text);
        free(answer->parts[i].tool_id);
        free(answer->parts[i].tool_name);
    }
    free(answer->parts);
    free(answer->detail);
    free(answer->model);
    answer_init(answer);
}

static struct answer_part *part_at(struct answer *answer, size_t number)
{
    if (number >= answer->part_count) {
        answer->parts = xrealloc(answer->parts, (number + 1) * sizeof *answer->parts);
        while (answer->part_count <= number) {
            answer->parts[answer->part_count++] =
                (struct answer_part){.text = BUF_INIT(MESSAGE_MAX_BYTES)};
        }
    }
    return &answer->parts[number];
}

static void replace(char **text, struct sv with)
{
    if (with.n > 0) {
        free(*text);
        *text = xstrndup(with.p, with.n);
    }
}

/* True: the piece lies beyond what has come, and was left out. */
static bool apply_piece(struct answer *answer, const struct piece *piece, struct printer *printer)
{
    struct answer_part *part = part_at(answer, piece->part);
    if (piece->offset > part->text.n || (!part->known && piece->offset > 0)) {
        return true;
    }
    if (!part->known) {
        part->known = true;
        part->kind = piece->kind;
        replace(&part->tool_id, piece->tool_id);
        replace(&part->tool_name, piece->tool_name);
        printer_part_open(printer, part, piece->part);
    }
    size_t had = part->text.n;
    struct sv fresh = sv_skip(piece->text, had - piece->offset);
    if (fresh.n > 0 && buf_append_sv(&part->text, fresh)) {
        printer_text(printer, part, piece->part, had);
    }
    if (piece->ended && !part->ended) {
        part->ended = true;
        printer_part_end(printer, part, piece->part);
    }
    return false;
}

static void apply_end(struct answer *answer, enum finish_reason reason, enum err_code error,
                      const char *detail, const struct usage *usage)
{
    answer->ended = true;
    answer->reason = reason;
    answer->error = error;
    answer->usage = *usage;
    replace(&answer->detail, sv_from(detail));
}

bool answer_apply_update(struct answer *answer, const struct message_update *update,
                         struct printer *printer)
{
    if (update->kind == UPDATE_DELETED) {
        apply_end(answer, FINISH_CANCELED, ERR_GONE, "the answer was deleted", &answer->usage);
        return false;
    }
    if (update->revision_before > answer->revision) {
        return true;
    }
    bool gap = false;
    answer->revision = update->revision > answer->revision ? update->revision : answer->revision;
    replace(&answer->model, sv_from(update->model));
    for (size_t i = 0; i < update->piece_count; i++) {
        gap = apply_piece(answer, &update->pieces[i], printer) || gap;
    }
    if (usage_is_known(&update->usage)) {
        answer->usage = update->usage;
    }
    if (update->kind == UPDATE_WAITING) {
        printer_waiting(printer, update);
    }
    if (update->kind == UPDATE_ENDED) {
        apply_end(answer, update->reason, update->error, update->detail, &update->usage);
    }
    return gap;
}

void answer_apply_snapshot(struct answer *answer, const struct message *message,
                           struct printer *printer)
{
    answer->revision = message->revision;
    replace(&answer->model, sv_from(message->model));
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        struct piece piece = {.part = (uint32_t)i,
                              .kind = part->kind,
                              .text = sv_of(part->text, part->text_n),
                              .ended = part->ended,
                              .tool_id = sv_from(part->tool_id),
                              .tool_name = sv_from(part->tool_name)};
        (void)apply_piece(answer, &piece, printer);
    }
    if (message->ended) {
        apply_end(answer, message->reason, message->error, message->detail, &message->usage);
    }
}

void answer_append_text(const struct answer *answer, enum part_kind kind, struct buf *out)
{
    size_t start = out->n;
    for (size_t i = 0; i < answer->part_count; i++) {
        const struct answer_part *part = &answer->parts[i];
        if (part->known && part->kind == kind && part->text.n > 0) {
            buf_append_str(out, out->n > start ? "\n\n" : "");
            buf_append_sv(out, buf_sv(&part->text));
        }
    }
}
