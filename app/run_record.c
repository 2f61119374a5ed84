/*
 * Recording of a run: from the request on, when an order or the config asks for it. What is a key,
 * or a secret of the config's headers, does not go into the file.
 */
#include <stdlib.h>

#include "app/engine_internal.h"
#include "app/recorder.h"
#include "base/alloc.h"
#include "base/clock.h"

/* NULL: it is not to be recorded. For free(). */
static char *path_of(const struct run *run)
{
    const char *folder = run->engine->config->record_folder;
    if (run->asked.record) {
        return xstrdup(run->asked.record);
    }
    return folder ? xasprintf("%s/%s.jsonl", folder, run->turn.id.text) : NULL;
}

void run_record_begin(struct run *run)
{
    char *path = path_of(run);
    if (!path) {
        return;
    }
    struct buf prompt = BUF_INIT(RECORDER_MAX);
    run_append_redacted(run, sv_of(run->asked.prompt, run->asked.prompt_n), &prompt);
    const struct recording_head head = {
        .model = sv_from(run->target->label),
        .session = sv_from(run->turn.session.text),
        .turn = sv_from(run->turn.id.text),
        .message = sv_from(run->turn.answer.text),
        .prompt = buf_sv(&prompt),
        .at_us = clock_wall_us(),
    };
    /* A file that the user named may be an earlier recording; one of the folder is the turn's own.
     */
    run->track = recorder_begin(run->engine->recorder, path, !run->asked.record, &head);
    buf_release(&prompt);
    free(path);
}

void run_record(struct run *run, const struct stream_event *event)
{
    if (!run->track) {
        return;
    }
    struct stream_event redacted = *event;
    struct buf text = BUF_INIT(RECORDER_MAX);
    run_append_redacted(run, event->text, &text);
    redacted.text = buf_sv(&text);
    recorder_take(run->track, &redacted);
    buf_release(&text);
    if (stream_event_is_last(event)) {
        run_record_end(run);
    }
}

void run_record_end(struct run *run)
{
    recorder_end(run->track);
    run->track = NULL;
}
