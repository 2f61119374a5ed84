/*
 * What the first frame of any ncurses program with a database costs: the least that weir's own
 * could take.
 *
 * Opens the SQLite file that is named, reads one value from it, and shows a line of text. Then it
 * waits for its input to end, so that whoever measures decides when it goes.
 */
#include <curses.h>
#include <locale.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static int count_tables(const char *path, int *ret_count)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int result = 1;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        goto out;
    }
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_master", -1, &statement, NULL) !=
            SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        goto out;
    }
    *ret_count = sqlite3_column_int(statement, 0);
    result = 0;
out:
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: baseline_ncurses DATABASE TEXT\n");
        return 2;
    }
    setlocale(LC_ALL, "");
    initscr();
    int tables = 0;
    int result = count_tables(argv[1], &tables);
    mvprintw(0, 0, "%d", tables);
    mvaddstr(1, 0, argv[2]);
    refresh();
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0 && byte != 'q') {
    }
    endwin();
    return result;
}
