/*
 * Attachments: bytes kept beside the messages that name them, once for each content.
 *
 * The id is the SHA-256 of the bytes in hexadecimal, so the same bytes have the same id wherever
 * they are added, and what is read is checked against it. A message names one in a part of kind
 * attachment (turn_attachment of store/turn.h). What no part names is collected by
 * attachment_collect once it is older than a limit, so who adds one names it within that time, or
 * adds it again, which costs little.
 *
 * Bytes are written in pieces of at most 256 KiB, each a transaction of its own with a rest after
 * it; an addition that was interrupted is completed by the next one of the same content.
 *
 * Threads: any but the screen's: all of it waits for the disk. Ownership: views are borrowed for
 * the call. Errors: ERR_NOT_FOUND (no such content, or not whole), ERR_TOO_BIG, ERR_INVALID (no id,
 * no type), ERR_CORRUPT (the bytes are not those of the id), and those of every write: ERR_CLOSED,
 * ERR_READ_ONLY, ERR_DISK_FULL, ERR_BUSY, ERR_TIMEOUT, ERR_IO. Source: FIPS 180-4 (SHA-256).
 */
#ifndef WEIR_STORE_ATTACHMENT_H
#define WEIR_STORE_ATTACHMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"
#include "store/store.h"

#define ATTACHMENT_MAX_BYTES ((size_t)32 << 20)
#define ATTACHMENT_ID_LENGTH 64
/* What attachment_collect is usually given: an hour. */
#define ATTACHMENT_GRACE_US ((int64_t)3600 * 1000000)

struct attachment {
    char id[ATTACHMENT_ID_LENGTH + 1];
    char type[128]; /* media type: "image/png" */
    size_t bytes;
};

/* The id that these bytes have. Writes nothing. */
void attachment_id(struct sv bytes, char ret_id[ATTACHMENT_ID_LENGTH + 1]);
/* `type` is what was said first where the content is there already. Empty content is fine. */
enum err_code attachment_add(struct store *store, struct sv type, struct sv bytes,
                             struct attachment *ret_attachment, struct err *err) NODISCARD;
enum err_code attachment_find(struct store *store, struct sv id, struct attachment *ret_attachment,
                              struct err *err) NODISCARD;
/* Appends the bytes; on failure `out` is as it was. ERR_TOO_BIG: past its maximum. */
enum err_code attachment_read(struct store *store, struct sv id, struct buf *out,
                              struct err *err) NODISCARD;

struct attachment_sum {
    size_t count;
    uint64_t bytes;
};
/* Removes what no message names and was not added within the last `grace_us`; adds to *sum. */
enum err_code attachment_collect(struct store *store, int64_t grace_us, struct attachment_sum *sum,
                                 struct err *err) NODISCARD;

#endif
