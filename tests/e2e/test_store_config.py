"""Config, data folder, disk, and keys of headless runs."""

import concurrent.futures
import json
import signal
import socket
import subprocess
import time

import fake_server as fake
import pytest
import weirtest
from weirtest import KEY, SLOWER, WEIR


# Config and store.


def test_nothing_configured_exits_78_and_says_how_to(home):
    result = home.run("hello")
    assert result.code == 78, result
    assert not result.stdout
    for word in ("config", "weir"):
        assert word in result.err
    assert any(word in result.err for word in ("API_KEY", "base_url", "config.toml", "demo"))


def test_a_misspelt_key_is_refused_with_line_and_nearest_key(home, serving):
    server = serving()
    home.configure('# a comment\n\nmodle = "fake/x"\n')
    result = home.run("q")
    assert result.code == 78, result
    assert f"{home.config_file}:3" in result.err or "config.toml:3" in result.err
    assert "'modle'" in result.err and "'model'" in result.err
    assert not server.turns()


@pytest.mark.parametrize("text", ['model = "x', "model = 5\n", '[provider.p]\ntype = "nonsense"\n',
                                  "[store]\ndebounce_ms = -1\n", "\x00", "= 3\n",
                                  '[network]\nidle_timeout_s = "long"\n'])
def test_a_bad_config_exits_78_with_a_line(home, text):
    home.configure(text)
    result = home.run("q")
    assert result.code == 78, result
    assert "config.toml:" in result.err


def test_an_unknown_provider_is_named(home, serving):
    serving()
    result = home.run("-m", "nobody/model", "q")
    assert result.code == 78, result
    assert "nobody" in result.err


def test_an_alias_stands_for_a_model(home, serving):
    server = serving(more='[alias]\nquick = "fake/other-model"\n')
    assert home.run("-m", "quick", "q").code == 0
    assert server.turns()[0].json["model"] == "other-model"


@pytest.mark.parametrize("arguments", [["run", "--no-such-option", "q"], ["no-such-command"],
                                       ["run", "--timeout"], ["run", "--timeout", "soon", "q"],
                                       ["run", "--output-format", "xml", "q"]])
def test_wrong_usage_exits_2_with_a_word_about_help(home, serving, arguments):
    server = serving()
    result = home.weir(*arguments)
    assert result.code == 2, result
    assert result.err and not result.stdout
    assert not server.turns()


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["run", "--help"],
                                       ["session", "--help"], ["export", "--help"],
                                       ["config", "--help"], ["chat", "--help"]])
def test_help_and_version_go_to_stdout(home, arguments):
    result = home.weir(*arguments)
    assert result.code == 0, result
    assert "weir" in result.out and not result.err


def test_a_private_run_leaves_no_file(home, serving):
    serving()
    result = home.run("-n", "hello")
    assert (result.code, result.out) == (0, "Hello, world\n"), result
    assert list(home.contents()) == []


@pytest.mark.parametrize("folder", ["/proc/weir-cannot-be-made", "/dev/null"])
def test_a_data_folder_that_cannot_be_made_exits_73(home, serving, folder):
    server = serving()
    result = home.run("precious words", XDG_DATA_HOME=folder)
    assert result.code == 73, result
    assert folder in result.err
    assert not server.turns(), "a prompt that cannot be stored is not sent"


def test_a_data_folder_that_cannot_be_made_is_no_matter_for_a_private_run(home, serving):
    serving()
    result = home.run("-n", "hello", XDG_DATA_HOME="/proc/weir-cannot-be-made")
    assert (result.code, result.out) == (0, "Hello, world\n"), result


def test_a_read_only_data_folder_exits_73(home, serving, small_disk):
    server = serving()
    folder = small_disk(home.root / "disk", "1m")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    result = home.run("precious words", XDG_DATA_HOME=str(folder))
    assert result.code == 73, result
    assert not server.turns()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(home, serving):
    server = serving()
    assert home.run("one").code == 0
    subprocess.run(["/usr/bin/python3", "-c",
                    "import sqlite3,sys; c = sqlite3.connect(sys.argv[1]);"
                    "c.execute('PRAGMA journal_mode=DELETE');"
                    "c.execute('PRAGMA user_version=9999'); c.commit(); c.close()",
                    str(home.db)], check=True)
    before = home.db.read_bytes()
    result = home.run("two")
    assert result.code == 78, result
    assert "newer" in result.err
    assert home.db.read_bytes() == before
    assert len(server.turns()) == 1


