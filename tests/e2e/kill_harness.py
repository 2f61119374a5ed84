#!/usr/bin/env python3
"""Kills runs with SIGKILL at random times, again and again on one store, and looks at what is left.

After each kill: the file is sound, the question is there, the text is a prefix of what was sent,
and nothing is missing that was sent longer ago than the grace time. What earlier rounds left does
not change. The next start closes what the kill left open.

As a command: kill_harness.py [--rounds N] [--seed N]
"""

import argparse
import pathlib
import random
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import fake_server as fake  # noqa: E402
import weirtest  # noqa: E402

GRACE = 0.1


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


def inspect(path):
    with weirtest.contextlib.closing(sqlite3.connect(path)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
        require(sound == "ok", f"integrity check: {sound}")
        return weirtest.read_messages(connection)


class Harness:
    def __init__(self, root, seed, figures=print, grace=GRACE * weirtest.SLOWER):
        self.random = random.Random(seed)
        self.home = weirtest.Home(root)
        self.server = fake.Server()
        self.home.use(self.server)
        self.losses = []
        self.left = {}  # what earlier rounds left: uid -> text
        self.figures = figures
        self.grace = grace

    def round(self, number):
        rate = self.random.choice((100, 300, 1000))
        answer_time = self.random.uniform(0.0, 0.6)
        self.server.then(fake.endless(1 / rate, f"r{number}w{{}} "))
        prompt = f"question {number}"
        known = len(self.server.turns())
        with self.home.start("run", prompt) as run:
            exchange = self.server.wait_turn(known + 1, 10 * weirtest.SLOWER)
            at_least = time.monotonic() + answer_time
            while time.monotonic() < at_least or not exchange.sent:
                time.sleep(0.0005)
            killed = run.signal(signal.SIGKILL)
            run.process.wait(10)
        exchange.finished.wait(5)
        self.check(number, prompt, exchange, killed)

    def check(self, number, prompt, exchange, killed):
        copy = copy_database(self.home, self.home.root / f"copy{number}")
        messages = inspect(copy)
        shutil.rmtree(copy.parent)
        require([m for m in messages if m["role"] == "user" and m["text"] == prompt],
                f"round {number}: the question is not stored")
        mine = [m for m in messages if m["text"].startswith(f"r{number}w")]
        text = mine[-1]["text"] if mine else ""
        sent = list(exchange.sent)
        whole = "".join(piece for _, piece in sent)
        # The last pieces may have arrived before the server noted them.
        ahead = "".join(f"r{number}w{i} " for i in range(len(sent), len(sent) + 1000))
        require((whole + ahead).startswith(text), f"round {number}: not a prefix: {text[-60:]!r}")
        self.losses.append(self.loss(text, sent, killed))
        require(self.losses[-1] < self.grace,
                f"round {number}: text of the last {self.losses[-1] * 1000:.0f} ms is missing")
        for message in messages:
            before = self.left.get(message["uid"])
            require(before is None or before == message["text"],
                    f"round {number}: an older message has changed")
        require(self.left.keys() <= {m["uid"] for m in messages},
                f"round {number}: an older message is gone")
        self.left.update({m["uid"]: m["text"] for m in messages})

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
        self.server.then(fake.answer(("the end",)))
        done = self.home.run("last question")
        require(done.code == 0 and done.out == "the end\n", f"the last run: {done}")
        for table in ("attempt", "turn"):
            rows = self.home.rows(f"SELECT state FROM {table} ORDER BY id DESC LIMIT -1 OFFSET 1")
            states = {row["state"] for row in rows}
            require(states <= {"interrupted"}, f"{table}: states after the repair: {states}")
        open_ones = [m["uid"] for m in self.home.messages() if m["reason"] == "" and
                     m["role"] == "assistant"]
        require(not open_ones, f"messages that are still open: {open_ones}")
        for message in self.home.messages():
            require(self.left.get(message["uid"], message["text"]) == message["text"],
                    "the repair has changed a text")
        self.home.check_integrity()

    def run(self, rounds):
        try:
            for number in range(rounds):
                self.round(number)
            self.finish()
        finally:
            self.server.stop()
        in_ms = sorted(loss * 1000 for loss in self.losses)
        self.figures("rounds", rounds)
        self.figures("median loss, ms", round(statistics.median(in_ms), 1))
        self.figures("largest loss, ms", round(in_ms[-1], 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed: {options.seed}")
    with tempfile.TemporaryDirectory() as root:
        Harness(root, options.seed, lambda name, value: print(f"{name}: {value}")).run(
            options.rounds)


if __name__ == "__main__":
    main()
