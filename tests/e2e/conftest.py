"""Fixtures. Every test has a home of its own; servers and processes end with the test."""

import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import fake_server  # noqa: E402
from tmux import tmux  # noqa: E402, F401  (a fixture)
import weirtest  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def program():
    if not os.access(weirtest.WEIR, os.X_OK):
        pytest.exit(f"{weirtest.WEIR} is not built", returncode=3)


@pytest.fixture
def home(tmp_path):
    return weirtest.Home(tmp_path)


@pytest.fixture
def server():
    with fake_server.Server() as running:
        yield running


@pytest.fixture
def serving(home, server):
    """Configures the home for a server with the scripts given; gives the server."""
    def make(*scripts, **options):
        server.then(*scripts)
        home.use(server, **options)
        return server
    return make


@pytest.fixture
def chat(home):
    """Opens the screen, with the model of `serving`, and waits for its first frame."""
    opened = []

    def start(*arguments, **options):
        screen = home.screen("chat", *arguments, **options)
        opened.append(screen)
        screen.wait_for("fake/")
        return screen

    yield start
    for screen in opened:
        screen.close()


@pytest.fixture
def at_work(home, monkeypatch):
    """Programs are started in the home's folder of work."""
    monkeypatch.chdir(home.work)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a given size, where it may be mounted."""
    mounted = []

    def mount(path, size):
        path.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none",
                               str(path)], capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip("mounting is not permitted here")
        mounted.append(path)
        return path

    yield mount
    for path in mounted:
        subprocess.run(["mount", "-o", "remount,rw", str(path)], capture_output=True, check=False)
        subprocess.run(["umount", str(path)], capture_output=True, check=False)


@pytest.fixture
def figures(record_property):
    """Prints a measured figure and puts it into the report."""
    def note(name, value):
        record_property(name, value)
        print(f"{name}: {value}")
    return note