def test_a_file_that_is_no_database_is_refused_and_left_alone(home, serving):
    server = serving()
    home.db.parent.mkdir(parents=True)
    home.db.write_bytes(b"these are notes and no database\n" * 200)
    result = home.run("q")
    assert result.code in (74, 78), result
    assert home.db.read_bytes() == b"these are notes and no database\n" * 200
    assert str(home.db) in result.err
    assert not server.turns()


@pytest.mark.threads
def test_a_full_disk_exits_74_and_gives_the_prompt_back(home, serving, small_disk):
    server = serving()
    folder = small_disk(home.root / "disk", "4m")
    assert home.run("before", XDG_DATA_HOME=str(folder)).code == 0
    fill(folder)
    prompt = "precious words " * 800
    result = home.run(stdin=prompt.encode(), XDG_DATA_HOME=str(folder), timeout=40)
    assert result.code == 74, result
    assert "full" in result.err or "space" in result.err
    assert "precious words precious words" in result.err, "the prompt may be nowhere else"
    assert len(server.turns()) == 1, "a prompt that cannot be stored is not sent"


def fill(folder):
    with open(folder / "filler", "wb", buffering=0) as filler:
        for size in (65536, 4096, 512):
            try:
                while True:
                    filler.write(b"f" * size)
            except OSError:
                continue


@pytest.mark.threads
def test_a_disk_that_fills_up_in_the_middle_of_an_answer_still_prints_all_of_it(
        home, serving, small_disk):
    words = tuple(f"word {i} {'x' * 400}\n" for i in range(150))

    def play(c):
        c.head()
        c.delta(words[0])
        c.sleep(0.3)
        fill(folder)
        for word in words[1:]:
            c.delta(word)
        c.finish()
        c.end()

    folder = small_disk(home.root / "disk", "4m")
    serving(play)
    result = home.run("q", XDG_DATA_HOME=str(folder), timeout=60)
    assert result.code == 74, result
    assert result.out.rstrip("\n") == "".join(words).rstrip("\n")
    assert "full" in result.err or "space" in result.err


