/*
 * Patterns of a JSON Schema, which are regular expressions of JavaScript (ECMA-262), matched by
 * those of the C library: \d, \w, \s and their like, escapes and groups without a number are
 * translated.
 *
 * Threads: values. Ownership: borrows for the call.
 */
#ifndef WEIR_APP_JSON_PATTERN_H
#define WEIR_APP_JSON_PATTERN_H

#include <stdbool.h>

/* Whether the pattern is found anywhere in the text. True, too, where the pattern has what POSIX
 * has not (looking ahead, classes of Unicode), or is none: what cannot be looked at refuses
 * nothing. */
bool json_pattern_matches(const char *pattern, const char *text);

#endif
