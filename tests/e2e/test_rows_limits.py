"""Faults of the program's surroundings: limits, stdin, stdout, keys, modes. Names begin with the row."""

import os
import pathlib
import signal
import subprocess

import fake_server as fake
import pytest
from weirtest import FLAVOUR, KEY, SLOWER

def limited(home, limits):
    """The home's program under limits of the shell."""
    home.program = ["sh", "-c", f'{limits} && exec "$@"', "sh", *home.program]


def shell(home, script, **options):
    """A line of shell in which $W is the program."""
    return subprocess.run(["sh", "-c", script], env=home.env | {"W": home.program[0]}, check=False,
                          cwd=home.work, capture_output=True, timeout=20 * SLOWER, **options)


def answered(count):
    return lambda s: s.text().count("Hello, world") == count and "ready" in s.lines()[-1]


# T35: few files, little memory, small stacks.

@pytest.mark.parametrize("limit", range(6, 22, 3))
def test_t35_few_files_end_a_run_with_a_name_or_do(home, serving, limit):
    serving()
    program = home.program
    limited(home, f"ulimit -n {limit}")
    done = home.run("q")
    assert done.code in (0, 1, 69, 73, 74), done
    assert (done.code == 0) == (done.stdout == b"Hello, world\n"), done
    assert done.code == 0 or done.err.startswith("weir: "), done
    home.program = program
    assert home.run("again").code == 0
    home.check_integrity()


@pytest.mark.skipif(FLAVOUR != "release", reason="sanitizers need the address space themselves")
@pytest.mark.parametrize("limit", [30_000, 45_000, 90_000])
def test_t35_little_address_space_is_named(home, serving, limit):
    serving()
    program = home.program
    limited(home, f"ulimit -v {limit}")
    done = home.run("q")
    assert done.code in (0, 1, 69, 73, 74, 75, 127, -signal.SIGABRT), done
    assert done.code == 0 or done.err, done
    assert done.seconds < 2, done
    home.program = program
    assert home.run("again").code == 0
    home.check_integrity()


@pytest.mark.skipif(FLAVOUR != "release", reason="sanitizers need larger stacks")
def test_t35_a_small_stack_does(home, serving):
    serving()
    limited(home, "ulimit -s 128")
    assert home.run("q").code == 0


def test_t35_few_files_leave_a_screen_that_can_be_left(home, serving):
    serving()
    limited(home, "ulimit -n 13")
    with home.screen("chat") as screen:
        screen.wait_for(lambda s: "fake/" in s.text() or "weir: " in s.text())
        if screen.process.poll() is None and "fake/" in screen.text():
            screen.send("\x04")
        assert screen.wait_exit() in (0, 1, 73, 74)


# T36: what stdin may be.

SILENT = {"closed": "<&-", "null": "</dev/null", "an empty file": "<empty", "an ended pipe": "<&0"}


@pytest.mark.parametrize("stdin", SILENT)
def test_t36_a_stdin_without_a_byte_delays_nothing(home, serving, stdin, figures):
    serving()
    (home.work / "empty").write_text("")
    home.run("warm")
    home.program = ["sh", "-c", f'exec "$@" {SILENT[stdin]}', "sh", *home.program]
    done = home.run("q")
    assert (done.code, done.out, done.err) == (0, "Hello, world\n", "")
    assert done.seconds < 1 * SLOWER  # not the three seconds of a pipe that stays open
    none = home.run()
    assert none.code == 2 and none.seconds < 1 * SLOWER, none
    figures(f"t36_{stdin}_s", round(done.seconds, 3))


def test_t36_a_terminal_is_not_read(home, serving):
    serving()
    with home.screen("run", "q") as screen:
        screen.wait_for("Hello, world")
        assert screen.wait_exit() == 0
    with home.screen("run") as screen:
        assert screen.wait_exit() == 2


# T37: what stdout may be.

def reading(home):
    """Commands that print, with a session to print."""
    home.run("q")
    handle = home.rows("SELECT handle FROM session")[0]["handle"]
    return ["session list", f"session show {handle}", f"export {handle} -f json", "usage", "--help",
            "search hello", "config show", "models", "doctor", "session list --json"]


def test_t37_a_reader_that_went_away_ends_each_command_quietly(home, serving):
    serving()
    for words in reading(home):
        done = shell(home, f'{{ "$W" -q {words}; echo $? >code; }} | :')
        assert done.stderr == b"", (words, done)
        assert (home.work / "code").read_text() in ("0\n", "141\n"), words


