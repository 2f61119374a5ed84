#!/usr/bin/python3
"""Every statement of the store follows an index.

Takes the SQL out of the preprocessed sources (string literals that begin with a verb), and asks
SQLite how it would run each on the schema of the migrations: no table may be read whole without an
index to follow, nothing may be sorted. And every index has to serve a statement, or a foreign key
of a parent whose rows are deleted.
"""

import concurrent.futures
import os
import pathlib
import re
import sqlite3
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OUT = os.environ.get("WEIR_OUT", "build/release")

LITERALS = re.compile(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+')
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
VERB = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH)\s")

# What may read a table whole, and why. Matched at the statement's beginning.
WHOLE = {
    "SELECT max(id)": "the end of a b-tree",
    "SELECT id, action, session, target": "from the newest on, up to the first that is not undone",
}

# Reads everything, since that is what it is asked for.
LEFT_OUT = "doctor"


def sql_of(path):
    """Gives the statements of one source."""
    text = subprocess.run(
        ["cc", "-std=c17", "-D_GNU_SOURCE", "-I.", f"-I{OUT}", "-E", "-P", str(path)], cwd=ROOT,
        check=True, capture_output=True, text=True).stdout
    for run in LITERALS.findall(text):
        joined = "".join(LITERAL.findall(run)).replace('\\"', '"').replace("\\n", "\n")
        if VERB.match(joined):
            yield path.name, joined


def schema():
    db = sqlite3.connect(":memory:")
    for step in sorted((ROOT / "store/migrations").glob("*.sql")):
        db.executescript(step.read_text())
    return db


def plan_of(db, sql):
    count = max([int(n) for n in re.findall(r"\?(\d+)", sql)] or [0])
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * count)]


def is_bad(step):
    reads_all = step.startswith("SCAN") and "USING" not in step and "VIRTUAL TABLE" not in step
    of_a_list = re.match(r"SCAN (CONSTANT ROW|json_each|\(subquery|SUBQUERY)", step)
    return (reads_all and not of_a_list) or "TEMP B-TREE" in step


def foreign_columns(db):
    """Gives (table, column) for each reference to another table."""
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for row in db.execute(f"PRAGMA foreign_key_list({table})"):
            yield table, row[3]


def indexes(db):
    """Gives name, table and first column of those that were asked for (not of constraints)."""
    rows = db.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index'"
                      " AND sql IS NOT NULL").fetchall()
    for name, table in rows:
        columns = [row[2] for row in db.execute(f"PRAGMA index_info({name})")]
        unique = "UNIQUE" in db.execute("SELECT sql FROM sqlite_master WHERE name = ?",
                                        [name]).fetchone()[0]
        yield name, table, columns[0], unique


def main():
    db = schema()
    failures = []
    used = set()
    sources = [p for p in sorted((ROOT / "store").glob("*.c")) if not p.name.startswith(LEFT_OUT)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        statements = [s for found in pool.map(lambda p: list(sql_of(p)), sources) for s in found]
    for name, sql in statements:
        try:
            steps = plan_of(db, sql)
        except sqlite3.Error as error:
            failures.append(f"{name}: {error}: {sql}")
            continue
        for step in steps:
            used.update(re.findall(r"INDEX (\w+)", step))
            if is_bad(step) and not any(sql.startswith(known) for known in WHOLE):
                failures.append(f"{name}: {step}: {sql}")
    foreign = set(foreign_columns(db))
    for name, table, column, unique in indexes(db):
        if name not in used and (table, column) not in foreign and not unique:
            failures.append(f"index {name} of {table} serves no statement")
    print(f"{len(statements)} statements, {len(used)} indexes used")
    print("\n".join(failures))
    return 1 if failures or len(statements) < 50 else 0


sys.exit(main())
