/*
 * Headers: the lines of a request, from the protocol, the key and the config. What the config says
 * goes before what the protocol would have sent under that name.
 *
 * Threads: pure. Ownership: headers_free wipes and frees; one of the lines may hold the key.
 */
#ifndef WEIR_APP_HEADERS_H
#define WEIR_APP_HEADERS_H

#include "app/codec.h"
#include "app/config.h"

/* "Name: value", NULL at the end. `key` NULL: none is sent. */
char **headers_make(const struct config_provider *provider, const struct chat_request *request,
                    const char *key) NODISCARD;
void headers_free(char **headers); /* NULL is fine */

#endif
