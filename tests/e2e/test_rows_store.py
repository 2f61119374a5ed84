"""Faults around the store: locks, other processes, full disks, damaged files."""

import collections
import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import threading
import time

import fake_server as fake
import pytest
import weirtest
from weirtest import SLOWER

# Locks of other programs.


@contextlib.contextmanager
def busy_peer(path, on=0.01, off=0.01):
    """Another program that writes half of the time."""
    ended = threading.Event()
    taken = []

    def work():
        connection = sqlite3.connect(path, isolation_level=None, timeout=10)
        while not ended.is_set():
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute("BEGIN IMMEDIATE")
                time.sleep(on)
                connection.execute("ROLLBACK")
                taken.append(1)
            time.sleep(off)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield taken
    finally:
        ended.set()
        thread.join(20)


def watch_text(home, until):
    """How long the stored text was, again and again: a list of (time, characters)."""
    seen = [(time.monotonic(), 0)]
    with home.connect() as connection:
        # Of the newest message: the last row of an earlier one is kept for a while.
        query = ("SELECT coalesce(sum(length(text)), 0) FROM chunk"
                 " WHERE message = (SELECT max(id) FROM message)")
        while time.monotonic() < until:
            length = connection.execute(query).fetchone()[0]
            if length > seen[-1][1]:
                seen.append((time.monotonic(), length))
            time.sleep(0.002)
    return seen


def delays(exchange, seen):
    """For each delta that came in time, how long it took to be seen in the database."""
    result, length, at = [], 0, 0
    for when, text in list(exchange.sent):
        length += len(text)
        while at < len(seen) and seen[at][1] < length:
            at += 1
        if at < len(seen):
            result.append(seen[at][0] - when)
        elif when < seen[-1][0] - 0.2:
            result.append(seen[-1][0] - when)
    return sorted(result)


@pytest.mark.alone
@pytest.mark.threads
def test_t12_a_peer_that_writes_half_of_the_time_delays_no_text(home, serving, figures):
    server = serving(fake.answer(), fake.endless(0.01))
    assert home.run("before").code == 0
    with home.start("run", "q") as run:
        exchange = server.wait_turn(2)
        server.wait_sent(exchange, 5)
        with busy_peer(home.db) as taken:
            seen = watch_text(home, time.monotonic() + 2)
        run.process.terminate()
        assert run.wait().code == 143
    found = delays(exchange, seen)
    late = sum(delay > 0.1 * SLOWER for delay in found)
    figures("deltas", len(found))
    figures("commit after a delta, p99, ms", round(found[int(0.99 * len(found))] * 1000, 1))
    figures("deltas later than 100 ms", late)
    assert len(taken) > 50 and len(found) > 100
    assert late <= 0.01 * len(found)
    text = home.answer()["text"]
    assert exchange.text().startswith(text) and len(text) >= seen[-1][1]


@pytest.mark.alone
@pytest.mark.threads
def test_t12_a_lock_of_two_seconds_stops_no_screen(home, serving, figures):
    server = serving(fake.endless(0.02))
    with home.screen("chat") as screen:
        screen.wait_for("fake")
        screen.send("count")
        screen.wait_for("count")
        screen.send("\r")
        screen.wait_for("word 5 ")
        exchange = server.turns()[0]
        gaps = []
        with weirtest.locked(home.db):
            began = time.monotonic()
            screen.wait_for("not saved yet")
            while time.monotonic() < began + 2:
                number = len(exchange.sent)
                sent = time.monotonic()
                screen.wait_for(lambda s, n=number: f"word {n} " in s.words())
                gaps.append(time.monotonic() - sent)
                screen.send("k")
            screen.wait_for("kkk")
        home.wait_db(lambda h: f"word {number} " in h.answer()["text"])
        screen.wait_for(lambda s: "not saved yet" not in s.text())
        at = time.monotonic()
        screen.process.terminate()
        assert screen.wait_exit(5 * SLOWER) == 143
    figures("text on the screen, slowest, ms", round(max(gaps) * 1000, 1))
    assert max(gaps) < 0.5 * SLOWER
    assert home.answer()["text"].startswith(
        "".join(t for when, t in exchange.sent if when < at - 0.02))