def test_files_are_private_whatever_the_umask_says(home, serving):
    serving()
    script = f'umask 000; exec "{WEIR}" run q'
    done = subprocess.run(["sh", "-c", script], env=home.env, cwd=home.work, timeout=20 * SLOWER,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0, done
    folder = home.db.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {p.name: oct(p.stat().st_mode & 0o777) for p in folder.rglob("*") if p.is_file()}
    assert set(modes.values()) == {"0o600"}, modes


@pytest.mark.threads
def test_twenty_runs_at_once_on_a_new_store_all_get_their_own_answer(home, server):
    def echo(c):
        c.head()
        for word in c.exchange.json["messages"][-1]["content"].split():
            c.delta(word + " ")
            c.sleep(0.01)
        c.finish()
        c.end()

    server.default = echo
    home.use(server)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        texts = [f"run {i} has words of its own {i * i}" for i in range(20)]
        results = list(pool.map(lambda t: home.run(t, timeout=60), texts))
    for text, result in zip(texts, results):
        assert (result.code, result.out.strip()) == (0, text), result
    assert sorted(home.prompts()) == sorted(texts)
    assert sorted(a["text"].strip() for a in home.answers()) == sorted(texts)
    assert len({m["session"] for m in home.messages()}) == 20
    assert len({m["uid"] for m in home.messages()}) == 40
    assert home.rows("SELECT count(*) AS n FROM attempt WHERE state <> 'completed'")[0]["n"] == 0
    home.check_integrity()


@pytest.mark.threads
def test_a_locked_database_is_waited_for(home, serving):
    server = serving()
    assert home.run("one").code == 0
    with weirtest.locked(home.db):
        run = home.start("run", "two")
        time.sleep(1)
        assert len(server.turns()) == 1, "nothing is sent that is not stored"
    with run:
        result = run.wait()
    assert (result.code, result.out) == (0, "Hello, world\n"), result
    assert home.prompts() == ["one", "two"]


@pytest.mark.alone
@pytest.mark.threads
def test_what_a_locked_database_cannot_take_at_the_end_is_kept_beside_it(home, serving):
    server = serving(fake.endless(0.005), fake.answer(("next",)))
    with home.start("run", "q") as run:
        server.wait_sent(server.wait_turn(), 20)
        with weirtest.locked(home.db):
            server.wait_sent(server.turns()[0], 60)
            at = run.signal(signal.SIGTERM)
            result = run.wait()
            assert time.monotonic() - at < 4 * SLOWER
    assert result.code == 143, result
    sent = server.turns()[0]
    before = "".join(text for when, text in sent.sent if when < at - 0.02)
    stored = home.answer()["text"]
    if not stored.startswith(before):
        beside = list(home.db.parent.glob("weir.db-spill-*"))
        assert any(b"word 55" in p.read_bytes() for p in beside), list(home.db.parent.iterdir())
        assert {p.stat().st_mode & 0o777 for p in beside} == {0o600}
    assert home.run("next").code == 0
    recovered = home.answers()[0]
    assert recovered["text"].startswith(before) and sent.text().startswith(recovered["text"])
    assert recovered["reason"] == "interrupted"
    assert not list(home.db.parent.glob("weir.db-spill-*")), "it was taken in"

# Keys.


def check_no_key(home, result):
    assert KEY.encode() not in result.stdout + result.stderr
    for path, content in home.contents():
        if path.name != "key":
            assert KEY.encode() not in content, path


KEY_SOURCES = {
    "environment": 'api_key_env = "FAKE_KEY"',
    "command": 'api_key_cmd = ["cat", "KEYFILE"]',
    "file": 'api_key_file = "KEYFILE"',
}


@pytest.mark.parametrize("source", KEY_SOURCES)
def test_a_key_goes_to_the_server_and_nowhere_else(home, serving, source):
    key_file = home.root / "key"
    key_file.write_text(KEY + "\n")
    key_file.chmod(0o600)
    server = serving(more=KEY_SOURCES[source].replace("KEYFILE", str(key_file)))
    result = home.run("-v", "q", FAKE_KEY=KEY)
    assert result.code == 0, result
    assert server.turns()[0].headers["authorization"] == f"Bearer {KEY}"
    check_no_key(home, result)


@pytest.mark.parametrize("script", [fake.status(401, json.dumps(
    {"error": {"message": f"Incorrect API key provided: {KEY}"}})), fake.broken(), fake.html(200),
    fake.status(400, f"you sent Authorization: Bearer {KEY}", "text/plain")],
    ids=["401", "broken", "html", "echo"])
def test_a_key_is_in_no_output_of_a_failed_run(home, serving, script):
    serving(script, more='api_key_env = "FAKE_KEY"')
    result = home.run("-v", "--json", "q", FAKE_KEY=KEY)
    assert result.code != 0
    check_no_key(home, result)


def test_a_key_is_never_on_a_command_line(home, serving):
    server = serving(fake.stall(("x",)), more='api_key_env = "FAKE_KEY"')
    with home.start("run", "q", FAKE_KEY=KEY) as run:
        run.wait_out("x")
        assert KEY.encode() not in weirtest.command_line(run.pid)
        run.signal(signal.SIGTERM)
        result = run.wait()
    assert server.turns()[0].headers["authorization"] == f"Bearer {KEY}"
    check_no_key(home, result)


def test_a_key_file_that_others_can_read_is_refused(home, serving):
    key_file = home.root / "key"
    key_file.write_text(KEY + "\n")
    key_file.chmod(0o644)
    server = serving(more=f'api_key_file = "{key_file}"')
    result = home.run("q")
    assert result.code in (77, 78), result
    assert str(key_file) in result.err
    assert not server.turns()


def test_a_missing_key_exits_77_and_says_where_it_was_looked_for(home, serving):
    server = serving(more='api_key_env = "FAKE_KEY"')
    result = home.run("q")
    assert result.code == 77, result
    assert "FAKE_KEY" in result.err
    assert not server.turns()


def test_a_redirect_is_not_followed_with_the_key(home, serving):
    with fake.Server() as other:
        target = fake.status(301, headers=[("Location", other.url + "/chat/completions")])
        serving(target, more='api_key_env = "FAKE_KEY"')
        result = home.run("q", FAKE_KEY=KEY)
        assert result.code != 0
        assert not other.exchanges


def test_a_proxy_of_the_environment_is_not_used_for_loopback(home, serving):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        serving()
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        result = home.run("q", http_proxy=url, no_proxy="127.0.0.1")
    assert result.code == 0, result
