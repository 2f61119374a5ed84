#!/usr/bin/env python3
"""A client of a hundred lines with the store's tables, to test the kill harness with.

TOY=good keeps the promises. The others break one each, and the harness has to notice: 'at-end' and
'each-second' write too rarely, 'late-question' stores the question with the first text, 'drop' and
'repeat' lose or double a piece, 'no-repair' leaves what a kill left, 'one-transaction' commits the
question with the answer.
"""

import http.client
import json
import os
import pathlib
import re
import sqlite3
import sys
import time
import urllib.parse

MODE = os.environ["TOY"]
WINDOW = {"at-end": 1e9, "each-second": 1.0}.get(MODE, 0.02)
SCHEMA = pathlib.Path(__file__).resolve().parent.parent.parent / "store/migrations/0001_first.sql"


class Store:
    def __init__(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        if new:
            self.db.executescript("BEGIN;" + SCHEMA.read_text(encoding="utf-8") + "COMMIT;")
        if MODE != "no-repair":
            self.repair()

    def repair(self):
        self.db.execute("BEGIN IMMEDIATE")
        for table in ("attempt", "turn"):
            self.db.execute(f"UPDATE {table} SET state = 'interrupted' WHERE state = 'running'")
        self.db.execute("UPDATE message SET reason = 'interrupted' WHERE reason = '' AND "
                        "role = 'assistant'")
        self.db.execute("COMMIT")

    def add(self, table, **values):
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        return self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})",
                               tuple(values.values())).lastrowid

    def begin(self, prompt):
        now = time.time_ns() // 1000
        uid = os.urandom(8).hex()
        self.db.execute("BEGIN IMMEDIATE")
        session = self.add("session", uid=uid, handle=uid, created_at=now, last_active_at=now)
        branch = self.add("branch", session=session, created_at=now)
        self.turn = self.add("turn", uid=uid, branch=branch, created_at=now)
        question = self.add("message", uid=uid + "q", branch=branch, seq=1, turn=self.turn,
                            role="user", folded=1, created_at=now)
        self.add("part", message=question, position=0, kind="text", began_at=now, text=prompt)
        self.message = self.add("message", uid=uid + "a", branch=branch, seq=2, turn=self.turn,
                                role="assistant", created_at=now)
        self.add("part", message=self.message, position=0, kind="text", began_at=now)
        self.add("attempt", uid=uid, turn=self.turn, branch=branch, owner="toy", began_at=now)
        if MODE != "one-transaction":
            self.db.execute("COMMIT")
        self.offset = 0

    def append(self, text):
        self.add("chunk", message=self.message, part=0, byte_offset=self.offset, text=text)
        self.offset += len(text.encode())

    def end(self):
        if MODE != "one-transaction":
            self.db.execute("BEGIN IMMEDIATE")
        self.db.execute("UPDATE message SET reason = 'end_turn' WHERE id = ?", (self.message,))
        self.db.execute("UPDATE turn SET state = 'completed' WHERE id = ?", (self.turn,))
        self.db.execute("UPDATE attempt SET state = 'completed' WHERE turn = ?", (self.turn,))
        self.db.execute("COMMIT")


def deltas(prompt):
    config = pathlib.Path(os.environ["XDG_CONFIG_HOME"], "weir/config.toml").read_text()
    url = urllib.parse.urlsplit(re.search(r'base_url = "(.*)"', config).group(1))
    client = http.client.HTTPConnection(url.hostname, url.port)
    body = {"model": "toy", "messages": [{"role": "user", "content": prompt}]}
    client.request("POST", url.path + "/chat/completions", json.dumps(body))
    for line in client.getresponse():
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                yield choice["delta"].get("content", "")


def main():
    prompt = " ".join(sys.argv[2:])
    store = Store(pathlib.Path(os.environ["XDG_DATA_HOME"], "weir/weir.db"))
    if MODE != "late-question":
        store.begin(prompt)
    pending, written, count = "", time.monotonic(), 0
    for text in deltas(prompt):
        if not text:
            continue
        count += 1
        if count == 3 and MODE in ("drop", "repeat"):
            text = "" if MODE == "drop" else text * 2
        sys.stdout.write(text)
        pending += text
        if time.monotonic() - written >= WINDOW:
            if MODE == "late-question" and count > 40:
                store.begin(prompt)
            if hasattr(store, "message"):
                store.append(pending)
                pending = ""
            written = time.monotonic()
    if not hasattr(store, "message"):
        store.begin(prompt)
    store.append(pending)
    store.end()
    print()


if __name__ == "__main__":
    main()
