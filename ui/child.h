/*
 * Child: other programs that the screen hands something to: a clipboard tool, an opener of links.
 *
 * They see nothing of the terminal, and none of the process's signal handling. What they are handed
 * is an argument or their stdin, never a line for a shell.
 *
 * Threads: any. child_feed waits, up to its deadline; child_detach does not. Errors: ERR_NOT_FOUND
 * (no such program), ERR_TIMEOUT, ERR_IO (it failed, or could not be started).
 */
#ifndef WEIR_UI_CHILD_H
#define WEIR_UI_CHILD_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"

/* Starts it and forgets it: it may outlive this process. argv ends with NULL. */
enum err_code child_detach(const char *const argv[], struct err *err) NODISCARD;
/* Starts it, gives it the text and waits for its end; one that is not done by then is killed. */
enum err_code child_feed(const char *const argv[], struct sv text, int64_t deadline_us,
                         struct err *err) NODISCARD;

#endif