@pytest.mark.soak
@pytest.mark.threads
def test_t12_a_run_that_meets_a_lock_that_stays_gives_up_with_75(home, serving):
    server = serving()
    assert home.run("before").code == 0
    with weirtest.locked(home.db):
        result = home.run("precious words", timeout=30)
    assert result.code == 75, result
    assert result.seconds < 11 * SLOWER
    assert "precious words" in result.err, "the prompt is nowhere else"
    assert len(server.turns()) == 1


@pytest.mark.parametrize("repeat", range(int(os.environ.get("WEIR_PARALLEL_ROUNDS", "5"))))
@pytest.mark.threads
def test_t13_eight_runs_at_once_on_one_store_all_end_whole(home, server, repeat):
    def echo(c):
        c.head()
        for word in c.exchange.json["messages"][-1]["content"].split():
            c.delta(word + " ")
        c.finish()
        c.end()

    server.default = echo
    home.use(server)
    texts = [f"run {number} of round {repeat} says {'so ' * number}end" for number in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda text: home.run(text, timeout=60), texts))
    for text, result in zip(texts, results):
        assert (result.code, result.out.strip()) == (0, text), result
    assert sorted(a["text"].strip() for a in home.answers()) == sorted(texts)
    assert len({m["uid"] for m in home.messages()}) == 16
    home.check_integrity()


def wal_size(home):
    with contextlib.suppress(FileNotFoundError):
        return home.db.with_name("weir.db-wal").stat().st_size
    return 0


