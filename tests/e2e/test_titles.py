"""Titles that a model makes in the background: once, and never over the user's."""

import fake_server as fake
import pytest

TITLE = '[title]\nmodel = "fake/titler"\n'


@pytest.fixture
def titled(home, server):
    """A server whose model `titler` answers as given; counts what it was asked."""
    def make(*scripts, top=TITLE):
        left = list(scripts)
        server.on("titler", lambda c: (left.pop(0) if len(left) > 1 else left[0])(c))
        home.use(server, top=top)
        return server
    return make


def asked(server):
    return [t.json for t in server.turns() if t.json["model"] == "titler"]


def title(home):
    row = home.rows("SELECT title, title_by FROM session ORDER BY id DESC LIMIT 1")[0]
    return row["title"], row["title_by"]


def say(screen, text, answer="Hello, world"):
    screen.send(text + "\r")
    screen.wait_for(lambda s: answer in s.text() and "ready" in s.lines()[-1])


def test_a_session_gets_its_title_after_the_first_answer_once(home, titled):
    server = titled(fake.answer(('"Rivers of ', 'Europe."\n', "more")))
    with home.screen("chat") as screen:
        screen.wait_for("fake/")
        say(screen, "name three rivers", "Hello")
        home.wait_db(lambda h: title(h) == ("Rivers of Europe", "model"))
        screen.send("and more\r")
        home.wait_db(lambda h: len(h.answers()) == 2 and h.turn() == "completed")
    (request,) = asked(server)
    text = request["messages"][-1]["content"]
    assert "name three rivers" in text and "Hello, world" in text
    assert len(home.messages()) == 4
    assert len(server.turns()) == 3


def test_a_title_that_the_user_gives_meanwhile_stays(home, titled):
    server = titled(fake.answer(("La", "te"), pause=0.4))
    with home.screen("chat") as screen:
        screen.wait_for("fake/")
        say(screen, "q")
        server.wait_turn(2)
        handle = home.rows("SELECT handle FROM session")[0]["handle"]
        assert home.weir("session", "set", handle, "--title", "Mine").code == 0
        home.wait_db(lambda h: h.rows("SELECT done_at FROM claim WHERE kind = 'title'")[0]
                     ["done_at"])
        assert title(home) == ("Mine", "user")
        say(screen, "again")
    assert len(asked(server)) == 1


@pytest.mark.threads
def test_of_two_screens_one_asks(home, titled):
    server = titled(fake.stall())
    with home.screen("chat") as first:
        first.wait_for("fake/")
        say(first, "q")
        server.wait_turn(2)
        with home.screen("chat") as second:
            second.wait_for("Hello")
            second.send("again\r")
            second.wait_for(lambda s: s.text().count("Hello, world") == 2 and
                            "ready" in s.lines()[-1])
            second.send("\x04")
            assert second.wait_exit() == 0
        first.send("\x04")
        assert first.wait_exit() == 0
    assert len(asked(server)) == 1
    assert title(home) == ("q", "prompt")
    assert not home.rows("SELECT owner FROM claim WHERE kind = 'title'")


def test_a_failure_is_silent_and_the_next_answer_tries_again(home, titled):
    server = titled(fake.status(500), fake.answer(("Second try",)))
    with home.screen("chat") as screen:
        screen.wait_for("fake/")
        say(screen, "q")
        home.wait_db(lambda h: not h.rows("SELECT owner FROM claim WHERE kind = 'title'") and
                     len(asked(server)) == 1)
        assert "500" not in screen.text()
        screen.send("again\r")
        home.wait_db(lambda h: title(h) == ("Second try", "model"))
    assert len(asked(server)) == 2


@pytest.mark.parametrize("top", ["", TITLE + '[budget]\ndaily = "5"\nunknown_price = "allow"\n'])
def test_nobody_is_asked_who_was_not_named_or_has_a_budget(home, titled, top):
    server = titled(fake.answer(("Never",)), top=top)
    with home.screen("chat") as screen:
        screen.wait_for("fake/")
        say(screen, "q")
        screen.send("\x04")
        assert screen.wait_exit() == 0
    assert not asked(server) and title(home) == ("q", "prompt")


def test_a_run_asks_for_no_title(home, titled):
    server = titled(fake.answer(("Never",)))
    assert home.run("q").code == 0
    assert not asked(server)


def test_a_model_for_titles_that_is_none_is_named(home, titled):
    titled(fake.answer(), top='[title]\nmodel = "nobody/x"\n')
    done = home.weir("config", "check")
    assert done.code == 78 and "nobody" in done.err, done
