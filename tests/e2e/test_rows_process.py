"""Faults of the process itself: killed at each call, stopped, a frozen terminal, jumping clocks."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import threading
import time

import fake_server as fake
import pytest
import terminal
import weirtest
from kill_harness import copy_database, inspect
from weirtest import SLOWER, WEIR

pytestmark = pytest.mark.threads

# LeakSanitizer cannot look at a process that is being traced.
needs_strace = pytest.mark.skipif(
    not shutil.which("strace") or weirtest.FLAVOUR in ("asan", "tsan"), reason="no strace")
CALLS = "pwrite64,fsync,fdatasync,ftruncate,unlink,openat,pread64"


def traced(home, expression, calls=CALLS):
    """The program under strace, with its database's files as all that is looked at."""
    files = [home.db, f"{home.db}-wal", f"{home.db}-shm"]
    return ["strace", "-f", "-qq", "-o", str(home.root / "trace"), "-e", f"trace={calls}",
            *(word for path in files for word in ("-P", str(path))),
            *(["-e", f"inject={expression}"] if expression else []), WEIR]


def run_traced(home, expression, *arguments):
    keep, home.program = home.program, traced(home, expression)
    try:
        return home.run(*arguments, timeout=30)
    finally:
        home.program = keep


def require_ptrace(home):
    if run_traced(home, "", "--version").code not in (0, 2):
        pytest.skip("tracing is not permitted here")


def check_after_kill(home, server):
    """Sound as it lies there; every question that went out is in it; the next start closes all."""
    copy = home.root / "copy"
    asked = [e.json["messages"][-1]["content"] for e in server.turns()]
    if home.db.exists() and home.db.stat().st_size:
        path = copy_database(home, copy)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        assert bool(version) == bool(tables), "a schema between none and the first"
        if version:
            stored = [m["text"] for m in inspect(path) if m["role"] == "user"]
            assert set(asked) <= set(stored), (asked, stored)
        else:
            assert not asked
        shutil.rmtree(copy)
    result = home.run("after", timeout=30)
    assert (result.code, result.out) == (0, "Hello, world\n"), result
    assert set(asked) <= set(home.prompts())
    assert not home.rows("SELECT 1 FROM attempt WHERE state = 'running'")
    home.check_integrity()


def kill_steps(home, server, call, stride, prepare):
    """Kills runs at the first, second … such call until one gets through. Gives the kills."""
    # The first fdatasync has a test of its own.
    kills, step = 0, 2 if call == "fdatasync" else 1
    while True:
        prepare()
        result = run_traced(home, f"{call}:signal=KILL:when={step}", f"step {call} {step}")
        if result.code == 0:
            return kills
        assert result.code in (-9, 137), result
        kills += 1
        check_after_kill(home, server)
        step += stride


def wipe(home):
    for path in home.db.parent.glob("*") if home.db.parent.exists() else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (home.root / "trace").unlink(missing_ok=True)


STRIDES = {"pwrite64": 17, "fdatasync": 1, "fsync": 1, "ftruncate": 1, "unlink": 1}


def first_starts(home, server, strides, figures):
    require_ptrace(home)
    kills = 0
    for call, stride in strides.items():
        def prepare():
            wipe(home)
            server.exchanges.clear()
        kills += kill_steps(home, server, call, stride, prepare)
    figures("kills of a first start, an answer and an exit", kills)
    return kills


@needs_strace
def test_t3_a_first_start_that_is_killed_at_a_call_leaves_no_schema_or_a_whole_one(
        home, serving, figures):
    """Migration, question, answer, checkpoint at the exit: every file operation of a run."""
    assert first_starts(home, serving(), STRIDES, figures) >= 8


@needs_strace
@pytest.mark.soak
def test_t3_a_first_start_that_is_killed_at_any_call_leaves_no_schema_or_a_whole_one(
        home, serving, figures):
    assert first_starts(home, serving(), dict.fromkeys(STRIDES, 1), figures) >= 60


