"""A walk through every command of the screen: on a pseudo-terminal and in tmux."""

import re

import fake_server as fake
import pytest
import terminal
from chatting import ENTER, check_restored, copied, prompt_of
from weirtest import SLOWER

ESC, PALETTE, ALL_AWAY = "\x1b", "\x10", "\x05\x15\x15"

# In an order in which each finds something to do: name, what is given to it, what it shows. Commands
# that are not here come before those that take the session away.
WALK = [
    ("help", "", "Keys and commands"),
    ("sessions", "", "Sessions ("),
    ("model", "", "Models ("),
    ("copy", "", "copied: the last answer"),
    ("copy", "code", "copied: code block 1 of 1"),
    ("save", "", "'/save FILE'"),
    ("export", "", "written to 'weir-"),
    ("edit", "", "in the place of an earlier prompt"),
    ("again", "", "2/2"),
    ("continue", "", "the answer"),
    ("fork", "aside", "a new branch"),
    ("branches", "", "aside"),
    ("select", "", "Up and Down choose"),
    ("rename", "Another title", None),
    ("label", "blue", None),
    ("undo", "", None),
    ("editor", "", None),
]
LAST = [("archive", "", None), ("new", "", None), ("delete", "", None), ("undo", "", None)]


def names_of(text):
    return re.findall(r"^[> ] /([a-z_-]+)", text, re.M)


def whole_walk(names):
    known = [name for name, _, _ in WALK + LAST] + ["quit"]
    assert set(known) <= set(names), f"no command any more: {set(known) - set(names)}"
    return WALK + [(name, "", None) for name in names if name not in known] + LAST


def test_every_command_of_the_palette_does_something(home, serving, chat, monkeypatch):
    text = "this is the answer\n\n```c\nint x;\n```\n"
    serving().default = fake.answer((text,))
    monkeypatch.chdir(home.work)
    screen = chat(rows=60, columns=120, EDITOR="true")
    screen.send("question" + ENTER)
    screen.wait_for("the answer")
    screen.send(PALETTE)
    screen.wait_for("Commands (")
    names = names_of(screen.text())
    screen.send(ESC)
    screen.wait_for(lambda s: "Commands (" not in s.text())
    for name, operand, shown in whole_walk(names):
        screen.send(f"/{name} {operand}".rstrip())
        screen.wait_for(lambda s: prompt_of(s).startswith(f"/{name}"))
        screen.send(ENTER)
        screen.wait_for(shown or (lambda s: not (prompt_of(s) or "").startswith(f"/{name}")))
        screen.send(ESC)
        screen.wait_for(lambda s: "fake/" in s.lines()[-1] and not s.lines()[0].count(" · Esc"))
        screen.send(ALL_AWAY)
        screen.wait_for(lambda s: prompt_of(s) == "")
        assert screen.process.poll() is None, name
    assert not terminal.foreign_bytes(re.sub(rb"\x1b\]52;c;[^\x07]*\x07", b"", screen.output()))
    screen.send("/quit" + ENTER)
    assert screen.wait_exit(5 * SLOWER) == 0
    check_restored(screen)


def test_the_same_walk_in_tmux(home, serving, tmux, monkeypatch):
    serving().default = fake.answer(("this is the answer\n\n```c\nint x;\n```\n",))
    monkeypatch.chdir(home.work)
    home.env["EDITOR"] = "true"
    pane = tmux("chat", rows=60)
    pane.send("question" + ENTER)
    pane.wait(lambda: "the answer" in pane.text(), "the answer")
    pane.send(PALETTE)
    pane.wait(lambda: "Commands (" in pane.text(), "the palette")
    names = names_of(pane.text())
    pane.send(ESC)
    pane.wait(lambda: "Commands (" not in pane.text(), "no palette")
    for number, (name, operand, _) in enumerate(whole_walk(names)):
        pane.send(f"/{name} {operand}".rstrip() + ENTER)
        pane.send(ESC)
        pane.wait(lambda: "\n> " in pane.text() or "\n>\n" in pane.text(), name)
        pane.send(f"{ALL_AWAY}mark{number}!\x02")
        pane.wait(lambda: f"mark{number}!" in pane.text() and pane.under_cursor() == "!", name)
        pane.send(ALL_AWAY)
    pane.send("/quit" + ENTER)
    pane.wait(lambda: not pane.alive(), "the end")


@pytest.mark.parametrize("state", ["", "streaming", "/se", "\x10", "\x12", "\x18v", "\x18s", "\x18"])
def test_esc_never_loses_what_was_typed(serving, chat, state):
    server = serving(fake.answer(("one",)), fake.stall(("some words",)))
    screen = chat()
    screen.send("before" + ENTER)
    screen.wait_for(lambda s: "one" in s.text() and "ready" in s.lines()[-1])
    if state == "streaming":
        screen.send("more" + ENTER)
        screen.wait_for("some words")
        server.wait_turn(2)
    typed = "/se" if state == "/se" else "typed words"
    screen.send(typed)
    screen.wait_for(lambda s: prompt_of(s) == typed)
    screen.send(state if state not in ("streaming", "/se") else "")
    screen.wait_quiet(0.05)
    for _ in range(3):
        screen.send(ESC)
        screen.wait_quiet(0.08)
    screen.wait_for(lambda s: prompt_of(s) == typed)
    assert screen.process.poll() is None


BLOCKS = [
    ("```c\n", "int x;  \n\treturn 日;\n\n\n", "```\n"),
    ("~~~~ text with words\n", "~~~\n```\nfences inside\n", "~~~~\n"),
    ("````\n", "```\nnested\n```\n", "````\n"),
    ("```\n", "x" * 300 + " \n" + "日" * 200 + "\n", "```\n"),
    ("```sh\n", "printf '\x1b[31m\u202e\u200b\\n'\n\u00a0 \t\n", "```\n"),
    ("```\n", "", "```\n"),
    ("``` \n", "**no** `markdown` | in | here\n# nor a heading\n", "```\n"),
    ("```\n", "  indented by two\n    and by four\n", "```\n"),
    ("```\n", "e\u0301 👩\u200d💻 \U0001f1ea\U0001f1fa\n", "```\n"),
    ("```\n", "the last one is never closed\n", ""),
]


def test_copied_blocks_are_their_source_byte_for_byte(serving, chat):
    answer = "".join(f"block {i}\n\n{a}{text}{b}\n" for i, (a, text, b) in enumerate(BLOCKS[:-1]))
    answer += BLOCKS[-1][0] + BLOCKS[-1][1]
    serving(fake.answer(tuple(answer[i:i + 7] for i in range(0, len(answer), 7))))
    screen = chat()
    screen.send("go" + ENTER)
    screen.wait_for(lambda s: "never closed" in s.text() and "ready" in s.lines()[-1])
    for number, (_, text, _) in enumerate(BLOCKS, 1):
        screen.send(f"/copy code {number}" + ENTER)
        screen.wait_for(f"copied: code block {number} of {len(BLOCKS)}, {len(text.encode())} bytes")
        assert copied(screen) == text
    screen.send("/copy" + ENTER)
    screen.wait_for("copied: the last answer")
    assert copied(screen) == answer
