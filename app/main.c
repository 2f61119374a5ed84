/* The program: what has to be so before anything runs. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#include "app/command.h"

int main(int argc, char **argv)
{
    /* Numbers keep their point, as scripts and JSON want them. */
    if (!setlocale(LC_ALL, "")) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
    (void)setlocale(LC_NUMERIC, "C");
    /* A reader that went away is an error of write(), with an exit code of its own. */
    signal(SIGPIPE, SIG_IGN);
    return command_main(argc, argv);
}
