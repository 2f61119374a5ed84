/* weir search: what was said, found again by its words. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/day.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/records.h"
#include "base/clock.h"
#include "base/safe.h"
#include "store/search.h"

#define LIMIT_DEFAULT 20

#define BOLD "\x1b[1m"
#define PLAIN "\x1b[22m"

static const struct option_spec options[] = {
    {"json", 0, OPTION_FLAG, NULL, "one JSON document"},
    {"limit", 'l', OPTION_NUMBER, "N", "the best N (20, at most 1000)"},
    {"offset", 0, OPTION_NUMBER, "N", "leave out the N best"},
    {"session", 's', OPTION_TEXT, "SESSION", "in this session only"},
    {"label", 0, OPTION_TEXT, "LABEL", "in sessions that have this label"},
    {"model", 0, OPTION_TEXT, "MODEL", "said by PROVIDER/MODEL, or asked of it"},
    {"role", 0, OPTION_TEXT, "ROLE", "said by user, assistant, system or tool; no titles"},
    {"since", 0, OPTION_TEXT, "DAY", "from that local day on: 2026-11-21, today, or 7d for a week"},
    {"until", 0, OPTION_TEXT, "DAY", "up to the end of that day"},
    {.name = NULL},
};

/* ---- what is asked for ---- */

static struct buf join(const struct arguments *arguments)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < arguments->rest_count; i++) {
        buf_append_str(&text, i ? " " : "");
        buf_append_str(&text, arguments->rest[i]);
    }
    return text;
}

static size_t number(const struct arguments *arguments, const char *name, size_t otherwise)
{
    const char *text = argument_text(arguments, name);
    double value = text ? strtod(text, NULL) : (double)otherwise;
    return value < SEARCH_RANKED ? (size_t)value : SEARCH_RANKED;
}

/* `role` outlives the query. */
static enum err_code read_query(const struct reading *reading, const struct arguments *arguments,
                                struct search_query *query, enum role *role, struct err *err)
{
    const char *who = argument_text(arguments, "role");
    query->label = argument_text(arguments, "label");
    query->model = argument_text(arguments, "model");
    query->limit = number(arguments, "limit", LIMIT_DEFAULT);
    query->offset = number(arguments, "offset", 0);
    if (arguments->rest_count == 0) {
        return err_set(err, ERR_USAGE, "expected 'weir search' and words to look for");
    }
    if (who && !role_parse(sv_from(who), role)) {
        return err_set(err, ERR_USAGE, "--role takes user, assistant, system or tool, not '%s'",
                       who);
    }
    query->role = who ? role : NULL;
    const char *session = argument_text(arguments, "session");
    enum err_code code = day_range(arguments, &query->since_us, &query->until_us, err);
    return code || !session ? code
                            : named_session_id(reading->store, session, &query->session, err);
}

/* ---- what is found ---- */

static void append_time(struct buf *out, int64_t wall_us)
{
    char text[CLOCK_LOCAL_SIZE];
    clock_format_local(wall_us, "%Y-%m-%d %H:%M", text);
    buf_appendf(out, "%-16s", text);
}

/* Pieces are made safe one by one, so that the styles between them stay. */
static void append_snippet(struct buf *out, const struct search_hit *hit, bool styled)
{
    struct sv text = sv_from(hit->snippet);
    size_t at = 0;
    buf_append_str(out, hit->cut_before ? "…" : "");
    for (size_t i = 0; i < hit->span_count; i++) {
        const struct search_span *span = &hit->spans[i];
        (void)safe_append(out, sv_take(sv_skip(text, at), span->first - at), SAFE_ONE_LINE);
        buf_append_str(out, styled ? BOLD : "");
        (void)safe_append(out, sv_take(sv_skip(text, span->first), span->last - span->first),
                          SAFE_ONE_LINE);
        buf_append_str(out, styled ? PLAIN : "");
        at = span->last;
    }
    (void)safe_append(out, sv_skip(text, at), SAFE_ONE_LINE);
    buf_append_str(out, hit->cut_after ? "…" : "");
}

static void append_hit(struct buf *out, const struct search_hit *hit, bool styled)
{
    buf_appendf(out, "%-10s ", hit->handle);
    append_time(out, hit->at_us);
    buf_appendf(out, "  %-9s  ", search_place_text(hit->place));
    if (hit->place == SEARCH_TITLE) {
        append_snippet(out, hit, styled);
    } else {
        (void)safe_append(out, sv_from(hit->title), SAFE_ONE_LINE);
        buf_append_str(out, "\n    ");
        append_snippet(out, hit, styled);
    }
    buf_append_byte(out, '\n');
}

