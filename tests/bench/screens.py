"""What the screen costs, beside its floor: a bare ncurses program that shows the same stream as it
comes through a curl child, at the same pace of frames (baseline_floor.c). Pairs take turns."""

import bisect
import os
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import time

from answers import Answers, BURST, END, TOKENS, tokens
from screen import BenchError, Screen, environment, percentile
from streams import configure

ROWS, COLUMNS = 50, 220
MESSAGES = 100_000
SESSIONS = 8
KEYS = "ABCDEFGHIKLMNOPRSTUVY"  # none stands on the screen
PASTE = b"0123456789abcde\n" * 65536
FILL = """
INSERT INTO session (id, uid, handle, title, branch, message_count, created_at, last_active_at)
  VALUES (900000, '01JZZZZZZZZZZZZZZZZZZZZZZZ', 'zzzzz', 'a long one', 900000, :n, 1,
          (SELECT max(last_active_at) + 1 FROM session));
INSERT INTO branch (id, session, created_at, uid) VALUES (900000, 900000, 1, '01JZZZZZZZZZZZZZZZZZZZZZZY');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :n)
  INSERT INTO message (id, uid, branch, seq, role, reason, revision, folded, indexed, created_at, ended_at)
  SELECT 1000000 + i, printf('01J%023d', i), 900000, i, iif(i % 2, 'user', 'assistant'),
         'end_turn', 1, 1, 1, 1000000 * i, 1000000 * i FROM n;
INSERT INTO part (message, position, kind, began_at, ended_at, text)
  SELECT id, 0, 'text', 1, 1, iif(role = 'user', 'question ' || seq,
         'answer ' || seq || ': ' || :words) FROM message WHERE branch = 900000;
"""


class Pair:
    """weir and the floor, each asked for the same answer."""

    def __init__(self, weir, floor, answers, env):
        self.weir, self.floor, self.answers, self.env = weir, floor, answers, env
        if not shutil.which("curl"):
            raise BenchError("curl is not installed")

    def start(self, which, how):
        url = self.answers.url(how)
        if which == "weir":
            configure(self.env, url)
            screen = Screen([self.weir, "chat", "--new"], self.env, ROWS, COLUMNS)
            screen.wait_for(b"x/m")
        else:
            command = [self.floor, "floor", f"{url}/chat/completions"]
            screen = Screen(command, self.env, ROWS, COLUMNS)
            screen.wait_for(b"floor")
        screen.settle(0.3)  # what comes after the first frame has been loaded
        return screen

    def ask(self, which, how, seconds):
        """One answer, whole. Gives ms from the key until it is drawn, bytes, and CPU in ms; that
        of the start-up does not count."""
        screen = self.start(which, how)
        try:
            if which == "weir":
                screen.send(b"go")
                screen.wait_for(b"go", start=len(screen.output))
            start = len(screen.output)
            before = screen.cpu_ms()
            began = time.perf_counter()
            screen.send(b"\r")
            took = screen.wait_for(END.encode(), began, start, seconds)
            screen.settle(0.3)
            spent = len(screen.output) - start
        finally:
            cpu = screen.close()
        return took, spent, cpu - before

    def compare(self, how, rounds, seconds):
        """Medians of both, and of each pair's quotients, as (ours, floor's, quotient) for time,
        bytes and CPU."""
        ours, theirs = [], []
        for _ in range(rounds):
            theirs.append(self.ask("floor", how, seconds))
            ours.append(self.ask("weir", how, seconds))
        return [(statistics.median(a), statistics.median(b),
                 statistics.median(x / y for x, y in zip(a, b)))
                for a, b in zip(zip(*ours), zip(*theirs))]


def measure_answers(weir, floor, env, short):
    """CPU and bytes of an answer with a delta each millisecond; time of one that comes at once."""
    figures = {}
    with Answers(1500 if short else 10_000) as answers:
        pair = Pair(weir, floor, answers, env)
        _, size, cpu = pair.compare("paced", 2 if short else 5, 30)
        took, _, _ = pair.compare("burst", 3 if short else 15, 30)
    for name, values in (("paced_cpu_ms", cpu), ("paced_bytes", size)):
        for kind, value in zip(("", "_floor", "_ratio"), values):
            figures[f"screen_{name}{kind}"] = value
    figures["screen_paced_deltas"] = answers.count
    for kind, value in zip(("", "_floor", "_ratio"), took):
        figures[f"screen_burst_{BURST}_drawn_ms{kind}"] = value
    return figures


def lateness(screen, sent):
    """ms from the server's send to the terminal, for each word."""
    lengths = [length for _, length in screen.arrivals]
    late = []
    for token, moment in zip(tokens(), sent):
        # What stood in a cell before is not sent again, so an end of the word may be missing.
        at = screen.output.find(token[1:-1].encode())
        if at >= 0:
            came, _ = screen.arrivals[bisect.bisect_right(lengths, at)]
            late.append((came - moment) * 1000)
    if len(late) < TOKENS * 95 // 100:
        raise BenchError(f"only {len(late)} of {TOKENS} words were found on the screen")
    return late


