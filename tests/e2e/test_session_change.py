"""Sessions made, named, labelled, archived, forked and found again from the command line."""

import json

import fake_server as fake
import pytest


def ok(home, *words):
    result = home.weir("session", *words)
    assert result.code == 0, result
    return result.out


def records(home, *words):
    return json.loads(ok(home, *words, "--json"))


def handles(home, *words):
    return [line.split()[0] for line in ok(home, "list", *words).splitlines()]


def test_a_session_is_made_once_for_its_key(home):
    first = records(home, "new", "--key", "k", "--name", "n", "--title", "T", "--label", "work",
                    "--metadata", '{"a": 1}')
    again = records(home, "new", "--key", "k", "--name", "other")
    assert (first["created"], again["created"]) == (True, False)
    assert (again["id"], again["name"], again["title"]) == (first["id"], "n", "T")
    assert handles(home, "--label", "work") == [first["handle"]]
    assert ok(home, "new", "--resume").strip() == first["handle"]
    for words in (("--metadata", "[]"), ("--name", "a\nb")):
        result = home.weir("session", "new", *words)
        assert result.code == 65 and result.err, result
    assert home.weir("session", "new", "--resume", "--name", "x").code == 2


def test_names_titles_and_status_are_changed_and_undone(home):
    handle = ok(home, "new").strip()
    other = ok(home, "new", "--name", "taken").strip()
    ok(home, "rename", handle, "mine")
    assert home.weir("session", "rename", handle, "taken").code == 65
    shown = records(home, "set", "mine", "--title", "A title", "--status", "ended")
    assert (shown["handle"], shown["title"], shown["status"]) == (handle, "A title", "ended")
    assert shown["ended_at"]
    ok(home, "rename", "mine")
    assert records(home, "set", handle, "--status", "idle")["name"] is None
    ok(home, "undo", handle)
    assert records(home, "set", handle, "--status", "active")["name"] == "mine"
    assert home.weir("session", "set", other).code == 2
    assert home.weir("session", "set", other, "--status", "gone").code == 2


def test_a_session_without_a_title_is_called_as_its_first_prompt(home, serving):
    serving()
    handle = ok(home, "new").strip()
    named = ok(home, "new", "--title", "Mine").strip()
    assert home.weir("export", handle).out.startswith(f"# Session {handle}\n")
    for prompt in ("first\nand more", "second"):
        for session in (handle, named):
            assert home.run("-s", session, prompt).code == 0
        assert home.run("--session-id", "its key", prompt).code == 0
    assert home.run("-s", "its key", "third").code == 0
    assert "third" in home.weir("session", "show", "its key").out
    assert home.weir("session", "show", "its k").code == 65
    by_handle = {s["handle"]: s["title"] for s in json.loads(ok(home, "list", "--json"))}
    assert sorted(by_handle.values()) == ["Mine", "first", "first"]
    assert (by_handle[handle], by_handle[named]) == ("first", "Mine")
    assert home.weir("export", handle).out.startswith("# first\n")


def test_lists_are_narrowed(home, serving):
    serving()
    for prompt in ("first question", "second question"):
        assert home.run(prompt).code == 0
    second, first = handles(home)
    ok(home, "label", first, "work", "a b")
    ok(home, "archive", second)
    assert handles(home) == [first]
    assert handles(home, "--archived") == [second]
    assert handles(home, "--label", "a b") == [first]
    assert handles(home, "--label", "none") == []
    assert handles(home, "--title", "FIRST") == [first]
    assert handles(home, "--state", "completed") == [first]
    assert handles(home, "--state", "failed") == []
    assert handles(home, "--since", "1d") == [first]
    assert handles(home, "--until", "2001-01-01") == []
    assert handles(home, "--min-cost", "1000") == []
    model = json.loads(ok(home, "list", "--json"))[0]["model"]
    assert handles(home, "--model", model) == [first]
    assert ok(home, "label", first).splitlines() == ["a b", "work"]
    assert records(home, "label") == [{"label": "a b", "sessions": 1},
                                      {"label": "work", "sessions": 1}]
    ok(home, "unlabel", first, "a b")
    assert ok(home, "label", first).splitlines() == ["work"]
    ok(home, "unarchive", second)
    ok(home, "delete", first)
    assert handles(home) == [second]
    assert handles(home, "--trash") == [first]
    for words in (("--state", "odd"), ("--since", "soon"), ("--min-cost", "-1")):
        assert home.weir("session", "list", *words).code == 2, words


def test_a_fork_is_a_session_or_a_branch(home, serving):
    serving(fake.answer(("one",)), fake.answer(("two",)))
    assert home.run("q1").code == 0
    assert home.run("-c", "q2").code == 0
    handle = handles(home)[0]
    shown = records(home, "show", handle)["messages"]
    first_answer = next(m for m in shown if m["role"] == "assistant")["id"]

    copy = records(home, "fork", handle, "--at", first_answer, "--name", "copy")
    assert copy["message_count"] == 2
    said = home.weir("session", "show", "copy").out
    assert "q1" in said and "one" in said and "q2" not in said

    # By the numbers that a review shows them by, too.
    assert records(home, "fork", handle, "--at", "2")["message_count"] == 2
    assert records(home, "fork", handle, "--at", "#1")["message_count"] == 1
    unknown = home.weir("session", "fork", handle, "--at", "9")
    assert unknown.code == 65 and "no message 9" in unknown.err, unknown

    ok(home, "fork", handle, "--at", first_answer, "--branch", "--name", "aside")
    assert "q2" not in ok(home, "show", handle)
    branches = records(home, "branches", handle)
    assert [b["current"] for b in branches] == [False, True]
    assert branches[1]["name"] == "aside" and branches[1]["parent"] == branches[0]["id"]
    ok(home, "switch", handle, "1")
    assert "q2" in ok(home, "show", handle)
    ok(home, "switch", handle, "aside")
    assert "q2" not in ok(home, "show", handle)
    assert home.weir("session", "switch", handle, "7").code == 65
    assert home.weir("session", "fork", handle, "--at", copy["id"]).code == 65
    # A message of another session makes no branch of that one.
    assert home.weir("session", "fork", copy["handle"], "--at", first_answer, "--branch").code == 65
    assert len(records(home, "branches", handle)) == 2


@pytest.mark.parametrize("words", [("rename",), ("switch", "x"), ("unlabel", "x"), ("new", "x"),
                                   ("fork",), ("archive",)])
def test_what_an_operand_is_missing_for_is_said(home, words):
    result = home.weir("session", *words)
    assert result.code == 2 and words[0] in result.err, result


def test_verbs_that_read_say_what_they_need(home):
    for words, needs in ((("show",), "'weir session show' needs one SESSION"),
                         (("show", "a", "b"), "'weir session show' needs one SESSION"),
                         (("list", "a"), "'weir session list' takes no operand"),
                         (("shew",), "one of: list, show,")):
        refused = home.weir("session", *words)
        assert refused.code == 2 and needs in refused.err, refused
