"""The program in a pane of tmux, which is a terminal of another making than pyte."""

import shutil
import subprocess
import time

import pytest
from weirtest import SLOWER


class Tmux:
    """The program in a pane of a tmux of its own."""

    def __init__(self, home, *arguments, rows=24, columns=100):
        self.command = ["tmux", "-S", str(home.root / "tmux"), "-f", "/dev/null", "-u"]
        self.env = home.env
        self.run("new-session", "-d", "-x", str(columns), "-y", str(rows), "--",
                 *home.program, *arguments)

    def run(self, *words):
        done = subprocess.run([*self.command, *words], env=self.env, capture_output=True,
                              check=False, timeout=20)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.decode("utf-8", "replace")

    def send(self, text):
        self.run("send-keys", "-H", *(f"{byte:02x}" for byte in text.encode()))

    def text(self):
        return self.run("capture-pane", "-p")

    def under_cursor(self):
        return self.run("display-message", "-p", "#{cursor_character}").rstrip("\n")

    def alive(self):
        return subprocess.run([*self.command, "has-session"], env=self.env, check=False,
                              capture_output=True).returncode == 0

    def wait(self, predicate, what, timeout=3.0 * SLOWER):
        end = time.monotonic() + timeout
        while not predicate():
            assert time.monotonic() < end, f"{what}\n{self.text()}"
            time.sleep(0.005)

    def close(self):
        subprocess.run([*self.command, "kill-server"], env=self.env, check=False,
                       capture_output=True)


@pytest.fixture
def tmux(home):
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    opened = []

    def start(*arguments, **options):
        opened.append(Tmux(home, *arguments, **options))
        opened[-1].wait(lambda: "fake/" in opened[-1].text(), "the first frame")
        return opened[-1]

    yield start
    for one in opened:
        one.close()
