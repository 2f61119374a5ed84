"""What was exported comes back, and what others exported comes in."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import time

import fake_server as fake
import jsonschema
import pytest
import weirtest

SCHEMA = json.loads((weirtest.ROOT / "doc/export.schema.json").read_text())


def imported(home, *files, code=0, **options):
    result = home.weir("import", "--json", *files, **options)
    assert result.code == code, result
    return [json.loads(line) for line in result.out.splitlines()]


def elsewhere(home, tmp_path, *arguments):
    return home.weir("--db", tmp_path / "other.db", *arguments)


def fill(home, serving):
    serving(fake.answer(("an answer\n\n```c\nint x = \"\\\\\";\n```\n",), reasoning=("a thought",)),
            fake.tool_call(), fake.answer(("世界 \u2028 end",)))
    for arguments in (("one",), ("-c", "two"), ("three",)):
        assert home.run(*arguments).code == 0
    with sqlite3.connect(home.db) as connection:
        message, = connection.execute("SELECT max(id) FROM message").fetchone()
        connection.execute("INSERT INTO note (uid, message, text, created_at, changed_at)"
                           " VALUES ('01M0000000000000000000000N', ?, 'a note', 1, 2)", (message,))


def test_an_export_is_as_its_schema_says(home, serving):
    fill(home, serving)
    data = home.weir("export", "--all", "--format", "json").json
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    data["sessions"][0]["messages"][0]["role"] = "king"
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(data)


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_an_export_of_an_imported_export_is_the_same_bytes(home, serving, tmp_path, form):
    fill(home, serving)
    first = home.weir("export", "--all", "--format", form)
    assert first.code == 0, first
    file = home.work / "all"
    file.write_bytes(first.stdout)
    assert elsewhere(home, tmp_path, "import", file).code == 0
    assert elsewhere(home, tmp_path, "export", "--all", "--format", form).stdout == first.stdout


@pytest.mark.parametrize("counted", [True, False])
def test_sums_that_no_answer_can_have_do_not_come_in(home, serving, tmp_path, counted):
    """Were they added up, the next answer would have no room to be counted, and not be stored."""
    serving(fake.answer(("one",)), fake.answer(("two",)), fake.answer(("three",)))
    assert home.run("q").code == 0 and home.run("-c", "q").code == 0
    lines = []
    for line in home.weir("export", "--all", "--format", "jsonl").out.splitlines():
        record = json.loads(line)
        for part in (record, record.get("usage") or {}):
            if "input_tokens" in part:
                part |= {"input_tokens": 2**63 - 1, "output_tokens": 2**63 - 1, "cost_micros": 2**63 - 1}
                if part is record and not counted:
                    del record["input_tokens"], record["output_tokens"], record["cost_micros"]
        lines.append(json.dumps(record))
    (home.work / "all").write_text("\n".join(lines) + "\n")
    assert elsewhere(home, tmp_path, "import", home.work / "all").code == 0
    run = elsewhere(home, tmp_path, "run", "-c", "q", "--json")
    assert run.code == 0 and run.json["text"] == "three", run
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as db:
        assert db.execute("SELECT reason FROM message ORDER BY id DESC").fetchone() == ("end_turn",)
    assert elsewhere(home, tmp_path, "doctor").code == 0
    assert elsewhere(home, tmp_path, "usage", "--json").json["total"]["messages"] == 1


def test_a_folder_is_taken_in_file_by_file(home, serving, tmp_path):
    fill(home, serving)
    folder = home.work / "all"
    folder.mkdir()
    first = home.weir("export", "--all", "--format", "json")
    assert home.weir("export", "--all", "--format", "json", "-o", "all").code == 0
    files = sorted(folder.iterdir())
    assert len(files) == 2
    (folder / ".hidden").write_text("no export")
    (folder / "below").mkdir()
    (folder / "below" / "notes.txt").write_text("no export")
    done = elsewhere(home, tmp_path, "import", "all")
    assert done.code == 0 and done.err == "", done
    assert [line.split(" ")[0] for line in done.out.splitlines()] == [
        f"all/{file.name}" for file in files]
    again = elsewhere(home, tmp_path, "export", "--all", "--format", "json")
    assert again.stdout == first.stdout


def test_a_file_of_a_folder_that_is_no_export_is_told_and_skipped(home, serving, tmp_path):
    fill(home, serving)
    folder = home.work / "all"
    folder.mkdir()
    assert home.weir("export", "--all", "--format", "json", "-o", "all").code == 0
    (folder / "0.txt").write_text("no export")
    alone = elsewhere(home, tmp_path, "import", "all/0.txt")
    done = elsewhere(home, tmp_path, "import", "all/")
    assert done.code == alone.code == 65 and "'all/0.txt'" in done.err, done
    assert len(done.out.splitlines()) == 2


def test_a_file_that_cannot_be_taken_in_holds_up_none_of_the_others(home, serving, tmp_path):
    fill(home, serving)
    (home.work / "odd.json").write_text("no export")
    (home.work / "all.json").write_bytes(home.weir("export", "--all", "--format", "json").stdout)
    done = elsewhere(home, tmp_path, "import", "odd.json", "missing.json", "all.json")
    assert done.code == 65 and "'odd.json'" in done.err and "'missing.json'" in done.err, done
    assert done.out.startswith("all.json (weir): 2 sessions, 6 messages added"), done


def test_a_second_import_adds_only_what_is_new(home, serving, tmp_path):
    serving()
    assert home.run("one").code == 0
    file = home.work / "all.json"
    name = ("--db", str(tmp_path / "other.db"))
    for expected in ((1, 2, 0), (0, 2, 2)):
        file.write_bytes(home.weir("export", "--all", "--format", "json").stdout)
        result = home.weir(*name, "import", "--json", file)
        assert result.code == 0, result
        data = json.loads(result.out)
        assert (data["sessions"], data["messages"], data["known"]) == expected
        assert home.run("-c", "more").code == 0


def test_a_dry_run_counts_and_stores_nothing(home, serving, tmp_path):
    serving()
    assert home.run("one").code == 0
    file = home.work / "all.json"
    file.write_bytes(home.weir("export", "--all", "--format", "json").stdout)
    result = elsewhere(home, tmp_path, "import", "--json", "--dry-run", file)
    assert result.code == 0 and json.loads(result.out)["messages"] == 2
    assert not (tmp_path / "other.db").exists()


def test_an_interrupted_export_leaves_the_old_file_and_nothing_beside_it(home, serving):
    serving()
    assert home.run("one").code == 0
    folder = home.work / "out"
    folder.mkdir()
    file = folder / "x.json"
    file.write_text("old")
    result = home.weir("export", "--all", "--branch", "01M0000000000000000000000N", "--format",
                       "json", "-o", file)
    assert result.code != 0
    assert file.read_text() == "old"
    assert [entry.name for entry in folder.iterdir()] == ["x.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_export_that_a_signal_ends_leaves_the_old_file_and_nothing_beside_it(
        home, serving, number):
    serving()
    assert home.run("one").code == 0
    with contextlib.closing(sqlite3.connect(home.db)) as db, db:
        db.execute("INSERT INTO message (uid, branch, seq, role, reason, folded, created_at,"
                   " ended_at) WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n"
                   " WHERE i < 30000) SELECT printf('01M00000000000M%011d', i),"
                   " (SELECT max(id) FROM branch), i, 'assistant', 'end_turn', 1, i, i FROM n")
        db.execute("INSERT INTO part (message, position, kind, began_at, ended_at, text)"
                   " SELECT id, 0, 'text', 1, 2, 'text' FROM message WHERE seq >= 100")
    folder = home.work / "out"
    folder.mkdir()
    file = folder / "x.html"
    file.write_text("old")
    child = subprocess.Popen([*home.program, "export", "--all", "--format", "html", "-o", file],
                             env=home.env)
    while len(list(folder.iterdir())) < 2 and child.poll() is None:
        time.sleep(0.001)
    child.send_signal(number)
    assert child.wait(20) == -number
    assert file.read_text() == "old"
    assert [entry.name for entry in folder.iterdir()] == ["x.html"]


def test_a_folder_gets_one_file_of_each_session(home, serving):
    serving()
    for prompt in ("one", "two"):
        assert home.run(prompt).code == 0
    folder = home.work / "out"
    folder.mkdir()
    assert home.weir("export", "--all", "--format", "txt", "-o", folder).code == 0
    files = sorted(folder.iterdir())
    assert len(files) == 2 and all(file.suffix == ".txt" for file in files)
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)


def node(role, text, parent, children, **more):
    return {"message": {"author": {"role": role}, "create_time": 1700000001.5,
                        "content": {"content_type": "text", "parts": [text]}, **more},
            "parent": parent, "children": children}


def conversation(number=1):
    return {"title": f"talk {number}", "create_time": 1700000000.25, "update_time": 1700000100,
            "conversation_id": f"c{number}", "current_node": "c", "mapping": {
                "r": {"message": None, "parent": None, "children": ["a"]},
                "a": node("user", "a question", "r", ["b", "c"]),
                "b": node("assistant", "first answer", "a", [],
                          metadata={"model_slug": "gpt-4"}),
                "c": node("assistant", "second answer", "a", [])}}


def test_conversations_of_chatgpt_keep_branches_models_and_times(home):
    file = home.work / "conversations.json"
    file.write_text(json.dumps([conversation()]))
    for expected in (3, 0):
        assert imported(home, file)[0]["messages"] == expected
    data = home.weir("export", "--all", "--format", "json").json["sessions"][0]
    assert data["session"]["title"] == "talk 1"
    assert data["session"]["created_at"] == 1700000000250000
    assert len(data["branches"]) == 2
    assert data["session"]["branch"] == data["branches"][1]["id"]
    texts = {m["parts"][0]["text"]: m for m in data["messages"]}
    assert texts["first answer"]["model"] == "gpt-4"
    assert texts["second answer"]["branch"] == data["branches"][1]["id"]
    assert texts["a question"]["created_at"] == 1700000001500000
    shown = home.weir("export", data["session"]["id"], "--format", "txt").out
    assert "second answer" in shown and "first answer" not in shown


def test_what_chatgpt_cites_stands_where_its_mark_stood(home):
    talk, mark = conversation(), "\ue200cite\ue202turn0search{}\ue201"
    texts = {"b": f"So{mark.format(0)} and{mark.format(1)}.", "c": f"open \ue200 {mark.format(7)}!"}
    for name, text in texts.items():
        talk["mapping"][name]["message"]["content"]["parts"] = [text, {"x": 1}]
        talk["mapping"][name]["message"]["metadata"] = {"content_references": [
            {"matched_text": " ", "alt": "no"}, 5, {"matched_text": mark.format(0), "alt": " ([a](b))"},
            {"matched_text": mark.format(1), "alt": None}]}
    file = home.work / "conversations.json"
    file.write_text(json.dumps([talk]))
    assert imported(home, file)[0]["messages"] == 3
    data = home.weir("export", "--all", "--format", "json").json["sessions"][0]
    assert {m["parts"][0]["text"] for m in data["messages"]} == {
        "a question", "So ([a](b)) and.", "open !"}


@pytest.mark.parametrize("lines", [False, True])
def test_sharegpt_keeps_who_said_what(home, lines):
    talks = [{"id": f"s{n}", "conversations": [
        {"from": "system", "value": "be brief"}, {"from": "human", "value": f"question {n}"},
        {"from": "gpt", "value": "an answer"}, {"from": "nobody", "value": "?"}]}
             for n in range(3)]
    file = home.work / "share.json"
    file.write_text("\n".join(json.dumps(talk) for talk in talks) if lines else json.dumps(talks))
    for expected in ((3, 9, 3), (0, 0, 3)):
        data = imported(home, file)[0]
        assert (data["sessions"], data["messages"], data["refused"]) == expected
    roles = [m["role"] for m in home.weir("export", "--all", "--format", "json")
             .json["sessions"][0]["messages"]]
    assert roles == ["system", "user", "assistant"]


def circle():
    talk = conversation(7)
    talk["mapping"]["b"]["children"] = ["a", "r", "b"]
    talk["mapping"]["a"]["parent"] = "b"
    return talk


HOSTILE = [
    circle(),
    {**conversation(8), "mapping": {"x": node("user", "q", "y", ["y"]), "y": node("user", "q", "x", ["x"])}},
    {**conversation(9), "mapping": {"x": 5, "y": [], "z": {"message": [], "children": {"a": 1}}}},
    {**conversation(10), "create_time": 1e300, "current_node": {"a": 1}, "title": ["x"]},
    {"conversation_id": "deep", "mapping": json.loads("[" * 400 + "]" * 400)},
    {"title": 5}, None, "text", 5, [], {},
]


def test_hostile_conversations_are_left_out_and_the_rest_goes_in(home):
    file = home.work / "conversations.json"
    deep = "[" * 100000 + "]" * 100000
    parts = [json.dumps(talk) for talk in (conversation(1), *HOSTILE)]
    text = "[" + ",".join([*parts, deep, '{"mapping": nonsense \\ud800}', json.dumps(conversation(2))])
    file.write_text(text + ',{"mapping": {"half":')
    data = imported(home, file)[0]
    assert data["refused"] >= 8
    titles = [s["title"] for s in home.weir("session", "list", "--json").json]
    assert {"talk 1", "talk 2"} <= set(titles)
    assert home.weir("export", "--all", "--branch", "all").code == 0
    home.check_integrity()


def test_where_all_is_left_out_the_exit_code_says_so(home):
    file = home.work / "conversations.json"
    file.write_text(json.dumps([{"title": "no talk", "mapping": {}}]))
    for words in ((), ("--dry-run",), ()):
        data, = imported(home, file, *words, code=65)
        assert (data["sessions"], data["known"], data["refused"]) == (0, 0, 1)
    file.write_text(json.dumps([conversation(1), {"title": "no talk", "mapping": {}}]))
    for known in (False, True):
        data, = imported(home, file)
        assert (data["known"] > 0, data["refused"]) == (known, 1)


def test_a_file_that_is_nothing_of_this_is_refused(home):
    file = home.work / "odd"
    for content in (b"", b"hello", b"\0\xff" * 100, b"[]", b'{"weir_export":99,"sessions":[]}'):
        file.write_bytes(content)
        result = home.weir("import", file)
        assert result.code != 0 and result.err, content


@pytest.mark.parametrize("begins", [b"PK\x03\x04\x14\x00", b"\x1f\x8b\x08\x00"])
def test_a_packed_file_is_to_be_unpacked_first(home, begins):
    (home.work / "export.zip").write_bytes(begins + bytes(100))
    result = home.weir("import", "export.zip")
    assert result.code == 65 and "'export.zip': it is packed: unpack it" in result.err


@pytest.mark.skipif(weirtest.SLOWER > 1, reason="a sanitizer takes memory of its own")
def test_a_long_file_is_imported_in_little_memory(home):
    file = home.work / "conversations.json"
    talk = conversation(1)
    talk["mapping"]["c"] = node("assistant", "x" * 1000000, "a", [])
    with file.open("w") as out:
        out.write("[")
        for number in range(64):
            talk["conversation_id"] = f"c{number}"
            out.write(("," if number else "") + json.dumps(talk))
        out.write("]")
    used = weirtest.peak_kb([*home.program, "import", "--dry-run", str(file)], home.env)
    assert used <= 100 * 1024


@pytest.mark.skipif(weirtest.SLOWER > 1, reason="a sanitizer takes memory of its own")
def test_a_text_of_ten_megabytes_is_stored_in_little_memory_and_comes_back(home, tmp_path):
    file = home.work / "conversations.json"
    talk, text = conversation(1), "é\\\"x\n" * 1600000
    talk["mapping"]["c"] = node("assistant", text, "a", [])
    file.write_text(json.dumps([talk]))
    assert weirtest.peak_kb([*home.program, "import", str(file)], home.env) <= 100 * 1024
    exported = home.weir("export", "--all", "--format", "json").stdout
    assert json.loads(exported)["sessions"][0]["messages"][2]["parts"][0]["text"] == text
    file.write_bytes(exported)
    other = [*home.program, "--db", str(tmp_path / "other.db"), "import", str(file)]
    assert weirtest.peak_kb(other, home.env) <= 100 * 1024
    assert elsewhere(home, tmp_path, "export", "--all", "--format", "json").stdout == exported


WHOLE = """SELECT s.uid, count(DISTINCT m.id), sum(length(CAST(p.text AS BLOB)) +
    coalesce((SELECT sum(length(CAST(g.text AS BLOB))) FROM segment g WHERE g.message = m.id), 0))
    FROM session s JOIN branch b ON b.session = s.id JOIN message m ON m.branch = b.id
    JOIN part p ON p.message = m.id WHERE s.deleted_at IS NULL GROUP BY s.uid"""


def sessions_shown(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return {row[0]: row[1:] for row in connection.execute(WHOLE)}
        except sqlite3.OperationalError:
            return {}  # the first kill came before the schema


def test_an_import_that_is_killed_leaves_whole_sessions_and_the_next_one_completes_it(
        home, tmp_path):
    file = home.work / "conversations.json"
    talks = [conversation(number) for number in range(10)]
    for talk in talks:
        for n in range(80):
            text = "long " * 60000 if talk is talks[5] and n == 50 else "x" * 2000
            talk["mapping"][f"n{n}"] = node("user", text, f"n{n - 1}" if n else "c", [f"n{n + 1}"])
        talk["mapping"]["c"]["children"] = ["n0"]
    file.write_text(json.dumps(talks))
    began = time.monotonic()
    assert elsewhere(home, tmp_path, "import", file).code == 0
    whole_seconds = time.monotonic() - began
    expected = sessions_shown(tmp_path / "other.db")
    assert len(expected) == len(talks)
    partly = 0
    for part in (0.4, 0.7, 0.5):
        child = subprocess.Popen([*home.program, "import", str(file)], env=home.env,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole_seconds * part)
        child.kill()
        child.wait()
        shown = sessions_shown(home.db)
        assert shown == {uid: expected[uid] for uid in shown}
        partly += 0 < len(shown) < len(talks)
        home.check_integrity()
    assert partly > 0, "no kill came in the middle"
    assert home.weir("import", file).code == 0
    assert sessions_shown(home.db) == expected
    one, other = (home.weir(*db, "export", "--all", "--format", "jsonl").stdout
                  for db in ((), ("--db", tmp_path / "other.db")))
    assert one == other


CRUSH = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, parent_session_id TEXT, title TEXT NOT NULL,
    message_count INTEGER NOT NULL DEFAULT 0, prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0, cost REAL NOT NULL DEFAULT 0.0,
    updated_at INTEGER NOT NULL, created_at INTEGER NOT NULL, summary_message_id TEXT, todos TEXT);
CREATE TABLE messages (id TEXT PRIMARY KEY, session_id TEXT NOT NULL, role TEXT NOT NULL,
    parts TEXT NOT NULL DEFAULT '[]', model TEXT, provider TEXT, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, finished_at INTEGER, is_summary_message INTEGER DEFAULT 0);
"""