def read_through(home, serving, figures, pieces):
    """A reader holds its snapshot through a whole long answer."""
    words = tuple(f"{i} " + "x" * 1000 + "\n" for i in range(pieces))
    server = serving(fake.answer(), fake.answer(words, pause=0.001), fake.answer())
    assert home.run("before").code == 0
    with home.connect() as reader:
        reader.execute("BEGIN")
        known = reader.execute("SELECT count(*) FROM message").fetchone()[0]
        result = home.run("q", timeout=120)
        assert result.code == 0, result
        largest = wal_size(home)
        assert reader.execute("SELECT count(*) FROM message").fetchone()[0] == known
        reader.execute("ROLLBACK")
    assert home.answer()["text"] == "".join(words) == server.turns()[1].text()
    assert home.run("after").code == 0
    figures("log beside a reader, MB", round(largest / 1e6, 1))
    figures("log afterwards, kB", wal_size(home) // 1000)
    assert largest < 64 << 20
    assert wal_size(home) <= 1 << 20
    home.check_integrity()


@pytest.mark.threads
def test_t15_a_reader_of_old_pages_holds_up_no_answer(home, serving, figures):
    read_through(home, serving, figures, 1000)


@pytest.mark.soak
def test_t15_a_reader_of_old_pages_holds_up_no_long_answer(home, serving, figures):
    read_through(home, serving, figures, 15000)


@pytest.mark.threads
def test_t14_two_processes_in_one_session_mix_no_turns(home, serving):
    """The second is refused while the first's answer runs, and goes on from it afterwards."""
    server = serving(fake.answer(("one",)), fake.answer(("slow ",) * 40, pause=0.02),
                     fake.answer(("three",)))
    assert home.run("first").code == 0
    session = home.messages()[0]["session"]
    with home.start("run", "-s", session, "second") as run:
        run.wait_out("slow ")
        refused = home.run("-s", session, "too early")
        assert refused.code == 75, refused
        assert run.wait().code == 0
    assert home.run("-s", session, "third").code == 0
    asked = [m["content"] for m in server.turns()[-1].json["messages"]]
    assert asked == ["first", "one", "second", "slow " * 40, "third"]


# Disks.


def fill(folder):
    with open(folder / "filler", "wb", buffering=0) as filler:
        for size in (65536, 4096, 512):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(b"f" * size)


def shown_words(screen):
    """The highest number of a word on the screen."""
    return max(map(int, re.findall(r"word (\d+)", screen.words())), default=0)


@pytest.mark.alone
@pytest.mark.threads
def test_t9_disk_full_then_space_again(home, serving, small_disk):
    """The screen says so, keeps the text, and writes it when there is room: nothing is missing."""
    folder = small_disk(home.root / "disk", "4m")
    server = serving(fake.endless(0.01, "word {} " + "y" * 300 + "\n"))
    home.db = folder / "weir/weir.db"
    with home.screen("chat", XDG_DATA_HOME=str(folder)) as screen:
        screen.wait_for("fake")
        screen.send("count")
        screen.wait_for("count")
        screen.send("\r")
        screen.wait_for("word ")
        exchange = server.turns()[0]
        fill(folder)
        screen.wait_for("not saved yet", 15 * SLOWER)
        count = len(exchange.sent)
        weirtest.wait_until(lambda: len(exchange.sent) > count + 100, 10 * SLOWER)
        screen.wait_for(lambda s: shown_words(s) > count + 50)
        (folder / "filler").unlink()
        home.wait_db(lambda h: f"word {count + 50} " in h.answer()["text"], 15 * SLOWER)
        screen.wait_for(lambda s: "not saved yet" not in s.text())
        at = time.monotonic()
        screen.process.terminate()
        assert screen.wait_exit(5 * SLOWER) == 143
    text = home.answer()["text"]
    assert text.startswith("".join(t for when, t in exchange.sent if when < at - 0.02))
    assert exchange.text().startswith(text)
    home.check_integrity()


@pytest.mark.threads
def test_t9_a_run_whose_disk_is_full_for_a_while_loses_nothing(home, serving, small_disk):
    folder = small_disk(home.root / "disk", "4m")
    words = tuple(f"word {i} {'x' * 400}\n" for i in range(100))

    def play(c):
        c.head()
        c.delta(words[0])
        c.sleep(0.3)
        fill(folder)
        for word in words[1:]:
            c.delta(word)
        c.sleep(0.5)
        (folder / "filler").unlink()
        c.sleep(0.5)
        c.finish()
        c.end()

    serving(play)
    home.db = folder / "weir/weir.db"
    result = home.run("q", XDG_DATA_HOME=str(folder), timeout=60)
    assert result.code == 0, result
    assert result.out == "".join(words)
    assert home.answer()["text"] == "".join(words)


# Damaged files.

ENDS = (0, 1, 65, 73, 74, 75, 78)


def a_store(home, server):
    """A database with some pages, and one with a log that a kill left."""
    server.default = fake.answer(tuple(f"word {i} " + "z" * 90 for i in range(40)))
    assert home.run("question").code == 0
    for number in range(7):
        assert home.run("-c", f"question {number}").code == 0
    clean = home.db.read_bytes()
    server.default = fake.endless(0.002)
    with home.start("run", "q") as run:
        server.wait_sent(server.wait_turn(9), 60)
        run.process.kill()
        run.process.wait()
    server.default = fake.answer()
    return clean, (home.db.read_bytes(), home.db.with_name("weir.db-wal").read_bytes())


def flip(data, rng, low, high, count=1):
    data = bytearray(data)
    for _ in range(count):
        data[rng.randrange(low, min(high, len(data)))] ^= 1 << rng.randrange(8)
    return bytes(data)


def damage(rng, clean, killed):
    """(what was done, content of the file, of its log or None)"""
    db, wal = killed
    page = rng.randrange(1, len(clean) // 2048) * 2048
    kinds = {
        "header": lambda: (flip(clean, rng, 0, 100, rng.choice((1, 4))), None),
        "first page": lambda: (flip(clean, rng, 100, 2048, 8), None),
        "a page's head": lambda: (flip(clean, rng, page, page + 12, 2), None),
        "bytes anywhere": lambda: (flip(clean, rng, 2048, len(clean), 20), None),
        "a page of noise": lambda: (clean[:page] + rng.randbytes(2048) + clean[page + 2048:], None),
        "cut short": lambda: (clean[:rng.randrange(1, len(clean))], None),
        "no bytes": lambda: (b"", None),
        "the log cut short": lambda: (db, wal[:rng.randrange(len(wal))]),
        "the log's bytes": lambda: (db, flip(wal, rng, 0, len(wal), 10)),
        "the log's head": lambda: (db, flip(wal, rng, 0, 32)),
        "no file, but its log": lambda: (b"", wal),
    }
    name = rng.choice(list(kinds))
    return (name, *kinds[name]())


def put_files(home, db, wal):
    for path in home.db.parent.glob("weir.db*"):
        if path.is_file():
            path.unlink()
    home.db.write_bytes(db)
    home.db.chmod(0o600)
    if wal is not None:
        home.db.with_name("weir.db-wal").write_bytes(wal)


def kept_original(home, db):
    """What is refused is not written to, wherever it lies now."""
    return any(path.read_bytes() == db for path in home.db.parent.glob("weir.db*")
               if path.is_file())


def repair(home, which, db):
    """What was repaired is sound and can be used; what could not be is as it was."""
    repaired = home.weir("doctor", "--repair", timeout=60)
    assert repaired.code in ENDS, (which, repaired)
    if repaired.code:
        assert repaired.err and kept_original(home, db), (which, repaired)
        return "refused"
    # Not the search: what is wrong within the pages of its index is not looked for.
    for command in (["doctor"], ["session", "list"]):
        result = home.weir(*command)
        assert result.code == 0, (which, repaired, result)
    return "made anew" if list(home.db.parent.glob("weir.db.damaged-*")) else "sound"


def try_damaged(home, server, seed, variants, figures):
    rng = random.Random(seed)
    clean, killed = a_store(home, server)
    ends = {}
    mended = collections.Counter()
    for number in range(variants):
        name, db, wal = damage(rng, clean, killed)
        put_files(home, db, wal)
        listed = home.weir("session", "list")
        assert listed.code in ENDS, (number, name, listed)
        assert listed.code == 0 or listed.err, (number, name, listed)
        if wal is None:
            assert kept_original(home, db), (number, name, "a list has written to the file")
        asked = len(server.turns())
        result = home.run(f"after {number}", timeout=30)
        assert result.code in ENDS, (number, name, result)
        if result.code == 0:
            assert result.out == "Hello, world\n", (number, name, result)
        else:
            assert "weir.db" in result.err or "database" in result.err, (number, name, result)
            assert len(server.turns()) == asked or "Hello, world" in result.out, (name, result)
            if result.code in (73, 78) and wal is None:
                assert kept_original(home, db), (number, name, "what was refused has changed")
        ends[result.code] = ends.get(result.code, 0) + 1
        put_files(home, db, wal)
        mended[repair(home, (number, name), db)] += 1
    for code, count in sorted(ends.items()):
        figures(f"runs on damaged files with exit {code}", count)
    for end, count in mended.items():
        figures(f"repairs of damaged files: {end}", count)
    assert 0 in ends and 74 in ends, "the damage was too small or too great"


def test_t18_damaged_files_are_named_or_used_and_never_crash(home, serving, figures):
    # The sanitizers make each start slow, and damage meets them the same way each time.
    try_damaged(home, serving(), 18, 60 // SLOWER, figures)


@pytest.mark.soak
def test_t18_many_damaged_files_are_named_or_used_and_never_crash(home, serving, figures):
    try_damaged(home, serving(), 1818, 2000, figures)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


FOREIGN = {
    "a newer version": ("PRAGMA user_version=9999", 78),
    "another application": ("PRAGMA application_id=77", (74, 78)),
    "no application": ("PRAGMA application_id=0", (74, 78)),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_t19_a_database_that_is_not_ours_is_refused_and_stays_as_it_is(home, serving, what):
    server = serving()
    assert home.run("one").code == 0
    sql, codes = FOREIGN[what]
    with contextlib.closing(sqlite3.connect(home.db, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute(sql)
    before = digest(home.db)
    for command in (["run", "two"], ["session", "list"], ["export", "all"]):
        result = home.weir(*command)
        assert result.code != 0 and result.err, (command, result)
    result = home.run("three")
    assert result.code in (codes if isinstance(codes, tuple) else (codes,)), result
    with home.screen("chat", columns=150) as screen:
        with contextlib.suppress(AssertionError):
            screen.wait_exit(1)
    assert digest(home.db) == before
    assert len(server.turns()) == 1


def test_t19_somebody_elses_database_is_refused_and_stays_as_it_is(home, serving):
    server = serving()
    home.db.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(home.db, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")
    before = digest(home.db)
    result = home.run("q")
    assert result.code in (74, 78) and "weir.db" in result.err, result
    assert digest(home.db) == before and not server.turns()


@pytest.mark.parametrize("what", ["folder", "file"])
def test_t16_what_may_not_be_written_is_read_and_nothing_is_lost(home, serving, small_disk, what):
    """A run is refused before it asks, a screen works without the store."""
    folder = small_disk(home.root / "disk", "4m")
    home.db = folder / "weir/weir.db"
    server = serving()
    env = {"XDG_DATA_HOME": str(folder)}
    if what == "file":
        assert home.run("before", **env).code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    listed = home.weir("session", "list", **env)
    assert listed.code in (0, 73) and (listed.out or listed.err or what == "folder"), listed
    asked = len(server.turns())
    result = home.run("precious words", **env)
    assert result.code == 73, result
    assert "precious words" in result.err and len(server.turns()) == asked
    assert home.run("-n", "q", **env).code == 0
    with home.screen("chat", columns=150, **env) as screen:
        screen.wait_for("fake")
        screen.send("hello")
        screen.wait_for("hello")
        screen.send("\r")
        screen.wait_for("Hello, world")


# Hours, in short.


def rss_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.mark.soak
def test_t40_a_screen_that_streams_and_cancels_for_long_stays_of_one_size(home, serving, figures):
    """200 deltas a second and a cancel now and then, for WEIR_SOAK_SECONDS (180)."""
    seconds = float(os.environ.get("WEIR_SOAK_SECONDS", "180"))
    server = serving()
    server.default = fake.endless(0.005)
    rng = random.Random(40)
    sizes = []
    with home.screen("chat") as screen:
        screen.wait_for("fake")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            screen.send("go on")
            screen.wait_for("go on")
            screen.send("\r")
            server.wait_sent(server.wait_turn(len(sizes) + 1), 20)
            time.sleep(rng.uniform(0.2, 2.0))
            screen.send("\x1b")
            home.wait_db(lambda h: h.attempt() == "cancelled", 10)
            screen.wait_quiet()
            sizes.append((time.monotonic(), rss_kb(screen.pid)))
    half = sizes[len(sizes) // 2:]
    growth = (half[-1][1] - half[0][1]) / max(half[-1][0] - half[0][0], 1) * 3600 / 1024
    figures("answers", len(sizes))
    figures("size at the end, MB", round(sizes[-1][1] / 1024, 1))
    figures("growth in the second half, MB an hour", round(growth, 1))
    shown = sum(len(m["text"]) for m in home.messages()) / 1e6
    figures("text of the session, MB", round(shown, 2))
    assert sizes[-1][1] - sizes[len(sizes) // 2][1] < 4096 + 10 * 1024 * shown
