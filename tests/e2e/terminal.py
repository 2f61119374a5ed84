"""A program on a pseudo-terminal: its screen as a grid of cells, and every byte that it wrote.

The screen is pyte's, with the few sequences added that ncurses uses and pyte does not know. All
waits are for a condition and have an end; a failed one shows the screen.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import unicodedata

import pyte
import wcwidth

CSI = rb"\x1b\[[0-?]*[ -/]*[@-~]"
OSC = rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
STRING = rb"\x1b[PX^_][^\x1b]*\x1b\\"
SHORT = rb"\x1b[ -/]*[0-~]"
TOKEN = re.compile(b"(?:%s)|(?:%s)|(?:%s)|(?:%s)|[^\x1b]+" % (CSI, OSC, STRING, SHORT))
PARTIAL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)?\Z")

# What the program may send. Everything that acts on more than the cells of its own screen is not
# in here: reports, clipboard, blink, conceal, scrollback, other modes.
COLOURS = r"(?:[34]8;5;\d{1,3}|[34][0-79]|9[0-7]|10[0-7])"
ATTRIBUTES = r"(?:0?|1|2|3|4|7|22|23|24|27)"
ALLOWED_CSI = [
    rf"(?:(?:{ATTRIBUTES}|{COLOURS})(?:;|(?=m)))*m",
    r"\d*[ABCDGPXLM@STZbd]", r"\d*(?:;\d+)?[Hf]", r"[0-2]?[JK]", r"(?:\d+;\d+)?r", r"4[hl]",
    r"\?(?:1049|25|12|12;25|7|1|2004|1004|2026|1007|1000|1006|1000;1006|1006;1000|1002|2048)[hl]",
    r"22;0;0t", r"23;0;0t",  # the title, pushed and popped with the alternate screen
    r"22;2t", r"23;2t", r"\?2026\$p",
    r">\d+u", r"<\d*u", r"=\d+;?\d*u", r">4;[0-2]m", r">4m",  # keyboard protocols
]
ALLOWED = re.compile("|".join(rf"\x1b\[{form}" for form in ALLOWED_CSI) +
                     r"|\x1b[78=>M]|\x1b[()][B0]")
# What is told the terminal about itself: the title, a notification, the question for its background.
# And that cells are a link, to an address that cannot say anything else.
LINK = r"8;(?:id=[0-9a-f]{8};(?i:https?://|mailto:)[!-~]{1,2080}|;)"
ALLOWED_OSC = re.compile(
    rf"\x1b\](?:2;([^\x1b]*)|9;weir: ([a-z ]*)|777;notify;weir;([a-z ]*)|11;\?|{LINK})\x1b\\")
ALLOWED_CONTROLS = "\n\r\b\t\x0e\x0f"
FORBIDDEN_TEXT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\U000e0000-\U000e01ef]")


SETTLE_S, SETTLE_MOST_S = 0.03, 0.2


def foreign_bytes(raw):
    """What in the output is neither text nor one of the program's own sequences, as a list."""
    found = []
    position = 0
    while position < len(raw):
        match = TOKEN.match(raw, position)
        if not match:
            found.append(f"unfinished {raw[position:position + 20]!r}")
            break
        token = match.group().decode("utf-8", "surrogateescape")
        position = match.end()
        told = ALLOWED_OSC.fullmatch(token)
        if told:
            token = told.group(1) or ""
        if token.startswith("\x1b"):
            if not ALLOWED.fullmatch(token):
                found.append(f"sequence {token!r}")
            continue
        for char in token:
            if char in ALLOWED_CONTROLS:
                continue
            if FORBIDDEN_TEXT.match(char) or "\udc80" <= char <= "\udcff":
                found.append(f"character U+{ord(char):04X}")
    return found


class Grid(pyte.Screen):
    """pyte's screen, and what ncurses asks of an xterm."""

    last = " "

    def draw(self, data):
        data = "".join(c for c in data if wcwidth.wcwidth(c) > 0 or unicodedata.combining(c))
        if data:
            self.last = data[-1]
            super().draw(data)

    def repeat(self, count=1):
        self.draw(self.last * max(count, 1))

    def scroll(self, count, at_top):
        keep = self.cursor.x, self.cursor.y
        margins = self.margins or pyte.screens.Margins(0, self.lines - 1)
        self.cursor.y = margins.top if at_top else margins.bottom
        for _ in range(max(count, 1)):
            if at_top:
                self.reverse_index()
            else:
                self.index()
        self.cursor.x, self.cursor.y = keep

    def scroll_up(self, count=1):
        self.scroll(count, False)

    def scroll_down(self, count=1):
        self.scroll(count, True)

    def back_tab(self, count=1):
        for _ in range(max(count, 1)):
            self.cursor.x = max((stop for stop in self.tabstops if stop < self.cursor.x), default=0)


class GridStream(pyte.ByteStream):
    csi = dict(pyte.ByteStream.csi, b="repeat", S="scroll_up", T="scroll_down", Z="back_tab")
    events = frozenset(list(pyte.ByteStream.events) +
                       ["repeat", "scroll_up", "scroll_down", "back_tab"])


def local_modes(fd):
    """Everything that stty shows, as something that can be compared."""
    modes = termios.tcgetattr(fd)
    modes[3] &= ~getattr(termios, "PENDIN", 0)
    return modes


