"""How long the export of a long session takes beside `sqlite3 .dump` of the same file, and in how
much memory; contenders take turns, the best of each counts. And an import: what it takes in a
second, with its rests, and in how much memory.
"""

import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from screen import BenchError

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from weirtest import peak_kb

MESSAGES, MESSAGES_SHORT = 100000, 10000
TEXT = "The quick brown fox jumps over the lazy dog.\n" * 8
BRANCH = "(SELECT max(id) FROM branch)"


def run(command, env):
    """Seconds."""
    began = time.perf_counter()
    done = subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise BenchError(f"{command}: {done.returncode}: {done.stderr!r}")
    return time.perf_counter() - began


def talk(number, messages):
    return {"id": f"{number}", "conversations": [
        {"from": "gpt" if at % 2 else "human", "value": f"{at} {TEXT}"} for at in range(messages)]}


def fill(path, count):
    with sqlite3.connect(path) as db:
        db.execute(
            "INSERT INTO message (uid, branch, seq, role, reason, folded, created_at, ended_at)"
            " WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 99 + ?)"
            f" SELECT printf('01M00000000000M%011d', i), {BRANCH}, i, 'assistant', 'end_turn', 1,"
            " i, i FROM n", (count,))
        db.execute("INSERT INTO part (message, position, kind, began_at, ended_at, text)"
                   " SELECT id, 0, 'text', 1, 2, ? || id FROM message WHERE seq >= 100", (TEXT,))
    db.close()


def best(commands, env, rounds):
    taken = [[] for _ in commands]
    for _ in range(rounds):
        for command, results in zip(commands, taken):
            results.append(run(command, env))
    return [min(results) for results in taken]


def measure_archives(weir, short, env):
    if not shutil.which("sqlite3"):
        raise BenchError("exports: there is no sqlite3 to compare with")
    figures = {}
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as name:
        folder = pathlib.Path(name)
        lines = folder / "talks.jsonl"
        lines.write_text(json.dumps(talk(0, 2)))
        memory = []
        for count in (MESSAGES_SHORT // 10, MESSAGES_SHORT if short else MESSAGES):
            path = folder / f"{count}.db"
            weir_on = [weir, "--db", str(path)]
            run([*weir_on, "import", str(lines)], env)
            fill(path, count)
            export = [*weir_on, "export", "--all", "-f", "jsonl"]
            ours, dump = best([export, ["sqlite3", str(path), ".dump"]], env, 3 if short else 7)
            memory.append(peak_kb(export, env) / 1024)
        figures["export_jsonl_ms"] = 1000 * ours
        figures["export_jsonl_over_dump"] = ours / dump
        figures["export_memory_mb"] = memory[1]
        figures["export_memory_of_few_messages_mb"] = memory[0]
        talks = 20 if short else 200
        lines.write_text("\n".join(json.dumps(talk(number, 100)) for number in range(talks)))
        seconds = run([weir, "--db", str(folder / "x.db"), "import", str(lines)], env)
        figures["import_messages_per_second"] = 100 * talks / seconds
        again = [weir, "--db", str(folder / "y.db"), "import", str(lines)]
        figures["import_memory_mb"] = peak_kb(again, env) / 1024
    return figures
