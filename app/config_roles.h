/*
 * Roles: named sets of what a request says, [role.NAME] in the config, taken by 'weir run --role'.
 *
 * Threads: values of a config, read-only after loading. Ownership: the config's.
 */
#ifndef WEIR_APP_CONFIG_ROLES_H
#define WEIR_APP_CONFIG_ROLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"

#define ROLE_UNSET (-1)

struct config_role {
    char *name;          /* as in [role.NAME] */
    char *system;        /* NULL: the config's own */
    char *model;         /* PROVIDER/MODEL or alias; NULL: as without a role */
    char *effort;        /* of reasoning; NULL: not set */
    int64_t temperature; /* in millionths; ROLE_UNSET */
    int64_t max_tokens;  /* ROLE_UNSET */
};

struct config_roles {
    struct config_role *items;
    size_t count;
};

/* The role of that name, made where it is missing. Valid until the next one is made. */
struct config_role *config_role_entry(struct config_roles *roles, struct sv name);
/* NULL: there is none. */
const struct config_role *config_role_find(const struct config_roles *roles, const char *name);
void config_roles_release(struct config_roles *roles); /* empty afterwards */

#endif
