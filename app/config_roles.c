/* Roles of the config. */
#include "app/config_roles.h"

#include <stdlib.h>

#include "base/alloc.h"

struct config_role *config_role_entry(struct config_roles *roles, struct sv name)
{
    for (size_t i = 0; i < roles->count; i++) {
        if (sv_equal_str(name, roles->items[i].name)) {
            return &roles->items[i];
        }
    }
    size_t count = roles->count + 1;
    roles->items = xrealloc(roles->items, count * sizeof *roles->items);
    struct config_role *role = &roles->items[count - 1];
    *role = (struct config_role){
        .name = xstrndup(name.p, name.n), .temperature = ROLE_UNSET, .max_tokens = ROLE_UNSET};
    roles->count = count;
    return role;
}

const struct config_role *config_role_find(const struct config_roles *roles, const char *name)
{
    for (size_t i = 0; i < roles->count; i++) {
        if (sv_equal_str(sv_from(name), roles->items[i].name)) {
            return &roles->items[i];
        }
    }
    return NULL;
}

void config_roles_release(struct config_roles *roles)
{
    for (size_t i = 0; i < roles->count; i++) {
        free(roles->items[i].name);
        free(roles->items[i].system);
        free(roles->items[i].model);
        free(roles->items[i].effort);
    }
    free(roles->items);
    *roles = (struct config_roles){NULL, 0};
}
