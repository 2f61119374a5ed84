"""weir session delete, restore, purge and undo, as a script uses them."""

import contextlib
import json
import re
import sqlite3

import fake_server as fake


def listed(home):
    return [s["handle"] for s in home.weir("session", "list", "--json").json]


def two_sessions(home, serving):
    serving(fake.answer(("first words",)), fake.answer(("second words",)))
    for prompt in ("one", "two"):
        assert home.run(prompt).code == 0
    newest, oldest = listed(home)
    return oldest, newest


def test_a_deleted_session_is_not_listed_and_comes_back(home, serving):
    one, two = two_sessions(home, serving)
    deleted = home.weir("session", "delete", one, "--json")
    assert deleted.code == 0, deleted
    assert [(d["action"], d["handle"]) for d in deleted.json] == [("deleted", one)]
    assert listed(home) == [two]
    for words in (("session", "show", one), ("run", "-s", one, "q")):
        gone = home.weir(*words)
        assert gone.code == 65 and f"weir session restore {one}" in gone.err, gone
    assert home.weir("session", "restore", one).code == 0
    assert set(listed(home)) == {one, two}
    assert "first words" in home.weir("session", "show", one).out


def test_a_deleted_session_is_called_by_the_name_it_had(home, serving):
    one, two = two_sessions(home, serving)
    assert home.weir("session", "rename", one, "rivers").code == 0
    assert home.weir("session", "delete", "rivers").code == 0
    assert "rivers: one" in home.weir("session", "list", "--trash").out
    assert f"weir session restore {one}" in home.weir("session", "show", "rivers").err
    assert home.weir("session", "restore", "rivers").code == 0
    assert "rivers: one" in home.weir("session", "list").out
    # A name that another one has by now is still that of the one in the trash.
    assert home.weir("session", "delete", "rivers").code == 0
    assert home.weir("session", "rename", two, "rivers").code == 0
    assert f"restored {one}" in home.weir("session", "restore", "rivers").out
    assert home.weir("session", "purge", "rivers").code == 2
    # Of several there it is nobody's.
    assert home.weir("session", "delete", "rivers").code == 0
    assert home.weir("session", "rename", one, "rivers").code == 0
    assert home.weir("session", "delete", "rivers").code == 0
    unclear = home.weir("session", "purge", "rivers")
    assert unclear.code == 65 and "more than one" in unclear.err, unclear
    assert home.weir("session", "purge", two).code == 0
    assert home.weir("session", "purge", "rivers").code == 0
    assert home.weir("session", "list", "--trash").out == ""


def test_several_are_deleted_and_one_that_is_not_there_is_named(home, serving):
    one, two = two_sessions(home, serving)
    result = home.weir("session", "delete", one, "nothing-like-it", two)
    assert result.code == 65 and "nothing-like-it" in result.err, result
    assert listed(home) == []


def test_undo_takes_back_the_last_deletion(home, serving):
    one, two = two_sessions(home, serving)
    assert home.weir("session", "undo").code == 65
    assert home.weir("session", "delete", one, two).code == 0
    undone = home.weir("session", "undo", "--json")
    assert undone.code == 0 and undone.json["action"] == "delete_session", undone
    assert listed(home) == [two]
    shown = home.weir("session", "undo", "--list", "--json").json
    assert [e["undone_at"] is None for e in shown] == [False, True]
    assert home.weir("session", "undo", "--entry", str(shown[1]["entry"])).code == 0
    assert set(listed(home)) == {one, two}


def test_what_is_undone_is_told_by_handle_and_title(home, serving):
    one, _ = two_sessions(home, serving)
    assert home.weir("session", "label", one, "work").code == 0
    undone = home.weir("session", "undo")
    assert undone.code == 0 and f"labelled the session {one} 'one': work" in undone.out, undone


def test_what_can_be_undone_is_told_in_words(home, serving):
    one, _ = two_sessions(home, serving)
    for words in (("session", "rename", one, "first"), ("session", "rename", one),
                  ("session", "set", one, "--title", "a: title"), ("session", "archive", one),
                  ("session", "label", one, "work"), ("session", "unlabel", one, "work"),
                  ("review", one, "--verdict", "good", "--rate", "4"), ("review", one, "--rate", "5"),
                  ("review", one, "--on", "1", "--note", "not so"),
                  ("session", "rename", one, "last"), ("session", "delete", one)):
        assert home.weir(*words).code == 0, words
    told = home.weir("session", "undo", "--list").out.splitlines()
    assert [line.split(" 'a: title'")[1] for line in told] == [
        "", ": last", ": not so", ": good 4/5 -> good 5/5", ": good 4/5", ": work", ": work", "",
        ": one -> a: title", ": first -> none", ": first"]
    assert all(re.match(r"\d+ +\d{4}-\d\d-\d\d \d\d:\d\d  \w", line) for line in told), told