class Screen:
    """Starts a program on a terminal of its own. Close it (or use it in a with statement)."""

    def __init__(self, argv, env, rows=24, columns=80):
        self.rows, self.columns = rows, columns
        self.master, self.slave = pty.openpty()
        self.set_size(rows, columns)
        self.modes_before = local_modes(self.slave)
        self.grid = Grid(columns, rows)
        self.stream = GridStream(self.grid)
        self.raw = bytearray()
        self.pending = b""
        self.changed = threading.Condition()
        self.last_output = time.monotonic()
        self.wake_r, self.wake_w = os.pipe()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [str(a) for a in argv], stdin=self.slave, stdout=self.slave, stderr=self.slave,
            env=env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self.process.pid

    def set_size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        with self.changed:
            self.rows, self.columns = rows, columns
            self.grid.resize(rows, columns)
        self.set_size(rows, columns)

    def read(self):
        while True:
            ready, _, _ = select.select([self.master, self.wake_r], [], [])
            if self.wake_r in ready:
                return
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            with self.changed:
                self.raw += data
                self.last_output = time.monotonic()
                self.feed(data)
                self.changed.notify_all()

    def feed(self, data):
        """Gives pyte whole sequences only, and none of the kinds that it would misread."""
        data = self.pending + data
        partial = PARTIAL.search(data)
        cut = partial.start() if partial else len(data)
        data, self.pending = data[:cut], data[cut:]
        for match in TOKEN.finditer(data):
            token = match.group()
            private = re.match(rb"\x1b\[[<=>]", token) or re.match(rb"\x1b[\]PX^_]", token)
            if not private and not token.endswith((b"t", b"$p")) or not token.startswith(b"\x1b"):
                self.stream.feed(token)

    def output(self):
        with self.changed:
            return bytes(self.raw)

    def lines(self):
        with self.changed:
            return [line.rstrip() for line in self.grid.display]

    def text(self):
        return "\n".join(self.lines())

    def words(self):
        """The text with every run of white space as one blank: does not depend on wrapping."""
        return " ".join(self.text().split())

    def cursor(self):
        """(row, column)"""
        with self.changed:
            return self.grid.cursor.y, self.grid.cursor.x

    def cell_of(self, char):
        """(row, column) of the first cell that shows the character."""
        with self.changed:
            for row in range(self.grid.lines):
                for column in range(self.grid.columns):
                    if self.grid.buffer[row][column].data == char:
                        return row, column
        raise AssertionError(f"no cell shows {char!r}\n{self.text()}")

    def holds(self, what):
        if callable(what):
            return what(self)
        if isinstance(what, re.Pattern):
            return what.search(self.text())
        return what in self.text()

    def settle(self):
        """Until the frame under way is whole, which nothing on a terminal tells: a short silence
        does. What writes all the time is let go."""
        end = time.monotonic() + SETTLE_MOST_S
        while True:
            now = time.monotonic()
            left = min(self.last_output + SETTLE_S, end) - now
            if left <= 0:
                return
            self.changed.wait(left)

    def wait_for(self, what, timeout=10.0, settled=True):
        """Text, a compiled pattern, or a predicate of the screen. Gives what the predicate gave.

        The rest of the screen belongs to the same frame, unless `settled` is taken back by who
        measures time."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                result = self.holds(what)
                if result and settled:
                    self.settle()
                    result = self.holds(what)
                if result:
                    return result
                left = end - time.monotonic()
                if left <= 0:
                    break
                self.changed.wait(min(left, 0.25))
        name = what if not callable(what) else getattr(what, "__doc__", None) or "the predicate"
        raise AssertionError(f"waited {timeout} s for {name!r}\n{self.dump()}")

    def wait_quiet(self, seconds=0.15, timeout=10.0):
        """Until nothing was written for that long, from now on: the last of it may not be read yet."""
        began = time.monotonic()
        end = began + timeout
        while time.monotonic() - max(self.last_output, began) < seconds:
            if time.monotonic() > end:
                raise AssertionError(f"the screen does not come to rest\n{self.dump()}")
            time.sleep(0.01)

    def dump(self):
        frame = "\n".join(f"|{line:{self.columns}}|" for line in self.lines())
        code = self.process.poll()
        state = "runs" if code is None else f"ended with {code}"
        return f"--- {self.rows}x{self.columns}, {state}\n{frame}\n--- last bytes: " \
               f"{self.output()[-300:]!r}"

    def send(self, keys):
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            data = data[os.write(self.master, data):]

    def paste(self, text):
        self.send("\x1b[200~" + text + "\x1b[201~")

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait_exit(self, timeout=5.0):
        """The exit code; negative for a signal. What was written before it has been read."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end within {timeout} s\n{self.dump()}") from None
        self.wait_quiet(SETTLE_S)
        return code

    def hang_up(self):
        """Takes the terminal away, as a closed window does."""
        self.stop_reading()
        os.close(self.slave)
        self.slave = -1
        os.close(self.master)
        self.master = -1

    def stop_reading(self):
        if self.reader:
            os.write(self.wake_w, b"x")
            self.reader.join(5)
            self.reader = None

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.stop_reading()
        for fd in (self.master, self.slave, self.wake_r, self.wake_w):
            if fd >= 0:
                os.close(fd)
        self.master = self.slave = self.wake_r = self.wake_w = -1
