/*
 * A VFS for SQLite that fails on order and can cut the power. It wraps the default one and becomes
 * the default. SQLite's memory fails on order, too.
 *
 * Faults: the N-th call of the chosen kinds fails with the chosen code, once or from then on.
 * Power cut: writes are kept in a log for each file until that file is synced; fault_cut() then
 * rewrites the files as a disk might hold them after the power went: everything that was synced,
 * and any subset of the sectors written since.
 *
 * Threads: any; one mutex. Process-wide.
 */
#ifndef WEIR_TESTS_FAULTY_VFS_H
#define WEIR_TESTS_FAULTY_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_READ = 1,
    FAULT_WRITE = 2,
    FAULT_SYNC = 4,
    FAULT_OPEN = 8,
    FAULT_LOCK = 16,
    FAULT_SHM = 32,
    FAULT_TRUNCATE = 64,
    FAULT_MEMORY = 128, /* SQLite's allocations; the code is not looked at */
};

void fault_install(void);
/* The `nth` call (from 1) of any of `kinds` gives `code` (SQLITE_…); `sticky`: and all after it.
 * nth 0 disarms. */
void fault_arm(unsigned kinds, unsigned nth, int code, bool sticky);
/* How often an armed fault has struck. */
unsigned fault_struck(void);

/* Starts (or stops) keeping the log of unsynced writes. */
void fault_record(bool on);
/*
 * Writes to `to` what the file `from` might be after a power cut at this moment: synced content,
 * and each unsynced sector with probability one half, by `seed`. False when the file was never
 * opened.
 */
bool fault_cut(const char *from, const char *to, uint64_t seed);

#endif
