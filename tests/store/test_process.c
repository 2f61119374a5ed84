/* Process locks, the migration lock, the doorbell: between processes that are really there. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/lockfile_internal.h"
#include "tests/store/db_helpers.h"

/* A process that takes its lock, says its id and lives until it is killed. */
static pid_t start_owner(const char *path, struct ulid *ret_id)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct process_lock *lock = NULL;
        alarm(SCRATCH_SECONDS);
        if (process_lock_take(path, &lock, NULL) != ERR_OK ||
            write(ends[1], process_lock_id(lock), sizeof(struct ulid)) < 0) {
            _exit(1);
        }
        for (;;) {
            (void)pause();
        }
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], ret_id, sizeof(*ret_id)), sizeof(*ret_id));
    (void)close(ends[0]);
    return child;
}

static void stop_owner(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void gone__is_false_while_the_owner_lives_and_true_after_kill(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct ulid owner;
    pid_t child = start_owner(path, &owner);
    assert_false(process_is_gone(path, &owner));
    process_forget(path, &owner);
    assert_false(process_is_gone(path, &owner));
    stop_owner(child);
    assert_true(process_is_gone(path, &owner));
    process_forget(path, &owner);
    assert_true(process_is_gone(path, &owner));
    free(path);
}

static void gone__is_false_for_oneself_and_for_no_id(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct process_lock *lock = NULL;
    struct ulid unset = {""};
    assert_int_equal(process_lock_take(path, &lock, NULL), ERR_OK);
    struct ulid id = *process_lock_id(lock);
    /* Asking opens and closes the file, which must not drop the lock. */
    assert_false(process_is_gone(path, &id));
    assert_false(process_is_gone(path, &id));
    assert_false(process_is_gone(path, &unset));
    process_lock_release(lock);
    assert_true(process_is_gone(path, &id));
    process_lock_release(NULL);
    free(path);
}

static int look_as_nobody(const char *path, const struct ulid *id)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(setuid(65534) != 0 ? 99 : process_is_gone(path, id));
    }
    int status = -1;
    (void)waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static void gone__is_false_when_it_cannot_be_told(void **state)
{
    struct scratch *scratch = *state;
    char *path = scratch_path(scratch, "x.db");
    struct ulid owner;
    if (geteuid() != 0) {
        skip();
    }
    pid_t child = start_owner(path, &owner);
    stop_owner(child);
    assert_int_equal(chmod(scratch->folder, 0755), 0);
    assert_int_equal(look_as_nobody(path, &owner), 0);
    assert_true(process_is_gone(path, &owner));
    free(path);
}

