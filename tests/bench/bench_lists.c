/*
 * Figures of lists and pages, on a store that is generated: 10,000 sessions, and one conversation
 * of 100,000 messages with 50 forks, each off the one before. Beside them the same pages of a
 * conversation of 100 messages without a fork.
 *
 * Rounds of all contenders take turns, so that what else the machine does hits all alike; medians
 * of the rounds. One JSON object a line.
 *
 * Nearly all sessions are of one scope, one model and one label, so that what else is asked for has
 * to be looked for among all of them. At the end a session of 10,000 messages is deleted,
 * restored and purged: how many transactions took more than 10 ms is counted by the store.
 */
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "store/history.h"
#include "store/purge.h"
#include "store/session.h"
#include "store/trash.h"
#include "tests/bench/store_bench.h"

#define ROUNDS 15
#define PAGE 50

/* Of 10,000 sessions each hundredth is archived, each hundredth (another one) in the trash; the
 * long one is the first, the short one the second. */
static const char fill_sql[] =
    "PRAGMA foreign_keys = OFF; BEGIN;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
    " INSERT INTO session (id, uid, handle, title, scope, model, state, branch, cost_micros,"
    " created_at, last_active_at, archived_at, deleted_at)"
    " SELECT i, printf('%026d', i), printf('h%d', i),"
    "  printf('a title that says what session %d is about', i), printf('/scope/%d', iif(i > 500, "
    "7, i % 100)),"
    "  printf('provider/model-%d', iif(i > 500, 7, i % 20)), CASE i WHEN 5000 THEN 'failed' ELSE "
    "'completed' END,"
    "  i, i, 1000000 + i, 1000000 + i * 1000, CASE i % 100 WHEN 50 THEN 1 END,"
    "  CASE i % 100 WHEN 60 THEN i END FROM n;"
    "INSERT INTO branch (id, uid, session, created_at) SELECT id, uid, id, 1 FROM session;"
    "INSERT INTO label SELECT id, 'label-' || (id % 50), last_active_at FROM session;"
    "INSERT INTO label SELECT id, 'every', last_active_at FROM session;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)"
    " INSERT INTO branch (id, uid, session, parent, fork_seq, created_at)"
    " SELECT 20000 + i, printf('B%025d', i), 1, CASE i WHEN 1 THEN 1 ELSE 19999 + i END,"
    "  i * 1900, 1 FROM n;"
    "UPDATE session SET branch = 20050 WHERE id = 1;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
    " INSERT INTO message (uid, branch, seq, role, reason, folded, created_at, ended_at)"
    " SELECT printf('M%025d', i),"
    "  CASE WHEN i <= 1900 THEN 1 ELSE 20000 + min(50, (i - 1) / 1900) END, i,"
    "  CASE i % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'end_turn', 1, i, i FROM n;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
    " INSERT INTO message (uid, branch, seq, role, reason, folded, created_at, ended_at)"
    " SELECT printf('N%025d', i), 2, i, CASE i % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,"
    "  'end_turn', 1, i, i FROM n;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
    " INSERT INTO message (uid, branch, seq, role, reason, folded, created_at, ended_at)"
    " SELECT printf('P%025d', i), 3, i, CASE i % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,"
    "  'end_turn', 1, i, i FROM n;"
    "INSERT INTO part (message, position, kind, began_at, ended_at, text)"
    " SELECT id, 0, 'text', 1, 1, 'what was said in it, which is a line or two of words that'"
    "  || ' nobody will read: ' || seq FROM message;"
    "COMMIT";