@needs_strace
def test_t3_a_first_start_that_is_killed_before_its_journal_is_gone_can_be_repeated(home, serving):
    """The file's first page is written with a rollback journal, which only a writer can undo."""
    server = serving()
    require_ptrace(home)
    wipe(home)
    assert run_traced(home, "fdatasync:signal=KILL:when=1", "killed").code in (-9, 137)
    assert home.db.with_name("weir.db-journal").exists()
    check_after_kill(home, server)


def failing_calls(home, server, strides, figures):
    """An I/O error at the nth call: said or survived, never a crash, and the next run is fine."""
    require_ptrace(home)
    assert home.run("before").code == 0
    struck = 0
    for (call, error), stride in strides.items():
        step = 1
        while True:
            prompt = f"{call} {error} {step}"
            result = run_traced(home, f"{call}:error={error}:when={step}", prompt)
            assert result.code in (0, 1, 73, 74, 75, 78), (prompt, result)
            assert result.code == 0 or result.err, (prompt, result)
            if result.code == 0:
                assert result.out == "Hello, world\n", (prompt, result)
            hit = "(INJECTED)" in (home.root / "trace").read_text(errors="replace")
            if not hit:
                break
            struck += 1
            after = home.run("after")
            assert (after.code, after.out) == (0, "Hello, world\n"), (prompt, after)
            home.check_integrity()
            asked = [e.json["messages"][-1]["content"] for e in server.turns()]
            assert (prompt in asked) <= (prompt in home.prompts()), prompt
            step += stride
    figures("calls that failed", struck)
    return struck


@needs_strace
def test_t8_an_input_output_error_at_a_call_is_survived_or_said(home, serving, figures):
    strides = {("pwrite64", "EIO"): 19, ("pwrite64", "ENOSPC"): 23, ("fdatasync", "EIO"): 1,
               ("pread64", "EIO"): 9}
    assert failing_calls(home, serving(), strides, figures) >= 6


@needs_strace
@pytest.mark.soak
def test_t8_an_input_output_error_at_any_call_is_survived_or_said(home, serving, figures):
    strides = {(call, error): 1 for call, error in (
        ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"), ("fdatasync", "EIO"), ("fsync", "EIO"),
        ("pread64", "EIO"), ("openat", "EMFILE"), ("ftruncate", "EIO"))}
    assert failing_calls(home, serving(), strides, figures) >= 40


def test_t4_a_question_is_stored_before_its_request_leaves(home, server):
    seen = []

    def look(c):
        asked = c.exchange.json["messages"][-1]["content"]
        seen.append((asked in home.prompts(), home.attempt()))
        fake.answer()(c)

    server.default = look
    home.use(server)
    for number in range(10):
        assert home.run(f"question {number}").code == 0
    assert seen == [(True, "running")] * 10


def time_to_request(home, server, number):
    """A run up to its request, and killed there or ended well."""
    known = len(server.turns())
    with home.start("run", f"q{number}") as run:
        exchange = server.wait_turn(known + 1, 10 * SLOWER)
        took = exchange.began - run.began
        if number % 2:
            server.wait_sent(exchange, 30)
            run.process.kill()
        run.process.wait(10 * SLOWER)
    return took


@pytest.mark.alone
def test_t5_repairing_what_a_kill_left_costs_a_start_little(home, server, figures):
    server.default = fake.answer(tuple(f"w{i} " for i in range(60)), pause=0.003)
    home.use(server)
    times = [time_to_request(home, server, number) for number in range(9)]
    after_kill, after_end = times[2::2], times[1::2]
    more = (statistics.median(after_kill) - statistics.median(after_end)) * 1000
    figures("repair adds to a start, median, ms", round(more, 1))
    figures("start to request after a kill, p95, ms", round(sorted(after_kill)[-1] * 1000, 1))
    assert more < 20 * SLOWER
    assert not home.rows("SELECT 1 FROM attempt WHERE state = 'running'")


# Stopped and frozen.


def open_chat(home, *arguments):
    screen = home.screen("chat", *arguments)
    screen.wait_for("fake")
    return screen


def ask(screen, text="count"):
    screen.send(text)
    screen.wait_for(text)
    screen.send("\r")


