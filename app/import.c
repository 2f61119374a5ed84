/* The table of importers, and the way of a file through one of them. */
#include "app/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/json.h"
#include "base/alloc.h"
#include "base/file.h"

#define READ_BYTES ((size_t)256 << 10)
#define HEAD_BYTES ((size_t)64 << 10)

static const struct importer *const importers[] = {
    &importer_weir,     &importer_weir_lines,     &importer_chatgpt,
    &importer_sharegpt, &importer_sharegpt_lines, &importer_crush,
};

static void refused(void *ctx, enum archive_kind kind, const char *reason)
{
    char *what = xasprintf("a record of '%s'", archive_kind_text(kind));
    import_refuse(ctx, what, reason);
    free(what);
}

struct running {
    struct import import;
    const struct importer *importer;
};

static enum err_code visit(void *ctx, const struct scan_event *event, struct err *err)
{
    struct running *self = ctx;
    struct buf repaired = BUF_INIT(BUF_MAX_INTERNAL);
    struct scan_event copy = *event;
    if (event->kind == SCAN_BAD) {
        import_refuse(&self->import, "a record", event->text.p);
        return ERR_OK;
    }
    /* A long record is seldom damaged, and need not be copied then. */
    if (event->kind == SCAN_RECORD && !json_is_clean(event->text)) {
        (void)json_append_repaired(&repaired, event->text);
        copy.text = buf_sv(&repaired);
    }
    enum err_code code = self->importer->take(&self->import, &copy, err);
    buf_release(&repaired);
    return code;
}

static enum err_code choose(struct running *self, struct sv head, struct err *err)
{
    if (sv_starts_with(head, SV("\xef\xbb\xbf"))) {
        head = sv_skip(head, 3);
    }
    for (size_t i = 0; i < COUNT_OF(importers); i++) {
        if (importers[i]->knows(head)) {
            self->importer = importers[i];
            self->import.counts.format = importers[i]->name;
            return ERR_OK;
        }
    }
    bool is_packed = sv_starts_with(head, SV("PK\3\4")) || sv_starts_with(head, SV("\x1f\x8b"));
    return err_set(err, ERR_INVALID, "%s",
                   is_packed ? "it is packed: unpack it, and import what was in it"
                             : "it is none of: an export of weir, conversations.json of ChatGPT, "
                               "ShareGPT, a database of crush");
}

static void scan_for(struct running *self, struct scan *scan)
{
    const struct scan_options options = {.pattern = self->importer->pattern,
                                         .max_bytes = self->importer->max_bytes,
                                         .max_values = self->importer->max_values,
                                         .visit = visit,
                                         .ctx = self};
    scan_init(scan, &options);
}

static enum err_code feed_file(struct scan *scan, int fd, const char *path, struct err *err)
{
    char *bytes = xmalloc(READ_BYTES);
    enum err_code code = ERR_OK;
    ssize_t n = 1;
    while (code == ERR_OK && n > 0) {
        n = read(fd, bytes, READ_BYTES);
        if (n < 0 && errno == EINTR) {
            n = 1;
        } else if (n < 0) {
            code = err_set_errno(err, errno, "cannot read '%s'", path);
        } else if (n > 0) {
            code = scan_feed(scan, sv_of(bytes, (size_t)n), err);
        }
    }
    free(bytes);
    return code;
}

static struct running start(const struct import_options *options)
{
    return (struct running){.import = {.options = options}};
}

/* What was counted by whom did it. */
static enum err_code finish(struct running *self, enum err_code code,
                            struct import_counts *ret_counts, struct err *err)
{
    if (code == ERR_OK) {
        code = import_end(&self->import, err);
    }
    if (self->import.archive) {
        const struct archive_counts *counts = archive_import_counts(self->import.archive);
        self->import.counts.sessions = counts->sessions;
        self->import.counts.messages = counts->messages;
        self->import.counts.known = counts->known;
    }
    archive_import_free(self->import.archive);
    *ret_counts = self->import.counts;
    return code;
}

static void open_archive(struct running *self)
{
    if (self->import.options->store) {
        const struct archive_options options = {.refused = refused, .ctx = &self->import};
        self->import.archive = archive_import_new(self->import.options->store, &options);
    }
}

enum err_code import_bytes(const struct import_options *options, struct sv bytes,
                           struct import_counts *ret_counts, struct err *err)
{
    struct running self = start(options);
    struct scan scan;
    enum err_code code = choose(&self, sv_take(bytes, HEAD_BYTES), err);
    if (code) {
        return code;
    }
    if (self.importer->read) {
        return err_set(err, ERR_INVALID, "a database is read from its file only");
    }
    open_archive(&self);
    scan_for(&self, &scan);
    code = scan_feed(&scan, bytes, err);
    code = code ? code : scan_end(&scan, err);
    scan_release(&scan);
    return finish(&self, code, ret_counts, err);
}

/* The first bytes, as many as a pipe gives. */
static enum err_code read_head(int fd, const char *path, struct buf *head, struct err *err)
{
    char bytes[4096];
    ssize_t n = 1;
    while (head->n < HEAD_BYTES && n != 0) {
        n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno != EINTR) {
            return err_set_errno(err, errno, "cannot read '%s'", path);
        }
        (void)buf_append(head, bytes, n > 0 ? (size_t)n : 0);
    }
    return ERR_OK;
}

static enum err_code import_fd(struct running *self, int fd, const char *path, struct err *err)
{
    struct buf head = BUF_INIT(2 * HEAD_BYTES);
    struct scan scan;
    struct err own = {0};
    enum err_code code = read_head(fd, path, &head, err);
    if (code == ERR_OK && choose(self, buf_sv(&head), &own)) {
        code = err_set(err, own.code, "cannot import '%s': %s", path, own.text);
    }
    if (code == ERR_OK) {
        open_archive(self);
    }
    if (code == ERR_OK && self->importer->read) {
        code = self->importer->read(&self->import, path, err);
    } else if (code == ERR_OK) {
        scan_for(self, &scan);
        code = scan_feed(&scan, buf_sv(&head), err);
        code = code ? code : feed_file(&scan, fd, path, err);
        code = code ? code : scan_end(&scan, err);
        scan_release(&scan);
    }
    buf_release(&head);
    return code;
}

enum err_code import_file(const struct import_options *options, const char *path,
                          struct import_counts *ret_counts, struct err *err)
{
    struct running self = start(options);
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = STDIN_FILENO;
    enum err_code code = is_stdin ? ERR_OK : file_open(path, O_RDONLY, &fd, err);
    if (code) {
        return code;
    }
    code = import_fd(&self, fd, path, err);
    if (!is_stdin) {
        (void)close(fd);
    }
    return finish(&self, code, ret_counts, err);
}