static void fill(const char *folder)
{
    sqlite3 *db = NULL;
    char *path = xasprintf("%s/lists.db", folder);
    if (sqlite3_open(path, &db) || sqlite3_exec(db, fill_sql, NULL, NULL, NULL)) {
        fprintf(stderr, "bench: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_close(db);
    free(path);
}

static struct ulid id_of(char letter, int number)
{
    struct ulid id;
    (void)snprintf(id.text, sizeof(id.text), "%c%025d", letter, number);
    return id;
}

/* ---- contenders ---- */

static void list(struct store *store, const struct session_filter *filter)
{
    struct err err;
    struct session_list list;
    const struct session_window window = {.limit = PAGE};
    must(session_list(store, filter, &window, &list, &err), &err);
    if (list.count == 0 && !filter->min_cost_micros) {
        fprintf(stderr, "bench: a list that should hold sessions is empty\n");
        exit(1);
    }
    session_list_release(&list);
}

static void page(struct store *store, int session, const struct ulid *message, bool newer)
{
    struct err err;
    struct history_page page;
    struct history_query query = {.session = id_of('0', session), .newer = newer, .limit = PAGE};
    if (message) {
        query.start = HISTORY_MESSAGE;
        query.message = *message;
    }
    must(history_page(store, &query, &page, &err), &err);
    if (page.count != PAGE) {
        fprintf(stderr, "bench: a page of %zu messages\n", page.count);
        exit(1);
    }
    history_page_release(&page);
}

enum contender {
    LIST_ALL,
    LIST_SCOPE,
    LIST_LABEL,
    LIST_MODEL,
    LIST_STATE,
    LIST_COST,
    LIST_TITLE,
    LIST_TIME,
    LIST_SCOPE_STATE,
    LIST_LABEL_TITLE,
    LIST_MODEL_COST,
    LIST_ALL_OF_THEM,
    LIST_ARCHIVED,
    LIST_TRASH,
    COUNT_ALL,
    PAGE_NEWEST,
    PAGE_FIRST,
    PAGE_OLDER,
    PAGE_NEWER,
    PAGE_SHORT,
    LINES_NEWEST,
    CONTENDERS
};

static const char *const names[] = {
    [LIST_ALL] = "list_all_us",
    [LIST_SCOPE] = "list_of_scope_us",
    [LIST_LABEL] = "list_of_label_us",
    [LIST_MODEL] = "list_of_model_us",
    [LIST_STATE] = "list_of_rare_state_us",
    [LIST_COST] = "list_of_high_cost_us",
    [LIST_TITLE] = "list_of_rare_title_us",
    [LIST_TIME] = "list_of_old_days_us",
    [LIST_SCOPE_STATE] = "list_of_scope_and_rare_state_us",
    [LIST_LABEL_TITLE] = "list_of_label_and_rare_title_us",
    [LIST_MODEL_COST] = "list_of_model_and_high_cost_us",
    [LIST_ALL_OF_THEM] = "list_of_all_filters_us",
    [LIST_ARCHIVED] = "list_archived_us",
    [LIST_TRASH] = "list_trash_us",
    [COUNT_ALL] = "count_sessions_us",
    [PAGE_NEWEST] = "page_newest_50_forks_us",
    [PAGE_FIRST] = "page_first_50_forks_us",
    [PAGE_OLDER] = "page_older_50_forks_us",
    [PAGE_NEWER] = "page_newer_50_forks_us",
    [PAGE_SHORT] = "page_newest_100_messages_us",
    [LINES_NEWEST] = "page_slim_50_forks_us",
};

static const struct session_filter filters[] = {
    [LIST_ALL] = {.scope = NULL},
    [LIST_SCOPE] = {.scope = "/scope/7"},
    [LIST_LABEL] = {.label = "label-7"},
    [LIST_MODEL] = {.model = "provider/model-7"},
    [LIST_STATE] = {.state = "failed"},
    [LIST_COST] = {.min_cost_micros = 1000000000},
    [LIST_TITLE] = {.title = "Session 4321 "},
    [LIST_TIME] = {.until_us = 1000000 + 100 * 1000},
    [LIST_SCOPE_STATE] = {.scope = "/scope/7", .state = "failed"},
    [LIST_LABEL_TITLE] = {.label = "every", .title = "Session 4321 "},
    [LIST_MODEL_COST] = {.model = "provider/model-7", .min_cost_micros = 1000000000},
    [LIST_ALL_OF_THEM] = {.label = "every",
                          .scope = "/scope/7",
                          .model = "provider/model-7",
                          .state = "completed",
                          .title = "Session 4321 ",
                          .min_cost_micros = 1},
    [LIST_ARCHIVED] = {.set = SESSIONS_ARCHIVED},
    [LIST_TRASH] = {.set = SESSIONS_DELETED},
};

static void run(struct store *store, enum contender contender)
{
    struct err err;
    int64_t count = 0;
    struct history_lines lines;
    struct history_query slim = {.session = id_of('0', 1), .limit = PAGE};
    const struct ulid middle = id_of('M', 50000);
    if (contender <= LIST_TRASH) {
        list(store, &filters[contender]);
        return;
    }
    switch (contender) {
    case COUNT_ALL:
        must(session_count(store, NULL, &count, &err), &err);
        break;
    case PAGE_NEWEST:
    case PAGE_FIRST:
        page(store, 1, NULL, contender == PAGE_FIRST);
        break;
    case PAGE_OLDER:
    case PAGE_NEWER:
        page(store, 1, &middle, contender == PAGE_NEWER);
        break;
    case PAGE_SHORT:
        page(store, 2, NULL, false);
        break;
    default:
        must(history_lines(store, &slim, &lines, &err), &err);
        history_lines_release(&lines);
        break;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_transactions(struct store *store, const char *name, unsigned long long before)
{
    print(name, (double)(message_service_stats(store).long_transactions - before), "transactions");
}

/* A session of 10,000 messages. */
static void delete_and_purge(struct store *store)
{
    struct err err;
    struct purge_report report = {.sessions = 0};
    const struct ulid id = id_of('0', 3);
    unsigned long long before = message_service_stats(store).long_transactions;
    int64_t began = clock_mono_us();
    must(session_delete(store, &id, &err), &err);
    print("delete_10000_messages_us", (double)(clock_mono_us() - began), "us");
    must(session_restore(store, &id, NULL, &err), &err);
    print_transactions(store, "delete_10000_messages_over_10_ms", before);
    began = clock_mono_us();
    must(purge_session(store, &id, &report, &err), &err);
    print("purge_10000_messages_ms", (double)(clock_mono_us() - began) / 1000, "ms");
    print_transactions(store, "purge_10000_messages_over_10_ms", before);
    if (report.messages != 10000) {
        fprintf(stderr, "bench: %llu messages purged\n", (unsigned long long)report.messages);
        exit(1);
    }
    purge_report_release(&report);
}

int main(void)
{
    static double seen[CONTENDERS][ROUNDS];
    char folder[] = "/tmp/weir-bench-XXXXXX";
    if (!mkdtemp(folder)) {
        return 1;
    }
    struct broker *broker = broker_new(NULL);
    store_free(open_store(folder, "lists.db", broker, -1));
    fill(folder);
    struct store *store = open_store(folder, "lists.db", broker, -1);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CONTENDERS; i++) {
            int64_t began = clock_mono_us();
            run(store, (enum contender)i);
            seen[i][round] = (double)(clock_mono_us() - began);
        }
    }
    for (int i = 0; i < CONTENDERS; i++) {
        qsort(seen[i], ROUNDS, sizeof(double), compare);
        print(names[i], seen[i][ROUNDS / 2], "us");
    }
    delete_and_purge(store);
    store_free(store);
    broker_free(broker);
    execlp("rm", "rm", "-rf", folder, (char *)NULL);
    return 1;
}
