"""A program on a pseudo-terminal of its own, and the surroundings that benchmarks start it in."""

import fcntl
import os
import pathlib
import select
import signal
import struct
import termios
import time

ROWS, COLUMNS = 40, 120
FRAME_SECONDS = 5.0


class BenchError(Exception):
    """Something could not be measured; the text says what."""


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


class Screen:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, command, env, rows=ROWS, columns=COLUMNS):
        clock, clock_end = os.pipe()  # both ends close at exec
        self.pid, self.fd = os.forkpty()
        if self.pid == 0:
            try:
                size = struct.pack("HHHH", rows, columns, 0, 0)
                fcntl.ioctl(0, termios.TIOCSWINSZ, size)
                os.write(clock_end, struct.pack("d", time.perf_counter()))
                os.execve(command[0], command, env)
            finally:
                os._exit(127)
        self.began = struct.unpack("d", os.read(clock, 8))[0]
        os.close(clock)
        os.close(clock_end)
        self.output = bytearray()
        self.arrivals = []  # (moment, length of the output then)

    def read(self, seconds):
        """Adds what comes within the time to the output; False when the program closed its end."""
        if not select.select([self.fd], [], [], max(seconds, 0))[0]:
            return True
        try:
            piece = os.read(self.fd, 65536)
        except OSError:
            return False
        self.output += piece
        self.arrivals.append((time.perf_counter(), len(self.output)))
        return bool(piece)

    def wait_for(self, text, since=None, start=0, seconds=FRAME_SECONDS):
        """Milliseconds from the program's start, or the moment given, until the output holds the
        text, which is looked for behind `start`."""
        since = since or self.began
        end = time.perf_counter() + seconds
        seen = start
        while self.output.find(text, seen) < 0:
            seen = max(start, len(self.output) - len(text))
            if time.perf_counter() > end or not self.read(end - time.perf_counter()):
                raise BenchError(f"{text!r} did not come to the screen: {self.output[-300:]!r}")
        return (time.perf_counter() - since) * 1000

    def settle(self, seconds):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and self.read(end - time.perf_counter()):
            pass

    def send(self, data):
        """Writes all of it, reading meanwhile, so that neither side waits for the other."""
        os.set_blocking(self.fd, False)
        view = memoryview(data)
        while view:
            readable, writable, _ = select.select([self.fd], [self.fd], [], FRAME_SECONDS)
            if readable:
                self.read(0)
            if writable:
                view = view[os.write(self.fd, view):]
            if not readable and not writable:
                raise BenchError("the program does not read")

    def resident_mb(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def cpu_ms(self):
        """CPU time so far, without that of children."""
        tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6

    def close(self):
        """Ends the program as a person's 'kill' would, and by force when that takes too long.
        Gives its CPU time in ms, that of its children included."""
        os.kill(self.pid, signal.SIGTERM)
        end = time.perf_counter() + 2
        pid, _, usage = os.wait4(self.pid, os.WNOHANG)
        while not pid:
            if time.perf_counter() > end:
                os.kill(self.pid, signal.SIGKILL)
            self.read(0.001)
            pid, _, usage = os.wait4(self.pid, os.WNOHANG)
        os.close(self.fd)
        return (usage.ru_utime + usage.ru_stime) * 1000


def environment(home):
    foreign = ("WEIR_", "XDG_", "LC_", "SSL_", "CURL_")
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(foreign) and not k.lower().endswith("_proxy")}
    env.update(HOME=home, TERM="xterm-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8",
               WEIR_LOCAL_PORTS="0,0,0")
    for kind in ("DATA", "CONFIG", "STATE", "CACHE"):
        env[f"XDG_{kind}_HOME"] = os.path.join(home, kind.lower())
    env["XDG_RUNTIME_DIR"] = os.path.join(home, "run")
    os.makedirs(env["XDG_RUNTIME_DIR"], mode=0o700, exist_ok=True)
    return env
