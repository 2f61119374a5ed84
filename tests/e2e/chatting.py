"""What tests of the screen share: what is typed, what has to be seen then, how it is left."""

import base64
import re

import terminal

ENTER = "\r"


def press(screen, keys, shown):
    """Keys, and what they have to show."""
    screen.send(keys)
    return screen.wait_for(shown)


def ready(screen):
    return "ready" in screen.lines()[-1]


def said(text):
    """The whole answer is there, and no other is on its way."""
    return lambda screen: text in screen.text() and ready(screen)


def ask(screen, text):
    screen.send(text)
    screen.wait_for(text[-20:])
    screen.send(ENTER)


def prompt_of(screen):
    """What stands in the editor, joined; None: there is no editor."""
    lines = screen.lines()
    rules = [i for i, line in enumerate(lines) if line.startswith("──")]
    return "\n".join(line[2:] for line in lines[rules[-1] + 1:-1]) if rules else None


def copied(screen):
    """The latest text that went to the clipboard."""
    found = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", screen.output())
    return base64.b64decode(found[-1]).decode() if found else None


def check_restored(screen):
    """The terminal is as it was: its line modes, and every mode that was switched on is off."""
    screen.wait_quiet(0.1)
    assert terminal.local_modes(screen.slave) == screen.modes_before
    raw = screen.output()
    for number in (b"1049", b"2004", b"1004", b"1000", b"1002", b"1003", b"1006", b"2026", b"1"):
        switched = re.findall(rb"\x1b\[\?(?:\d+;)*%s(?:;\d+)*([hl])" % number, raw)
        assert not switched or switched[-1] == b"l", f"mode {number.decode()} is still on"
    cursor = re.findall(rb"\x1b\[\?(?:\d+;)*25([hl])", raw)
    assert not cursor or cursor[-1] == b"h", "the cursor is still hidden"
    pushed = len(re.findall(rb"\x1b\[>\d+u", raw)) - len(re.findall(rb"\x1b\[<\d*u", raw))
    assert pushed == 0, "keyboard flags are still pushed"
    other = re.findall(rb"\x1b\[>4(?:;(\d))?m", raw)
    assert not other or other[-1] in (b"", b"0"), "modifyOtherKeys is still on"
