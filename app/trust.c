/* Trust: the file of a folder is found, hashed, and looked up. */
#include "app/trust.h"

#include <sha2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

#define NAME ".weir.toml"
#define FILE_MAX ((size_t)64 << 10)
#define TRUSTED_MAX ((size_t)4 << 20)

static void hash_of(struct sv text, char hash[TRUST_HASH_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX sha;
    SHA256Init(&sha);
    SHA256Update(&sha, (const uint8_t *)(text.p ? text.p : ""), text.n);
    SHA256Final(digest, &sha);
    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        hash[2 * i] = digits[digest[i] >> 4];
        hash[2 * i + 1] = digits[digest[i] & 15];
    }
    hash[TRUST_HASH_SIZE - 1] = '\0';
}

static bool has(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
    bool exists = file_exists(path);
    free(path);
    return exists;
}

/* The length of the folder, the start or one above it, that holds the file; 0: none in this
 * repository does. Cuts `folder` on the way up. */
static size_t find_in_repository(char *folder)
{
    size_t found = 0;
    for (;;) {
        if (found == 0 && has(folder, NAME)) {
            found = strlen(folder);
        }
        if (has(folder, ".git")) {
            return found;
        }
        char *slash = strrchr(folder, '/');
        if (!slash || slash == folder) {
            return 0;
        }
        *slash = '\0';
    }
}

/* Of the working folder; NULL: there is none. */
static char *find_path(void)
{
    char *start = getcwd(NULL, 0);
    if (!start || start[0] != '/') {
        free(start);
        return NULL;
    }
    char *folder = xstrdup(start);
    size_t found = find_in_repository(folder);
    char *path = NULL;
    if (found > 0) {
        path = xasprintf("%.*s/" NAME, (int)found, start);
    } else if (has(start, NAME)) {
        path = xasprintf("%s/" NAME, strcmp(start, "/") == 0 ? "" : start);
    }
    free(folder);
    free(start);
    return path;
}

static enum err_code read_trusted(char **ret_path, struct buf *out, struct err *err)
{
    char *path = NULL;
    enum err_code code = file_xdg_path(XDG_STATE, "trusted", &path, err);
    code = code ? code : file_read(path, out, err);
    if (code && code != ERR_NOT_FOUND) {
        free(path);
        return code;
    }
    if (!path) {
        return code;
    }
    *ret_path = path;
    return ERR_OK;
}

static bool is_line_of(struct sv line, const struct folder_file *file)
{
    return line.n > TRUST_HASH_SIZE && sv_equal_str(sv_skip(line, TRUST_HASH_SIZE), file->path);
}

static bool is_trusted(const struct folder_file *file)
{
    struct buf trusted = BUF_INIT(TRUSTED_MAX);
    char *path = NULL;
    bool found = false;
    if (read_trusted(&path, &trusted, NULL) == ERR_OK) {
        struct sv rest = buf_sv(&trusted);
        struct sv line;
        while (!found && sv_next_line(&rest, &line)) {
            found = is_line_of(line, file) &&
                    sv_equal_str(sv_take(line, TRUST_HASH_SIZE - 1), file->hash);
        }
    }
    free(path);
    buf_release(&trusted);
    return found;
}

enum err_code trust_find(struct folder_file *ret_file, struct err *err)
{
    struct folder_file file = {.path = find_path(), .text = BUF_INIT(FILE_MAX)};
    struct err why = {0};
    if (file.path && file_read(file.path, &file.text, &why)) {
        trust_release(&file);
        return err_set(err, ERR_CONFIG, "%s", why.text);
    }
    if (file.path) {
        hash_of(buf_sv(&file.text), file.hash);
        file.trusted = is_trusted(&file);
    }
    *ret_file = file;
    return ERR_OK;
}

void trust_release(struct folder_file *file)
{
    free(file->path);
    file->path = NULL;
    buf_release(&file->text);
}

enum err_code trust_note(const struct folder_file *file, bool trusted, struct err *err)
{
    if (strchr(file->path, '\n')) {
        return err_set(err, ERR_INVALID, "the folder's name has more than one line");
    }
    struct buf before = BUF_INIT(TRUSTED_MAX);
    struct buf after = BUF_INIT(TRUSTED_MAX);
    char *path = NULL;
    enum err_code code = read_trusted(&path, &before, err);
    struct sv rest = buf_sv(&before);
    struct sv line;
    while (!code && sv_next_line(&rest, &line)) {
        if (!is_line_of(line, file)) {
            buf_append_sv(&after, line);
            buf_append_byte(&after, '\n');
        }
    }
    if (trusted) {
        buf_appendf(&after, "%s %s\n", file->hash, file->path);
    }
    code = code ? code : file_make_parent(path, err);
    code = code ? code : file_write_atomic(path, buf_sv(&after), err);
    free(path);
    buf_release(&before);
    buf_release(&after);
    return code;
}