@pytest.mark.alone
def test_t6_a_frozen_terminal_keeps_no_text_from_the_disk(home, serving, figures):
    """Nobody reads the terminal any more, so the program is blocked in a write to it."""
    home.tolerate(TSAN_OPTIONS="report_thread_leaks=0")
    server = serving(fake.endless(0.005, "word {} " + "frozen " * 20 + "\n"))
    with home.screen("chat", rows=100, columns=200) as screen:
        screen.wait_for("fake")
        ask(screen)
        screen.wait_for("word 9 ")
        screen.stop_reading()
        exchange = server.turns()[0]
        weirtest.wait_until(lambda: is_writing(screen.pid), 20 * SLOWER)
        time.sleep(0.3)
        assert is_writing(screen.pid), "the terminal is not full"
        at = time.monotonic()
        screen.signal(signal.SIGTERM)
        code = screen.wait_exit(3 * SLOWER)
        took = time.monotonic() - at
    figures("exit with a frozen terminal, ms", round(took * 1000, 1))
    assert code == 128 + signal.SIGTERM
    assert took < 0.5 * SLOWER
    text = home.answer()["text"]
    assert text.startswith("".join(t for when, t in exchange.sent if when < at - 0.02))
    assert exchange.text().startswith(text)
    assert (home.attempt(), home.answer()["reason"]) == ("interrupted", "interrupted")


def is_writing(pid):
    """The main thread waits for its terminal to take more."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/wchan").read_text() in ("wait_woken", "n_tty_write")
    return False


@pytest.mark.alone
def test_t6_a_chat_under_nohup_outlives_its_hangup_and_ends_with_its_terminal(home, serving):
    server = serving(fake.endless(0.005))
    screen = terminal.Screen(["sh", "-c", 'trap "" HUP; exec "$0" chat', WEIR], home.env)
    with screen:
        screen.wait_for("fake")
        ask(screen)
        screen.wait_for("word 9 ")
        screen.signal(signal.SIGHUP)
        count = len(server.turns()[0].sent)
        screen.wait_for(lambda s: f"word {count + 20} " in s.words())
        exchange = server.turns()[0]
        at = time.monotonic()
        screen.hang_up()
        screen.process.wait(5 * SLOWER)
        assert time.monotonic() - at < 1 * SLOWER
    assert home.answer()["text"].startswith(
        "".join(t for when, t in exchange.sent if when < at - 0.02))
    assert home.attempt() == "interrupted"


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def check_stored_before_stop(home, server, pid):
    at = time.monotonic()
    os.kill(pid, signal.SIGTSTP)
    weirtest.wait_until(lambda: state_of(pid) == "T", 5 * SLOWER)
    text = home.answer()["text"]
    before = "".join(t for when, t in server.turns()[0].sent if when < at - 0.02)
    assert before and text.startswith(before), (text[-30:], before[-30:])


# A window of a second: what is not written because of the stop is missing then.
LONG_WINDOW = "[store]\ndebounce_ms = 1000\n"


@pytest.mark.alone
def test_t32_what_came_before_a_run_is_stopped_is_stored_by_then(home, serving):
    server = serving(fake.endless(0.01), top=LONG_WINDOW)
    with home.start("run", "q") as run:
        server.wait_sent(server.wait_turn(), 30)
        for _ in range(2):
            check_stored_before_stop(home, server, run.pid)
            run.signal(signal.SIGCONT)
            server.wait_sent(server.turns()[0], len(server.turns()[0].sent) + 30)
        run.signal(signal.SIGTERM)
        assert run.wait().code == 143


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
@pytest.mark.alone
def test_t32_what_came_before_a_screen_is_stopped_is_stored_by_then(home, serving):
    """As a job of a shell: only such a process can be stopped that way."""
    server = serving(fake.endless(0.01), top=LONG_WINDOW)
    go_on = home.root / "go-on"
    os.mkfifo(go_on)
    script = 'set -m; "$0" chat; read -r _ <"$1"; fg >/dev/null'
    with terminal.Screen(["bash", "-c", script, WEIR, go_on], home.env) as screen:
        screen.wait_for("fake")
        children = f"/proc/{screen.pid}/task/{screen.pid}/children"
        pid = int(pathlib.Path(children).read_text().split()[0])
        ask(screen)
        server.wait_sent(server.wait_turn(), 30)
        check_stored_before_stop(home, server, pid)
        weirtest.wait_until(
            lambda: terminal.local_modes(screen.slave)[3] == screen.modes_before[3])
        go_on.write_text("\n")
        count = len(server.turns()[0].sent)
        screen.wait_for(lambda s: f"word {count + 10} " in s.words())
        os.kill(pid, signal.SIGTERM)
        screen.wait_exit(5 * SLOWER)


def test_t32_a_stop_in_mid_stream_lets_no_clock_run_out(home, serving):
    """Silence is counted from when the program goes on."""
    go_on = threading.Event()

    def play(c):
        c.head()
        c.delta("before ")
        while not go_on.is_set():
            c.sleep(0.02)
        c.sleep(0.4)
        c.delta("after")
        c.finish()
        c.end()

    server = serving(play, top="[network]\nidle_timeout_s = 1\n")
    with home.start("run", "q") as run:
        run.wait_out("before ")
        run.signal(signal.SIGSTOP)
        time.sleep(3.3)
        go_on.set()
        run.signal(signal.SIGCONT)
        result = run.wait(10 * SLOWER)
    assert (result.code, result.out) == (0, "before after\n"), result
    assert len(server.turns()) == 1


# Clocks.


CLOCK_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The wall clock is off by as many seconds as the file SHIM_CLOCK says at that moment. */
static long off(void)
{
    char text[32] = "";
    int fd = open(getenv("SHIM_CLOCK"), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int result = real(id, now);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += off();
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    *now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    return ret ? (*ret = exact.tv_sec) : exact.tv_sec;
}
"""