static void append_record(struct buf *out, const struct search_hit *hit)
{
    bool titled = hit->place == SEARCH_TITLE;
    buf_append_byte(out, '{');
    record_id(out, "session_id", &hit->session);
    record_text(out, "handle", sv_from(hit->handle));
    record_text(out, "title", sv_from(hit->title));
    record_id(out, "message_id", &hit->message);
    record_text(out, "place", sv_from(search_place_text(hit->place)));
    record_text(out, "role", sv_from(titled ? NULL : role_text(hit->role)));
    record_text(out, "model", sv_from(hit->model));
    record_time(out, "at", hit->at_us);
    record_key(out, "rank");
    buf_appendf(out, "%.6g", hit->rank);
    record_text(out, "snippet", sv_from(hit->snippet));
    record_key(out, "matches");
    buf_append_byte(out, '[');
    for (size_t i = 0; i < hit->span_count; i++) {
        buf_appendf(out, "%s[%zu,%zu]", i ? "," : "", hit->spans[i].first, hit->spans[i].last);
    }
    buf_append_str(out, "]}");
}

static void append_document(struct buf *out, const struct search_result *result)
{
    buf_append_str(out, "{\"hits\":[");
    for (size_t i = 0; i < result->count; i++) {
        buf_append_str(out, i ? ",\n" : "");
        append_record(out, &result->hits[i]);
    }
    buf_append_str(out, "]");
    record_bool(out, "more", result->more);
    record_bool(out, "only_newest", result->only_newest);
    record_int(out, "pending", result->pending);
    buf_append_str(out, "}\n");
}

static void remark(const struct search_result *result)
{
    if (result->wordless) {
        output_remark("the query names no word to look for");
    } else if (result->count == 0) {
        output_remark("nothing found");
    }
    if (result->only_newest) {
        output_remark("found in very many: the newest %d were compared", SEARCH_RANKED);
    }
    if (result->pending > 0) {
        output_remark("%lld %s not known to the search yet", (long long)result->pending,
                      result->pending == 1 ? "message is" : "messages are");
    }
}

static int print(const struct search_result *result, const struct global_options *global, bool json)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    bool auto_styled = strcmp(global->color, "auto") == 0 && isatty(STDOUT_FILENO);
    bool styled = auto_styled || strcmp(global->color, "always") == 0;
    if (json) {
        append_document(&out, result);
    }
    for (size_t i = 0; !json && i < result->count; i++) {
        append_hit(&out, &result->hits[i], styled);
    }
    int exit_code = json ? output_paged(buf_sv(&out)) : output_paged_safe(buf_sv(&out));
    buf_release(&out);
    if (!json && !global->quiet) {
        remark(result);
    }
    return exit_code;
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct reading reading;
    struct search *search = NULL;
    struct search_result result = {.count = 0};
    struct err err = {0};
    enum role role = ROLE_USER;
    int exit_code = 0;
    if (reading_open(global, &reading, &err)) {
        return command_fail(&err);
    }
    struct buf text = join(arguments);
    struct search_query query = {.text = buf_sv(&text)};
    enum err_code code = read_query(&reading, arguments, &query, &role, &err);
    if (!code) {
        code = search_new(reading.store, &query, &search, &err);
    }
    if (!code) {
        code = search_run(search, &result, &err);
    }
    search_free(search);
    reading_close(&reading);
    exit_code =
        code ? command_fail(&err) : print(&result, global, argument_flag(arguments, "json"));
    search_result_release(&result);
    buf_release(&text);
    return exit_code;
}

const struct command command_search = {
    .name = "search",
    .operands = "QUERY...",
    .summary = "find what was said: titles, prompts, answers, reasoning, tools",
    .details =
        "  word       is there, in small or large letters, with or without accents\n"
        "  \"a b\"      these words, one after the other\n"
        "  word*      a word that begins so\n"
        "  -word      is not there; -\"a b\" as well. Put -- or another word before it\n"
        "\n"
        "All words have to be in the same message or title. The best come first, among equals the\n"
        "newest. Words are whole: 'her' does not find heron, 'her*' does. What lies in the trash "
        "is\n"
        "not found. Exit code 0, also when nothing was found.\n",
    .options = options,
    .run = run,
};
