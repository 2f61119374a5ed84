"""The screen on a pseudo-terminal: what is shown, what keys do, what is stored."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import fake_server as fake
import hostile
import pytest
import terminal
from chatting import ENTER, ask, check_restored
from weirtest import FLAVOUR, SLOWER, WEIR, locked, wait_until

pytestmark = pytest.mark.threads

CTRL_C, CTRL_D, ESC, PAGE_UP, PAGE_DOWN = "\x03", "\x04", "\x1b", "\x1b[5~", "\x1b[6~"


def leave(screen):
    screen.send(CTRL_D)
    return screen.wait_exit(5 * SLOWER)


# Asking and answering.


def test_the_first_frame_shows_the_model_and_an_empty_editor(home, serving, chat, figures):
    serving()
    screen = chat()
    figures("first frame, ms", round((screen.last_output - screen.started) * 1000, 1))
    assert "fake/fake-model" in screen.text()
    assert leave(screen) == 0
    check_restored(screen)


def test_a_bare_weir_opens_the_screen(home, serving):
    serving()
    with home.screen() as screen:
        screen.wait_for("fake/fake-model")
        assert leave(screen) == 0


def test_a_question_is_answered_stored_and_shown_again_after_a_restart(home, serving, chat):
    server = serving(fake.answer(("The answer", " is ", "forty-two.")))
    screen = chat()
    ask(screen, "what is the answer?")
    screen.wait_for("The answer is forty-two.")
    assert server.turns()[0].json["messages"][-1]["content"] == "what is the answer?"
    home.wait_db(lambda h: h.attempt() == "completed")
    assert home.prompts() == ["what is the answer?"]
    assert home.answer()["text"] == "The answer is forty-two."
    assert leave(screen) == 0
    with home.screen() as again:
        again.wait_for("The answer is forty-two.")
        assert "what is the answer?" in again.text()


def test_an_answer_appears_while_it_streams(home, serving, chat, figures):
    server = serving(fake.stall(("first piece of text",)))
    screen = chat()
    ask(screen, "go on")
    exchange = server.wait_turn()
    server.wait_sent(exchange, 1)
    screen.wait_for("first piece of text")
    late = (screen.last_output - exchange.sent[0][0]) * 1000
    figures("delta to screen, ms", round(late, 1))


def test_keys_typed_before_the_first_frame_are_not_lost(home, serving):
    serving()
    with home.screen("chat") as screen:
        screen.send("early words")
        screen.wait_for("early words")


def test_a_conversation_goes_on_with_what_was_said(home, serving, chat):
    server = serving(fake.answer(("one",)), fake.answer(("two",)))
    screen = chat()
    ask(screen, "first")
    home.wait_db(lambda h: h.attempt() == "completed")
    screen.wait_quiet()
    ask(screen, "second")
    screen.wait_for("two")
    said = [m["content"] for m in server.wait_turn(2).json["messages"]]
    assert said == ["first", "one", "second"]


def test_a_session_can_be_named_on_the_command_line(home, serving, chat):
    serving(fake.answer(("older answer",)), fake.answer(("newer answer",)))
    assert home.run("older question").code == 0
    older = home.answer()["session"]
    assert home.run("newer question").code == 0
    screen = chat(older)
    screen.wait_for("older answer")
    assert "newer" not in screen.text()


def test_an_answer_that_fails_says_why_and_the_screen_goes_on(home, serving, chat):
    serving(fake.status(400, json.dumps({"error": {"message": "the moon is too full"}})),
            fake.answer(("better now",)))
    screen = chat()
    ask(screen, "first try")
    screen.wait_for("is too full")
    home.wait_db(lambda h: h.attempt() == "failed")
    ask(screen, "second try")
    screen.wait_for("better now")
    assert home.prompts() == ["first try", "second try"]


def test_a_prompt_is_stored_when_the_server_is_down(home, server, chat):
    home.use(server)
    server.stop()
    screen = chat()
    ask(screen, "precious words")
    home.wait_db(lambda h: h.prompts() == ["precious words"])
    home.wait_db(lambda h: h.attempt() != "running", timeout=15)


# Cancelling.


@pytest.mark.parametrize("key", [ESC, CTRL_C], ids=["Esc", "Ctrl-C"])
@pytest.mark.alone
def test_cancelling_keeps_what_came_and_closes_the_connection(home, serving, chat, key, figures):
    server = serving(fake.endless(0.02), fake.answer(("next answer",)))
    screen = chat()
    ask(screen, "count")
    screen.wait_for("word 5 ")
    exchange = server.turns()[0]
    at = time.monotonic()
    screen.send(key)
    took = (exchange.wait_closed() - at) * 1000
    figures("key to closed socket, ms", round(took, 1))
    assert took < 250 * SLOWER, "100 ms is promised; the rest is for a busy machine"
    home.wait_db(lambda h: h.attempt() == "cancelled")
    assert home.answer()["reason"] == "canceled"
    assert exchange.text().startswith(home.answer()["text"])
    assert "word 5 " in home.answer()["text"]
    screen.wait_for(re.compile("cancel", re.I))
    assert "word 5 " in screen.text()
    ask(screen, "go on")
    screen.wait_for("next answer")


def test_an_answer_is_markdown_and_reasoning_unfolds(home, serving, chat):
    text = "## Title\n\n- **bold** item\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```c\nint x;\n```\n"
    serving(fake.answer(tuple(text), reasoning=("deep ", "thought"), pause=0.001))
    screen = chat()
    ask(screen, "go")
    screen.wait_for("int x;")
    screen.wait_for("ready")
    rows = [line.rstrip() for line in screen.lines()]
    for row in ("Title", "• bold item", "a │ b", "──┼──", "1 │ 2", "  ── c", "  int x;"):
        assert row in rows, screen.dump()
    assert "deep thought" not in screen.text()
    screen.send("\x0f")
    screen.wait_for("deep thought")
    screen.send("\x0f")
    screen.wait_for(lambda s: "deep thought" not in s.text())


def test_ctrl_c_first_clears_the_editor(home, serving, chat):
    server = serving(fake.endless(0.05))
    screen = chat()
    ask(screen, "count")
    screen.wait_for("word 1 ")
    screen.send("half a thought")
    screen.wait_for("half a thought")
    screen.send(CTRL_C)
    screen.wait_for(lambda s: "half a thought" not in s.text())
    assert not server.turns()[0].closed.is_set(), "the answer goes on"
    screen.send(CTRL_C)
    server.turns()[0].wait_closed()


def test_ctrl_c_twice_on_an_empty_editor_leaves(home, serving, chat):
    serving()
    screen = chat()
    screen.send(CTRL_C)
    screen.wait_for(re.compile("again|Ctrl", re.I))
    assert screen.process.poll() is None
    screen.send(CTRL_C)
    assert screen.wait_exit(5 * SLOWER) in (0, 130)
    check_restored(screen)


def test_ctrl_d_while_an_answer_runs_asks_first(home, serving, chat):
    server = serving(fake.answer(tuple(f"piece{i} " for i in range(300)), pause=0.03))
    screen = chat()
    ask(screen, "a long one")
    screen.wait_for("piece3")
    screen.send(CTRL_D)
    screen.wait_for("press Ctrl-D again to leave")
    screen.wait_for("piece20")
    screen.send("x\x7f" + CTRL_D)
    time.sleep(0.3)
    assert screen.process.poll() is None, "another key in between begins anew"
    assert leave(screen) == 0
    assert server.turns()


def test_esc_and_ctrl_c_in_one_burst_stop_the_answer(home, serving, chat):
    serving(fake.answer(tuple(f"piece{i} " for i in range(300)), pause=0.03))
    screen = chat()
    ask(screen, "a long one")
    screen.wait_for("piece3")
    screen.send(ESC + CTRL_C)
    home.wait_db(lambda h: h.attempt() == "cancelled")


def test_esc_alone_never_leaves_and_never_clears(home, serving, chat):
    serving()
    screen = chat()
    screen.send("some words")
    screen.wait_for("some words")
    for _ in range(3):
        screen.send(ESC)
        time.sleep(0.06)
    screen.wait_quiet()
    assert "some words" in screen.text()
    assert screen.process.poll() is None


# Editing.


def test_a_paste_of_several_lines_is_one_prompt(home, serving, chat):
    server = serving()
    screen = chat()
    screen.paste("line one\r\nline two\nline three")
    screen.wait_for(lambda s: "line three" in s.text() or "lines" in s.text())
    assert not server.turns(), "a paste does not send"
    screen.send(ENTER)
    sent = server.wait_turn().json["messages"][-1]["content"]
    assert sent == "line one\nline two\nline three"
    home.wait_db(lambda h: h.prompts() == [sent])


def test_a_large_paste_arrives_whole(home, serving, chat):
    server = serving()
    screen = chat()
    text = "\n".join(f"line {i} of a long paste with some words in it" for i in range(6000))
    began = time.monotonic()
    threading.Thread(target=screen.paste, args=(text,), daemon=True).start()
    time.sleep(0.3)
    screen.wait_quiet(0.4, 20)
    screen.send(ENTER)
    assert server.wait_turn(timeout=20).json["messages"][-1]["content"] == text
    assert time.monotonic() - began < 10 * SLOWER


@pytest.mark.parametrize("key", ["\n", "\x1b\r", "\x1b[13;2u"], ids=["Ctrl-J", "Alt-Enter",
                                                                    "Shift-Enter"])
def test_a_newline_can_be_typed(home, serving, chat, key):
    server = serving()
    screen = chat()
    screen.send("one" + key + "two")
    screen.wait_for(lambda s: "one" in s.text() and "two" in s.text())
    screen.wait_quiet()
    screen.send(ENTER)
    assert server.wait_turn().json["messages"][-1]["content"] == "one\ntwo"


def test_editing_keys_work_on_whole_characters(home, serving, chat):
    server = serving()
    screen = chat()
    screen.send("a世e\u0301x")
    screen.wait_for("世")
    screen.send("\x7f\x7f")  # the x, then the e with its accent
    screen.send("\x1b[D\x7fB\x05C")  # left over 世, a away, B in, to the end, C
    screen.wait_quiet()
    screen.send(ENTER)
    assert server.wait_turn().json["messages"][-1]["content"] == "B世C"


def test_an_unknown_key_sequence_never_becomes_text(home, serving, chat):
    serving()
    screen = chat()
    for keys in ("\x1b[99~", "\x1b[1;9Q", "\x1bOz", "\x1b[?1;2c", "\x1b[200;5u", "\x1b[I", "\x1b[O",
                 "\x1b[12;34R", "\x1b]11;rgb:0000/0000/0000\x1b\\", "\x1b[57441u",
                 "\x1b[<64;10;10M"):
        screen.send(keys)
        time.sleep(0.04)
    screen.send("end")
    screen.wait_for("end")
    screen.wait_quiet()
    row, _ = screen.cursor()
    assert re.search(r"(^|\s)end$", screen.lines()[row]), screen.dump()


def test_an_empty_prompt_is_not_sent(home, serving, chat):
    server = serving()
    screen = chat()
    screen.send(ENTER + "   " + ENTER)
    time.sleep(0.2)
    screen.wait_quiet()
    assert not server.turns()


# Drawing.


def test_wide_and_combining_characters_stand_in_the_right_columns(home, serving, chat):
    serving(fake.answer(("|世界|\n\n|e\u0301a|\n\n|ab|\n\n|한글 テスト|\n\n|🙂x|",)))
    screen = chat()
    ask(screen, "go")
    screen.wait_for("|ab|")
    screen.wait_for("🙂")
    screen.wait_quiet()
    row, start = screen.cell_of("世")
    with screen.changed:
        cells = screen.grid.buffer[row]
        assert [cells[start - 1 + i].data for i in range(6)] == ["|", "世", "", "界", "", "|"]
    row, column = screen.cell_of("é")
    assert column == start
    with screen.changed:
        assert [screen.grid.buffer[row][column + i].data for i in (1, 2)] == ["a", "|"]
    row, column = screen.cell_of("🙂")
    assert column == start
    with screen.changed:
        assert [screen.grid.buffer[row][column + i].data for i in (2, 3)] == ["x", "|"]


def test_the_cursor_stands_behind_what_was_typed(home, serving, chat):
    serving()
    screen = chat()
    screen.send("ab世")
    screen.wait_for("ab世")
    screen.wait_quiet()
    row, column = screen.cell_of("世")
    assert screen.cursor() == (row, column + 2)
    assert not screen.grid.cursor.hidden


@pytest.mark.parametrize("columns", [20, 41, 80, 132])
def test_a_line_is_wrapped_and_none_of_it_is_lost(home, serving, chat, columns):
    words = [f"word{i}" for i in range(40)]
    serving(fake.answer((" ".join(words),)))
    screen = chat(rows=50, columns=columns)
    ask(screen, "go")
    screen.wait_for("word39")
    screen.wait_quiet()
    assert re.findall(r"word\d+", screen.text()) == words


def test_resizing_while_an_answer_streams_ends_in_a_right_frame(home, serving, chat):
    server = serving(fake.answer(tuple(f"piece{i} " for i in range(60)), pause=0.01))
    screen = chat(rows=40, columns=100)
    ask(screen, "go")
    screen.wait_for("piece2 ")
    for rows, columns in ((10, 30), (3, 10), (1, 1), (50, 140), (24, 5), (2, 200), (40, 60)):
        screen.resize(rows, columns)
        time.sleep(0.05)
    server.turns()[0].finished.wait(10)
    screen.wait_for("piece59")
    screen.wait_quiet()
    assert re.findall(r"piece\d+", screen.text()) == [f"piece{i}" for i in range(60)]
    home.wait_db(lambda h: h.attempt() == "completed")


def test_a_view_that_was_scrolled_away_holds_still(home, serving, chat):
    server = serving(fake.answer(("\n\n".join(f"old{i}" for i in range(100)),)),
                     fake.endless(0.01, "new{}\n\n"))
    screen = chat()
    ask(screen, "one")
    screen.wait_for("old99")
    home.wait_db(lambda h: h.attempt() == "completed")
    screen.wait_quiet()
    ask(screen, "two")
    screen.wait_for("new3")
    for _ in range(4):
        screen.send(PAGE_UP)
        time.sleep(0.05)
    screen.wait_for(re.compile(r"old\d+"))

    def held():
        return [line for line in screen.lines() if re.search(r"(old|new)\d+", line)]

    time.sleep(0.2)
    before, count = held(), len(server.turns()[1].sent)
    server.wait_sent(server.turns()[1], count + 30)
    time.sleep(0.1)
    assert held() == before and any("old" in line for line in before)
    for _ in range(60):
        screen.send(PAGE_DOWN)
    screen.wait_for(lambda s: any("new" in line for line in s.lines()))


def test_the_first_of_many_messages_can_be_scrolled_to(home, serving, chat):
    serving(fake.answer(("\n\n".join(f"old{i}x" for i in range(300)),)))
    screen = chat()
    ask(screen, "one")
    screen.wait_for("old299x")
    for _ in range(60):
        screen.send(PAGE_UP)
    screen.wait_for("old0x")


# Hostile text.


@pytest.mark.parametrize("half", [0, 1])
def test_a_hostile_answer_is_shown_and_never_acts(home, serving, chat, half):
    # Quoted so that a backslash at an end escapes nothing: answers are Markdown.
    cases = hostile.CASES[half::2]
    serving(fake.answer(tuple(f"«{text}»\n\n" for _, text, _ in cases) + ("the end",)))
    screen = chat(rows=len(cases) * 2 + 30, columns=100)
    ask(screen, "go")
    screen.wait_for("the end")
    screen.wait_quiet()
    assert not terminal.foreign_bytes(screen.output())
    missing = [name for name, _, visible in cases if visible not in screen.words()]
    assert not missing, screen.dump()
    assert "fake/fake-model" in screen.text(), "the frame is whole"
    home.wait_db(lambda h: h.attempt() == "completed")
    for name, text, _ in cases:
        assert f"«{text}»" in home.answer()["text"], f"{name} is stored as it came"
    assert leave(screen) == 0
    check_restored(screen)


def test_a_hostile_sequence_split_over_deltas_never_acts(home, serving, chat):
    serving(fake.answer(tuple("a\x1b]52;c;b3duZWQ=\x07b\u202e\x9b2Jc the end"), pause=0.01))
    screen = chat()
    ask(screen, "go")
    screen.wait_for("the end")
    screen.wait_quiet()
    assert not terminal.foreign_bytes(screen.output())
    assert hostile.shown("a\x1b]52;c;b3duZWQ=\x07b\u202e\x9b2Jc") in screen.words()


def test_a_hostile_model_name_never_acts(home, serving):
    serving(model=hostile.NAME)
    with home.screen("chat") as screen:
        screen.wait_for(" fake/" + hostile.shown(hostile.NAME))
        screen.wait_quiet()
        assert not terminal.foreign_bytes(screen.output()), screen.dump()


def test_a_hostile_error_text_never_acts(home, serving, chat):
    message = hostile.ONE_LINE
    serving(fake.status(400, json.dumps({"error": {"message": message}})))
    screen = chat(columns=200)
    ask(screen, "go")
    screen.wait_for("]0;owned")
    screen.wait_quiet()
    assert not terminal.foreign_bytes(screen.output()), screen.dump()


def test_hostile_text_that_is_pasted_never_acts(home, serving, chat):
    server = serving()
    screen = chat()
    screen.paste("a\x1b]0;owned\x07b\u202ec\x9bd")
    screen.wait_for(re.compile("a.*b.*c"))
    screen.wait_quiet()
    assert not terminal.foreign_bytes(screen.output()), screen.dump()
    screen.send(ENTER)
    server.wait_turn()
    screen.wait_quiet()
    assert not terminal.foreign_bytes(screen.output()), screen.dump()


def test_a_hostile_session_is_safe_after_a_restart(home, serving):
    serving(fake.answer((hostile.ALL,)))
    assert home.run(stdin=hostile.ALL.encode()).code == 0
    with home.screen(rows=60) as screen:
        screen.wait_for("\u241b")
        screen.wait_quiet()
        assert not terminal.foreign_bytes(screen.output()), screen.dump()


# Demo.


def test_without_config_the_demo_says_what_it_is_and_how_to_connect(home):
    with home.screen(rows=40) as screen:
        screen.wait_for(re.compile("demo", re.I))
        screen.wait_quiet()
        assert re.search(r"config\.toml|base_url|API_KEY|weir config", screen.text()), screen.dump()
        screen.send("hello" + ENTER)
        home.wait_db(lambda h: h.prompts() == ["hello"])
        home.wait_db(lambda h: len(h.answer()["text"]) > 20)
        screen.send(ESC)
        home.wait_db(lambda h: h.attempt() != "running")
        assert leave(screen) == 0
        check_restored(screen)


def test_the_demo_never_stands_in_for_a_model_that_fails(home, serving, chat):
    serving(fake.status(401))
    screen = chat()
    ask(screen, "hello")
    home.wait_db(lambda h: h.attempt() == "failed")
    screen.wait_quiet()
    assert "demo" not in screen.text().lower()


def test_a_home_that_cannot_be_written_gets_one_notice_and_a_screen_that_works(home, serving):
    serving(fake.answer(("works anyway",)))
    with home.screen("chat", XDG_DATA_HOME="/proc/weir-cannot-be-made", columns=150) as screen:
        screen.wait_for("fake/fake-model")
        screen.wait_for(re.compile("saved|private|stored|kept", re.I))
        ask(screen, "hello")
        screen.wait_for("works anyway")
        assert leave(screen) == 0


# Endings.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT],
                         ids=lambda n: n.name)
@pytest.mark.alone
def test_a_signal_saves_everything_and_restores_the_terminal(home, serving, chat, number, figures):
    server = serving(fake.endless(0.005))
    screen = chat()
    ask(screen, "count")
    screen.wait_for("word 9 ")
    exchange = server.turns()[0]
    at = time.monotonic()
    screen.signal(number)
    code = screen.wait_exit(5 * SLOWER)
    took = time.monotonic() - at
    figures(f"exit after {number.name}, ms", round(took * 1000, 1))
    assert code in (128 + number, -number)
    assert took < 1 * SLOWER
    text = home.answer()["text"]
    assert text.startswith("".join(t for when, t in exchange.sent if when < at - 0.02))
    assert exchange.text().startswith(text)
    assert home.attempt() in (("cancelled",) if number == signal.SIGINT else ("interrupted",))
    check_restored(screen)


@pytest.mark.alone
def test_a_terminal_that_goes_away_saves_everything_and_ends(home, serving, chat, figures):
    server = serving(fake.endless(0.005))
    screen = chat()
    ask(screen, "count")
    screen.wait_for("word 9 ")
    exchange = server.turns()[0]
    at = time.monotonic()
    screen.hang_up()
    screen.process.wait(5 * SLOWER)
    took = time.monotonic() - at
    figures("exit after the terminal went, ms", round(took * 1000, 1))
    assert took < 1 * SLOWER
    text = home.answer()["text"]
    assert text.startswith("".join(t for when, t in exchange.sent if when < at - 0.02))
    assert home.attempt() == "interrupted"


def test_a_terminal_that_goes_away_with_the_hangup_ignored_ends_too(home, serving):
    serving()
    screen = terminal.Screen(["sh", "-c", 'trap "" HUP; exec "$0" chat', WEIR], home.env)
    try:
        screen.wait_for("fake/fake-model")
        before = cpu_seconds(screen.pid)
        screen.hang_up()
        began = time.monotonic()
        while screen.process.poll() is None and time.monotonic() - began < 3 * SLOWER:
            used = cpu_seconds(screen.pid)
            time.sleep(0.02)
        assert screen.process.poll() is not None, f"still runs, used {used - before:.2f} s of CPU"
    finally:
        screen.close()


def cpu_seconds(pid):
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.alone
def test_a_kill_in_the_middle_costs_at_most_the_last_tenth_of_a_second(home, serving, chat,
                                                                       figures):
    server = serving(fake.endless(0.004))
    screen = chat()
    ask(screen, "precious question")
    screen.wait_for(lambda s: "word 50 " in s.words())
    exchange = server.turns()[0]
    time.sleep(0.12 * SLOWER)  # what is on the screen is stored; what came since is at stake
    at = time.monotonic()
    screen.signal(signal.SIGKILL)
    screen.wait_exit()
    assert home.prompts() == ["precious question"]
    text = home.answer()["text"]
    assert exchange.text().startswith(text)
    sent, missing = 0, []
    for when, piece in exchange.sent:
        sent += len(piece)
        if sent > len(text) and when < at:
            missing.append(at - when)
    loss = max(missing, default=0.0)
    figures("loss after SIGKILL, ms", round(loss * 1000, 1))
    assert loss < 0.1 * SLOWER
    home.check_integrity()
    with home.screen() as again:
        again.wait_for(re.compile("interrupted", re.I))
        again.send(PAGE_UP * 20)
        again.wait_for(lambda s: "precious question" in s.text() and "word 0 word 1 " in s.words())
        home.wait_db(lambda h: h.attempt() == "interrupted")
        assert home.answer()["text"] == text


def test_a_locked_database_freezes_no_screen_and_loses_nothing(home, serving, chat):
    server = serving(fake.endless(0.01))
    screen = chat()
    ask(screen, "count")
    screen.wait_for("word 5 ")
    with locked(home.db):
        last = f"word {len(server.turns()[0].sent) + 30} "
        screen.wait_for(lambda s: last in s.words())
        assert last not in home.answer()["text"]
        screen.wait_for("not saved yet")
        screen.send("typing goes on")
        screen.wait_for("typing goes on")
    home.wait_db(lambda h: last in h.answer()["text"])
    screen.wait_for(lambda s: "not saved yet" not in s.text())
    screen.send(CTRL_C + ESC)
    home.wait_db(lambda h: h.attempt() == "cancelled")
    assert server.turns()[0].text().startswith(home.answer()["text"])


def test_an_abort_restores_the_terminal(home, serving, chat):
    serving()
    screen = chat()
    screen.wait_quiet()
    screen.signal(signal.SIGABRT)
    assert screen.wait_exit() in (-signal.SIGABRT, 128 + signal.SIGABRT)
    check_restored(screen)


def test_stopping_and_going_on_keeps_the_draft(home, serving, chat):
    serving()
    screen = chat()
    screen.send("half a thought")
    screen.wait_for("half a thought")
    screen.wait_quiet()
    os.kill(screen.pid, signal.SIGTSTP)
    time.sleep(0.2)
    os.kill(screen.pid, signal.SIGCONT)
    screen.send(" and more")
    screen.wait_for("half a thought and more")


# Rest.


def test_an_idle_screen_makes_no_system_call(home, serving, chat, tmp_path):
    if not shutil.which("strace") or FLAVOUR == "tsan":
        pytest.skip("strace is not installed, or the sanitizer's own thread would be seen")
    serving(fake.answer(("the answer",)))
    screen = chat()
    ask(screen, "go")
    screen.wait_for("the answer")
    home.wait_db(lambda h: h.attempt() == "completed")
    time.sleep(3)
    trace = tmp_path / "trace"
    tracer = subprocess.Popen(["strace", "-f", "-p", str(screen.pid), "-o", str(trace)],
                              stderr=subprocess.PIPE)
    try:
        assert b"attached" in tracer.stderr.readline()
    except AssertionError:
        tracer.kill()
        tracer.wait()
        pytest.skip("strace may not attach here")
    time.sleep(0.5)
    size = trace.stat().st_size  # calls that were waiting are listed when it attaches
    time.sleep(3)
    calls = trace.read_text()[size:]
    tracer.send_signal(signal.SIGINT)
    tracer.wait(5)
    tracer.stderr.close()
    assert not calls.strip(), calls[:2000]
    screen.send("still awake")
    screen.wait_for("still awake")


def test_an_idle_screen_uses_no_cpu_and_writes_nothing(home, serving, chat):
    serving(fake.answer(("the answer",)))
    screen = chat()
    ask(screen, "go")
    screen.wait_for("the answer")
    time.sleep(1)
    size, used = len(screen.output()), cpu_seconds(screen.pid)
    time.sleep(1)
    assert len(screen.output()) == size
    # A sanitizer may have a thread of its own.
    assert cpu_seconds(screen.pid) - used < 0.02 + 0.05 * (SLOWER - 1)


def test_a_streamed_line_costs_few_bytes_of_output(home, serving, chat, figures):
    server = serving(fake.answer(tuple(f"word{i} of a line\n\n" for i in range(200)), pause=0.005))
    screen = chat(rows=40, columns=120)
    ask(screen, "go")
    screen.wait_for("word3 ")
    before = len(screen.output())
    screen.wait_for("word199")
    spent = (len(screen.output()) - before) / 196
    figures("bytes of output for a streamed line", round(spent))
    assert spent < 300
    raw = screen.output()[before:]
    assert b"\x1b[2J" not in raw, "the screen is not cleared while text streams"
    server.turns()[0].finished.wait(5)


def test_a_burst_of_deltas_reaches_the_screen_whole(home, serving, chat):
    serving(fake.answer(tuple(f"{i} " for i in range(20_000)) + ("the end",)))
    screen = chat()
    ask(screen, "go")
    screen.wait_for("the end", 20 * SLOWER)
    home.wait_db(lambda h: h.attempt() == "completed")
    assert home.answer()["text"] == "".join(f"{i} " for i in range(20_000)) + "the end"
    wait_until(lambda: "19999 the end" in screen.words())