def build_shim(folder, source):
    """Something to preload. The sanitizers want to be first themselves."""
    if weirtest.FLAVOUR in ("asan", "tsan"):
        pytest.skip("not under a sanitizer")
    (folder / "shim.c").write_text(source)
    done = subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", "shim.so", "shim.c", "-ldl"],
                          cwd=folder, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"it cannot be built here: {done.stderr!r}")
    return str(folder / "shim.so")


@pytest.fixture
def clock(tmp_path):
    """(environment of a program whose wall clock can be set, function that sets it by days)"""
    place = tmp_path / "off"

    def set_off(days):
        fresh = tmp_path / "off.new"
        fresh.write_text(str(days * 86400))
        fresh.rename(place)

    set_off(0)
    return {"LD_PRELOAD": build_shim(tmp_path, CLOCK_SHIM), "SHIM_CLOCK": str(place)}, set_off


def test_t34_the_order_is_that_of_the_asking_whatever_the_clock_says(home, serving, clock):
    server = serving()
    env, set_off = clock
    assert home.run("one").code == 0
    session = home.messages()[0]["session"]
    days = [3650, -3650, 1, -10000, 0]
    for number, day in enumerate(days):
        server.then(fake.answer((f"answer {number}",)))
        set_off(day)
        result = home.run("-s", session, f"question {number}", **env)
        assert (result.code, result.out) == (0, f"answer {number}\n"), (day, result)
    asked = server.turns()[-1].json["messages"]
    expected = ["one", "Hello, world"]
    for number in range(len(days)):
        expected += [f"question {number}", f"answer {number}"]
    assert [m["content"] for m in asked] == expected[:-1]
    rows = home.rows("SELECT seq, created_at FROM message ORDER BY seq")
    assert [row["seq"] for row in rows] == sorted({row["seq"] for row in rows})
    years = [row["created_at"] / 1e6 / 86400 / 365.25 for row in rows]
    assert max(years) - min(years) > 9, "the clock was not off"
    home.check_integrity()


