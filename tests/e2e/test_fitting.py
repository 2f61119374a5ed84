"""How weir fits into a system: completions, man pages, an installation."""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess

import fake_server as fake
import pytest
import weirtest
from weirtest import SLOWER


@pytest.fixture
def named(home):
    """A folder for PATH in which the program is called weir."""
    folder = home.root / "bin"
    folder.mkdir()
    (folder / "weir").symlink_to(weirtest.WEIR)
    home.env["PATH"] = f"{folder}:{home.env['PATH']}"
    return home


@pytest.fixture
def filled(named, serving):
    serving(fake.answer(), top="", more="[alias]\nfast = \"fake/fake-model\"")
    assert named.run("q").code == 0
    named.handle = json.loads(named.weir("session", "list", "--json").out)[0]["handle"]
    assert named.weir("session", "rename", named.handle, "rivers").code == 0
    assert named.weir("session", "label", "rivers", "work").code == 0
    return named


def shell(home, name, script):
    done = subprocess.run([name, *({"fish": ["-N"], "zsh": ["-f"]}.get(name, [])), "-c", script],
                          capture_output=True, env=home.env, cwd=home.work, timeout=20, check=False)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.decode().splitlines()


def bash(home, line):
    """What bash would offer at the end of the line, which it splits at blanks, = and :."""
    words = line.replace("=", " = ").replace(":", " : ").split()
    words += [""] if line[-1] == " " else []
    quoted = " ".join(f"'{word}'" for word in words)
    return shell(home, "bash", f"""source <(weir completions bash)
        COMP_LINE='{line}' COMP_POINT={len(line)} COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}
        _weir; printf '%s\\n' "${{COMPREPLY[@]}}" """)


def zsh(home, line):
    words = line.split() + ([""] if line[-1] == " " else [])
    quoted = " ".join(f"'{word}'" for word in words)
    return shell(home, "zsh", f"""compdef() {{ }}; _files() {{ print FILES }}
        _describe() {{ for w in $found; do print -r -- ${{w%%:*}}; done }}
        source <(weir completions zsh); words=({quoted}) CURRENT={len(words)}; _weir""")


def fish(home, line):
    found = shell(home, "fish", f"weir completions fish | source; complete -C '{line}'")
    return [entry.split("\t")[0] for entry in found]


@pytest.mark.parametrize("offered", [bash, zsh, fish])
def test_a_shell_completes_commands_options_sessions_models_and_labels(filled, offered):
    if not shutil.which(offered.__name__):
        pytest.skip(f"{offered.__name__} is not installed")
    assert offered(filled, "weir wat") == ["watch"]
    assert offered(filled, "weir run --show-r") == ["--show-reasoning"]
    assert offered(filled, "weir session unarch") == ["unarchive"]
    assert filled.handle in offered(filled, "weir run -s ")
    assert offered(filled, "weir session show riv") == ["rivers"]
    assert offered(filled, "weir run -m fa") == ["fast", "fake/fake-model"] or \
        sorted(offered(filled, "weir run -m fa")) == ["fake/fake-model", "fast"]
    assert offered(filled, "weir session list --label ") == ["work"]


def test_bash_completes_behind_an_equals_sign(filled):
    assert bash(filled, "weir run --session=riv") == ["rivers"]
    assert bash(filled, "weir run --output-format=str") == ["stream-json"]


def test_completing_follows_db_and_is_silent_where_nothing_can_be_read(home):
    done = home.weir("__complete", "--db", "/nonexistent/x.db", "run", "-s", "")
    assert (done.code, done.out) == (0, "")
    assert home.weir("__complete").out == ""
    assert home.weir("__complete", "run", "--config", "").out == ":\n"
    assert home.weir("completions", "csh").code == 2
    home.configure("model = 3\n[alias]\nfast = 7\n[role.scribe]\nsystem = 's'\n")
    for words in (["run", "-m", ""], ["run", "-s", ""], ["run", "--role", ""]):
        done = home.weir("__complete", *words)
        assert (done.code, done.err) == (0, ""), done


def test_roles_formats_and_other_words_are_completed(home, serving):
    serving(more="[role.scribe]\nsystem = 's'\n[role.reader]\nmodel = 'fake/m'\n")
    for words, found in {"run --role ": "scribe\nreader\tfake/m\n", "search --role u": "user\n",
                         "export --format h": "html\n", "usage --by l": "label\n",
                         "review --verdict g": "good\n"}.items():
        assert home.weir("__complete", *words.split(" ")).out == found, words


@pytest.mark.alone
def test_completing_among_many_sessions_takes_milliseconds(home, serving, figures):
    serving()
    home.run("one")
    with contextlib.closing(sqlite3.connect(home.db)) as db, db:
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
                   "INSERT INTO session (uid, handle, title, title_by, scope, created_at, "
                   "last_active_at, status) SELECT printf('%026d', i), printf('h%05d', i), 'title', "
                   "'prompt', '', i, i, 'idle' FROM n")
    times = sorted(home.weir("__complete", "run", "-s", "h04").seconds for _ in range(5))
    assert home.weir("__complete", "run", "-s", "h04999").out == "h04999\ttitle\n"
    figures("completing_ms", round(times[2] * 1000, 1))
    assert times[2] < 0.05 * SLOWER


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_every_man_page_is_sound(home):
    names = home.weir("__man").out.split()
    assert {"run", "chat", "watch", "completions"} <= set(names)
    for name in names:
        page = home.weir("__man", name).stdout
        done = subprocess.run(["groff", "-mandoc", "-ww", "-Tutf8", "-P-c", "-P-bou"], input=page,
                              capture_output=True, check=True)
        assert not done.stderr, (name, done.stderr)
        text = done.stdout.decode()
        assert "EXIT STATUS" in text and "--config" in text, text
    assert home.weir("__man", "nothing").code == 2


def test_an_installation_has_it_all_and_is_taken_away_whole(tmp_path):
    folder = pathlib.Path(weirtest.WEIR).parent
    if folder.name != "release":
        pytest.skip("only a release is installed")
    make = ["make", "-C", str(weirtest.ROOT), f"B={folder.parent}", f"DESTDIR={tmp_path}"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run([*make, "install-files"], check=True, capture_output=True, env=env, timeout=100)
    root = tmp_path / "usr/local"
    names = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert {"bin/weir", "share/man/man1/weir.1", "share/man/man1/weir-run.1",
            "share/bash-completion/completions/weir", "share/zsh/site-functions/_weir",
            "share/fish/vendor_completions.d/weir.fish",
            "share/doc/weir/doc/scripts.md", "share/doc/weir/doc/export.schema.json"} <= names
    subprocess.run([*make, "uninstall"], check=True, capture_output=True, env=env, timeout=100)
    assert not [path for path in root.rglob("*") if path.is_file()]
