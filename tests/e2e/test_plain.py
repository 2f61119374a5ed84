"""Lines instead of a screen: for screen readers, for terminals that can do no more, for pipes."""

import threading

import fake_server as fake
import pytest
from terminal import foreign_bytes, local_modes

CTRL_C, CTRL_D = "\x03", "\x04"


def lines(home, text, *arguments):
    result = home.weir("chat", "--plain", *arguments, stdin=text.encode())
    assert result.code == 0, result
    return result.out


@pytest.fixture
def typed(home):
    """On a terminal."""
    opened = []

    def start(*arguments, **options):
        screen = home.screen("chat", *arguments, **options)
        opened.append(screen)
        screen.wait_for(lambda s: ">" in s.lines())
        return screen

    yield start
    for screen in opened:
        screen.close()


def test_prompts_are_lines_and_so_are_answers(home, serving):
    server = serving(fake.answer(("one ", "two")), fake.answer(("three",)))
    out = lines(home, "first\nsecond\\\nof two lines\n")
    assert "you:\nfirst\nfake/fake-model:\none two\n[fake/fake-model · ready" in out
    assert "fake/fake-model:\nthree\n" in out
    assert server.turns()[1].json["messages"][-1]["content"] == "second\nof two lines"
    assert "\x1b" not in out


def test_commands_are_those_of_the_screen(home, serving):
    serving(fake.answer(("alpha",)), fake.answer(("beta",)), fake.answer(("gamma",)))
    out = lines(home, "ask\n/again\n/rename rivers\n/sessions\n1\n/edit\nother\n/nosuch\n")
    assert "the title is changed" in out and "1. rivers  just now" in out
    assert "beta" in out and "gamma" in out
    assert "the next line takes the place of this prompt" in out
    assert "unknown command" in out
    assert len(home.rows("SELECT id FROM branch")) == 3


def test_a_session_that_comes_back_is_gone_on_with(home, serving):
    serving(fake.answer(("alpha",)), fake.answer(("beta",)))
    out = lines(home, "ask\n/delete\n/undo\nmore\n")
    assert "undone: deleted the session" in out and "beta" in out
    assert [row["message_count"] for row in home.rows("SELECT message_count FROM session")] == [4]


def test_review_is_told_to_be_elsewhere(home, serving):
    serving()
    assert "/review needs the screen; 'weir review SESSION' judges" in lines(home, "/review\n")


def test_a_message_is_chosen_from_a_list(home, serving):
    serving(fake.answer(("alpha",)), fake.answer(("beta",)))
    out = lines(home, "ask\n/select\n2\nagain\n1\n")
    assert "2. alpha  answer" in out and "1. ask again: another answer beside this one" in out
    assert "beta" in out and len(home.rows("SELECT id FROM branch")) == 2


def test_a_list_is_narrowed_and_left(home, serving):
    serving()
    out = lines(home, "/help\nlabel\n\n/new\n")
    assert "Keys and commands (1)" in out and "1. /label WORD" in out


def test_a_failure_keeps_the_prompt_and_says_what_to_do(home, serving):
    serving(fake.status(401))
    out = lines(home, "ask\n")
    assert "failed: " in out


def test_nothing_of_an_answer_acts_on_the_terminal(home, serving, typed):
    serving(fake.answer(("a\x1b[2Jb\x07", "\x1b]0;title\x07", "\u202ec")))
    screen = typed("--plain")
    screen.send("ask\n")
    screen.wait_for("<202E>c")
    screen.wait_for("ready · 8 in")
    assert not foreign_bytes(screen.output())
    assert b"\x1b" not in screen.output()


def test_a_dumb_terminal_gets_lines(serving, typed):
    serving(fake.answer(("one",)))
    screen = typed(TERM="dumb")
    screen.send("ask\n")
    screen.wait_for(lambda s: "fake/fake-model:\none" in s.text())
    screen.send(CTRL_D)
    assert screen.wait_exit() == 0
    assert b"\x1b" not in screen.output()


def test_ctrl_c_stops_the_answer_and_then_leaves(home, serving, typed):
    gate = threading.Event()
    serving(held(gate))
    screen = typed("--plain")
    screen.send("ask\n")
    screen.wait_for("kept")
    screen.send(CTRL_C)
    screen.wait_for("cancelled")
    gate.set()
    assert home.answer()["reason"] == "canceled"
    screen.send(CTRL_C)
    screen.wait_for("press Ctrl-C again to leave")
    screen.send(CTRL_C)
    assert screen.wait_exit() == 0
    screen_modes_are_back(screen)


def held(gate):
    def play(c):
        c.head()
        c.delta("kept ")
        gate.wait(10)
        c.delta("lost")
        c.finish()
    return play


def screen_modes_are_back(screen):
    assert local_modes(screen.slave) == screen.modes_before


def test_a_prompt_waits_for_the_answer_before_it(serving, typed):
    gate = threading.Event()
    serving(held(gate), fake.answer(("second answer",)))
    screen = typed("--plain")
    screen.send("ask\n")
    screen.wait_for("kept")
    screen.send("more\n")
    screen.wait_for("this waits until the answer has ended")
    gate.set()
    screen.wait_for("second answer")