static void take__makes_private_files_and_clears_away_the_dead(void **state)
{
    char *path = scratch_path(*state, "x.db");
    char *folder = scratch_path(*state, "x.db-run");
    struct process_lock *lock = NULL;
    struct ulid dead;
    struct ulid alive;
    struct stat info;
    stop_owner(start_owner(path, &dead));
    pid_t child = start_owner(path, &alive);
    mode_t before = umask(0);
    assert_int_equal(process_lock_take(path, &lock, NULL), ERR_OK);
    umask(before);

    char *dead_file = xasprintf("%s/%s", folder, dead.text);
    char *alive_file = xasprintf("%s/%s", folder, alive.text);
    char *own_file = xasprintf("%s/%s", folder, process_lock_id(lock)->text);
    assert_int_not_equal(access(dead_file, F_OK), 0);
    assert_int_equal(access(alive_file, F_OK), 0);
    assert_int_equal(stat(own_file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    stop_owner(child);
    process_lock_release(lock);
    assert_int_not_equal(access(own_file, F_OK), 0);
    free(dead_file);
    free(alive_file);
    free(own_file);
    free(folder);
    free(path);
}

static void take__by_many_at_once_gives_each_its_own(void **state)
{
    enum { PROCESSES = 12 };
    char *path = scratch_path(*state, "x.db");
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            int failures = 0;
            for (int round = 0; round < 20; round++) {
                struct process_lock *lock = NULL;
                failures += process_lock_take(path, &lock, NULL) != ERR_OK ||
                            process_is_gone(path, process_lock_id(lock));
                process_lock_release(lock);
            }
            _exit(failures);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        (void)waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    free(path);
}

static void locks__meet_by_whichever_link_the_database_is_reached(void **state)
{
    char *path = scratch_path(*state, "x.db");
    char *link = scratch_path(*state, "link.db");
    struct ulid owner;
    put_content(path, SV(""));
    assert_int_equal(symlink(path, link), 0);
    pid_t child = start_owner(path, &owner);
    assert_false(process_is_gone(link, &owner));
    stop_owner(child);
    assert_true(process_is_gone(link, &owner));
    free(link);
    free(path);
}

static void upgrade__waits_for_the_shared_locks_of_others(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct err err = {ERR_OK, ""};
    int a = -1;
    int b = -1;
    assert_int_equal(migration_lock_shared(path, &a, NULL), ERR_OK);
    assert_int_equal(migration_lock_shared(path, &b, NULL), ERR_OK);
    int64_t began = clock_mono_us();
    assert_int_equal(migration_lock_upgrade(a, began + CLOCK_MS(30), &err), ERR_BUSY);
    assert_in_range(clock_mono_us() - began, CLOCK_MS(30), CLOCK_S(5));
    /* What it had before it has again. */
    assert_int_equal(migration_lock_upgrade(b, 0, &err), ERR_BUSY);
    (void)close(b);
    assert_int_equal(migration_lock_upgrade(a, 0, &err), ERR_OK);
    migration_lock_downgrade(a);
    assert_int_equal(migration_lock_shared(path, &b, NULL), ERR_OK);
    (void)close(a);
    (void)close(b);
    free(path);
}

static void exclusive__keeps_others_out_until_it_ends(void **state)
{
    char *path = scratch_path(*state, "x.db");
    char *file = scratch_path(*state, "x.db-lock");
    int a = -1;
    assert_int_equal(migration_lock_shared(path, &a, NULL), ERR_OK);
    assert_int_equal(migration_lock_upgrade(a, CLOCK_NEVER, NULL), ERR_OK);
    int other = open(file, O_RDWR | O_CLOEXEC);
    assert_true(other >= 0);
    assert_int_equal(lockfile_try(other, LOCK_SHARED), EWOULDBLOCK);
    /* Closing another descriptor of the file does not drop it. */
    (void)close(other);
    other = open(file, O_RDWR | O_CLOEXEC);
    assert_int_equal(lockfile_try(other, LOCK_SHARED), EWOULDBLOCK);
    migration_lock_downgrade(a);
    assert_int_equal(lockfile_try(other, LOCK_SHARED), 0);
    (void)close(other);
    (void)close(a);
    free(file);
    free(path);
}

static void ring__wakes_a_watcher_each_time(void **state)
{
    char *path = scratch_path(*state, "x.db");
    char events[4096];
    struct err err;
    struct process_lock *lock = NULL;
    assert_int_equal(process_lock_take(path, &lock, &err), ERR_OK);
    char *file = xasprintf("%s/%s", process_lock_folder(lock), process_lock_id(lock)->text);
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_true(inotify_add_watch(watch, file, IN_MODIFY | IN_CLOSE_WRITE) >= 0);
    for (int i = 0; i < 3; i++) {
        assert_true(read(watch, events, sizeof(events)) < 0);
        process_lock_ring(lock);
        assert_true(read(watch, events, sizeof(events)) > 0);
    }
    process_lock_release(lock);
    assert_true(read(watch, events, sizeof(events)) > 0);
    process_lock_ring(NULL);
    (void)close(watch);
    free(file);
    free(path);
}

static void pid__is_told_of_the_living_and_of_nobody_else(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct process_lock *lock = NULL;
    struct ulid owner;
    struct ulid unknown = ulid_new();
    pid_t child = start_owner(path, &owner);
    assert_int_equal(process_lock_take(path, &lock, NULL), ERR_OK);
    assert_int_equal(process_pid(path, &owner), child);
    for (int i = 0; i < 3; i++) {
        process_lock_ring(lock);
        assert_int_equal(process_pid(path, process_lock_id(lock)), getpid());
    }
    assert_int_equal(process_pid(path, &unknown), 0);
    char *file = xasprintf("%s/%s", process_lock_folder(lock), unknown.text);
    static const char *const damaged[] = {"", "\n", "12x\n", "-1\n", "99999999999999999999\n"};
    for (size_t i = 0; i < COUNT_OF(damaged); i++) {
        put_content(file, sv_from(damaged[i]));
        assert_int_equal(process_pid(path, &unknown), 0);
    }
    stop_owner(child);
    process_lock_release(lock);
    free(file);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(gone__is_false_while_the_owner_lives_and_true_after_kill),
        SCRATCH_TEST(gone__is_false_for_oneself_and_for_no_id),
        SCRATCH_TEST(gone__is_false_when_it_cannot_be_told),
        SCRATCH_TEST(take__makes_private_files_and_clears_away_the_dead),
        SCRATCH_TEST(take__by_many_at_once_gives_each_its_own),
        SCRATCH_TEST(locks__meet_by_whichever_link_the_database_is_reached),
        SCRATCH_TEST(upgrade__waits_for_the_shared_locks_of_others),
        SCRATCH_TEST(exclusive__keeps_others_out_until_it_ends),
        SCRATCH_TEST(ring__wakes_a_watcher_each_time),
        SCRATCH_TEST(pid__is_told_of_the_living_and_of_nobody_else),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
