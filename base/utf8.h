/*
 * UTF-8: decoding, checking, repairing.
 *
 * Source: Unicode 15, section 3.9. Ill-formed input is replaced by U+FFFD once per maximal subpart
 * (practice of the W3C decoders), so that results do not depend on where a stream was cut.
 *
 * Threads: pure functions on the caller's memory. Units: bytes unless a name says otherwise.
 */
#ifndef WEIR_BASE_UTF8_H
#define WEIR_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#define UTF8_REPLACEMENT 0xFFFDu

/* Decodes one code point of [bytes, bytes + length), length > 0. Gives the bytes used (1 to 4);
 * ill-formed ones give U+FFFD. */
size_t utf8_decode(const char *bytes, size_t length, uint32_t *ret_cp);
/* Gives the number of bytes written, 1 to 4. */
size_t utf8_encode(uint32_t cp, char out[4]);
/* Length of the longest well-formed prefix. Equal to `length` when all is well-formed. */
size_t utf8_valid_prefix(const char *bytes, size_t length);
/* Bytes at the end (0 to 3) that begin a code point which more bytes could complete: what a stream
 * holds back. */
size_t utf8_partial_tail(const char *bytes, size_t length);
/* Largest n <= limit that does not split a code point of well-formed text. */
size_t utf8_cut(const char *bytes, size_t length, size_t limit);
/* Start of the code point before `at`, and of the one after; clipped to [0, length]. */
size_t utf8_prev(const char *bytes, size_t at);
size_t utf8_next(const char *bytes, size_t length, size_t at);

/* Appends `text`, ill-formed parts and NUL bytes replaced by U+FFFD. False when the buffer is full.
 */
bool utf8_append_valid(struct buf *out, struct sv text);

#endif