def measure_latency(weir, floor, env):
    figures = {}
    with Answers(1) as answers:
        pair = Pair(weir, floor, answers, env)
        for which, name in (("floor", "_floor"), ("weir", "")):
            screen = pair.start(which, "tokens")
            try:
                screen.send(b"go\r")
                screen.wait_for(END.encode(), seconds=30)
            finally:
                screen.close()
            late = lateness(screen, answers.sent_at())
            figures |= {f"screen_delta_to_drawn{name}_p50_ms": statistics.median(late),
                        f"screen_delta_to_drawn{name}_p99_ms": percentile(late, 99)}
    return figures


def key_times(log, keys):
    """ms from each key's read to the write that shows it, as strace saw them."""
    times, pending = [], None
    for line in log.splitlines():
        call = re.match(r"([\d.]+) (read|write)\((\d+), \"(.*)\"", line)
        if not call:
            continue
        moment, name, fd, text = float(call[1]), call[2], call[3], call[4]
        if name == "read" and fd == "0" and text in keys:
            pending = (moment, text)
        elif name == "write" and fd == "1" and pending and pending[1] in text:
            times.append((moment - pending[0]) * 1000)
            pending = None
    return times


def stream_eight(screen):
    for number in range(SESSIONS):
        start = len(screen.output)
        screen.send(b"\x18ngo\r" if number else b"go\r")
        screen.wait_for(b"9 1", start=start)
    screen.settle(0.5)


def type_keys(screen, count):
    """Keys one by one; ms until each is seen by the terminal."""
    echoes = []
    for number in range(count):
        key = KEYS[number % len(KEYS)].encode()
        start, began = len(screen.output), time.perf_counter()
        screen.send(key)
        echoes.append(screen.wait_for(key, began, start))
        screen.settle(0.007 + number % 13 * 0.002)
        if number % 60 == 59:
            screen.send(b"\x15")
            screen.settle(0.1)
    return echoes


def measure_keys(weir, env, folder, short):
    """Keys typed while eight sessions stream, one of them on the screen."""
    count = 100 if short else 500
    log = os.path.join(folder, "keys.log")
    with Answers(1) as answers:
        screen = Pair(weir, None, answers, env).start("weir", "endless")
        try:
            stream_eight(screen)
            strace = subprocess.Popen(["strace", "-ttt", "-s", "65536", "-e", "trace=read,write",
                                       "-o", log, "-p", str(screen.pid)], stderr=subprocess.PIPE)
            strace.stderr.readline()
            echoes = type_keys(screen, count)
            strace.send_signal(signal.SIGINT)
            strace.wait(10)
        finally:
            screen.close()
    with open(log, encoding="utf-8", errors="replace") as text:
        times = key_times(text.read(), KEYS)
    if len(times) < count * 9 // 10:
        raise BenchError(f"only {len(times)} of {count} keys were seen by strace")
    return {"screen_key_to_paint_p50_ms": statistics.median(times),
            "screen_key_to_paint_p99_ms": percentile(times, 99),
            "screen_key_to_terminal_p99_ms": percentile(echoes, 99)}


def measure_paste(weir, env, short):
    times = []
    with Answers(1) as answers:
        pair = Pair(weir, None, answers, env)
        for _ in range(3 if short else 9):
            screen = pair.start("weir", "burst")
            try:
                start, began = len(screen.output), time.perf_counter()
                screen.send(b"\x1b[200~" + PASTE + b"\x1b[201~")
                times.append(screen.wait_for(b"[pasted", began, start))
            finally:
                screen.close()
    return {"screen_paste_1mb_ms": statistics.median(times)}


def fill_store(weir, env):
    """A session of 100,000 messages, which is the last one that was used."""
    words = "some words of an answer that has a few lines of text in it. " * 4 + END
    subprocess.run([weir, "run", "-m", "demo", "hello"], env=env, capture_output=True, check=True,
                   stdin=subprocess.DEVNULL, timeout=60)
    path = os.path.join(env["XDG_DATA_HOME"], "weir/weir.db")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    for statement in filter(str.strip, FILL.split(";\n")):
        values = {"n": MESSAGES, "words": words}
        connection.execute(statement, {k: v for k, v in values.items() if f":{k}" in statement})
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def frame(command, env):
    screen = Screen(command, env, ROWS, COLUMNS)
    try:
        return screen.wait_for(END.encode())
    finally:
        screen.close()


def resident(command, env):
    screen = Screen(command, env, ROWS, COLUMNS)
    try:
        screen.settle(1.5)
        return screen.resident_mb()
    finally:
        screen.close()


def measure_store(weir, floor, short):
    """Memory, and the first frame where the session that opens has 100,000 messages."""
    bare = [floor, END, "none"]
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(prefix="weir-bench-store-") as home:
        env = environment(home)
        figures = {"screen_resident_floor_mb": resident(bare, env),
                   "screen_resident_idle_mb": resident([weir], env)}
        fill_store(weir, env)
        for turn in range((6 if short else 60) + 2):
            pair = frame(bare, env), frame([weir], env)
            if turn >= 2:  # the first ones fill the caches
                theirs.append(pair[0])
                ours.append(pair[1])
        figures["screen_resident_100000_messages_mb"] = resident([weir], env)
    return figures | {
        "screen_first_frame_100000_ms": statistics.median(ours),
        "screen_first_frame_100000_p95_ms": percentile(ours, 95),
        "screen_first_frame_100000_floor_ms": statistics.median(theirs),
        "screen_first_frame_100000_ratio": statistics.median(o / t for o, t in zip(ours, theirs))}