def crush_part(kind, **data):
    return {"type": kind, "data": data}


CRUSH_MESSAGES = [
    ("user", [crush_part("text", text="a question"), crush_part("binary", **{
        "Path": "/tmp/dot.png", "MIMEType": "image/png", "Data": "iVBORw=="}),
              crush_part("finish", reason="stop", time=0)]),
    ("assistant", [crush_part("reasoning", thinking="a thought", signature="s"),
                   crush_part("text", text="let me see"),
                   crush_part("tool_call", id="t1", name="view", input="{\"a\":1}", finished=True),
                   crush_part("finish", reason="tool_use", time=1700000003)]),
    ("tool", [crush_part("tool_result", tool_call_id="t1", name="view", content="42",
                         is_error=False)]),
    ("assistant", [crush_part("text", text="42, then"), crush_part("newfangled", x=1),
                   crush_part("finish", reason="error", message="m", details="quota is used up")]),
    ("user", [crush_part("shell_command", command="ls", output="a b", exit_code=1),
              crush_part("image_url", url="http://127.0.0.1/x.png")]),
]


def crush_database(path, messages=CRUSH_MESSAGES, more=""):
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.executescript(CRUSH)
        db.execute("INSERT INTO sessions VALUES ('s1', NULL, 'a talk', 5, 10, 20, 0.125,"
                   " 1700000100, 1700000000, NULL, NULL)")
        db.execute("INSERT INTO sessions VALUES ('m2$$t1', 's1', 'a helper', 0, 0, 0, 0,"
                   " 1700000100, 1700000000, NULL, NULL)")
        for at, (role, parts) in enumerate(messages):
            text = parts if isinstance(parts, (str, bytes)) else json.dumps(parts)
            db.execute("INSERT INTO messages VALUES (?, 's1', ?, ?, 'opus', 'anthropic', ?, 0, 0, 0)",
                       (f"m{at}", role, text, 1700000001))
        db.executescript(more)


