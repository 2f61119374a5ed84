/* Who is asked, as the engine and its runs share it. */
#include <stdlib.h>

#include "app/engine_internal.h"
#include "base/alloc.h"

struct target *target_new(const struct config *config, const struct config_provider *provider,
                          const char *model, const char *base_url)
{
    struct target *target = xcalloc(1, sizeof(*target));
    atomic_init(&target->references, 1);
    target->provider = *provider;
    target->own_base_url = xstrdup(base_url ? base_url : provider->base_url);
    target->provider.base_url = target->own_base_url;
    target->model = xstrdup(model);
    target->label = xasprintf("%s/%s", provider->name, model);
    target->system = xstrdup(config->system);
    return target;
}

struct target *target_ref(struct target *target)
{
    atomic_fetch_add(&target->references, 1);
    return target;
}

void target_unref(struct target *target)
{
    if (target && atomic_fetch_sub(&target->references, 1) == 1) {
        free(target->own_base_url);
        free(target->model);
        free(target->label);
        free(target->system);
        key_free(target->key);
        free(target);
    }
}
