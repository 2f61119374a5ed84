/*
 * Syntax: colours for lines of code.
 *
 * One highlighter for all languages; a language is an entry of the table in ui/syntax_table.c: its
 * words, how comments and strings begin and end, and some habits. It looks at one line at a time,
 * and all that it has to know of the lines before is one number, so a block of code may be of any
 * length, and be unfinished. It colours by words and marks and knows no grammar; where it is wrong
 * a colour is wrong, never the text.
 *
 * Threads: constant tables. Ownership: none kept.
 */
#ifndef WEIR_UI_SYNTAX_H
#define WEIR_UI_SYNTAX_H

#include "base/sv.h"
#include "ui/styled.h"

struct syntax_language;

/* The language that the first word of a fence's info text names, in any case ("c", "C++",
 * "python title=x"); NULL: none that is known. */
const struct syntax_language *syntax_find(struct sv info);
/* How many there are, and the name by which each is found first. */
size_t syntax_count(void);
const char *syntax_name(size_t index);

/* In front of a block's first line. */
#define SYNTAX_START 0u

/*
 * Reads one line, without its newline, that begins in `state`; gives the state behind it. The
 * line's bytes are appended to `out` with their styles, unless it is NULL. `language` NULL: plain.
 */
unsigned syntax_line(const struct syntax_language *language, unsigned state, struct sv line,
                     struct styled *out);

#endif
