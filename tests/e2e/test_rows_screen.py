"""Faults that the screen has to stand: markdown bombs, storms of sizes, its own crash."""

import os
import random
import signal
import time

import fake_server as fake
import pytest
from chatting import ask, check_restored
from test_golden import dump
from weirtest import SLOWER

REPAINT = "\x0c"
BOMBS = ["[", "> ", "*a_", "|a|b\n|-|-\n", "![a](", "- ", "`", "<a"]


@pytest.mark.alone
def test_t29_markdown_bombs_hold_up_no_key(serving, chat, figures):
    bombs = [bomb * (100_000 // len(bomb)) for bomb in BOMBS]
    serving(*(fake.answer((bomb, "\n\nthe end")) for bomb in bombs))
    screen = chat(rows=50, columns=120)
    worst = 0.0
    for number in range(len(bombs)):
        screen.send("go\r")
        for key in "ABCDEFGHIJ":
            began = time.monotonic()
            screen.send(key)
            screen.wait_for(lambda s, k=key: k in s.lines()[-2], settled=False)
            worst = max(worst, time.monotonic() - began)
        screen.send("\x15")
        screen.wait_for(lambda s: "the end" in s.text() and "ready" in s.lines()[-1])
        screen.send("/new\r")
        screen.wait_for(lambda s: "the end" not in s.text())
    figures("a key beside a bomb, at most, ms", round(worst * 1000, 1))
    assert worst < 0.5 * SLOWER, "50 ms are aimed at, on a machine that does nothing else"


def test_t30_a_storm_of_sizes_ends_in_a_right_frame(home, serving, chat, figures):
    server = serving(fake.answer(tuple(f"piece{i} " for i in range(150)), pause=0.005))
    screen = chat(rows=40, columns=100)
    ask(screen, "go")
    screen.wait_for("piece2 ")
    sizes = random.Random(3)
    for number in range(200):
        rows, columns = sizes.choice([(1, 1), (0, 0), (2, 300), (200, 3), (10, 40), (60, 200)])
        if number % 40 == 0:
            rows, columns = 200, 500
        if rows and columns:
            screen.resize(rows, columns)
        else:
            screen.set_size(0, 0)  # what some terminals say before they know
        time.sleep(0.005)
    screen.resize(30, 90)
    server.turns()[0].finished.wait(10)
    screen.wait_for(lambda s: "piece149" in s.text() and "ready" in s.lines()[-1])
    screen.wait_quiet(0.1)
    frame = dump(screen)
    assert [word for word in frame.split() if word.startswith("piece")][-1] == "piece149"
    written = len(screen.output())
    screen.send(REPAINT)
    screen.wait_for(lambda s: len(s.output()) > written + 100)
    assert dump(screen) == frame, "painting anew changes nothing"
    began = time.monotonic()
    screen.resize(24, 80)
    screen.wait_for(lambda s: "ready" in s.lines()[-1], settled=False)
    late = (screen.last_output - began) * 1000
    figures("frame after a new size, ms", round(late, 1))
    assert late < 500 * SLOWER, "100 ms are aimed at"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE,
                                    signal.SIGILL], ids=lambda n: n.name)
def test_t33_a_crash_leaves_a_usable_terminal_and_the_text(home, serving, chat, number):
    server = serving(fake.endless(0.01))
    screen = chat()
    ask(screen, "count")
    screen.wait_for("word 9 ")
    time.sleep(0.15)
    os.kill(screen.pid, number)
    assert screen.wait_exit(5 * SLOWER) in (-number, 128 + number, 1, 99)
    check_restored(screen)
    assert b"\x1b[?1049l" in screen.output()
    with home.screen("chat") as again:
        again.wait_for("word 9 ")
        again.wait_for("interrupted")
    assert server.turns()
