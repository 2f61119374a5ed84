/*
 * Window: how many tokens a server really lets a model have, asked of the server that runs it.
 *
 * What a list of models tells is what a model was trained for. A server on one's own machine is run
 * with less: Ollama by its own default, by its memory, by the model's file or by what the last
 * request asked for, and it drops the oldest messages beyond that without a word. Once the model is
 * loaded it says so (GET /api/ps), older ones only what the model's file asks for (POST /api/show).
 * llama.cpp tells it among its properties (GET /props).
 *
 * The first part is pure; the second runs on the engine's thread, after an answer, when the model
 * is loaded and nobody waits, and only for an engine that shows it (engine_show_windows).
 *
 * Source: Ollama's and llama.cpp's references, as of 2026.
 */
#ifndef WEIR_APP_WINDOW_H
#define WEIR_APP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"

struct window_question {
    const char *dialect; /* a codec_openai_dialect; NULL: none that tells */
    const char *base_url;
    const char *model;
    unsigned step; /* from 0: later ones are asked where those before did not tell */
};

/* Appends where to ask, and what to post (nothing: a GET). False: there is no such step. */
bool window_ask_where(const struct window_question *question, struct buf *url, struct buf *body);
/* Tokens; -1: the answer does not tell. */
int64_t window_told(const struct window_question *question, struct sv answer);

struct engine;
struct target;

/* Asks, unless the config says it, it is being asked, or this server does not tell it. */
void window_ask(struct engine *engine, struct target *target);
/* Takes what was told of a "PROVIDER/MODEL", and publishes NOTICE_WINDOW where that is news. */
void window_learn(struct engine *engine, const char *label, int64_t tokens);
/* What was told; -1: nothing. Any thread. */
int64_t window_known(struct engine *engine, const char *label);
/* Once the engine's thread has ended. */
void window_forget(struct engine *engine);

#endif
