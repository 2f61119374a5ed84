#!/usr/bin/env python3
"""Measures weir beside baselines: start-up, the first frame, and silence when nothing happens.

First frame: the time from the start of a program on a pseudo-terminal until its output holds the
text of the last message. The baseline is the smallest ncurses program that also opens the same
database. Both run in turns, so that what else the machine does hits both alike.

Figures are printed and written to BUILD/bench.json. Programs named bench_* of tests/bench run last;
each prints one JSON object per line: a name, and numbers by their unit.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import archives
import screens
import starts
import streams
from screen import BenchError, Screen, environment, percentile

PROMPT = "say something"


def make_store(weir, env):
    """Lets weir make a store with one answer; gives its path and a word of that answer."""
    done = subprocess.run([weir, "run", "-m", "demo", PROMPT], env=env, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=60)
    if done.returncode:
        raise BenchError(f"weir run -m demo: exit code {done.returncode}: {done.stderr.strip()}")
    words = [w for w in re.findall(r"[A-Za-z]{5,}", done.stdout) if w not in PROMPT]
    if not words:
        raise BenchError(f"the demo's answer holds no long word: {done.stdout!r}")
    for path in pathlib.Path(env["XDG_DATA_HOME"]).rglob("*"):
        if path.is_file() and path.open("rb").read(16) == b"SQLite format 3\0":
            return str(path), words[-1].encode()
    raise BenchError("weir run left no database in its data folder")


def cpu_ms(command, env, count):
    """Median CPU time of a program from its start to its end."""
    times = []
    for _ in range(count):
        with open(os.devnull, "w", encoding="ascii") as null:
            pid = os.posix_spawn(command[0], command, env,
                                 file_actions=[(os.POSIX_SPAWN_DUP2, null.fileno(), 1)])
        _, status, usage = os.wait4(pid, 0)
        if status:
            raise BenchError(f"{command}: status {status}")
        times.append((usage.ru_utime + usage.ru_stime) * 1000)
    return statistics.median(times)


def first_frame(command, text, env):
    screen = Screen(command, env)
    try:
        return screen.wait_for(text)
    finally:
        screen.close()


def measure_version(weir, count, env):
    true = shutil.which("true")
    return {"version_cpu_ms": cpu_ms([weir, "--version"], env, count),
            "version_cpu_baseline_ms": cpu_ms([true], env, count)}


def measure_frames(weir, baseline, pairs, env):
    database, word = make_store(weir, env)
    ours, theirs = [], []
    for turn in range(pairs + 2):
        base = first_frame([baseline, database, word.decode()], word, env)
        frame = first_frame([weir], word, env)
        if turn >= 2:  # the first ones fill the caches
            theirs.append(base)
            ours.append(frame)
    return {"first_frame_ms": statistics.median(ours),
            "first_frame_p95_ms": percentile(ours, 95),
            "first_frame_baseline_ms": statistics.median(theirs),
            "first_frame_baseline_p95_ms": percentile(theirs, 95),
            "first_frame_ratio": statistics.median(o / t for o, t in zip(ours, theirs)),
            "first_frame_pairs": pairs}


def count_calls(pid, seconds, folder):
    """System calls of a process's threads; what strace's own arrival interrupts does not count."""
    log = os.path.join(folder, "strace.log")
    strace = subprocess.Popen(["strace", "-f", "-ttt", "-o", log, "-p", str(pid)],
                              stderr=subprocess.PIPE)
    strace.stderr.readline()  # 'Process N attached'
    attached = time.time() + 0.5
    try:
        strace.wait(seconds + 0.5)
        raise BenchError("strace ended early")
    except subprocess.TimeoutExpired:
        strace.send_signal(signal.SIGINT)
        strace.wait(10)
    left = time.time()
    lines = pathlib.Path(log).read_text(errors="replace").splitlines()
    calls = [line for line in lines if re.match(r"\d+ +[\d.]+ \w+\(", line)]
    return [c for c in calls if attached < float(c.split()[1]) < left - 0.2]


def measure_idle(weir, seconds, env, folder):
    screen = Screen([weir], env)
    try:
        screen.settle(3)
        before = len(screen.output)
        screen.settle(seconds)
        written = len(screen.output) - before
        calls = count_calls(screen.pid, seconds, folder)
    finally:
        screen.close()
    for call in calls[:20]:
        print(f"    not idle: {call}")
    return {"idle_system_calls": len(calls), "idle_bytes": written,
            "idle_seconds": seconds}


def run_programs(folder, short):
    """Figures of the bench_* programs, which print lines such as {"name":"publish","ns":12.5}, or
    with the members name, value and unit."""
    figures = {}
    for program in sorted(folder.glob("bench_*")):
        if program.suffix or not os.access(program, os.X_OK):
            continue
        command = [program] if short else [program, "--all"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise BenchError(f"{program.name}: exit code {done.returncode}: {done.stderr}")
        for line in done.stdout.splitlines():
            fields = json.loads(line)
            name = fields.pop("name")
            if "value" in fields:
                fields = {fields.get("unit", ""): fields["value"]}
            for unit, value in fields.items():
                figures[f"{name} {unit}".strip()] = float(value)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="folder of the build")
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    options = parser.parse_args()
    build = pathlib.Path(options.build).resolve()
    weir = str(build / "release/weir")
    programs = build / "release/tests/bench"
    floor = str(programs / "baseline_floor")
    figures, problems = {}, []
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        env = environment(folder)
        for measure in (
                lambda: measure_version(weir, 20 if options.short else 200, env),
                lambda: measure_frames(weir, str(programs / "baseline_ncurses"),
                                       10 if options.short else 100, env),
                lambda: starts.measure_first_byte(weir, options.short, env),
                lambda: streams.measure_streams(weir, options.short, env),
                lambda: streams.measure_tls(weir, options.short, env),
                lambda: archives.measure_archives(weir, options.short, env),
                lambda: measure_idle(weir, 2 if options.short else 10, env, folder),
                lambda: screens.measure_store(weir, floor, options.short),
                lambda: screens.measure_answers(weir, floor, env, options.short),
                lambda: screens.measure_latency(weir, floor, env),
                lambda: screens.measure_keys(weir, env, folder, options.short),
                lambda: screens.measure_paste(weir, env, options.short),
                lambda: run_programs(programs, options.short)):
            try:
                figures.update(measure())
            except (BenchError, OSError, subprocess.SubprocessError,
                    ValueError) as problem:
                problems.append(str(problem))
    for name, value in figures.items():
        print(f"{name:32} {value:10.3f}".rstrip("0").rstrip("."))
    for problem in problems:
        print(f"not measured: {problem}", file=sys.stderr)
    (build / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
