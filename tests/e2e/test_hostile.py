"""Text that would act on a terminal, by every way that it can come: nothing of it reaches one."""

import json
import re

import fake_server as fake
import hostile
import pytest
import terminal
from chatting import ENTER, press, prompt_of
from weirtest import SLOWER, wait_until

ESC, TAB, CTRL_C = "\x1b", "\t", "\x03"
HALVES = [hostile.ALL[:len(hostile.ALL) // 2], hostile.ALL[len(hostile.ALL) // 2:]]


def check(screen):
    screen.wait_quiet(0.05)
    found = terminal.foreign_bytes(screen.output())
    assert not found, f"{found[:20]}\n{screen.dump()}"


def call_with(text):
    """A server that puts the text wherever an answer has room for one."""
    def play(c):
        c.head()
        c.delta(reasoning_content=text)
        c.delta(text)
        c.delta(tool_calls=[{"index": 0, "id": text[:40], "type": "function",
                             "function": {"name": text[:60], "arguments": ""}}])
        c.delta(tool_calls=[{"index": 0, "function": {"arguments": json.dumps({text: text})}}])
        c.finish("tool_calls")
        c.end()
    return play


def test_t28_answers_reasoning_tools_and_errors_are_shown_safely(serving, chat):
    error = fake.status(400, json.dumps({"error": {"message": hostile.ALL}}))
    serving(call_with(hostile.ALL), error, fake.error_inside((hostile.ONE_LINE,), hostile.ALL),
            fake.html(500, hostile.ALL))
    screen = chat(rows=60, columns=120)
    press(screen, "one" + ENTER, re.compile(r"tool|function|owned"))
    screen.send("\x0f")  # reasoning and tools whole
    check(screen)
    press(screen, "two" + ENTER, "400")
    check(screen)
    press(screen, "three" + ENTER, lambda s: "three" in s.text() and "streaming" not in s.text())
    check(screen)
    screen.send("four" + ENTER)
    check(screen)


def test_t28_what_is_no_text_is_shown_as_a_sign(home, serving, chat):
    inside = b" ".join(b"<" + data + b">" for _, data in hostile.BYTES)
    serving(fake.payload(inside, b" the end"),
            fake.answer(tuple(hostile.LONG) + ("\n\nthe last one",)))
    screen = chat(rows=50)
    press(screen, "go" + ENTER, "the end")
    assert "\ufffd" in screen.text()
    check(screen)
    home.wait_db(lambda h: h.attempt() == "completed")
    assert "\ufffd" in home.answer()["text"]
    press(screen, "again" + ENTER, "the last one")
    check(screen)
    home.wait_db(lambda h: h.answer()["text"].startswith("".join(hostile.LONG)))


def test_t28_titles_labels_files_and_lists_are_shown_safely(home, serving, chat, monkeypatch):
    server = serving(fake.answer((hostile.ALL,)), model=hostile.NAME)
    server.models = (hostile.NAME, "x\x1b]0;owned\x07y", "a\u202eb")
    assert home.run(stdin=hostile.ALL.encode()).code == 0
    for name in ("a\x1b]0;owned\x07b", "a\u202egpj", "a\x9b2J", "a\nb", "a\U000e0041"):
        (home.work / name).write_text(hostile.ALL)
    monkeypatch.chdir(home.work)
    screen = chat(rows=40, columns=100)
    check(screen)
    screen.paste("/rename " + hostile.ONE_LINE.replace("201~", ""))
    screen.send(ENTER)
    check(screen)
    for keys, shown in (("\x18s", "Sessions ("), ("\x18m", "Models ("), ("\x18b", "Branches (")):
        press(screen, keys, shown)
        check(screen)
        press(screen, ESC, lambda s, gone=shown: gone not in s.text())
    for keys in ("@a", "/model x"):
        screen.send(keys)
        check(screen)
        press(screen, ESC + "\x15", lambda s: prompt_of(s) in ("", None))
    screen.send("\x12findme")
    check(screen)
    screen.send(CTRL_C)
    check(screen)


@pytest.mark.parametrize("arguments", [
    ("session", "list"), ("session", "show", "LAST"), ("export", "LAST", "--format", "txt"),
    ("search", "owned"), ("models",), ("usage",), ("run", "-c", "again")], ids=lambda a: a[0] + a[-1])
def test_t28_commands_are_safe_on_a_terminal(home, serving, arguments):
    serving(fake.answer((hostile.ALL,)), fake.answer((hostile.ALL,)), model=hostile.NAME)
    assert home.run(stdin=hostile.ALL.encode()).code == 0
    handle = home.rows("SELECT handle FROM session")[0]["handle"]
    words = [handle if word == "LAST" else word for word in arguments]
    with home.screen(*words, rows=60, columns=100, PAGER="cat") as screen:
        screen.wait_exit(10 * SLOWER)
        wait_until(screen.output)  # something is said
        check(screen)


def test_t28_what_is_typed_and_pasted_is_shown_safely_and_sent_as_it_is(serving, chat):
    server = serving(fake.answer(("fine",)))
    # The end of a paste within one is taken out by terminals, and so is it here.
    text = "\n".join(part.replace("\x1b[201~", "") for part in HALVES)
    screen = chat(rows=50, columns=100)
    for part in text.split("\n")[::3]:
        screen.paste(part)
        screen.send("\x1b\r")
    check(screen)
    screen.send("\x15" * 3 + CTRL_C)
    screen.wait_for(lambda s: prompt_of(s) == "")
    screen.paste(text)
    screen.wait_for("[pasted")
    press(screen, "\x1bo", lambda s: "[pasted" not in s.text())
    check(screen)
    press(screen, ENTER, "fine")
    check(screen)
    assert server.turns()[0].json["messages"][-1]["content"]
