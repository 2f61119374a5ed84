"""The cursor stands where the terminal thinks that the text before it ends: in pyte's screen, and in
tmux, which counts columns in its own way."""

import wcwidth
import widths
from chatting import prompt_of

# pyte knows no vowels and finals of Hangul that join the letter before them.
JAMO = "\u1161\u11a8"
LEFT, ALL_AWAY = "\x02", "\x15"


def under_cursor(screen):
    row, column = screen.cursor()
    return screen.grid.buffer[row][column].data


def test_the_cursor_stands_on_the_mark_behind_every_text(serving, chat):
    serving()
    screen = chat(columns=100)
    for text in widths.SHORT + widths.LONG:
        if wcwidth.wcwidth(JAMO[0]) and set(JAMO) & set(text):
            continue
        screen.send(text + "|" + LEFT)
        screen.wait_for(lambda s: under_cursor(s) == "|", settled=False)
        screen.send("\x05" + ALL_AWAY + ALL_AWAY + ALL_AWAY)
        screen.wait_for(lambda s: prompt_of(s) == "", settled=False)


def test_the_cursor_stands_on_the_mark_behind_every_text_in_tmux(serving, tmux):
    serving()
    pane = tmux("chat")
    for number, text in enumerate(widths.SHORT + widths.LONG):
        mark = "|" if number % 2 else "!"
        pane.send(("\x05" + ALL_AWAY * 3 if number else "") + text + mark + LEFT)
        pane.wait(lambda: pane.under_cursor() == mark, f"{text!r}: {pane.under_cursor()!r}")
