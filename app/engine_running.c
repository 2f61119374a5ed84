/* Which sessions are being answered, told to other threads. */
#include <string.h>

#include "app/engine_internal.h"

/* With the lock held. */
static void add_running(struct engine *engine, const struct ulid *session)
{
    for (size_t i = 0; i < engine->running_count; i++) {
        if (ulid_equal(&engine->running[i], session)) {
            return;
        }
    }
    if (engine->running_count < ENGINE_RUNNING_MAX) {
        engine->running[engine->running_count++] = *session;
    }
}

/* The runs are the thread's own: others are told of them by a copy. */
void engine_note_running(struct engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    engine->running_count = 0;
    for (const struct run *run = engine->runs; run; run = run->next) {
        if (run->stage != STAGE_ENDED && ulid_is_set(&run->session)) {
            add_running(engine, &run->session);
        }
    }
    pthread_mutex_unlock(&engine->lock);
}

size_t engine_running(struct engine *engine, struct ulid *sessions, size_t max)
{
    pthread_mutex_lock(&engine->lock);
    size_t count = engine->running_count < max ? engine->running_count : max;
    memcpy(sessions, engine->running, count * sizeof(*sessions));
    pthread_mutex_unlock(&engine->lock);
    return count;
}
