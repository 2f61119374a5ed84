/* What importers hand on: sessions, their records, and ids for them. */
#include <stdlib.h>
#include <string.h>

#include "app/import.h"
#include "base/alloc.h"

void import_refuse(struct import *import, const char *what, const char *reason)
{
    char *text = xasprintf("%s is left out: %s", what, reason);
    import->counts.refused++;
    if (import->options->remark) {
        import->options->remark(import->options->ctx, text);
    }
    free(text);
}

enum err_code import_session(struct import *import, struct sv json, struct err *err)
{
    struct err own = {0};
    enum err_code code = import_end(import, err);
    if (code) {
        return code;
    }
    import->open = true;
    import->skips = false;
    if (!import->archive) {
        import->counts.sessions++;
        return ERR_OK;
    }
    code = archive_begin(import->archive, json, &own);
    if (code == ERR_GONE || code == ERR_INVALID) {
        import->skips = true;
        import_refuse(import, "a session", own.text);
        return ERR_OK;
    }
    return code ? err_set(err, code, "%s", own.text) : ERR_OK;
}

enum err_code import_put(struct import *import, enum archive_kind kind, struct sv json,
                         struct err *err)
{
    if (!import->open) {
        import_refuse(import, "a record", "it belongs to no session");
        return ERR_OK;
    }
    if (import->skips) {
        return ERR_OK;
    }
    if (!import->archive) {
        import->counts.messages += kind == ARCHIVE_MESSAGE;
        return ERR_OK;
    }
    return archive_put(import->archive, kind, json, err);
}

enum err_code import_end(struct import *import, struct err *err)
{
    bool open = import->open && !import->skips;
    struct err own = {0};
    import->open = import->skips = false;
    enum err_code code = open && import->archive ? archive_end(import->archive, &own) : ERR_OK;
    if (code == ERR_GONE) {
        import_refuse(import, "a session", own.text);
        return ERR_OK;
    }
    return code ? err_set(err, code, "%s", own.text) : ERR_OK;
}

struct ulid import_id(const char *kind, struct sv source, int64_t at_us)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    char hash[ATTACHMENT_ID_LENGTH + 1];
    char *name = xasprintf("%s %.*s", kind, SV_ARG(source));
    attachment_id(sv_from(name), hash);
    free(name);
    struct ulid id = {""};
    uint64_t ms = at_us > 0 ? (uint64_t)at_us / 1000 : 0;
    for (int i = 9; i >= 0; i--, ms >>= 5) {
        id.text[i] = digits[ms & 31];
    }
    id.text[0] =
        digits[strchr(digits, id.text[0]) - digits > 7 ? 7 : strchr(digits, id.text[0]) - digits];
    for (int i = 0; i < 16; i++) {
        char pair[3] = {hash[2 * i], hash[2 * i + 1], '\0'};
        id.text[10 + i] = digits[strtoul(pair, NULL, 16) & 31];
    }
    return id;
}
