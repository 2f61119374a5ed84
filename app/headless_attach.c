/* Attachments of a headless run. */
#include "app/headless_attach.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/output.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/utf8.h"
#include "store/attachment.h"

#define FILES_MOST 1000
#define BYTES_MOST ((size_t)256 << 20)
#define DEPTH_MOST 32

/* ---- what it is ---- */

struct magic {
    size_t at;
    struct sv bytes;
    const char *type;
};

static const struct magic magics[] = {
    {0, {"\x89PNG\r\n\x1a\n", 8}, "image/png"},
    {0, {"\xff\xd8\xff", 3}, "image/jpeg"},
    {0, {"GIF87a", 6}, "image/gif"},
    {0, {"GIF89a", 6}, "image/gif"},
    {8, {"WEBP", 4}, "image/webp"},
    {0, {"%PDF-", 5}, "application/pdf"},
    {8, {"WAVE", 4}, "audio/wav"},
    {0, {"ID3", 3}, "audio/mpeg"},
    {0, {"OggS", 4}, "audio/ogg"},
    {0, {"fLaC", 4}, "audio/flac"},
    {4, {"ftyp", 4}, "video/mp4"},
};

const char *headless_sniff(struct sv bytes)
{
    for (size_t i = 0; i < COUNT_OF(magics); i++) {
        const struct magic *magic = &magics[i];
        bool is_riff = magic->at != 8 || sv_starts_with(bytes, SV("RIFF"));
        if (is_riff && sv_starts_with(sv_skip(bytes, magic->at), magic->bytes)) {
            return magic->type;
        }
    }
    return NULL;
}

static uint32_t unit_at(struct sv bytes, size_t at, bool big)
{
    const unsigned char *p = (const unsigned char *)bytes.p + at;
    return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static bool decode_utf16(struct sv bytes, bool big, struct buf *out)
{
    for (size_t at = 2; at + 1 < bytes.n; at += 2) {
        uint32_t unit = unit_at(bytes, at, big);
        bool is_high = unit >= 0xD800 && unit < 0xDC00;
        uint32_t low = is_high && at + 3 < bytes.n ? unit_at(bytes, at + 2, big) : 0;
        if (is_high && low >= 0xDC00 && low < 0xE000) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            at += 2;
        } else if (unit >= 0xD800 && unit < 0xE000) {
            unit = 0xFFFD;
        }
        (void)buf_append_cp(out, unit);
    }
    return buf_ok(out);
}

static bool decode_latin1(struct sv bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.n; i++) {
        (void)buf_append_cp(out, (unsigned char)bytes.p[i]);
    }
    return buf_ok(out);
}

bool headless_decode(struct sv bytes, struct buf *out)
{
    if (sv_starts_with(bytes, SV("\xff\xfe")) || sv_starts_with(bytes, SV("\xfe\xff"))) {
        return decode_utf16(bytes, (unsigned char)bytes.p[0] == 0xFE, out);
    }
    if (sv_find(bytes, '\0') < bytes.n) {
        return false;
    }
    bytes = sv_skip(bytes, sv_starts_with(bytes, SV("\xef\xbb\xbf")) ? 3 : 0);
    return utf8_valid_prefix(bytes.p, bytes.n) == bytes.n ? buf_append_sv(out, bytes)
                                                          : decode_latin1(bytes, out);
}

/* ---- taking it ---- */

static enum err_code take(struct headless_attachments *attachments, const char *name,
                          struct buf *content, const char *type, struct err *err)
{
    attachments->bytes += content->n;
    if (attachments->count >= FILES_MOST || attachments->bytes > BYTES_MOST) {
        return err_set(err, ERR_TOO_BIG,
                       "cannot attach '%s': at most %d files and %zu MiB go with a prompt", name,
                       FILES_MOST, BYTES_MOST >> 20);
    }
    size_t count = attachments->count + 1;
    attachments->items = xrealloc(attachments->items, count * sizeof(*attachments->items));
    attachments->contents = xrealloc(attachments->contents, count * sizeof(*attachments->contents));
    attachments->names = xrealloc(attachments->names, count * sizeof(*attachments->names));
    attachments->ids = xrealloc(attachments->ids, count * sizeof(*attachments->ids));
    struct buf valid = BUF_INIT(BUF_MAX_INTERNAL);
    utf8_append_valid(&valid, sv_from(name));
    char *id = xcalloc(1, ATTACHMENT_ID_LENGTH + 1);
    attachment_id(buf_sv(content), id);
    size_t at = attachments->count++;
    attachments->ids[at] = id;
    attachments->names[at] = buf_detach(&valid);
    attachments->contents[at] = *content;
    *content = (struct buf)BUF_INIT(ATTACHMENT_MAX_BYTES);
    attachments->items[at] = (struct chat_attachment){.id = sv_from(id),
                                                      .media_type = sv_from(type),
                                                      .name = sv_from(attachments->names[at]),
                                                      .bytes = buf_sv(&attachments->contents[at])};
    return ERR_OK;
}

