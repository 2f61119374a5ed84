#!/usr/bin/env python3
"""Does what the README says on a Debian 12 that has nothing but git and make.

In a clean clone: 'make run' on a terminal, which asks, installs, builds and shows the screen; then
'make test'. In a second clone, without a network: both again. Takes root and debootstrap; what is
committed counts. All mounts and processes are in namespaces of their own and go with this script.
The last line is 'N passed, N failed', one for each step. --short leaves out the tests.
"""

import argparse
import fcntl
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MIRROR = os.environ.get("WEIR_MIRROR", "http://deb.debian.org/debian")
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
       "TERM": "xterm-256color", "LANG": "C.UTF-8"}
INSTALL_SECONDS = 900
TEST_SECONDS = 1800


def loopback_up():
    """A new network namespace starts with its loopback down."""
    siocsifflags, up_and_running = 0x8914, 0x41
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, siocsifflags, struct.pack("16sh14x", b"lo", up_and_running))


def sh(*command, **options):
    subprocess.run([str(c) for c in command], check=True, **options)


def make_system(folder):
    """Lays out a fresh system, from a copy kept since the first time."""
    root, kept = folder / "root", folder / "bookworm.tar"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    if not kept.exists():
        sh("debootstrap", "--variant=minbase", "--include=git,make", "bookworm", root, MIRROR,
           stdout=subprocess.DEVNULL)
        sh("tar", "-C", root, "--one-file-system", "-cf", f"{kept}.new", ".")
        os.rename(f"{kept}.new", kept)
    else:
        sh("tar", "-C", root, "-xpf", kept)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)
    sh("mount", "-t", "proc", "proc", root / "proc")
    sh("mount", "--rbind", "/dev", root / "dev")
    sh("mount", "--rbind", "/sys", root / "sys")
    return root


def clone(root, name):
    sh("git", "clone", "-q", "--no-hardlinks", f"file://{ROOT}", root / "root" / name)


def inside(root, name, *command, offline=False):
    whole = ["chroot", str(root), "/usr/bin/env", "-C", f"/root/{name}", *command]
    if offline:
        whole = ["unshare", "--net", sys.executable, __file__, "--loopback", *whole]
    return whole


class Terminal:
    """A command on a pseudo-terminal; `output` holds all that it wrote."""

    def __init__(self, command):
        self.pid, self.fd = os.forkpty()
        if self.pid == 0:
            try:
                size = struct.pack("HHHH", 24, 80, 0, 0)
                fcntl.ioctl(0, termios.TIOCSWINSZ, size)
                os.execvpe(command[0], command, ENV)
            finally:
                os._exit(127)
        self.output = b""
        self.open = True

    def read(self, seconds):
        """Whether anything came within the time."""
        if not self.open or not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self.fd, 65536)
        except OSError:
            piece = b""
        self.open = bool(piece)
        self.output += piece
        return self.open

    def wait_for(self, pattern, seconds):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.output):
            if time.monotonic() > end or not (self.read(0.5) or self.open):
                return False
        return True


def screens():
    """Ids of the weir processes of this namespace."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "exe").endswith("/build/release/weir"):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def check_screen(root, name, asks, offline=False):
    """'make run' shows a screen with text on it, and leaves the terminal as it was when told to end."""
    terminal = Terminal(inside(root, name, "make", "run", offline=offline))
    if asks:
        if not terminal.wait_for(rb"go on\? \[Y/n\]", 60):
            return "did not ask before it installed", terminal.output
        os.write(terminal.fd, b"y\n")
    shown = terminal.wait_for(rb"\x1b\[\?1049h", INSTALL_SECONDS)
    while shown and terminal.read(1):
        pass
    frame = terminal.output.rpartition(b"\x1b[?1049h")[2]
    text = re.sub(rb"\x1b(\[[0-9;?>=<]*[a-zA-Z]|[()][A-Z0-9]|[=>78])", b"", frame)
    for pid in screens():
        os.kill(pid, signal.SIGTERM)
    terminal.wait_for(rb"\x1b\[\?1049l", 10)
    while terminal.read(3):
        pass
    if terminal.open:
        os.kill(terminal.pid, signal.SIGKILL)
    os.waitpid(terminal.pid, 0)
    if not shown or not re.search(rb"\w\w\w", text):
        return "no screen came", terminal.output
    if b"\x1b[?1049l" not in terminal.output:
        return "the terminal was not restored after SIGTERM", terminal.output
    return None, b""


def check_test(root, name, offline=False):
    command = inside(root, name, "make", "test", offline=offline)
    done = subprocess.run(command, env=dict(ENV, CI="true"), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TEST_SECONDS)
    if done.returncode:
        return f"make test: exit code {done.returncode}", done.stdout
    last = done.stdout.decode(errors="replace").rstrip().rpartition("\n")[2]
    print(f"    {last}")
    if not re.fullmatch(r"[1-9]\d* passed, 0 failed", last):
        return "make test did not end in its sum", done.stdout
    return None, b""


def run_steps(root, short):
    clone(root, "first")
    yield "make run installs, builds and shows the screen", lambda: check_screen(root, "first", True)
    if not short:
        yield "make test", lambda: check_test(root, "first")
    clone(root, "second")
    yield ("make run in a second clone, offline",
           lambda: check_screen(root, "second", False, offline=True))
    if not short:
        yield ("make test in a second clone, offline",
               lambda: check_test(root, "second", offline=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the system is laid out")
    parser.add_argument("--short", action="store_true", help="without the tests")
    options = parser.parse_args()
    if os.geteuid() or not shutil.which("debootstrap"):
        sys.exit("check-bare takes root and debootstrap")
    if not os.environ.get("WEIR_BARE_INSIDE"):
        os.environ["WEIR_BARE_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child",
                              "--mount-proc", sys.executable] + sys.argv)
    began = time.monotonic()
    root = make_system(options.folder.resolve())
    print(f"a bare system after {time.monotonic() - began:.0f} s", flush=True)
    passed = failed = 0
    for name, step in run_steps(root, options.short):
        began = time.monotonic()
        problem, output = step()
        took = f"{time.monotonic() - began:.0f} s"
        if problem:
            failed += 1
            print(f"--- {name}: {problem} ({took})\n{output.decode(errors='replace')}", flush=True)
        else:
            passed += 1
            print(f"{name}: passed ({took})", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--loopback"]:
        loopback_up()
        os.execvp(sys.argv[2], sys.argv[2:])
    sys.exit(main())