@pytest.mark.skipif(not pathlib.Path("/dev/full").is_char_device(), reason="no /dev/full")
def test_t37_a_full_stdout_is_named_by_each_command(home, serving):
    serving()
    for words in reading(home):
        done = shell(home, f'"$W" {words} >/dev/full')
        assert done.returncode == 74 and b"stdout" in done.stderr, (words, done)


def test_t37_an_answer_whose_reader_takes_one_line_is_stored(home, serving):
    serving(fake.answer(("one\n", "two\n", "three\n") * 50, pause=0.002))
    done = shell(home, '{ "$W" run q; echo $? >code; } | head -n 1')
    assert (done.stdout, done.stderr) == (b"one\n", b"")
    assert (home.work / "code").read_text() == "141\n"
    assert home.answer()["text"].startswith("one\n")


# T38: keys.

def test_t38_a_key_is_nowhere(home, serving):
    """One life of a home, with every way of talking; then every byte of it is looked at."""
    server = serving(fake.answer(), fake.status(401, f"bad key {KEY}", "text/plain"), fake.broken(),
                     more='api_key_env = "FAKE_KEY"')
    home.env["FAKE_KEY"] = KEY
    said = [home.run("-v", "--json", "q"), home.run("-v", "q"), home.run("-v", "q")]
    with home.screen("chat", "-v") as screen:
        screen.wait_for("fake/")
        screen.send("hello\r")
        screen.wait_for(answered(1))
        arguments = pathlib.Path(f"/proc/{screen.pid}/cmdline").read_bytes()
        screen.send("\x04")
        assert screen.wait_exit() == 0
        shown = screen.output()
    handle = home.rows("SELECT handle FROM session")[0]["handle"]
    for words in (["export", handle, "-f", "json", "-o", "x.json"], ["export", handle, "-o", "x.md"],
                  ["session", "show", handle, "--json"], ["config", "show"], ["config", "check"],
                  ["doctor", "--backup", "copy.db"], ["models", "--refresh", "-v"], ["usage"],
                  ["watch", "--until-idle", "--json", "-v"]):
        said.append(home.weir(*words))
    assert [s.code for s in said] == [0, 77, 76] + [0] * 9, said
    assert any(t.headers["authorization"] == f"Bearer {KEY}" for t in server.turns())
    assert KEY.encode() not in arguments + shown
    for one in said:
        assert KEY.encode() not in one.stdout + one.stderr, one
    files = list(home.contents())
    assert {"x.json", "x.md", "copy.db", "weir.db", "weir.log"} <= {path.name for path, _ in files}
    for path, content in files:
        assert KEY.encode() not in content, path


# T39: modes.

def test_t39_whatever_is_written_is_for_its_owner_alone(home, server):
    bare = {name: home.env[name] for name in home.env}
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        bare[name] = str(home.root / "new" / name)
    home.env = bare
    assert shell(home, 'umask 000; "$W" config init').returncode == 0
    made = pathlib.Path(bare["XDG_CONFIG_HOME"]) / "weir/config.toml"
    made.write_text(f'model = "fake/fake-model"\n[provider.fake]\ntype = "openai"\n'
                    f'base_url = "{server.url}"\n')
    (home.work / ".weir.toml").write_text('model = "fake/fake-model"\n')
    for words in ("trust --yes", "run q", "run --request-id K q", "models --refresh", "run -o out.txt q",
                  "doctor --backup copy.db", "session delete -"):
        done = shell(home, f'umask 000; "$W" {words}', stdin=subprocess.DEVNULL)
        assert done.returncode in (0, 65), (words, done)
    home.program = ["sh", "-c", 'umask 000; exec "$@"', "sh", *home.program]
    with home.screen("chat", "-v") as screen:
        screen.wait_for("fake/")
        screen.send("hello\r")
        screen.wait_for(answered(2))
        screen.send("\x04")
        assert screen.wait_exit() == 0
    found = [home.root / "new", *(home.root / "new").rglob("*"), home.work / "copy.db"]
    assert len(found) > 12
    wrong = [str(p) for p in found[1:] if p.stat().st_mode & 0o077]
    assert not wrong, wrong
    assert os.path.exists(home.work / "out.txt")
