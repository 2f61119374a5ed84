"""Long results on a terminal go through the user's pager; nothing else does, and it can do no harm."""

import shutil

import pytest

GOT = 'cat > "$GOT"; echo seen'


@pytest.fixture
def filled(home, serving):
    serving()
    for number in range(3):
        assert home.run(f"prompt {number}").code == 0
    home.handle = home.rows("SELECT handle FROM session ORDER BY id")[0]["handle"]
    return home


def paged(home, *arguments, pager=GOT, rows=2, **env):
    """What the terminal showed, and what the pager got, or None."""
    got = home.work / "got.txt"
    got.unlink(missing_ok=True)
    with home.screen(*arguments, rows=rows, PAGER=pager, GOT=str(got), **env) as screen:
        assert screen.wait_exit() == 0, screen.dump()
        screen.wait_quiet()
        return screen.output().decode(), got.read_text() if got.exists() else None


LONG = {
    "list": ("session", "list"), "show": ("session", "show", "HANDLE"), "search": ("search", "-q", "--color", "never", "hello"),
    "usage": ("usage", "--by", "session"), "help": ("--help",), "help of one": ("run", "--help"),
    "JSON": ("session", "list", "--json"),
}


@pytest.mark.parametrize("what", LONG)
def test_what_does_not_fit_goes_to_the_pager(filled, what):
    words = [filled.handle if w == "HANDLE" else w for w in LONG[what]]
    shown, got = paged(filled, *words)
    assert shown == "seen\r\n"
    assert got == filled.weir(*words).out


@pytest.mark.parametrize("env", [{"rows": 40}, {"pager": ""}, {"pager": "cat"}, {"TERM": "dumb"}])
def test_what_fits_and_what_nobody_pages_is_printed(filled, env):
    shown, got = paged(filled, "session", "list", **env)
    assert got is None
    assert [line[:4] for line in shown.splitlines()] == \
        [line[:4] for line in filled.weir("session", "list").out.splitlines()]


def test_nothing_but_a_terminal_is_paged(filled):
    done = filled.weir("session", "show", filled.handle, PAGER="echo no")
    assert done.code == 0 and "no\n" not in done.out and "prompt 0" in done.out
    shown, got = paged(filled, "run", "-c", "q")
    assert got is None and "Hello, world" in shown


@pytest.mark.parametrize("pager", ["/no/such/pager", "exit 3", "kill -SEGV $$"])
def test_a_broken_pager_costs_nothing(filled, pager):
    shown, _ = paged(filled, "session", "list", pager=pager)
    for number in range(3):
        assert f"prompt {number}" in shown


def test_a_pager_that_leaves_early_or_is_interrupted_is_the_readers_wish(filled):
    filled.run(stdin=b"x" * 1_000_000)
    long = filled.rows("SELECT handle FROM session ORDER BY id DESC")[0]["handle"]
    for pager in ("head -c 3", "kill -INT $$"):
        shown, _ = paged(filled, "session", "show", long, pager=pager)
        assert len(shown) < 1000


def test_nothing_is_held_open_while_somebody_reads(filled):
    paged(filled, "session", "list",
          pager='ls -l /proc/$PPID/fd > "$GOT"')
    assert ".db" not in (filled.work / "got.txt").read_text()


def test_less_gets_what_it_needs_to_be_quiet(filled):
    ask = 'printf %s "$LESS" > "$GOT"'
    assert paged(filled, "session", "list", pager=ask)[1] == "FRX"
    assert paged(filled, "session", "list", pager=ask, LESS="S")[1] == "S"


@pytest.mark.skipif(not shutil.which("less"), reason="less is not installed")
def test_less_is_left_with_q_and_ctrl_c_is_its_own(filled):
    env = {k: v for k, v in filled.env.items() if k not in ("PAGER", "LESS")}
    filled.env = env
    with filled.screen("--help", rows=8) as screen:
        screen.wait_for(":")
        screen.send("\x03 ")
        screen.wait_for("weir -p PROMPT")
        assert screen.process.poll() is None
        screen.send("q")
        assert screen.wait_exit() == 0


def test_hostile_text_is_safe_in_the_pager_too(home, serving):
    serving()
    home.run("a\x1b[31mb")
    home.run("c")
    _, got = paged(home, "session", "list")
    assert "\x1b" not in got and "a" in got
