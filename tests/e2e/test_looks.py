"""Themes, and what the screen and the terminal tell each other beside the cells."""

import json
import threading

import fake_server as fake
import pytest
from chatting import ENTER, press, said
from terminal import foreign_bytes

FOCUS_OUT, FOCUS_IN = "\x1b[O", "\x1b[I"
ASKS = b"\x1b]11;?\x1b\\"
LIGHT, DARK = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "\x1b]11;rgb:1e1e/1e1e/2e2e\x07"
SAYS_SYNCHRONIZED = "\x1b[?2026;2$y"


def colour_of(screen, text):
    """Of the first cell of a row that begins with the text."""
    with screen.changed:
        for row, line in enumerate(screen.grid.display):
            if line.startswith(text):
                return screen.grid.buffer[row][0].fg
    raise AssertionError(screen.dump())


def asked(screen, text):
    """Waits for a whole exchange, and for the terminal to have been asked."""
    press(screen, "hello" + ENTER, said(text))
    screen.wait_for(lambda s: ASKS in s.output())


def test_the_theme_follows_the_background(serving, chat):
    serving(fake.answer(("one",)))
    screen = chat()
    screen.wait_for(lambda s: ASKS in s.output())
    screen.send(LIGHT)
    press(screen, "hello" + ENTER, said("one"))
    assert colour_of(screen, "you") == "005f87"
    assert not foreign_bytes(screen.output())


def test_a_dark_background_is_another(serving, chat):
    serving(fake.answer(("one",)))
    screen = chat()
    asked(screen, "one")
    before = colour_of(screen, "you")
    screen.send(DARK)
    screen.wait_for(lambda s: colour_of(s, "you") != before)
    assert colour_of(screen, "you") == "87d7ff"


def test_an_answer_that_comes_late_changes_nothing(serving, chat):
    serving(fake.answer(("one",)), fake.answer(("two",)))
    screen = chat()
    press(screen, "hello" + ENTER, said("one"))
    before = colour_of(screen, "you")
    threading.Event().wait(1.1)
    screen.send(LIGHT)
    press(screen, "more" + ENTER, said("two"))
    assert colour_of(screen, "you") == before


@pytest.mark.parametrize("top, env, asks, colour", [
    ("[ui]\ntheme = \"light\"", {}, False, "005f87"),
    ("[ui]\ntheme = \"mine\"\n[theme.mine]\nuser = \"#ff0000\"", {}, False, "ff0000"),
    ("[ui]\ntheme = \"light\"\ncolors = \"16\"", {}, False, "cyan"),
    ("[ui]\ntheme = \"mono\"", {}, False, "default"),
    ("", {"NO_COLOR": "1"}, True, "default"),
    ("", {"COLORFGBG": "0;15"}, False, "005f87"),
    ("", {"WEIR_UI_THEME": "dark"}, False, "87d7ff"),
])
def test_a_theme_is_chosen(home, server, chat, top, env, asks, colour):
    server.then(fake.answer(("one",)))
    home.use(server, more="\n" + top)
    screen = chat(**env)
    press(screen, "hello" + ENTER, said("one"))
    assert colour_of(screen, "you") == colour
    assert (ASKS in screen.output()) == asks


def test_a_theme_that_is_not_there_is_said_before_the_screen(home, server):
    home.use(server, more="[ui]\ntheme = \"drak\"")
    with home.screen("chat") as screen:
        assert screen.wait_exit() == 78
        screen.wait_for("there is no theme 'drak' (did you mean 'dark'?)")


@pytest.mark.parametrize("wrong", ['[ui]\ntheme = "drak"', "[ui]\nwheel = 3", '[keys]\nsend = "C-k"',
                                   '[theme.mine]\nuser = "rde"'])
def test_what_is_wrong_of_the_screen_stops_the_screen_alone(home, serving, wrong):
    serving(fake.answer(("well",)), more=wrong)
    done = home.run("a question")
    assert (done.code, done.out, done.err) == (0, "well\n", "")
    assert home.weir("config", "check").code == 78
    done = home.weir("session", "list")
    assert (done.code, done.err) == (0, "")


