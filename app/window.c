/* Window: which question a server understands, and what its answer says. */
#include "app/window.h"

#include <string.h>

#include "app/codec_encode.h"
#include "app/json.h"

typedef int64_t read_fn(const cJSON *tree, struct sv model);

static bool is_named(struct sv name, struct sv model)
{
    static const struct sv latest = SV(":latest");
    return sv_equal_nocase(name, model) ||
           (name.n == model.n + latest.n && sv_equal_nocase(sv_take(name, model.n), model) &&
            sv_ends_with(name, latest));
}

static int64_t positive(const cJSON *object, const char *name)
{
    int64_t tokens = json_get_count(object, name);
    return tokens > 0 ? tokens : -1;
}

/* Those that are in memory. */
static int64_t read_loaded(const cJSON *tree, struct sv model)
{
    const cJSON *loaded;
    cJSON_ArrayForEach(loaded, json_get(tree, "models"))
    {
        if (is_named(json_get_text(loaded, "name"), model) ||
            is_named(json_get_text(loaded, "model"), model)) {
            return positive(loaded, "context_length");
        }
    }
    return -1;
}

/* "num_ctx                        8192" among the lines of the model's file. */
static int64_t read_parameters(const cJSON *tree, struct sv model UNUSED)
{
    struct sv rest = json_get_text(tree, "parameters");
    struct sv line;
    uint64_t tokens = 0;
    while (sv_next_line(&rest, &line)) {
        size_t gap = sv_find(line, ' ');
        if (sv_equal(sv_take(line, gap), SV("num_ctx")) &&
            sv_to_u64(sv_trim(sv_skip(line, gap)), &tokens) && tokens > 0 && tokens <= INT64_MAX) {
            return (int64_t)tokens;
        }
    }
    return -1;
}

static int64_t read_properties(const cJSON *tree, struct sv model UNUSED)
{
    return positive(json_get(tree, "default_generation_settings"), "n_ctx");
}

static const struct source {
    const char *dialect;
    const char *path; /* of the host, not of the base URL */
    bool names_model; /* in a body */
    read_fn *read;
} sources[] = {
    {"ollama", "/api/ps", false, read_loaded},
    {"ollama", "/api/show", true, read_parameters},
    {"llama.cpp", "/props", false, read_properties},
};

static const struct source *source_of(const struct window_question *question)
{
    unsigned step = question->step;
    for (size_t i = 0; question->dialect && i < COUNT_OF(sources); i++) {
        if (strcmp(sources[i].dialect, question->dialect) == 0 && step-- == 0) {
            return &sources[i];
        }
    }
    return NULL;
}

bool window_ask_where(const struct window_question *question, struct buf *url, struct buf *body)
{
    const struct source *source = source_of(question);
    struct sv root = sv_from(question->base_url);
    if (!source) {
        return false;
    }
    while (sv_ends_with(root, SV("/"))) {
        root = sv_take(root, root.n - 1);
    }
    root = sv_ends_with(root, SV("/v1")) ? sv_take(root, root.n - SV("/v1").n) : root;
    (void)buf_append_sv(url, root);
    (void)buf_append_str(url, source->path);
    if (source->names_model) {
        (void)buf_append_byte(body, '{');
        codec_append_text(body, "model", sv_from(question->model));
        (void)buf_append_byte(body, '}');
    }
    return true;
}

int64_t window_told(const struct window_question *question, struct sv answer)
{
    const struct source *source = source_of(question);
    cJSON *tree = source ? json_parse(answer) : NULL;
    int64_t tokens = tree ? source->read(tree, sv_from(question->model)) : -1;
    cJSON_Delete(tree);
    return tokens;
}
