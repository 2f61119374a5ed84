/*
 * What a language is to the highlighter. Internal to it.
 *
 * syntax.c reads lines; syntax_table.c is the table. All texts are lists of words with single
 * blanks between them; NULL is the empty list.
 */
#ifndef WEIR_UI_SYNTAX_INTERNAL_H
#define WEIR_UI_SYNTAX_INTERNAL_H

#include "ui/syntax.h"

enum syntax_habit {
    SYNTAX_NO_CASE = 1,       /* words in any case; the lists have small letters */
    SYNTAX_NO_ESCAPES = 2,    /* a backslash in a string is a backslash */
    SYNTAX_VARIABLES = 4,     /* $name and @name are names */
    SYNTAX_DIRECTIVES = 8,    /* a line that begins with # is one */
    SYNTAX_KEYS = 16,         /* what stands before : or = at a line's beginning is a name */
    SYNTAX_TAGS = 32,         /* <name attribute="..."> */
    SYNTAX_CHANGES = 64,      /* lines that begin with + - @ */
    SYNTAX_DASHES = 128,      /* words may hold a - */
    SYNTAX_QUOTED_KEYS = 256, /* a string before : is a name */
    SYNTAX_LIFETIMES = 512,   /* ' may begin a name instead of a character */
    SYNTAX_DECORATORS = 1024, /* @name */
};

#define SYNTAX_LONG_MAX 2

struct syntax_language {
    const char *names; /* the first one is shown */
    const char *keywords;
    const char *types;
    const char *line_comments;
    const char *comment_open, *comment_close; /* comments that go over lines */
    const char *quotes;                       /* bytes that begin and end a string in one line */
    struct {
        const char *open, *close;
    } long_strings[SYNTAX_LONG_MAX]; /* strings that go over lines */
    unsigned habits;
};

extern const struct syntax_language syntax__languages[];
extern const size_t syntax__language_count;

#endif
