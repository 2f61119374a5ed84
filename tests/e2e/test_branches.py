"""Other ways a conversation goes, on the screen: another prompt, another answer, forks."""

import threading

import fake_server as fake
import pytest
from chatting import ENTER, press, said

ESC, LEFT, RIGHT, UP = "\x1b", "\x1b[D", "\x1b[C", "\x1b[A"
SELECT, BRANCHES = "\x18v", "\x18b"


def test_another_answer_stands_beside_the_first(serving, chat):
    serving(fake.answer(("first answer",)), fake.answer(("second answer",)))
    screen = chat()
    press(screen, "ask" + ENTER, said("first answer"))
    press(screen, "/again" + ENTER, said("second answer"))
    screen.wait_for("2/2")
    assert "first answer" not in screen.text()
    press(screen, SELECT, "Esc")
    press(screen, "e", "only prompts are edited")
    press(screen, LEFT, "first answer")
    screen.wait_for("1/2")
    press(screen, RIGHT, "second answer")
    press(screen, ESC, lambda s: "d delete" not in s.text())


def test_an_edited_prompt_is_a_branch(serving, chat):
    server = serving(fake.answer(("about cats",)), fake.answer(("about dogs",)))
    screen = chat()
    press(screen, "cats?" + ENTER, said("about cats"))
    press(screen, "/edit" + ENTER, "in the place of an earlier prompt")
    press(screen, "\x15dogs?" + ENTER, said("about dogs"))
    assert "cats?" not in screen.text()
    assert [m["content"] for m in server.turns()[1].json["messages"]][-1:] == ["dogs?"]
    press(screen, SELECT + UP, "Esc")
    press(screen, LEFT, "about cats")
    press(screen, ESC + "", "about cats")


def test_esc_in_an_edit_keeps_the_text(serving, chat):
    serving(fake.answer(("about cats",)), fake.answer(("more",)))
    screen = chat()
    press(screen, "cats?" + ENTER, said("about cats"))
    press(screen, "/edit" + ENTER, "in the place of an earlier prompt")
    press(screen, ESC, "as a new prompt")
    press(screen, ENTER, said("more"))
    assert screen.text().count("cats?") == 2


def test_an_answer_goes_on(serving, chat):
    server = serving(fake.answer(("one two",)), fake.answer(("three four",)))
    screen = chat()
    press(screen, "count" + ENTER, said("one two"))
    press(screen, "/continue" + ENTER, said("three four"))
    assert "one two" in screen.text()
    assert server.turns()[1].json["messages"][-1]["content"] != "count"


def test_a_fork_goes_on_elsewhere_and_the_list_leads_back(serving, chat):
    serving(fake.answer(("alpha",)), fake.answer(("beta",)), fake.answer(("gamma",)))
    screen = chat()
    press(screen, "one" + ENTER, said("alpha"))
    press(screen, "two" + ENTER, said("beta"))
    press(screen, SELECT + UP * 2, "Esc")
    press(screen, "f", "a new branch")
    screen.wait_for(lambda s: "beta" not in s.text())
    press(screen, "three" + ENTER, said("gamma"))
    press(screen, BRANCHES, "Branches (2)")
    assert next(line for line in screen.lines() if line.startswith("> ")).lstrip("> ").startswith("* ")
    press(screen, "beginning", "Branches (1)")
    press(screen, ENTER, lambda s: "beta" in s.text() and "gamma" not in s.text())


def test_an_answer_on_another_branch_does_not_show(home, serving, chat):
    gate = threading.Event()
    serving(fake.answer(("alpha",)), fake.answer(("late", " words"), before=lambda c: gate.wait(10)))
    screen = chat()
    press(screen, "one" + ENTER, said("alpha"))
    press(screen, "/again" + ENTER, "2/2")
    press(screen, SELECT + LEFT, "alpha")
    gate.set()
    home.wait_db(lambda h: h.answer()["text"] == "late words" and h.turn() == "completed")
    screen.wait_quiet()
    assert "late" not in screen.text()
    press(screen, RIGHT, "late words")
    press(screen, LEFT, "alpha")
    assert "late words" not in screen.text()


