/*
 * libcurl, loaded at run time: one table of its functions, typed from its own header.
 *
 * Linked the usual way it would cost every start of the program several milliseconds, also where no
 * request is made.
 *
 * Threads: a table belongs to the one who loaded it. Ownership: the library stays loaded for the
 * life of the process (OpenSSL does not survive being unloaded). Source: libcurl 7.84.
 */
#ifndef WEIR_APP_CURL_API_H
#define WEIR_APP_CURL_API_H

#include <curl/curl.h>

#include "base/attr.h"
#include "base/err.h"

#define CURL_API_FUNCTIONS(X)                                                                      \
    X(global_init)                                                                                 \
    X(version_info)                                                                                \
    X(easy_init)                                                                                   \
    X(easy_setopt)                                                                                 \
    X(easy_getinfo)                                                                                \
    X(easy_strerror)                                                                               \
    X(easy_cleanup)                                                                                \
    X(slist_append)                                                                                \
    X(slist_free_all)                                                                              \
    X(multi_init)                                                                                  \
    X(multi_add_handle)                                                                            \
    X(multi_remove_handle)                                                                         \
    X(multi_perform)                                                                               \
    X(multi_poll)                                                                                  \
    X(multi_info_read)                                                                             \
    X(multi_cleanup)

#define CURL_API__MEMBER(name) __typeof__(curl_##name) *name;
struct curl_api {
    CURL_API_FUNCTIONS(CURL_API__MEMBER)
};
#undef CURL_API__MEMBER

/* The library's file as the loader knows it. */
#if defined(__APPLE__)
#define CURL_API_LIBRARY "libcurl.4.dylib"
#else
#define CURL_API_LIBRARY "libcurl.so.4"
#endif

/* Loads and initialises, which takes milliseconds the first time; on any thread, also on several at
 * once. ERR_UNSUPPORTED: it is missing or too old; the text names the package. */
enum err_code curl_api_load(const char *library, struct curl_api *ret_api,
                            struct err *err) NODISCARD;

#endif
