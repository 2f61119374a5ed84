/*
 * The conversations.json of a ChatGPT account export: an array of conversations, each a tree.
 *
 * "mapping" holds the nodes by id, each with its parent, its children and perhaps a message. The
 * first child of a node goes on with its branch, each further one is a branch of its own. Nodes are
 * reached from the roots, each once, so circles and children that are not there do no harm.
 */
#include <stdlib.h>
#include <string.h>

#include "app/import_chatgpt_marks.h"
#include "app/import_foreign.h"
#include "app/json.h"
#include "base/alloc.h"

#define RECORD_MAX ((size_t)24 << 20)
#define VALUES_MAX 400000
#define PARTS_MAX 64
#define SECONDS_MAX 4e9

static bool knows(struct sv head)
{
    return sv_starts_with(sv_trim(head), SV("[")) && sv_find_sv(head, SV("\"mapping\"")) < head.n;
}

struct node {
    const cJSON *json;
    size_t branch; /* an index */
    int64_t seq;   /* of its message, or of the one before it */
    bool reached;
};

struct tree {
    struct import *import;
    const cJSON *root;
    struct sv id;
    struct node *nodes; /* sorted by name */
    size_t count;
    size_t *order; /* as they are reached */
    size_t reached;
    struct foreign_branch *branches;
    size_t branch_count;
    int64_t created_us;
};

static int64_t time_of(const cJSON *object, const char *name, int64_t otherwise)
{
    const cJSON *value = json_get(object, name);
    bool is_sane =
        cJSON_IsNumber(value) && value->valuedouble > 0 && value->valuedouble < SECONDS_MAX;
    return is_sane ? (int64_t)(value->valuedouble * 1e6) : otherwise;
}

static struct ulid id_of(const struct tree *tree, const char *kind, const char *name, int64_t at_us)
{
    char *source = xasprintf("%.*s %s", SV_ARG(tree->id), name);
    struct ulid id = import_id(kind, sv_from(source), at_us);
    free(source);
    return id;
}

/* ---- the tree ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->json->string, ((const struct node *)b)->json->string);
}

static struct node *find_node(const struct tree *tree, const cJSON *name)
{
    cJSON key = {.string = cJSON_IsString(name) ? name->valuestring : NULL};
    struct node wanted = {.json = &key};
    return key.string && tree->count > 0
               ? bsearch(&wanted, tree->nodes, tree->count, sizeof wanted, compare)
               : NULL;
}

static void read_nodes(struct tree *tree)
{
    const cJSON *mapping = json_get(tree->root, "mapping");
    const cJSON *item;
    size_t most = (size_t)cJSON_GetArraySize(mapping);
    tree->nodes = xcalloc(most + 1, sizeof(*tree->nodes));
    tree->order = xcalloc(most + 1, sizeof(*tree->order));
    tree->branches = xcalloc(most + 1, sizeof(*tree->branches));
    cJSON_ArrayForEach(item, mapping)
    {
        if (cJSON_IsObject(item) && item->string) {
            tree->nodes[tree->count++].json = item;
        }
    }
    qsort(tree->nodes, tree->count, sizeof(*tree->nodes), compare);
}

static enum role role_of(const cJSON *message, bool *ret_known)
{
    enum role role = ROLE_SYSTEM;
    *ret_known = role_parse(json_get_text(json_get(message, "author"), "role"), &role);
    return role;
}

static size_t read_parts(const struct node *node, struct foreign_part *parts);

static bool has_message(const struct node *node)
{
    struct foreign_part parts[PARTS_MAX];
    bool known = false;
    (void)role_of(json_get(node->json, "message"), &known);
    return known && read_parts(node, parts) > 0;
}

static size_t new_branch(struct tree *tree, const struct node *first, const struct node *parent)
{
    struct foreign_branch *branch = &tree->branches[tree->branch_count];
    *branch = (struct foreign_branch){
        .id = id_of(tree, "chatgpt branch", first->json->string, tree->created_us),
        .created_us = tree->created_us};
    if (parent) {
        branch->parent = tree->branches[parent->branch].id;
        branch->fork_seq = parent->seq;
    }
    return tree->branch_count++;
}

static void reach(struct tree *tree, struct node *node, size_t branch, int64_t before)
{
    node->reached = true;
    node->branch = branch;
    node->seq = before + has_message(node);
    tree->order[tree->reached++] = (size_t)(node - tree->nodes);
}

/* In the order of the list that it grows. */
static void walk_from(struct tree *tree, size_t from)
{
    for (size_t at = from; at < tree->reached; at++) {
        struct node *node = &tree->nodes[tree->order[at]];
        const cJSON *name;
        bool is_first = true;
        cJSON_ArrayForEach(name, json_get(node->json, "children"))
        {
            struct node *child = find_node(tree, name);
            if (child && !child->reached) {
                size_t branch = is_first ? node->branch : new_branch(tree, child, node);
                reach(tree, child, branch, node->seq);
                is_first = false;
            }
        }
    }
}

/* Several roots are branches that share nothing. */
static void walk(struct tree *tree)
{
    struct node *first = NULL;
    for (size_t i = 0; i < tree->count; i++) {
        struct node *node = &tree->nodes[i];
        if (!node->reached && !find_node(tree, json_get(node->json, "parent"))) {
            struct node nothing = {.branch = 0};
            size_t from = tree->reached;
            reach(tree, node, new_branch(tree, node, first ? &nothing : NULL), 0);
            first = first ? first : node;
            walk_from(tree, from);
        }
    }
}

/* ---- a message ---- */

