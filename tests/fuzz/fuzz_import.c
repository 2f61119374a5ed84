/*
 * Any bytes as a file to import: reading ends, a dry run counts no less than what a store takes,
 * the store stays sound, and records are the same wherever the stream is cut. The store is one for
 * all inputs, as one store meets many files.
 */
#include <stdint.h>
#include <stdlib.h>

#include "app/import.h"
#include "app/import_crush.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "store/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- where the stream is cut ---- */

/* Source: FNV-1a. */
static enum err_code digest(void *ctx, const struct scan_event *event, struct err *err)
{
    uint64_t *hash = ctx;
    const struct sv parts[] = {event->key, event->text};
    (void)err;
    *hash = (*hash ^ (uint64_t)event->kind ^ (uint64_t)event->depth << 8) * 1099511628211u;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        for (size_t at = 0; at < parts[i].n; at++) {
            *hash = (*hash ^ (unsigned char)parts[i].p[at]) * 1099511628211u;
        }
    }
    return ERR_OK;
}

static uint64_t scan_in_pieces(const char *pattern, struct sv bytes, size_t piece)
{
    uint64_t hash = 14695981039346656037u;
    const struct scan_options options = {
        .pattern = pattern, .max_bytes = 4096, .max_values = 200, .visit = digest, .ctx = &hash};
    struct scan scan;
    scan_init(&scan, &options);
    for (; bytes.n > 0; bytes = sv_skip(bytes, piece)) {
        if (scan_feed(&scan, sv_take(bytes, piece), NULL)) {
            abort();
        }
    }
    if (scan_end(&scan, NULL)) {
        abort();
    }
    scan_release(&scan);
    return hash;
}

static void look_at_cuts(struct sv bytes)
{
    static const char *const patterns[] = {NULL, "A", "OAOA"};
    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        uint64_t whole = scan_in_pieces(patterns[i], bytes, bytes.n + 1);
        for (size_t piece = 1; piece < 8; piece += 3) {
            if (scan_in_pieces(patterns[i], bytes, piece) != whole) {
                abort();
            }
        }
    }
}

/* ---- into a store ---- */

static struct store *open_once(void)
{
    static struct store *store;
    if (!store) {
        const struct store_options options = {.broker = broker_new(NULL)};
        if (store_open(&options, &store, NULL) || store_start(store, NULL) ||
            store_wait_ready(store, clock_mono_us() + CLOCK_S(20), NULL)) {
            abort();
        }
    }
    return store;
}

static enum err_code pass(void *ctx, enum archive_kind kind, struct sv json, struct err *err)
{
    (void)ctx;
    (void)kind;
    return json.n > 0 ? ERR_OK : err_set(err, ERR_INTERNAL, "an empty record");
}

/* What came in can be taken out. */
static void read_all(struct store *store)
{
    struct session_list list = {NULL, 0, false};
    struct session_window window = {.limit = 20};
    if (session_list(store, NULL, &window, &list, NULL)) {
        abort();
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct archive_query query = {.session = list.sessions[i].id};
        if (archive_read(store, &query, pass, NULL, NULL)) {
            abort();
        }
    }
    session_list_release(&list);
}

static void import_twice(struct sv bytes)
{
    struct import_options options = {.store = NULL};
    struct import_counts dry = {.format = ""}, first = {.format = ""}, second = {.format = ""};
    struct err err = {0};
    enum err_code code = import_bytes(&options, bytes, &dry, &err);
    if (code == ERR_INVALID || code == ERR_NEWER) {
        return;
    }
    options.store = open_once();
    if (code || import_bytes(&options, bytes, &first, &err) ||
        import_bytes(&options, bytes, &second, &err)) {
        abort();
    }
    if (first.messages > dry.messages || second.messages > 0 || second.sessions > 0) {
        abort();
    }
    read_all(options.store);
}

static void read_parts(struct sv bytes)
{
    const struct import_options options = {.store = NULL};
    struct import import = {.options = &options};
    struct crush_parts *parts = xcalloc(1, sizeof(*parts));
    bool is = false;
    if (crush_parts_read(&import, bytes, parts, &is, NULL)) {
        abort();
    }
    for (size_t i = 0; i < parts->count; i++) {
        if ((unsigned)parts->parts[i].kind >= PART_KIND_COUNT) {
            abort();
        }
    }
    crush_parts_release(parts);
    free(parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sv bytes = sv_of((const char *)data, size);
    look_at_cuts(bytes);
    read_parts(bytes);
    import_twice(bytes);
    return 0;
}