def test_a_database_of_crush_keeps_parts_times_models_and_cost(home):
    file = home.work / "crush.db"
    crush_database(file)
    for expected in ((2, 5), (0, 0)):
        data, = imported(home, file)
        assert (data["format"], data["refused"]) == ("crush", 1)
        assert (data["sessions"], data["messages"]) == expected
    sessions = home.weir("export", "--all", "--format", "json").json["sessions"]
    talk, = (s for s in sessions if s["session"]["title"] == "a talk")
    helper, = (s for s in sessions if s is not talk)
    assert talk["session"]["cost_micros"] == 125000
    assert talk["session"]["created_at"] == 1700000000000000
    assert json.loads(helper["session"]["metadata"]) == {"crush_parent": "s1"}
    assert [s["title"] for s in home.weir("session", "list", "--json").json] == ["a talk"]
    first, second, third, fourth, fifth = talk["messages"]
    assert second["model"] == "anthropic/opus" and second["reason"] == "tool_use"
    assert [p["kind"] for p in second["parts"]] == ["reasoning", "text", "tool_call"]
    assert second["parts"][2]["tool_id"] == third["parts"][0]["tool_id"] == "t1"
    assert first["parts"][1]["kind"] == "attachment"
    assert talk["attachments"][0]["data"] == "iVBORw=="
    assert (fourth["reason"], fourth["detail"]) == ("error", "quota is used up")
    assert fifth["parts"][0]["text"] == "$ ls\n\na b\n\nexit code 1"


