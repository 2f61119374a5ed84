/* Exit codes: which one an error has, and what they mean to who reads the help. */
#include "app/command.h"
#include "app/command_internal.h"
#include "app/output.h"

static const char meanings[] =
    "  0    done\n"
    "  1    unexpected failure\n"
    "  2    wrong usage\n"
    "  3    the answer was cut at the token limit; it is stored and printed\n"
    "  4    refused by the model or a filter\n"
    "  5    budget reached: nothing was sent, or --max-cost stopped it\n"
    "  6    not what was asked for: the answer fails the schema, or has no code block\n"
    "  65   bad input: no such session, a file that cannot be used, a request that the\n"
    "       provider rejected, a request id that was used for something else\n"
    "  69   provider unreachable or failing\n"
    "  73   the data folder cannot be made or written to\n"
    "  74   the store or the output failed: full, input or output error, damaged\n"
    "  75   busy: rate limit, session or request id running elsewhere, database locked\n"
    "  76   the stream broke: what came is stored as interrupted\n"
    "  77   authentication refused, or no key\n"
    "  78   configuration invalid or missing, or a database of a newer version\n"
    "  124  time limit\n"
    "  129  SIGHUP\n"
    "  130  SIGINT, or cancelled from elsewhere\n"
    "  141  the reader of stdout went away\n"
    "  143  SIGTERM; what came before any of these four is stored\n";

const char *command__exit_codes(void)
{
    return meanings;
}

int exit_code_of(enum err_code code)
{
    static const int codes[ERR_COUNT] = {
        [ERR_OK] = 0,           [ERR_INTERNAL] = 1,
        [ERR_NO_MEMORY] = 1,    [ERR_USAGE] = 2,
        [ERR_CONFIG] = 78,      [ERR_NOT_CONFIGURED] = 78,
        [ERR_INVALID] = 65,     [ERR_TOO_BIG] = 65,
        [ERR_UNSUPPORTED] = 1,  [ERR_NOT_FOUND] = 65,
        [ERR_AMBIGUOUS] = 65,   [ERR_EXISTS] = 65,
        [ERR_GONE] = 65,        [ERR_CLOSED] = 1,
        [ERR_BUSY] = 75,        [ERR_TIMEOUT] = 124,
        [ERR_CANCELLED] = 130,  [ERR_INTERRUPTED] = 76,
        [ERR_IO] = 74,          [ERR_DISK_FULL] = 74,
        [ERR_READ_ONLY] = 73,   [ERR_CANNOT_CREATE] = 73,
        [ERR_CORRUPT] = 74,     [ERR_NEWER] = 78,
        [ERR_UNREACHABLE] = 69, [ERR_SERVER] = 69,
        [ERR_RATE_LIMIT] = 75,  [ERR_AUTH] = 77,
        [ERR_REJECTED] = 65,    [ERR_PROTOCOL] = 76,
        [ERR_REFUSED] = 4,      [ERR_BUDGET] = 5,
        [ERR_UNFIT] = 6,
    };
    return (unsigned)code < ERR_COUNT ? codes[code] : 1;
}

int command_fail(const struct err *err)
{
    output_remark("%s", err->text[0] ? err->text : err_text(err->code));
    return exit_code_of(err->code);
}
