"""What is taken out of the conversation: to the clipboard, into a file, to a browser."""

import os

import fake_server as fake
import pytest
from chatting import ENTER, copied, press, said
from weirtest import wait_until

pytestmark = pytest.mark.usefixtures("at_work")

UP, DOWN, SHIFT_DOWN, PAGE_DOWN = "\x1b[A", "\x1b[B", "\x1b[1;2B", "\x1b[6~"
CODE = "int x;\n\n\ty();  \n# 日本 \\ \"\n"
ANSWER = f"See <https://example.org/a?b=c> and http://b.example/.\n\n```c\n{CODE}```\n\n```\nsecond\n```\n"


def tool(home, name, script):
    """A program of that name, first in the path."""
    folder = home.root / "bin"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{home.env['PATH']}"}


def test_the_systems_tool_gets_the_source(home, serving, chat):
    env = tool(home, "wl-copy", f"cat > '{home.root}/clipboard'\n")
    serving(fake.answer((ANSWER,)))
    screen = chat(WAYLAND_DISPLAY="x", **env)
    press(screen, "ask" + ENTER, said("second"))
    press(screen, "/copy code 1" + ENTER, "copied: code block 1 of 2")
    assert (home.root / "clipboard").read_text() == CODE
    assert b"\x1b]52" not in screen.output()


def test_a_tool_that_fails_leaves_it_to_the_terminal(home, serving, chat):
    env = tool(home, "wl-copy", "exit 1\n")
    serving(fake.answer((ANSWER,)))
    screen = chat(WAYLAND_DISPLAY="x", **env)
    press(screen, "ask" + ENTER, said("second"))
    press(screen, "/copy code" + ENTER, "copied: code block 2 of 2")
    assert b"\x1b]52;c;c2Vjb25kCg==\x07" in screen.output()


def test_a_block_is_saved_and_nothing_overwritten(home, serving, chat):
    serving(fake.answer((ANSWER,)))
    screen = chat()
    press(screen, "ask" + ENTER, said("second"))
    press(screen, "/save 1 x.c" + ENTER, "written to 'x.c'")
    assert (home.work / "x.c").read_text() == CODE
    press(screen, "/save x.c" + ENTER, "cannot write 'x.c'")
    assert (home.work / "x.c").read_text() == CODE
    press(screen, "/save two words" + ENTER, "written to 'two words', 7 bytes")
    press(screen, "/save 3 y" + ENTER, "has 2 code blocks")
    press(screen, "/save" + ENTER, "'/save FILE'")


def test_a_link_is_opened_as_it_stands_there(home, serving, chat):
    opened = home.root / "opened"
    env = tool(home, "xdg-open", f"echo \"$#:$1\" >> '{opened}'\n")
    serving(fake.answer((ANSWER,)))
    screen = chat(**env)
    press(screen, "ask" + ENTER, said("second"))
    press(screen, "/open" + ENTER, "Links of the last answer (2)")
    press(screen, ENTER, "opened: https://example.org/a?b=c")
    press(screen, "/open 2" + ENTER, "opened: http://b.example/")
    wait_until(lambda: opened.exists() and len(opened.read_text().splitlines()) == 2)
    assert set(opened.read_text().splitlines()) == {"1:https://example.org/a?b=c",
                                                    "1:http://b.example/"}
    press(screen, "/open 3" + ENTER, "the last answer has 2 links")


def choose(screen, keys, shown):
    """What is done with the answer before the last one."""
    press(screen, "\x18v", "Up and Down choose")
    screen.send("\x1b[A")
    screen.wait_quiet(0.05)
    press(screen, "\x1b[A" + keys, shown)


def again(screen, key, shown):
    """The message is still chosen; its keys count once a line says them."""
    press(screen, UP + DOWN, "Up and Down choose")
    press(screen, key, shown)


def test_what_is_typed_after_a_copy_is_a_prompt(home, serving, chat):
    server = serving(fake.answer((ANSWER,)), fake.answer(("the last",)))
    screen = chat()
    press(screen, "ask" + ENTER, said("second"))
    press(screen, "\x1b[1;3Ay", "copied: ")
    press(screen, "do it again", "> do it again")
    press(screen, ENTER, said("the last"))
    assert home.prompts() == ["ask", "do it again"]
    assert len(server.turns()) == 2


def test_what_failed_is_told_while_a_message_is_chosen(home, serving, chat):
    server = serving(fake.answer((ANSWER,)), fake.answer(("the other one",)))
    screen = chat(PATH=str(home.root / "none"))
    press(screen, "ask" + ENTER, said("second"))
    (home.work / "x").write_text("there")
    press(screen, "/save x" + ENTER, "cannot write 'x'")
    press(screen, "\x1b[1;3A", lambda s: "Up and Down choose" in s.text() and "cannot write" not in s.text())
    press(screen, "o", "Links of this message (2)")
    press(screen, ENTER, lambda s: "Links of" not in s.text() and "xdg-open" in s.text())
    assert "Up and Down choose" not in screen.text()
    press(screen, UP + DOWN, "Up and Down choose")
    press(screen, "r", said("the other one"))
    assert len(server.turns()) == 2


def test_lines_of_any_message_are_copied_as_their_source(serving, chat):
    text = "# Top\n\n- **one**\n\t- two `x`\n\n日本 \\ text\n"
    serving(fake.answer((text,)), fake.answer(("the last",)))
    screen = chat()
    press(screen, "ask" + ENTER, said("text"))
    press(screen, "more" + ENTER, said("the last"))
    choose(screen, "v", "Lines of this message (6)")
    press(screen, DOWN * 2 + SHIFT_DOWN, "2 lines")
    press(screen, ENTER, "copied: lines 3 to 4")
    assert copied(screen) == "- **one**\n\t- two `x`"
    again(screen, "v", "Lines of this message (6)")
    press(screen, "日本", "Lines of this message (1)")
    press(screen, ENTER, "copied: line 6")
    assert copied(screen) == "日本 \\ text"
    again(screen, "v", "Lines of this message (6)")
    press(screen, PAGE_DOWN + "\x1bm" + UP * 4, "5 lines")
    press(screen, ENTER, "copied: lines 2 to 6")
    assert copied(screen) == text.split("\n", 1)[1].rstrip("\n")


def test_a_block_and_a_link_of_any_message_are_taken(home, serving, chat):
    opened = home.root / "opened"
    env = tool(home, "xdg-open", f"echo \"$1\" > '{opened}'\n")
    serving(fake.answer((ANSWER,)), fake.answer(("the last",)))
    screen = chat(**env)
    press(screen, "ask" + ENTER, said("second"))
    press(screen, "more" + ENTER, said("the last"))
    choose(screen, "b", "Blocks of code (2)")
    assert "int x;" in screen.text() and "4 lines" in screen.text()
    press(screen, ENTER, "copied: code block 1 of 2")
    assert copied(screen) == CODE
    again(screen, "b", "Blocks of code (2)")
    press(screen, DOWN + "\x1bs", "Block and file")
    press(screen, "two.txt", "> 2 two.txt")
    press(screen, ENTER, "written to 'two.txt', 7 bytes")
    assert (home.work / "two.txt").read_text() == "second\n"
    again(screen, "o", "Links of this message (2)")
    press(screen, DOWN + ENTER, "opened: http://b.example/")
    wait_until(lambda: opened.exists() and opened.read_text() == "http://b.example/\n")
