"""What the tests share: a home of its own for every test, runs of the program, its database."""

import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
import terminal

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WEIR = os.environ.get("WEIR_BIN") or str(ROOT / "build/release/weir")
FLAVOUR = os.environ.get("WEIR_FLAVOUR", "release")
# Sanitizers slow the program down; limits that are about speed are widened by this.
SLOWER = {"asan": 4, "tsan": 8}.get(FLAVOUR, 1)
KEY = "sk-canary-7b1f4d0e9a2c"
NO_PORTS = "0,0,0"  # looks for no local server


class Result:
    """How a run ended."""

    def __init__(self, code, out, err, seconds):
        self.code = code
        self.stdout, self.stderr = out, err
        self.seconds = seconds

    @property
    def out(self):
        return self.stdout.decode("utf-8")

    @property
    def err(self):
        return self.stderr.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def events(self):
        """The lines of stream-json."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def __repr__(self):
        return f"exit {self.code} after {self.seconds:.2f} s\nstdout: {self.stdout[-2000:]!r}\n" \
               f"stderr: {self.stderr[-2000:]!r}"


class Running:
    """A run that goes on: what it wrote so far, with times."""

    def __init__(self, home, arguments, stdin=subprocess.DEVNULL, read=True, **env):
        self.out = bytearray()
        self.err = bytearray()
        self.changed = threading.Condition()
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*home.program, *map(str, arguments)], stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=home.env | env, cwd=home.work,
            # A job of its own, as a shell makes them: an orphaned one could not be stopped.
            process_group=0)
        self.readers = []
        if read:
            self.read(self.process.stdout, self.out)
        self.read(self.process.stderr, self.err)

    @property
    def pid(self):
        return self.process.pid

    def read(self, stream, into):
        thread = threading.Thread(target=self.pump, args=(stream, into), daemon=True)
        thread.start()
        self.readers.append(thread)

    def pump(self, stream, into):
        # Closed under a reader that is late: nobody asks any more.
        with contextlib.suppress(ValueError, OSError):
            while piece := os.read(stream.fileno(), 65536):
                with self.changed:
                    into += piece
                    self.changed.notify_all()

    def wait_out(self, text, timeout=10.0):
        end = time.monotonic() + timeout
        with self.changed:
            while text.encode() not in self.out:
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{text!r} was not printed: {bytes(self.out)!r} "
                                         f"{bytes(self.err)!r}")
                self.changed.wait(left)

    def signal(self, number=signal.SIGTERM):
        """Gives the moment before the signal was sent."""
        now = time.monotonic()
        self.process.send_signal(number)
        return now

    def wait(self, timeout=10.0):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {timeout} s: {bytes(self.err)!r}") from None
        seconds = time.monotonic() - self.began
        for reader in self.readers:
            reader.join(5)
        return Result(code, bytes(self.out), bytes(self.err), seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr, self.process.stdin):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


class Home:
    """Folders, environment and config of one test. Nothing of the caller's own is seen."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.work = self.root / "work"
        self.program = [WEIR]
        folders = {"HOME": "home", "XDG_CONFIG_HOME": "home/config", "XDG_DATA_HOME": "home/data",
                   "XDG_STATE_HOME": "home/state", "XDG_CACHE_HOME": "home/cache",
                   "XDG_RUNTIME_DIR": "home/run", "TMPDIR": "tmp"}
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8",
                    "TERM": "xterm-256color", "WEIR_LOCAL_PORTS": NO_PORTS}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        for name, folder in folders.items():
            (self.root / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
            self.env[name] = str(self.root / folder)
        self.work.mkdir(exist_ok=True)
        self.config_file = self.root / "home/config/weir/config.toml"
        self.db = self.root / "home/data/weir/weir.db"

    def configure(self, text):
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(text, encoding="utf-8")
        self.config_file.chmod(0o600)
        return self

    # wide: each is one line of the config
    def use(self, server, model="fake-model", top="", more="", url=None, kind="openai"):
        """A provider `fake` at the server. `more` goes into its table, `top` before it."""
        quoted = json.dumps(f"fake/{model}", ensure_ascii=False).replace("\x7f", "\\u007f")
        return self.configure(f"model = {quoted}\n{top}\n[provider.fake]\ntype = \"{kind}\"\n"
                              f"base_url = \"{url or server.url}\"\n{more}\n")

    def weir(self, *arguments, stdin=b"", timeout=20.0, **env):
        """Runs it to its end. stdin: bytes, or None for /dev/null."""
        began = time.monotonic()
        feed = {"stdin": subprocess.DEVNULL} if not stdin else {"input": stdin}
        try:
            done = subprocess.run([*self.program, *map(str, arguments)], capture_output=True,
                                  timeout=timeout * SLOWER, env=self.env | env, cwd=self.work,
                                  check=False, **feed)
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"ran longer than {late.timeout} s: {late.stdout!r} "
                                 f"{late.stderr!r}") from None
        return Result(done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    def run(self, *arguments, **options):
        return self.weir("run", *arguments, **options)

    def start(self, *arguments, **options):
        return Running(self, arguments, **options)

    def screen(self, *arguments, rows=24, columns=80, **env):
        return terminal.Screen([*self.program, *arguments], self.env | env, rows, columns)

    def tolerate(self, **options):
        """Options for the sanitizers in a test that ends with something that they complain of."""
        for name, option in options.items():
            self.env[name] = ":".join(filter(None, [self.env.get(name), option]))

    def contents(self):
        """(path, bytes) of every file below the root but the config."""
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and not path.is_symlink() and path != self.config_file:
                yield path, path.read_bytes()

    # The database, read as another program would.

    def connect(self):
        connection = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=5)
        connection.row_factory = sqlite3.Row
        return contextlib.closing(connection)

    def rows(self, query, *values):
        with self.connect() as connection:
            return [dict(row) for row in connection.execute(query, values)]

    def messages(self):
        """All messages in order of their making: role, reason, text, reasoning, parts, session."""
        with self.connect() as connection:
            return read_messages(connection)

    def prompts(self):
        return [m["text"] for m in self.messages() if m["role"] == "user"]

    def answers(self):
        return [m for m in self.messages() if m["role"] == "assistant"]

    def answer(self):
        found = self.answers()
        assert found, "no answer is stored"
        return found[-1]

    def attempt(self):
        """State of the last attempt."""
        return self.rows("SELECT state FROM attempt ORDER BY id DESC LIMIT 1")[0]["state"]

    def turn(self):
        return self.rows("SELECT state FROM turn ORDER BY id DESC LIMIT 1")[0]["state"]

    def wait_db(self, predicate, timeout=5.0):
        """Until predicate(home) holds. For what is written after the screen has shown it."""
        end = time.monotonic() + timeout
        while True:
            with contextlib.suppress(sqlite3.Error, IndexError, AssertionError):
                if predicate(self):
                    return
            if time.monotonic() > end:
                state = self.messages() if self.db.exists() else "no database"
                raise AssertionError(f"the database did not come to hold it: {state}")
            time.sleep(0.01)

    def check_integrity(self):
        assert self.rows("PRAGMA integrity_check")[0]["integrity_check"] == "ok"


