/*
 * TOML behind a C interface: toml++ parses, what is visited are plain views.
 *
 * The only C++ of the program. Exceptions are off, so running out of memory ends the program; the
 * caller caps the size of the text. toml++ keeps tables sorted by key, so the order of the lines is
 * restored here: the first error of a file is then the first one its reader meets.
 */
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <algorithm>
#include <toml++/toml.h>
#include <vector>

extern "C" {
#include "app/toml.h"
}

namespace
{

struct walk {
    const char *name;
    toml_visit_fn *visit;
    void *ctx;
    struct err *err;
    struct sv path[TOML_DEPTH_MAX];
};

struct member {
    const toml::key *key;
    const toml::node *node;
};

struct sv view(std::string_view text)
{
    return sv_of(text.data(), text.size());
}

/* True, and the views of the elements, when all are texts. */
bool gather_texts(const toml::array &array, std::vector<struct sv> &texts)
{
    for (const toml::node &element : array) {
        if (!element.is_string()) {
            return false;
        }
        texts.push_back(view(element.as_string()->get()));
    }
    return true;
}

void describe_scalar(const toml::node &node, struct toml_item &item)
{
    if (const auto *text = node.as_string()) {
        item.type = TOML_TEXT;
        item.text = view(text->get());
    } else if (const auto *integer = node.as_integer()) {
        item.type = TOML_INTEGER;
        item.integer = integer->get();
        item.number = static_cast<double>(integer->get());
    } else if (const auto *number = node.as_floating_point()) {
        item.type = TOML_FLOAT;
        item.number = number->get();
    } else if (const auto *boolean = node.as_boolean()) {
        item.type = TOML_BOOLEAN;
        item.boolean = boolean->get();
    } else {
        item.type = TOML_DATE;
    }
}

enum err_code visit_node(const struct walk &walk, const member &member, size_t depth)
{
    std::vector<struct sv> texts;
    struct toml_item item = {};
    item.path = walk.path;
    item.depth = depth;
    item.line = member.key->source().begin.line;
    if (const auto *array = member.node->as_array()) {
        item.type = gather_texts(*array, texts) ? TOML_TEXTS : TOML_ARRAY;
        item.texts = texts.data();
        item.text_count = texts.size();
    } else if (member.node->is_table()) {
        item.type = TOML_TABLE;
    } else {
        describe_scalar(*member.node, item);
    }
    return walk.visit(walk.ctx, &item, walk.err);
}

bool stands_before(const member &a, const member &b)
{
    const toml::source_position &left = a.key->source().begin;
    const toml::source_position &right = b.key->source().begin;
    return left.line != right.line ? left.line < right.line : left.column < right.column;
}

enum err_code walk_table(struct walk &walk, const toml::table &table, size_t depth)
{
    std::vector<member> members;
    for (auto &&[key, node] : table) {
        members.push_back({&key, &node});
    }
    std::stable_sort(members.begin(), members.end(), stands_before);
    for (const member &member : members) {
        if (depth == TOML_DEPTH_MAX) {
            return err_set(walk.err, ERR_CONFIG, "%s:%u: tables are nested too deeply", walk.name,
                           static_cast<unsigned>(member.key->source().begin.line));
        }
        walk.path[depth] = view(member.key->str());
        enum err_code code = visit_node(walk, member, depth + 1);
        if (!code && member.node->is_table()) {
            code = walk_table(walk, *member.node->as_table(), depth + 1);
        }
        if (code) {
            return code;
        }
    }
    return ERR_OK;
}

/* toml++ begins its texts with "Error while parsing key-value pair: ", which helps nobody. */
std::string_view plain_description(std::string_view text)
{
    const std::string_view lead = "Error while parsing ";
    const size_t colon = text.find(": ");
    if (text.substr(0, lead.size()) == lead && colon != text.npos) {
        text.remove_prefix(colon + 2);
    }
    return text;
}

} // namespace

extern "C" enum err_code toml_walk(const char *name, struct sv text, toml_visit_fn *visit,
                                   void *ctx, struct err *err)
{
    const std::string_view document(text.p ? text.p : "", text.n);
    toml::parse_result result = toml::parse(document);
    if (!result) {
        const std::string_view what = plain_description(result.error().description());
        return err_set(err, ERR_CONFIG, "%s:%u: %.*s", name,
                       static_cast<unsigned>(result.error().source().begin.line),
                       static_cast<int>(what.size()), what.data());
    }
    struct walk walk = {name, visit, ctx, err, {}};
    return walk_table(walk, result.table(), 0);
}