def test_t34_a_clock_that_jumps_in_mid_stream_changes_nothing(home, serving, clock):
    server = serving(fake.endless(0.01), top="[network]\nidle_timeout_s = 5\n")
    env, set_off = clock
    with home.start("run", "q", **env) as run:
        exchange = server.wait_turn()
        for days in (3650, -3650, 1, 0):
            server.wait_sent(exchange, len(exchange.sent) + 20)
            set_off(days)
            server.wait_sent(exchange, len(exchange.sent) + 2)
            last = exchange.text()
            # Written within the window, by a clock that knows nothing of the wall's.
            home.wait_db(lambda h, t=last: h.answer()["text"].startswith(t), 0.3 * SLOWER)
        assert run.process.poll() is None
        run.signal(signal.SIGTERM)
        assert run.wait().code == 143
    assert exchange.text().startswith(home.answer()["text"])


# Memory.

SHIM = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The nth allocation after main began gives NULL, and all after it while `SHIM_STICKY` is set. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static atomic_long left;
static atomic_int armed, sticky;

__attribute__((constructor)) static void arm(void)
{
    const char *nth = getenv("SHIM_NTH");
    left = nth ? strtol(nth, NULL, 10) : 0;
    sticky = getenv("SHIM_STICKY") != NULL;
    armed = left > 0;
}

static int fails(void)
{
    if (!armed) {
        return 0;
    }
    long now = atomic_fetch_sub(&left, 1);
    if (now == 1) {
        static const char note[] = "[struck]";
        (void)!write(2, note, sizeof note - 1);
    }
    if (now == 1 || (sticky && now < 1)) {
        errno = ENOMEM;
        return 1;
    }
    return 0;
}

void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { return fails() ? NULL : __libc_realloc(old, size); }
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return build_shim(tmp_path_factory.mktemp("shim"), SHIM)


def starve(home, server, shim, steps, figures):
    """Each of the allocations fails once. Ends are: well, a named error, abort with a word."""
    assert home.run("before").code == 0
    ends = {}
    for nth in steps:
        prompt = f"hungry {nth}"
        result = home.run(prompt, LD_PRELOAD=shim, SHIM_NTH=str(nth))
        kind = "well" if result.code == 0 else "abort" if result.code == -signal.SIGABRT else \
            "error" if 0 < result.code < 124 else "crash"
        ends[kind] = ends.get(kind, 0) + 1
        said = re.sub(r"\[struck\]", "", result.err).strip()
        assert kind != "crash", (nth, result)
        assert kind == "well" or said, (nth, result)
        if kind == "well":
            assert result.out == "Hello, world\n", (nth, result)
        asked = [e.json["messages"][-1]["content"] for e in server.turns()]
        assert (prompt in asked) <= (prompt in home.prompts()), nth
        if "[struck]" not in result.err:
            break
    for kind, count in ends.items():
        figures(f"runs that ended: {kind}", count)
    home.check_integrity()
    after = home.run("after")
    assert (after.code, after.out) == (0, "Hello, world\n"), after
    assert not home.rows("SELECT 1 FROM attempt WHERE state = 'running'")
    return sum(ends.values())


def test_t11_a_failed_allocation_leaves_a_sound_store_and_a_clear_text(home, serving, shim,
                                                                       figures):
    steps = [*range(1, 20, 6), *range(20, 20000, 397)]
    assert starve(home, serving(), shim, steps, figures) > 10


@pytest.mark.soak
def test_t11_any_failed_allocation_leaves_a_sound_store_and_a_clear_text(home, serving, shim,
                                                                         figures):
    starve(home, serving(), shim, range(1, 40000, 7), figures)


def test_t11_a_screen_that_is_out_of_memory_restores_the_terminal(home, serving, shim):
    serving()
    for nth in (50, 400, 1500, 2500):
        with home.screen("chat", LD_PRELOAD=shim, SHIM_NTH=str(nth), SHIM_STICKY="1") as screen:
            try:
                screen.wait_exit(1.5)
            except AssertionError:
                screen.signal(signal.SIGTERM)
                screen.wait_exit(5)
            screen.wait_quiet(0.05)
            assert terminal.local_modes(screen.slave) == screen.modes_before, nth
            switched = re.findall(rb"\x1b\[\?1049([hl])", screen.output())
            assert not switched or switched[-1] == b"l", nth
    assert home.run("after").code == 0