def join_text(base, chunks):
    """A part's text: what was folded, and the pieces beyond it, which have to fit without gap."""
    data = base.encode()
    for offset, text in chunks:
        piece = text.encode()
        assert offset <= len(data), f"a gap before byte {offset}"
        known = data[offset:offset + len(piece)]
        assert piece.startswith(known), f"pieces disagree at byte {offset}"
        data += piece[len(known):]
    return data.decode("utf-8")


def read_messages(connection):
    connection.row_factory = sqlite3.Row
    chunks = {}
    rows = "SELECT id, message, part, byte_offset, text FROM "
    long = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'segment'").fetchone()
    pieces = f"{rows} segment UNION ALL {rows} chunk" if long else f"{rows} chunk"
    for row in connection.execute(f"SELECT * FROM ({pieces}) ORDER BY byte_offset, id"):
        chunks.setdefault((row["message"], row["part"]), []).append((row["byte_offset"],
                                                                    row["text"]))
    parts = {}
    for row in connection.execute("SELECT * FROM part ORDER BY message, position"):
        mine = chunks.pop((row["message"], row["position"]), [])
        text = join_text(row["text"], mine)
        parts.setdefault(row["message"], []).append(dict(row) | {"text": text})
    found = []
    query = "SELECT m.*, s.uid AS session FROM message m JOIN branch b ON b.id = m.branch " \
            "JOIN session s ON s.id = b.session ORDER BY m.id"
    for row in connection.execute(query):
        mine = parts.get(row["id"], [])
        message = dict(row) | {"parts": [(p["kind"], p["text"]) for p in mine]}
        for kind in ("text", "reasoning"):
            message[kind] = "".join(text for k, text in message["parts"] if k == kind)
        found.append(message)
    return found


@contextlib.contextmanager
def locked(path):
    """Another program holds the lock for writing."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def certificate(folder, before=()):
    """Paths of a certificate for 127.0.0.1 that nobody signed, and of its key."""
    done = subprocess.run(
        [*before, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("openssl cannot make a certificate")
    return folder / "cert.pem", folder / "key.pem"


def command_line(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()


def sockets_in_state(pid, state):
    """How many TCP sockets of the process are in a state of /proc/net/tcp (02: connecting)."""
    inodes = set()
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    count = 0
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        count += fields[3] == state and fields[9] in inodes
    return count


# What a process has used at most counts from its fork on, so a big one has to fork a small one first.
PEAK = """import os, resource, sys
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)"""


def peak_kb(command, env):
    """The most memory that was resident while the command ran and gave 0."""
    done = subprocess.run([sys.executable, "-S", "-c", PEAK, *command], env=env, check=True,
                          stdout=subprocess.PIPE)
    return int(done.stdout)


def wait_until(predicate, timeout=5.0, pause=0.002):
    """Polls; gives the moment at which it held."""
    end = time.monotonic() + timeout
    while not predicate():
        if time.monotonic() > end:
            raise AssertionError(f"did not come to hold within {timeout} s")
        time.sleep(pause)
    return time.monotonic()
