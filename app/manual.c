/* The man page of a command, from its entry in the table. Source: mdoc(7). */
#include <string.h>

#include "app/command_internal.h"
#include "app/completing.h"

/* One line, so that nothing in it is read as a request or an escape. */
static void append_escaped(struct buf *out, struct sv text)
{
    if (text.n > 0 && (text.p[0] == '.' || text.p[0] == '\'')) {
        buf_append_str(out, "\\&");
    }
    for (size_t i = 0; i < text.n; i++) {
        static const struct {
            char byte;
            const char *escape;
        } escapes[] = {
            {'\\', "\\e"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'"', "\\(dq"}, {'`', "\\(ga"}};
        const char *escape = NULL;
        for (size_t k = 0; k < COUNT_OF(escapes); k++) {
            escape = escapes[k].byte == text.p[i] ? escapes[k].escape : escape;
        }
        if (escape) {
            buf_append_str(out, escape);
        } else {
            buf_append_byte(out, text.p[i]);
        }
    }
}

/* Lines as they stand. A line that is empty would be warned about. */
static void append_literal(struct buf *out, const char *text)
{
    struct sv rest = sv_from(text);
    struct sv line;
    buf_append_str(out, ".Bd -literal\n");
    while (sv_next_line(&rest, &line)) {
        append_escaped(out, line);
        buf_append_str(out, line.n > 0 ? "\n" : "\\&\n");
    }
    buf_append_str(out, ".Ed\n");
}

static void append_options(struct buf *out, const struct option_spec *specs)
{
    for (; specs && specs->name; specs++) {
        buf_append_str(out, ".It ");
        if (specs->letter) {
            buf_appendf(out, "Fl %c , ", specs->letter);
        }
        buf_appendf(out, "Fl \\-%s", specs->name);
        if (specs->value) {
            buf_append_str(out, " Ar ");
            append_escaped(out, sv_from(specs->value));
        }
        buf_append_byte(out, '\n');
        append_escaped(out, sv_from(specs->help));
        buf_append_byte(out, '\n');
    }
}

static void append_upper(struct buf *out, const char *name)
{
    for (; *name; name++) {
        buf_append_byte(out, *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
    }
}

void manual_append(const struct command *command, struct buf *out)
{
    buf_append_str(out, ".Dd $Mdocdate$\n.Dt WEIR\\-");
    append_upper(out, command->name);
    buf_appendf(out, " 1\n.Os\n.Sh NAME\n.Nm weir\\-%s\n.Nd ", command->name);
    append_escaped(out, sv_from(command->summary));
    buf_appendf(out, "\n.Sh SYNOPSIS\n.Nm weir %s\n.Op Ar options\n", command->name);
    if (command->operands && *command->operands) {
        buf_append_str(out, ".Ar ");
        append_escaped(out, sv_from(command->operands));
        buf_append_byte(out, '\n');
    }
    if (command->details) {
        buf_append_str(out, ".Sh DESCRIPTION\n");
        append_literal(out, command->details);
    }
    buf_append_str(out, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
    append_options(out, command->options);
    append_options(out, global_option_specs());
    buf_append_str(out, ".El\n.Sh EXIT STATUS\n");
    append_literal(out, command__exit_codes());
    buf_append_str(out, ".Sh SEE ALSO\n.Xr weir 1\n");
}