static bool add_part(struct foreign_part *parts, size_t *count, enum part_kind kind, struct sv text)
{
    if (text.n > 0 && *count < PARTS_MAX) {
        parts[(*count)++] = (struct foreign_part){.kind = kind, .text = text};
    }
    return text.n > 0;
}

static void read_content(const cJSON *content, enum part_kind kind, struct foreign_part *parts,
                         size_t *count)
{
    const cJSON *item;
    (void)add_part(parts, count, kind, json_get_text(content, "text"));
    cJSON_ArrayForEach(item, json_get(content, "parts"))
    {
        if (cJSON_IsString(item)) {
            (void)add_part(parts, count, kind, sv_from(item->valuestring));
        } else if (!add_part(parts, count, kind, json_get_text(item, "text"))) {
            (void)add_part(parts, count, PART_STATUS, json_get_text(item, "content_type"));
        }
    }
    cJSON_ArrayForEach(item, json_get(content, "thoughts"))
    {
        (void)add_part(parts, count, PART_REASONING, json_get_text(item, "content"));
    }
    (void)add_part(parts, count, kind, json_get_text(content, "content"));
}

/* Views into the tree. */
static size_t read_parts(const struct node *node, struct foreign_part *parts)
{
    const cJSON *message = json_get(node->json, "message");
    const cJSON *content = json_get(message, "content");
    struct sv type = json_get_text(content, "content_type");
    struct sv recipient = json_get_text(message, "recipient");
    struct sv role = json_get_text(json_get(message, "author"), "role");
    bool is_call =
        recipient.n > 0 && !sv_equal_str(recipient, "all") && sv_equal_str(role, "assistant");
    enum part_kind kind = is_call                                 ? PART_TOOL_CALL
                          : sv_equal_str(role, "tool")            ? PART_TOOL_RESULT
                          : sv_equal_str(type, "reasoning_recap") ? PART_REASONING
                                                                  : PART_TEXT;
    size_t count = 0;
    read_content(content, kind, parts, &count);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].kind == PART_TOOL_CALL || parts[i].kind == PART_TOOL_RESULT) {
            parts[i].tool_id = sv_from(node->json->string);
            parts[i].tool_name =
                is_call ? recipient : json_get_text(json_get(message, "author"), "name");
        }
    }
    return count;
}

static enum err_code put_message(const struct tree *tree, const struct node *node, struct err *err)
{
    struct foreign_part parts[PARTS_MAX];
    const cJSON *json = json_get(node->json, "message");
    bool known = false;
    struct foreign_message message = {.branch = tree->branches[node->branch].id,
                                      .seq = node->seq,
                                      .created_us = time_of(json, "create_time", tree->created_us),
                                      .role = role_of(json, &known),
                                      .model =
                                          json_get_text(json_get(json, "metadata"), "model_slug"),
                                      .parts = parts,
                                      .part_count = read_parts(node, parts)};
    if (!known || message.part_count == 0) {
        return ERR_OK;
    }
    message.id = id_of(tree, "chatgpt message", node->json->string, message.created_us);
    return foreign_message(tree->import, &message, err);
}

static enum err_code put_all(const struct tree *tree, struct err *err)
{
    const struct node *current = find_node(tree, json_get(tree->root, "current_node"));
    const struct foreign_session session = {
        .id = import_id("chatgpt session", tree->id, tree->created_us),
        .branch = tree->branches[current && current->reached ? current->branch : 0].id,
        .title = json_get_text(tree->root, "title"),
        .model = json_get_text(tree->root, "default_model_slug"),
        .created_us = tree->created_us,
        .active_us = time_of(tree->root, "update_time", tree->created_us)};
    enum err_code code = foreign_session(tree->import, &session, err);
    for (size_t i = 0; code == ERR_OK && i < tree->branch_count; i++) {
        code = foreign_branch(tree->import, &tree->branches[i], err);
    }
    for (size_t i = 0; code == ERR_OK && i < tree->reached; i++) {
        code = put_message(tree, &tree->nodes[tree->order[i]], err);
    }
    return code ? code : import_end(tree->import, err);
}

static enum err_code take_tree(struct tree *tree, struct err *err)
{
    tree->id = json_get_text(tree->root, "conversation_id");
    tree->id = tree->id.n > 0 ? tree->id : json_get_text(tree->root, "id");
    if (tree->id.n == 0 || !cJSON_IsObject(json_get(tree->root, "mapping"))) {
        import_refuse(tree->import, "a conversation", "it has no id, or no 'mapping'");
        return ERR_OK;
    }
    tree->created_us = time_of(tree->root, "create_time", 0);
    read_nodes(tree);
    walk(tree);
    if (tree->reached < tree->count) {
        import_refuse(tree->import, "a part of a conversation", "it hangs on nothing");
    }
    enum err_code code = put_all(tree, err);
    free(tree->nodes);
    free(tree->order);
    free(tree->branches);
    return code;
}

static enum err_code take(struct import *import, const struct scan_event *event, struct err *err)
{
    if (event->kind != SCAN_RECORD) {
        return ERR_OK;
    }
    struct tree tree = {.import = import};
    cJSON *root = json_parse(event->text);
    tree.root = root;
    enum err_code code = ERR_OK;
    if (cJSON_IsObject(root)) {
        chatgpt_resolve_marks(root);
        code = take_tree(&tree, err);
    } else {
        import_refuse(import, "a conversation", "it is no JSON object");
    }
    cJSON_Delete(root);
    return code;
}

const struct importer importer_chatgpt = {
    .name = "chatgpt",
    .pattern = "A",
    .max_bytes = RECORD_MAX,
    .max_values = VALUES_MAX,
    .knows = knows,
    .take = take,
};
