/*
 * Figures of the search, on a store that is generated: 100,000 messages of 100 words in 1,000
 * sessions; one word is in each of them, one in each twentieth. What indexing costs, the longest
 * that it held the database, and searches for the first 20 with their snippets. `-s`: a tenth.
 *
 * Medians of the rounds. One JSON object a line.
 */
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "store/search.h"
#include "tests/bench/store_bench.h"

#define ROUNDS 15

/* Words by a skewed distribution, as language has it: the square of a random number. */
static const char fill_sql[] =
    "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
    " INSERT INTO session (id, uid, handle, title, branch, created_at, last_active_at)"
    " SELECT i, printf('%%026d', i), printf('h%%d', i), printf('title of session %%d', i), i, i, i"
    " FROM n;"
    "INSERT INTO branch (id, uid, session, created_at) SELECT id, uid, id, 1 FROM session;"
    "INSERT INTO label SELECT id, 'tenth', last_active_at FROM session WHERE id %% 10 = 1;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
    " INSERT INTO message (id, uid, branch, seq, role, reason, folded, created_at, ended_at)"
    " SELECT i, printf('M%%025d', i), 1 + i %% 1000, i, CASE i %% 2 WHEN 1 THEN 'user' ELSE"
    "  'assistant' END, 'end_turn', 1, i, i FROM n;"
    "WITH RECURSIVE w(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM w WHERE i < 98)"
    " INSERT INTO part (message, position, kind, began_at, ended_at, text)"
    " SELECT id, 0, 'text', 1, 1, (SELECT group_concat('w' || cast(20000 *"
    "  pow(abs(random() / 9223372036854775808.0), 3) AS INTEGER), ' ') FROM w WHERE i + m.id > 0)"
    "  || ' everywhere' || CASE id %% 20 WHEN 0 THEN ' sometimes' ELSE ' never' END"
    " FROM message m;"
    "COMMIT";

static void fill(const char *folder, int messages)
{
    sqlite3 *db = NULL;
    char *path = xasprintf("%s/search.db", folder);
    char *sql = xasprintf(fill_sql, messages);
    if (sqlite3_open(path, &db) || sqlite3_exec(db, sql, NULL, NULL, NULL)) {
        fprintf(stderr, "bench: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_close(db);
    free(sql);
    free(path);
}

static double search(struct store *store, const struct search_query *query, int64_t *ret_pending)
{
    struct err err;
    struct search *handle = NULL;
    struct search_result result;
    int64_t began = clock_mono_us();
    must(search_new(store, query, &handle, &err), &err);
    must(search_run(handle, &result, &err), &err);
    double took = (double)(clock_mono_us() - began);
    if (ret_pending) {
        *ret_pending = result.pending;
    } else if (result.count != query->limit) {
        fprintf(stderr, "bench: %zu hits of %.*s\n", result.count, SV_ARG(query->text));
        exit(1);
    }
    search_result_release(&result);
    search_free(handle);
    return took;
}

static void wait_for_index(struct store *store, int messages)
{
    const struct search_query query = {.text = SV("-"), .limit = 1};
    int64_t pending = 1;
    int64_t began = clock_mono_us();
    int64_t cpu = cpu_ns();
    while (pending > 0) {
        (void)search(store, &query, &pending);
        clock_sleep_us(CLOCK_MS(20));
    }
    print("index_message_cpu_us", (double)(cpu_ns() - cpu) / 1000 / messages, "us");
    print("index_message_us", (double)(clock_mono_us() - began) / messages, "us");
    print("index_transactions_over_10_ms", (double)message_service_stats(store).long_transactions,
          "");
}

static const struct contender {
    const char *name;
    struct search_query query;
} contenders[] = {
    {"search_word_in_5000_us", {.text = SV("sometimes"), .limit = 20}},
    {"search_word_in_all_us", {.text = SV("everywhere"), .limit = 20}},
    {"search_two_words_us", {.text = SV("sometimes everywhere"), .limit = 20}},
    {"search_beginning_of_words_us", {.text = SV("w1999*"), .limit = 20}},
    {"search_phrase_us", {.text = SV("\"everywhere sometimes\""), .limit = 20}},
    {"search_word_in_5000_of_label_us", {.text = SV("sometimes"), .label = "tenth", .limit = 20}},
    {"search_word_in_all_of_label_us", {.text = SV("everywhere"), .label = "tenth", .limit = 20}},
    {"search_word_in_all_of_days_us", {.text = SV("everywhere"), .since_us = 1, .limit = 20}},
};

int main(int argc, char **argv)
{
    static double seen[COUNT_OF(contenders)][ROUNDS];
    int messages = argc > 1 && strcmp(argv[1], "-s") == 0 ? 10000 : 100000;
    char folder[] = "/tmp/weir-bench-XXXXXX";
    if (!mkdtemp(folder)) {
        return 1;
    }
    struct broker *broker = broker_new(NULL);
    store_free(open_store(folder, "search.db", broker, -1));
    fill(folder, messages);
    struct store *store = open_store(folder, "search.db", broker, -1);
    wait_for_index(store, messages);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT_OF(contenders); i++) {
            seen[i][round] = search(store, &contenders[i].query, NULL);
        }
    }
    for (size_t i = 0; i < COUNT_OF(contenders); i++) {
        print(contenders[i].name, median(seen[i], ROUNDS), "us");
    }
    must(store_close(store, clock_mono_us() + CLOCK_S(10), NULL), NULL);
    store_free(store);
    broker_free(broker);
    execlp("rm", "rm", "-rf", folder, (char *)NULL);
    return 1;
}