def test_an_imported_session_goes_on(home, serving):
    server = serving(fake.answer(("and so on",)))
    file = home.work / "crush.db"
    crush_database(file, CRUSH_MESSAGES[:3])
    imported(home, file)
    handle = home.weir("session", "list", "--json").json[0]["handle"]
    assert home.run("-s", handle, "go on").out.strip() == "and so on"
    body = server.turns()[-1].json
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "tool", "user"]


HOSTILE_CRUSH = [
    b"\xff\xfe", "not json", "{}", "[1,null,[]]", '[{"type":5,"data":7}]',
    '[{"type":"binary","data":{"Data":"!!!"}}]', "[" * 5000,
    '[{"type":"text","data":{"text":"' + "x" * 3000000 + '"}}]',
    json.dumps([crush_part("text", text="y")] * 3000),
]


def test_hostile_databases_of_crush_are_read_as_far_as_they_are_sound(home):
    file = home.work / "crush.db"
    crush_database(file, [("user", parts) for parts in HOSTILE_CRUSH] + [("king", "[]")],
                   "UPDATE messages SET created_at = -5, role = 'user' WHERE id = 'm0';"
                   "UPDATE sessions SET cost = -1e300, created_at = 9223372036854775807")
    data, = imported(home, file)
    assert data["refused"] > 5 and data["sessions"] == 2
    home.check_integrity()
    bytes_of = file.read_bytes()
    for at in range(100, len(bytes_of), len(bytes_of) // 7):
        file.write_bytes(bytes_of[:at] + b"\xff" * 64 + bytes_of[at + 64:])
        assert home.weir("import", file).code in (0, 65), at
    file.write_bytes(bytes_of[:5000])
    assert home.weir("import", file).code in (0, 65)
    home.check_integrity()


def test_a_view_in_the_place_of_a_table_is_not_read(home):
    file = home.work / "crush.db"
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.executescript("CREATE TABLE t (x); CREATE VIEW sessions AS WITH RECURSIVE c(id) AS"
                         " (SELECT 1 UNION ALL SELECT id + 1 FROM c) SELECT * FROM c;"
                         " CREATE VIEW messages AS SELECT * FROM sessions")
    assert home.weir("import", file).code == 65