def test_an_entry_is_undone_by_its_number_however_high(home, serving):
    one, two = two_sessions(home, serving)
    assert home.weir("session", "rename", one, "first").code == 0
    assert home.weir("session", "rename", two, "second").code == 0
    with contextlib.closing(sqlite3.connect(home.db, isolation_level=None)) as db:
        db.execute("UPDATE journal SET id = 100001 - id + 1")  # 100001 is the first, 100000 later
    assert home.weir("session", "undo", "--entry", "100001").code == 0
    names = {s["handle"]: s["name"] for s in home.weir("session", "list", "--json").json}
    assert names == {one: None, two: "second"}
    assert home.weir("session", "undo", "--entry", "1e300").code == 65


def test_a_deleted_message_is_no_part_of_what_is_shown(home, serving):
    one, _ = two_sessions(home, serving)
    answer = home.weir("session", "show", one, "--json").json["messages"][1]
    assert home.weir("session", "delete", "--message", answer["id"]).code == 0
    assert "first words" not in home.weir("session", "show", one).out
    assert home.weir("session", "undo", one).code == 0
    assert "first words" in home.weir("session", "show", one).out


def test_purge_leaves_no_byte_and_says_what_it_took(home, serving):
    one, two = two_sessions(home, serving)
    refused = home.weir("session", "purge", one)
    assert refused.code == 2 and "--force" in refused.err, refused
    assert home.weir("session", "delete", one).code == 0
    backup = home.db.with_name(home.db.name + ".bak-v1")
    backup.write_bytes(b"older")
    purged = home.weir("session", "purge", one, "--json")
    assert purged.code == 0, purged
    report = purged.json
    assert (report["sessions"], report["messages"]) == (1, 2)
    assert report["bytes"] == len("one") + len("first words")
    assert report["backups"] == [str(backup)] and str(backup) in purged.err
    for path in home.db.parent.rglob("*"):
        assert not path.is_file() or b"first words" not in path.read_bytes(), path
    assert home.weir("session", "undo").code == 65
    assert listed(home) == [two]
    assert home.weir("session", "purge", "--backups").code == 0
    assert not backup.exists()


def test_messages_in_the_trash_are_listed_by_id(home, serving):
    one, _ = two_sessions(home, serving)
    shown = home.weir("session", "show", one, "--json").json["messages"]
    prompt, answer = (m["id"] for m in shown)
    assert home.weir("session", "list", "--trash", "--message", "--json").json == []
    assert home.weir("session", "delete", "--message", answer, prompt).code == 0
    rows = home.weir("session", "list", "--trash", "--message", "--json").json
    assert {(r["message_id"], r["role"], r["beginning"]) for r in rows} == {
        (answer, "assistant", "first words"), (prompt, "user", "one")}
    lines = home.weir("session", "list", "--trash", "--message", "--limit", "1").out.splitlines()
    assert len(lines) == 1 and lines[0].split()[0] in (answer, prompt), lines
    assert home.weir("session", "list", "--message").code == 2
    assert home.weir("session", "restore", "--message", prompt, answer).code == 0
    assert home.weir("session", "list", "--trash", "--message").out == ""


def test_a_database_behind_a_link_is_the_one_that_is_purged_and_repaired(home, serving, tmp_path):
    """Its log lies beside the file, not beside the link."""
    one, two = two_sessions(home, serving)
    behind = tmp_path / "behind" / "real.db"
    behind.parent.mkdir()
    home.db.rename(behind)
    home.db.symlink_to(behind)
    with contextlib.closing(sqlite3.connect(behind, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM message").fetchone()
        purged = home.weir("session", "purge", "--force", one, "--json")
        assert purged.code == 0 and purged.json["log_left"] is True, purged
    content = behind.read_bytes()
    behind.write_bytes(content[:4096] + b"\xaa" * 2048 + content[6144:])
    assert home.weir("doctor").code == 74
    assert home.weir("doctor", "--repair").code == 0
    assert home.db.is_symlink() and behind.read_bytes() != content
    assert list(behind.parent.glob("real.db.damaged-*"))
    assert listed(home) == [two]


def test_a_purge_without_an_aim_is_wrong_usage(home, serving):
    one, two = two_sessions(home, serving)
    assert home.weir("session", "purge").code == 2
    assert home.weir("session", "delete").code == 2
    assert home.weir("session", "undo", one, two).code == 2
    assert home.weir("session", "delete", one).code == 0
    purged = home.weir("session", "purge", "--trash")
    assert purged.code == 0 and "1 session, 2 messages" in purged.out, purged
    assert json.loads(home.weir("session", "purge", "--trash", "--json").out)["sessions"] == 0