def test_the_hint_stays_where_the_status_has_no_room(serving, chat):
    why = json.dumps({"error": {"message": "far too many requests, " * 5}})
    serving(fake.status(429, why, headers=(("Retry-After", "30"),)))
    screen = chat(rows=12, columns=60)
    press(screen, "hello" + ENTER, "retry 2 of 4")
    last = screen.lines()[-1]
    assert last.endswith("… · Esc cancels") and len(last) == 60, last
    screen.resize(12, 30)
    screen.wait_for(lambda s: s.lines()[-1].endswith("… · Esc cancels"))
    screen.resize(12, 16)
    screen.wait_for(lambda s: s.lines()[-1].endswith("…"))


def test_frames_are_whole_where_the_terminal_offers_that(serving, chat):
    serving(fake.answer(("\n".join(f"- line {i}" for i in range(40)),)))
    screen = chat()
    screen.wait_for(lambda s: b"\x1b[?2026$p" in s.output())
    assert b"\x1b[?2026h" not in screen.output()
    screen.send(SAYS_SYNCHRONIZED)
    press(screen, "hello" + ENTER, said("line 39"))
    output = screen.output()
    assert output.count(b"\x1b[?2026h") == output.count(b"\x1b[?2026l") >= 1
    assert not foreign_bytes(output)


def test_the_window_has_the_sessions_title(serving, chat):
    serving(fake.answer(("one",)))
    screen = chat()
    press(screen, "hello" + ENTER, said("one"))
    press(screen, "/rename rivers \u202e and seas" + ENTER, "the title is changed")
    screen.wait_for(lambda s: b"\x1b]2;rivers <202E> and seas - weir\x1b\\" in s.output())
    press(screen, "/new" + ENTER, lambda s: s.output().endswith(b"\x1b]2;weir\x1b\\")
          or b"\x1b]2;weir\x1b\\" in s.output()[-200:])


def test_an_answer_that_ends_unseen_rings(serving, chat):
    gate = threading.Event()
    serving(fake.answer(("one",)), fake.answer(("two",), before=lambda c: gate.wait(10)))
    screen = chat()
    press(screen, "hello" + ENTER, said("one"))
    press(screen, "more" + ENTER, "waiting")
    assert b"\x07" not in screen.output()
    screen.send(FOCUS_OUT)
    gate.set()
    screen.wait_for(said("two"))
    screen.wait_for(lambda s: s.output().count(b"\x07") == 1)


@pytest.mark.parametrize("notify, sequence", [
    ("osc9", b"\x1b]9;weir: an answer is there\x1b\\"),
    ("osc777", b"\x1b]777;notify;weir;an answer is there\x1b\\"),
    ("none", None),
])
def test_how_it_is_told_can_be_chosen(home, server, chat, notify, sequence):
    server.then(fake.answer(("one",)))
    home.use(server, more=f"[ui]\nnotify = \"{notify}\"")
    screen = chat()
    screen.send(FOCUS_OUT)
    press(screen, "hello" + ENTER, said("one"))
    if sequence:
        screen.wait_for(lambda s: sequence in s.output())
    else:
        assert b"\x1b[?1004h" not in screen.output()
    assert not foreign_bytes(screen.output())


def test_title_and_wheel_can_be_off(home, server, chat):
    home.use(server, more="[ui]\ntitle = false\nwheel = false")
    screen = chat()
    assert b"\x1b]2;" not in screen.output() and b"\x1b[?1007h" not in screen.output()
    press(screen, "\x18w", "the wheel scrolls here")
    assert b"\x1b[?1007h" in screen.output()
    press(screen, "\x18w", "the wheel is the terminal's")
    assert screen.output().count(b"\x1b[?1007l") == 1


def test_the_last_exchange_stays_in_the_scrollback(serving, chat):
    serving(fake.answer(("first",)), fake.answer(("**two** words\n\n- one\n- \x1b[2Jtwo",)))
    screen = chat()
    press(screen, "one" + ENTER, said("first"))
    press(screen, "more" + ENTER, said("two words"))
    screen.send("\x04")
    assert screen.wait_exit() == 0
    screen.wait_for(lambda s: "goes on with it" in s.output().decode())
    left = screen.output().decode().rpartition("\x1b[?1049l")[2]
    assert "first" not in left
    assert "more" in left and "two\x1b[0m words" in left and "\u241b[2Jtwo" in left
    assert left.index("more") < left.index("words") < left.index("goes on with it")
    assert not foreign_bytes(screen.output())
