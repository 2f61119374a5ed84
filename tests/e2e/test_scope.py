"""Which session is gone on with: the last of all, or the last of the folder."""

import concurrent.futures

import pytest

FOLDER = 'scope = "folder"\n'


def sessions(home):
    return home.rows("SELECT s.handle, s.scope, s.message_count FROM session s ORDER BY s.id")


def at(home, name):
    """Later runs are started in that folder."""
    home.work = home.root / name
    home.work.mkdir(exist_ok=True)


def test_the_last_session_of_all_is_gone_on_with(home, serving):
    serving()
    at(home, "a")
    home.run("one")
    at(home, "b")
    assert home.run("-c", "two").code == 0
    (session,) = sessions(home)
    assert (session["scope"], session["message_count"]) == ("", 4)


def test_the_last_session_of_the_folder_is_gone_on_with(home, serving):
    server = serving(top=FOLDER)
    at(home, "a")
    home.run("one")
    at(home, "b")
    home.run("two")
    at(home, "a")
    assert home.run("-c", "three").code == 0
    assert [m["content"] for m in server.turns()[2].json["messages"]] == \
        ["one", "Hello, world", "three"]
    assert [s["scope"] for s in sessions(home)] == [str(home.root / "a"), str(home.root / "b")]
    with home.screen("chat", "-c") as screen:  # the test's own folder: nothing was begun there
        screen.wait_for("fake/")
        screen.send("four\r")
        home.wait_db(lambda h: h.prompts()[-1] == "four" and h.turn() == "completed")
        assert "three" not in screen.text()
    assert len(sessions(home)) == 3 and sessions(home)[2]["scope"] not in ("", str(home.work))
    assert home.weir("config", "show").out.count("scope = \"folder\"") == 1


@pytest.mark.parametrize("top", ["", FOLDER])
def test_where_none_is_one_is_begun(home, serving, top):
    serving(top=top)
    assert home.run("-c", "--fork", "q").code == 65
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda n: home.run("-c", f"q{n}", timeout=30), range(4)))
    assert {d.code for d in done} <= {0, 75}, done  # one session takes one prompt at a time
    (session,) = sessions(home)
    assert session["scope"] == (str(home.work) if top else "")
    assert session["message_count"] == 2 * [d.code for d in done].count(0)


def test_a_session_that_is_named_is_found_from_anywhere(home, serving):
    serving(top=FOLDER)
    at(home, "a")
    home.run("one")
    at(home, "b")
    assert home.run("-s", sessions(home)[0]["handle"], "two").code == 0
    assert home.weir("session", "list", "--scope", home.root / "a").out.count("\n") == 1
    assert home.weir("session", "list", "--scope", home.root / "b").out == ""
    home.weir("session", "rename", sessions(home)[0]["handle"], "name")
    assert home.run("-s", "name", "three").code == 0
    assert len(sessions(home)) == 1


def test_a_scope_that_is_none_is_named(home, serving):
    serving(top='scope = "galaxy"\n')
    done = home.run("q")
    assert done.code == 78 and '"user" or "folder"' in done.err, done


def test_a_folder_that_is_gone_is_said(home, serving):
    serving(top=FOLDER)
    at(home, "gone")
    home.program = ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *home.program]
    done = home.run("q")
    assert done.code == 65, done
    assert "working folder" in done.err
