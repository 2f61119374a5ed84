#!/usr/bin/env python3
"""Kills runs with SIGKILL at random times, again and again on one store, and looks at what is left.

The kills are spread over a run's whole life: its start, the first text, every tenth of the stream,
while an earlier answer is folded, while the log is long enough to be checkpointed, at the end of an
answer, at the exit. After each: the file is sound, the question is there, the text is a prefix of
what was sent, nothing is missing that was sent longer ago than the grace time, what earlier rounds
left has not changed, and what they left open is closed. With neighbours, other runs go on in the
same store all the time, and every one of them ends well and whole.

As a command: kill_harness.py [--rounds N] [--seed N] [--neighbours N]
"""

import argparse
import collections
import contextlib
import json
import math
import pathlib
import random
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import fake_server as fake  # noqa: E402
import weirtest  # noqa: E402

GRACE = 0.1
STREAM_SECONDS = 0.6
SEGMENT = 100  # rounds on one store: checking it takes longer with each
CYCLE = ["stream"] * 5 + ["checkpoint", "fold"] + ["stream"] * 5 + ["end", "start"] + \
    ["stream"] * 4 + ["checkpoint", "exit"]
# What a kill is to have hit, seen in what it left: an end that was not stored yet or just had been,
# an answer that was not folded, a log that was being written back, a schema on its way, an import of
# which a part was in.
STRATA = ("finish", "fold", "checkpoint", "migration", "import")
IMPORTED, IMPORTED_MESSAGES = 40, 12
APPLICATION_ID = 0x57454952
FIRST_SCHEMA = weirtest.ROOT / "store/migrations/0001_first.sql"
RATES = (20, 100, 300, 300, 1000, 1000)  # deltas a second


class Broken(AssertionError):
    """A promise that was not kept."""


def require(holds, what):
    if not holds:
        raise Broken(what)


def copy_database(home, target):
    """The file as the kill left it, with its log: looking at it repairs nothing of the original."""
    target.mkdir(parents=True)
    for suffix in ("", "-wal"):
        source = home.db.with_name(home.db.name + suffix)
        if source.exists():
            shutil.copyfile(source, target / source.name)
    return target / home.db.name


def require_sound(connection):
    sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
    require(sound == "ok", f"integrity check: {sound}")


def inspect(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        require_sound(connection)
        return weirtest.read_messages(connection)


def percentile(ordered, share):
    return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]


class Left:
    """What a kill left, read once."""

    def __init__(self, connection):
        require_sound(connection)
        self.messages = weirtest.read_messages(connection)
        self.open = connection.execute(
            "SELECT a.uid, m.uid FROM attempt a LEFT JOIN message m ON m.id = a.answer "
            "WHERE a.state = 'running'").fetchall()
        self.folding = connection.execute(
            "SELECT count(*) FROM message WHERE reason <> '' AND (folded = 0 OR id IN "
            "(SELECT message FROM chunk WHERE id < (SELECT max(id) FROM chunk)))").fetchone()[0] > 0


SHOWN_MESSAGES = "SELECT count(m.id) FROM session s JOIN branch b ON b.session = s.id " \
    "JOIN message m ON m.branch = b.id WHERE s.deleted_at IS NULL GROUP BY s.id"


def others_session(number):
    """A conversation in the form of ShareGPT."""
    return {"id": f"s{number}", "conversations": [
        {"from": ("human", "gpt")[i % 2], "value": f"message {i} of {number}, " + "word " * 200}
        for i in range(IMPORTED_MESSAGES)]}


