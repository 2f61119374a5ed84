"""What was exported comes back, and what others exported comes in."""

import json
import os
import sqlite3
import subprocess

import fake_server as fake
import pytest
import weirtest


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


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_an_export_of_an_imported_export_is_the_same_bytes(home, serving, tmp_path, form):
    fill(home, serving)
    first = home.weir("export", "--all", "--format", form)
    assert first.code == 0, first
    file = home.work / "all"
    file.write_bytes(first.stdout)
    assert elsewhere(home, tmp_path, "import", file).code == 0
    assert elsewhere(home, tmp_path, "export", "--all", "--format", form).stdout == first.stdout


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


def test_a_file_that_is_nothing_of_this_is_refused(home):
    file = home.work / "odd"
    for content in (b"", b"hello", b"\0\xff" * 100, b"[]", b'{"weir_export":99,"sessions":[]}'):
        file.write_bytes(content)
        result = home.weir("import", file)
        assert result.code != 0 and result.err, content


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
    child = subprocess.Popen([*home.program, "import", "--dry-run", str(file)], env=home.env,
                             stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    assert used.ru_maxrss <= 100 * 1024
