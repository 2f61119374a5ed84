/* libcurl at run time: found, checked, initialised. */
#include "app/curl_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define VERSION_MIN 0x075400
#define VERSION_MIN_TEXT "7.84"
#define PACKAGE_HINT "libcurl " VERSION_MIN_TEXT " or later is needed (Debian: libcurl4)"

/* Guards: the library's own state while it is initialised. Held for as long as loading takes, so
 * that who comes second finds it done. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

/* ISO C has no conversion from the loader's void * to a function; copying the bytes is what POSIX
 * promises to work. */
static bool find(void *library, const char *name, void *ret_function, size_t size)
{
    void *symbol = dlsym(library, name);
    memcpy(ret_function, &symbol, size);
    return symbol != NULL;
}

static bool find_all(void *library, struct curl_api *api)
{
    bool found = true;
#define FIND(name) found = find(library, "curl_" #name, &api->name, sizeof(api->name)) && found;
    CURL_API_FUNCTIONS(FIND)
#undef FIND
    return found;
}

static enum err_code check(void *library, struct curl_api *api, struct err *err)
{
    if (!find_all(library, api)) {
        return err_set(err, ERR_UNSUPPORTED, "libcurl lacks functions that are needed; %s",
                       PACKAGE_HINT);
    }
    const curl_version_info_data *info = api->version_info(CURLVERSION_NOW);
    if (info->version_num < VERSION_MIN) {
        return err_set(err, ERR_UNSUPPORTED, "libcurl %s is too old; %s", info->version,
                       PACKAGE_HINT);
    }
    if (api->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_set(err, ERR_UNSUPPORTED, "libcurl %s cannot be initialised", info->version);
    }
    return ERR_OK;
}

static enum err_code load(const char *library, struct curl_api *ret_api, struct err *err)
{
    struct curl_api api;
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
    if (!handle) {
        /* It may be there, and descriptors or memory may be short: the loader says which. */
        const char *why = dlerror();
        return err_set(err, ERR_UNSUPPORTED, "cannot load %s; %s", why ? why : library,
                       PACKAGE_HINT);
    }
    enum err_code code = check(handle, &api, err);
    if (code) {
        dlclose(handle);
        return code;
    }
    *ret_api = api;
    return ERR_OK;
}

enum err_code curl_api_load(const char *library, struct curl_api *ret_api, struct err *err)
{
    pthread_mutex_lock(&loading);
    enum err_code code = load(library, ret_api, err);
    pthread_mutex_unlock(&loading);
    return code;
}