class Harness:
    """One store after the other, each with up to SEGMENT kills."""

    def __init__(self, root, seed, figures=print, grace=GRACE * weirtest.SLOWER, cycle=CYCLE,
                 neighbours=0):
        self.random = random.Random(seed)
        self.root = pathlib.Path(root)
        self.figures = figures
        self.grace = grace
        self.cycle = cycle
        self.neighbours = neighbours
        self.server = fake.Server()
        self.losses = []
        self.counts = collections.Counter()
        self.unsaved = collections.Counter()
        self.hits = collections.Counter()
        self.new_store()

    def new_store(self):
        self.home = weirtest.Home(self.root / f"store{self.counts['stores']}")
        self.home.use(self.server)
        self.counts["stores"] += 1
        self.left = {}  # what earlier rounds left: uid -> text

    def moments(self, rounds):
        """For each round its stage and a moment from 0 to 1, evenly spread within a stage."""
        stages = [self.cycle[i % len(self.cycle)] for i in range(rounds)]
        spread = {}
        for stage in set(stages):
            count = stages.count(stage)
            spread[stage] = [(i + self.random.random()) / count for i in range(count)]
            self.random.shuffle(spread[stage])
        return [(stage, spread[stage].pop()) for stage in stages]

    # One round.

    def round(self, number, stage, moment):
        self.stage = stage
        self.piece = f"r{number}w{{}} "
        if stage == "checkpoint":
            self.piece += "c" * 24000 + "\n"
        rate = 300 if stage == "checkpoint" else self.random.choice(RATES)
        if stage in ("end", "exit"):
            self.server.default = fake.answer(tuple(map(self.piece.format, range(30))), pause=0.002)
        else:
            self.server.default = fake.endless(1 / rate, self.piece)
        prompt = f"question {number} of {self.counts['stores']}"
        written = self.written()
        with self.home.start("run", prompt) as run:
            exchange = self.wait_moment(run, stage, moment, prompt)
            alive = run.process.poll() is None
            killed = run.signal(signal.SIGKILL)
            run.process.wait(10)
        self.hits["finish"] += alive and stage in ("end", "exit")
        self.hits["checkpoint"] += stage == "checkpoint" and self.written() != written
        if stage == "start":
            time.sleep(0.02)
            exchange = self.exchange_of(prompt)
        if exchange:
            exchange.finished.wait(5)
        self.check(number, prompt, exchange, killed)

    def written(self):
        """When the database itself, not its log, was written last."""
        return self.home.db.stat().st_mtime_ns if self.home.db.exists() else 0

    def exchange_of(self, prompt):
        for exchange in reversed(self.server.turns()):
            with contextlib.suppress(ValueError):
                if exchange.json["messages"][-1]["content"] == prompt:
                    return exchange
        return None

    def wait_moment(self, run, stage, moment, prompt):
        """Until the kill is due. Gives the exchange, where the stage waits for one."""
        if stage == "start":
            time.sleep(moment * 0.06 * weirtest.SLOWER)
            return None
        patience = 10 * weirtest.SLOWER
        weirtest.wait_until(lambda: self.exchange_of(prompt), patience, 0.0005)
        exchange = self.exchange_of(prompt)
        weirtest.wait_until(lambda: exchange.sent, patience, 0.0005)
        if stage == "fold":
            time.sleep(moment * 0.08)
        elif stage in ("end", "exit"):
            if stage == "end":
                weirtest.wait_until(lambda: len(exchange.sent) == 30, patience, 0.0005)
            else:
                run.wait_out(self.piece.format(29) + "\n", patience)
            time.sleep(moment * 0.006 * weirtest.SLOWER)
        else:
            # After a third of the time the log is long enough to be written back.
            early = 0.3 if stage == "checkpoint" else 0.0
            time.sleep((early + moment) * STREAM_SECONDS)
            # A delta that has just come is not stored yet: a kill is no test where nothing is
            # at stake.
            count = len(exchange.sent)
            weirtest.wait_until(lambda: len(exchange.sent) > count, patience, 0.0002)
            time.sleep(self.random.uniform(0.0, 0.03))
        return exchange

    # What has to hold after it.

    def look(self, number):
        if self.neighbours:
            with self.home.connect() as connection:
                connection.row_factory = None
                return Left(connection)
        copy = copy_database(self.home, self.home.root / f"copy{number}")
        try:
            with contextlib.closing(sqlite3.connect(copy)) as connection:
                if self.stage == "start" and not connection.execute(
                        "PRAGMA user_version").fetchone()[0]:
                    return None
                return Left(connection)
        finally:
            shutil.rmtree(copy.parent)

    def check(self, number, prompt, exchange, killed):
        left = self.look(number)
        self.counts[self.stage] += 1
        if left is None:
            require(not exchange and not self.left, f"round {number}: the store is empty")
            return
        self.hits["fold"] += left.folding
        self.check_question(number, prompt, exchange, left)
        self.check_text(number, exchange, killed, left)
        self.check_older(number, exchange, left)

    @staticmethod
    def check_question(number, prompt, exchange, left):
        stored = [m for m in left.messages if m["role"] == "user" and m["text"] == prompt]
        require(stored or not exchange, f"round {number}: the question is not stored")
        require(len(stored) < 2, f"round {number}: the question is stored twice")

    def check_text(self, number, exchange, killed, left):
        mine = [m for m in left.messages if m["text"].startswith(f"r{number}w")]
        text = mine[-1]["text"] if mine else ""
        sent = list(exchange.sent) if exchange else []
        whole = "".join(piece for _, piece in sent)
        # The last pieces may have arrived before the server noted them.
        ahead = "".join(self.piece.format(i) for i in range(len(sent), len(sent) + 50))
        require((whole + ahead).startswith(text), f"round {number}: not a prefix: {text[-60:]!r}")
        loss = self.loss(text, sent, killed)
        if exchange:
            self.losses.append(loss)
        self.unsaved[self.stage] += loss > 0
        require(loss < self.grace, f"round {number}: text of the last {loss * 1000:.0f} ms is "
                                   f"missing ({self.stage})")

    def check_older(self, number, exchange, left):
        """What was there before has not changed; and once this run has sent a request, nothing of
        an earlier one is open."""
        for message in left.messages:
            before = self.left.get(message["uid"])
            require(before is None or before == message["text"],
                    f"round {number}: an older message has changed")
        require(self.left.keys() <= {m["uid"] for m in left.messages},
                f"round {number}: an older message is gone")
        if exchange and not self.neighbours:
            older = [answer for _, answer in left.open if answer in self.left]
            require(not older and len(left.open) < 2,
                    f"round {number}: states after the next start: {left.open}")
        if not self.neighbours:
            self.left.update({m["uid"]: m["text"] for m in left.messages})

    @staticmethod
    def loss(text, sent, killed):
        """Age, at the kill, of the oldest piece that is missing; 0 when none is."""
        length = 0
        for when, piece in sent:
            length += len(piece)
            if length > len(text):
                return max(killed - when, 0.0)
        return 0.0

    def finish(self):
        """One more start repairs all states, and its own answer is whole."""
        self.server.default = fake.answer(("the end",))
        done = self.home.run("last question")
        require(done.code == 0 and done.out == "the end\n", f"the last run: {done}")
        for table in ("attempt", "turn"):
            rows = self.home.rows(f"SELECT state FROM {table} ORDER BY id DESC LIMIT -1 OFFSET 1")
            states = {row["state"] for row in rows}
            require(states <= {"interrupted", "completed"},
                    f"{table}: states after the repair: {states}")
        open_ones = [m["uid"] for m in self.home.messages() if m["reason"] == "" and
                     m["role"] == "assistant"]
        require(not open_ones, f"messages that are still open: {open_ones}")
        for message in self.home.messages():
            require(self.left.get(message["uid"], message["text"]) == message["text"],
                    "the repair has changed a text")
        self.home.check_integrity()

    # All rounds.

    def run(self, rounds, migrations=0, imports=0):
        self.server.by_model["neighbour"] = fake.answer(tuple(f"n{i} " for i in range(40)),
                                                        pause=0.01)
        try:
            for number, (stage, moment) in enumerate(self.moments(rounds)):
                if number and number % SEGMENT == 0:
                    self.end_store()
                    self.new_store()
                if self.neighbours and not hasattr(self, "group"):
                    self.group = Neighbours(self.home, self.neighbours)
                self.round(number, stage, moment)
            self.end_store()
            for number in range(migrations):
                self.kill_migration(number / migrations)
            self.kill_imports(imports)
        finally:
            if hasattr(self, "group"):
                self.group.stop()
            self.server.stop()
        self.report(rounds)

    def kill_migration(self, moment):
        """A start on a database of the first schema; the backup is made just before it is changed.
        Nothing or all of it has happened then, and the next start goes on."""
        self.new_store()
        self.home.db.parent.mkdir(parents=True, mode=0o700)
        with contextlib.closing(sqlite3.connect(self.home.db)) as connection:
            connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA application_id={APPLICATION_ID};"
                                     f"BEGIN; {FIRST_SCHEMA.read_text()}; PRAGMA user_version=1;"
                                     "COMMIT")
        backup = self.home.db.with_name("weir.db.bak-v1")
        self.server.default = fake.answer(("the end",))
        with self.home.start("run", "question") as run:
            weirtest.wait_until(backup.exists, 10 * weirtest.SLOWER, 0.0001)
            time.sleep(moment * 0.008 * weirtest.SLOWER)
            run.signal(signal.SIGKILL)
            run.process.wait(10)
        copy = copy_database(self.home, self.home.root / "copy")
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            require_sound(connection)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            columns = connection.execute("SELECT count(*) FROM pragma_table_info('session')"
                                         " WHERE name = 'message_count'").fetchone()[0]
        require(columns == (version > 1), f"version {version} with {columns} of the next's columns")
        self.hits["migration"] += version == 1
        self.finish()
        shutil.rmtree(self.home.root)

    def kill_imports(self, count):
        """Sessions come in whole or not at all, and the next import brings those that are missing."""
        path = self.root / "others.json"
        path.write_text(json.dumps([others_session(i) for i in range(IMPORTED)]))
        took = self.time_import(path) if count else 0
        self.server.default = fake.answer(("the end",))
        for number in range(count):
            self.new_store()
            with self.home.start("import", path) as run:
                time.sleep((number + 0.5) / count * took)
                run.signal(signal.SIGKILL)
                run.process.wait(10)
            self.check_import(path)
            self.finish()
            shutil.rmtree(self.home.root)

    def time_import(self, path):
        """In seconds, from the start on."""
        self.new_store()
        began = time.monotonic()
        done = self.home.weir("import", path, timeout=60 * weirtest.SLOWER)
        require(done.code == 0, f"an import fails: {done}")
        shutil.rmtree(self.home.root)
        return time.monotonic() - began

    def check_import(self, path):
        copy = copy_database(self.home, self.home.root / "copy")
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            require_sound(connection)
            # Before that there is nothing to put sessions into.
            if connection.execute("PRAGMA user_version").fetchone()[0] > 1:
                shown = {count for count, in connection.execute(SHOWN_MESSAGES)}
                require(shown <= {IMPORTED_MESSAGES}, f"sessions that are not whole: {shown}")
                stored = connection.execute("SELECT count(*) FROM message").fetchone()[0]
                self.hits["import"] += 0 < stored < IMPORTED * IMPORTED_MESSAGES
        done = self.home.weir("import", path)
        require(done.code == 0, f"the next import: {done}")
        with self.home.connect() as connection:
            shown = [count for count, in map(tuple, connection.execute(SHOWN_MESSAGES))]
        require(shown == [IMPORTED_MESSAGES] * IMPORTED, f"after the next import: {shown}")

    def end_store(self):
        if hasattr(self, "group"):
            self.counts["neighbours that ended whole"] += self.group.stop()
            del self.group
        self.finish()
        shutil.rmtree(self.home.root)

    def report(self, rounds):
        in_ms = sorted(loss * 1000 for loss in self.losses)
        self.figures("rounds", rounds)
        for name, count in sorted(self.counts.items()):
            self.figures(f"kills, {name}" if name in self.cycle else name, count)
        for name in STRATA:
            self.figures(f"hits, {name}", self.hits[name])
        self.figures("kills while text was unsaved", sum(self.unsaved.values()))
        self.figures("median loss, ms", round(statistics.median(in_ms), 1))
        self.figures("p99 loss, ms", round(percentile(in_ms, 0.99), 1))
        self.figures("largest loss, ms", round(in_ms[-1], 1))


class Neighbours:
    """Runs in the same store that go on all the time."""

    def __init__(self, home, count):
        self.home = home
        self.ended = threading.Event()
        self.whole = 0
        self.bad = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.go_on, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def go_on(self):
        expected = "".join(f"n{i} " for i in range(40)) + "\n"
        while not self.ended.is_set():
            try:
                result = self.home.run("-m", "fake/neighbour", "next door", timeout=60)
                good = (result.code, result.out) == (0, expected)
            except AssertionError as late:
                result, good = late, False
            with self.lock:
                self.whole += good
                if not good:
                    self.bad.append(result)

    def stop(self):
        """Lets each finish; gives how many ended whole."""
        self.ended.set()
        for thread in self.threads:
            thread.join(60 * weirtest.SLOWER)
        require(not self.bad, f"a neighbour did not end whole: {self.bad[:1]}")
        return self.whole


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--neighbours", type=int, default=0)
    options = parser.parse_args()
    print(f"seed: {options.seed}")
    with tempfile.TemporaryDirectory() as root:
        Harness(root, options.seed, lambda name, value: print(f"{name}: {value}"),
                neighbours=options.neighbours).run(options.rounds, options.rounds // 8,
                                                          options.rounds // 8)


if __name__ == "__main__":
    main()