def test_a_message_is_deleted_and_comes_back(serving, chat):
    serving(fake.answer(("alpha",)))
    screen = chat()
    press(screen, "one" + ENTER, said("alpha"))
    press(screen, SELECT + "d", lambda s: "alpha" not in s.text())
    press(screen, "/undo" + ENTER, "alpha")


def test_a_session_is_renamed_labelled_archived_deleted_and_all_comes_back(home, serving, chat):
    serving(fake.answer(("alpha",)), fake.answer(("beta",)))
    screen = chat()
    press(screen, "one" + ENTER, said("alpha"))
    press(screen, "/new" + ENTER, lambda s: "alpha" not in s.text())
    press(screen, "two" + ENTER, said("beta"))
    press(screen, "/rename other title" + ENTER, "title is changed")
    press(screen, "/label work" + ENTER, "labels are changed")
    assert home.weir("session", "list", "--label", "work").out.count("other title") == 1
    press(screen, "/sessions" + ENTER, "Sessions (2)")
    screen.wait_for("[work] Answer: beta")
    press(screen, "one", "Sessions (1)")
    press(screen, "\x1br", "Another title")
    press(screen, "\x15first" + ENTER, lambda s: "Sessions (2)" in s.text() and "first" in s.text())
    press(screen, "first", "Sessions (1)")
    press(screen, "\x1ba", "Sessions (0)")
    press(screen, "\x1bu", "Sessions (1)")
    press(screen, "\x1bd", "Sessions (0)")
    press(screen, "\x1bu", "Sessions (1)")
    press(screen, ENTER, "alpha")
    press(screen, "/delete" + ENTER, "is in the trash")
    press(screen, "/undo" + ENTER,
          lambda s: "undone: deleted the session" in s.text() and "alpha" in s.text())


def test_giving_a_line_up_goes_back_to_the_list_of_sessions(serving, chat):
    serving(fake.answer(("alpha",)), fake.answer(("beta",)))
    screen = chat()
    press(screen, "one" + ENTER, said("alpha"))
    press(screen, "/new" + ENTER, lambda s: "alpha" not in s.text())
    press(screen, "two" + ENTER, said("beta"))
    press(screen, "\x18s", "Answer: beta")
    press(screen, "\x1b[B", "Answer: alpha")
    for keys, title in (("\x1br", "Another title"), ("\x1bl", "Labels")):
        press(screen, keys, title)
        press(screen, ESC, lambda s: "Sessions (2)" in s.text() and "Answer: alpha" in s.text())
    press(screen, ESC, lambda s: "Sessions (" not in s.text())


def one_answers_elsewhere(serving, chat):
    """A screen whose session was answered while "slow one" of another waits for the gate."""
    gate = threading.Event()
    serving(fake.answer(("late",), before=lambda c: gate.wait(10)), fake.answer(("soon",)))
    screen = chat()
    press(screen, "slow one" + ENTER, "waiting")
    press(screen, "/new" + ENTER, lambda s: "slow one" not in s.text())
    press(screen, "quick one" + ENTER, said("soon"))
    return screen, gate


def test_an_answer_in_another_session_is_told_of(serving, chat):
    screen, gate = one_answers_elsewhere(serving, chat)
    gate.set()
    screen.wait_for("elsewhere: 1 answered")
    press(screen, "/sessions" + ENTER, lambda s: "slow one" in s.text() and "elsewhere" not in s.text())
    press(screen, "slow" + ENTER, "late")


@pytest.mark.parametrize("keys,key", [("\x04", "press Ctrl-D"), ("\x03", "press Ctrl-C"),
                                      ("/quit" + ENTER, "/quit")])
def test_leaving_while_another_session_answers_asks_first_and_names_it(home, serving, chat, keys, key):
    screen, gate = one_answers_elsewhere(serving, chat)
    press(screen, "\x18s", lambda s: s.text().count(", running, ") == 1)
    press(screen, ESC, lambda s: "Sessions (" not in s.text())
    press(screen, keys, f"leaving interrupts an answer in another session; {key} again to leave")
    assert screen.process.poll() is None
    screen.send(keys)
    assert screen.wait_exit() == 0
    gate.set()
    handle, = (s["handle"] for s in home.weir("session", "list", "--json").json
               if s["title"] == "slow one")
    assert f"answers in other sessions were interrupted: {handle}" in screen.output().decode()
