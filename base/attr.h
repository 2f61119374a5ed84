/*
 * Compiler attributes, named for what they promise to the reader.
 *
 * Not a home for helpers: only spellings that gcc and clang share and that a plain compiler may
 * ignore.
 */
#ifndef WEIR_BASE_ATTR_H
#define WEIR_BASE_ATTR_H

#if defined(__GNUC__)
#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(string_index, first) __attribute__((format(printf, string_index, first)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#else
#define NODISCARD
#define PRINTF_LIKE(string_index, first)
#define NORETURN
#define UNUSED
#endif

/* Number of elements of a true array (never of a pointer). */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
