"""Files that a prompt of the screen names: their content goes with it."""

import threading

import fake_server as fake
import pytest
from chatting import ENTER, press, said

pytestmark = pytest.mark.usefixtures("at_work")

UP = "\x1b[A"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)


def last_prompt(server, turn=-1):
    return str(server.turns()[turn].json["messages"][-1]["content"])


def test_a_file_that_is_named_goes_with_the_prompt(home, serving, chat):
    (home.work / "notes.txt").write_text("the river rises at dawn")
    (home.work / "a picture.png").write_bytes(PNG)
    server = serving(fake.answer(("one",)), fake.answer(("two",)))
    screen = chat()
    press(screen, "what of @notes.txt, again @notes.txt?" + ENTER, said("one"))
    assert screen.text().count("attached: notes.txt") == 1
    assert last_prompt(server).count("the river rises at dawn") == 1
    assert "@notes.txt, again" in last_prompt(server)
    press(screen, '@"a picture.png"' + ENTER, said("two"))
    screen.wait_for("attached: a picture.png")
    assert "data:image/png;base64," in last_prompt(server)


def test_what_is_no_file_is_text(home, serving, chat):
    (home.work / "notes.md").write_text("the river rises at dawn")
    server = serving(fake.answer(("one",)), fake.answer(("two",)), fake.answer(("three",)))
    screen = chat()
    press(screen, "hello @everybody, me@example.md" + ENTER, said("one"))
    assert last_prompt(server) == "hello @everybody, me@example.md"
    assert "not attached" not in screen.text()
    press(screen, "see @src/none.c" + ENTER, said("two"))
    screen.wait_for("not attached: there is no file 'src/none.c'; sent as text")
    press(screen, "see @noets.md." + ENTER, said("three"))
    screen.wait_for("no file 'noets.md' (did you mean @notes.md?)")
    assert last_prompt(server) == "see @noets.md."


def test_lines_say_what_is_no_file_as_the_screen_does(home, serving):
    serving()
    out = home.weir("chat", "--plain", stdin=b"see @none.txt\n").out
    assert "[not attached: there is no file 'none.txt'; sent as text]" in out


def test_a_quoted_name_has_to_be_a_file_and_the_prompt_comes_back(home, serving, chat):
    server = serving(fake.answer(("one",)))
    screen = chat()
    press(screen, 'look @"no such" there' + ENTER, "there is no such file")
    screen.wait_for('> look @"no such" there')
    assert not server.turns()
    (home.work / "no such").write_text("now it is")
    press(screen, ENTER, said("one"))
    assert "now it is" in last_prompt(server)


def test_a_binary_file_is_refused_with_its_name(home, serving, chat):
    (home.work / "core").write_bytes(b"\x7fELF\0\0\0")
    server = serving()
    screen = chat()
    press(screen, "read @core" + ENTER, "cannot attach 'core'")
    screen.wait_for("> read @core")
    assert not server.turns()


def test_a_prompt_that_waits_takes_its_files_when_it_is_sent(home, serving, chat):
    gate = threading.Event()
    server = serving(fake.answer(("one",), before=lambda c: gate.wait(10)), fake.answer(("two",)))
    screen = chat()
    press(screen, "first" + ENTER, "waiting")
    press(screen, "second @late.txt" + ENTER, "waits: second")
    (home.work / "late.txt").write_text("written meanwhile")
    gate.set()
    screen.wait_for(said("two"))
    assert "written meanwhile" in last_prompt(server)


def test_attach_puts_the_name_into_the_prompt(home, serving, chat):
    (home.work / "notes.txt").write_text("the river")
    (home.work / "two words").write_text("the sea")
    serving()
    screen = chat()
    press(screen, "/attach notes.txt" + ENTER, "> @notes.txt")
    press(screen, "\x15/attach two words" + ENTER, '> @"two words"')
    press(screen, "\x15/attach" + ENTER, lambda s: "> @" in s.text() and "notes.txt" in s.text())