/* `skips`: what is no text and no known medium is left out with a remark. */
static enum err_code take_content(struct headless_attachments *attachments, const char *name,
                                  struct buf *raw, bool skips, struct err *err)
{
    const char *type = headless_sniff(buf_sv(raw));
    if (type) {
        return take(attachments, name, raw, type, err);
    }
    struct buf text = BUF_INIT(ATTACHMENT_MAX_BYTES);
    enum err_code code = ERR_OK;
    bool is_text = headless_decode(buf_sv(raw), &text);
    if (is_text) {
        code = take(attachments, name, &text, "text/plain", err);
    } else if (!buf_ok(&text)) {
        code = err_set(err, ERR_TOO_BIG, "cannot attach '%s': as UTF-8 it is larger than 32 MiB",
                       name);
    } else if (skips && attachments->is_screen) {
        code = ERR_OK;
    } else if (skips) {
        output_remark("not attached: '%s' is neither text nor an image", name);
    } else {
        code =
            err_set(err, ERR_INVALID, "cannot attach '%s': it is neither text nor an image", name);
    }
    buf_release(&text);
    return code;
}

static enum err_code attach_file(struct headless_attachments *attachments, const char *path,
                                 bool skips, struct err *err)
{
    struct buf raw = BUF_INIT(ATTACHMENT_MAX_BYTES);
    struct err why = {0};
    enum err_code code = file_read(path, &raw, &why);
    if (code == ERR_TOO_BIG) {
        code = err_set(err, ERR_TOO_BIG, "cannot attach '%s': it is larger than 32 MiB", path);
    } else if (code) {
        code = err_set(err, ERR_INVALID, "cannot attach: %s", why.text);
    } else {
        code = take_content(attachments, path, &raw, skips, err);
    }
    buf_release(&raw);
    return code;
}

/* A path that was named and cannot be read is bad input, whatever the reason. */
static enum err_code refuse(const char *path, int errnum, struct err *err)
{
    struct err why;
    err_set_errno(&why, errnum, "cannot attach '%s'", path);
    return err_set(err, ERR_INVALID, "%s", why.text);
}

static int keep_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err_code attach_folder(struct headless_attachments *attachments, const char *path,
                                   unsigned depth, struct err *err);

static enum err_code attach_entry(struct headless_attachments *attachments, const char *path,
                                  unsigned depth, struct err *err)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        return refuse(path, errno, err);
    }
    if (S_ISDIR(info.st_mode)) {
        return attach_folder(attachments, path, depth + 1, err);
    }
    return S_ISREG(info.st_mode) ? attach_file(attachments, path, true, err) : ERR_OK;
}

static enum err_code attach_folder(struct headless_attachments *attachments, const char *path,
                                   unsigned depth, struct err *err)
{
    struct dirent **entries = NULL;
    if (depth > DEPTH_MOST) {
        return err_set(err, ERR_INVALID, "cannot attach '%s': its folders lie too deep", path);
    }
    int count = scandir(path, &entries, keep_shown, by_bytes);
    if (count < 0) {
        return refuse(path, errno, err);
    }
    enum err_code code = ERR_OK;
    size_t length = strlen(path);
    bool has_slash = length > 0 && path[length - 1] == '/';
    for (int i = 0; i < count; i++) {
        if (!code) {
            char *inside = xasprintf("%s%s%s", path, has_slash ? "" : "/", entries[i]->d_name);
            code = attach_entry(attachments, inside, depth, err);
            free(inside);
        }
        free(entries[i]);
    }
    free(entries);
    return code;
}

static enum err_code attach_stdin(struct headless_attachments *attachments,
                                  const struct headless_input *input, struct err *err)
{
    struct buf raw = BUF_INIT(ATTACHMENT_MAX_BYTES);
    if (attachments->takes_stdin) {
        return err_set(err, ERR_USAGE, "stdin is attached twice");
    }
    attachments->takes_stdin = true;
    enum err_code code = headless_read_stdin(input, &raw, err);
    code = code ? code : take_content(attachments, "stdin", &raw, false, err);
    buf_release(&raw);
    return code;
}

enum err_code headless_attach(struct headless_attachments *attachments, const char *path,
                              const struct headless_input *input, struct err *err)
{
    struct sv text = sv_from(path);
    struct stat info;
    if (strcmp(path, "-") == 0) {
        return attach_stdin(attachments, input, err);
    }
    if (sv_starts_with(text, SV("http://")) || sv_starts_with(text, SV("https://"))) {
        return err_set(
            err, ERR_INVALID,
            "cannot attach '%.200s': nothing is fetched from the net, save it and attach "
            "the file",
            path);
    }
    bool is_folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    size_t before = attachments->count;
    enum err_code code = is_folder ? attach_folder(attachments, path, 0, err)
                                   : attach_file(attachments, path, false, err);
    if (!code && is_folder && attachments->count == before) {
        code =
            err_set(err, ERR_INVALID, "cannot attach '%s': there is nothing to attach in it", path);
    }
    return code;
}

enum err_code headless_attach_store(struct headless_attachments *attachments, struct store *store,
                                    struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < attachments->count; i++) {
        struct attachment added;
        code = attachment_add(store, attachments->items[i].media_type, attachments->items[i].bytes,
                              &added, err);
    }
    return code;
}

void headless_attachments_release(struct headless_attachments *attachments)
{
    for (size_t i = 0; i < attachments->count; i++) {
        buf_release(&attachments->contents[i]);
        free(attachments->names[i]);
        free(attachments->ids[i]);
    }
    free(attachments->items);
    free(attachments->contents);
    free(attachments->names);
    free(attachments->ids);
    *attachments = (struct headless_attachments){.count = 0};
}
