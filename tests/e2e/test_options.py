"""Each option of a headless run, and what kinds of terminal the screen can live with."""

import json
import os
import pathlib
import re
import stat
import subprocess

import fake_server as fake
import pytest
import terminal
from weirtest import SLOWER, WEIR


# Options of run.


def test_a_session_is_named_by_id_handle_or_prefix(home, serving):
    server = serving(fake.answer(("one",)))
    assert home.run("first").code == 0
    session = home.rows("SELECT uid, handle FROM session")[0]
    for name in (session["uid"], session["handle"], session["uid"][:14]):
        assert home.run("-s", name, "more").code == 0
    assert len({m["session"] for m in home.messages()}) == 1
    assert len(server.turns()[-1].json["messages"]) == 7


def test_a_session_that_is_not_there_is_an_error_and_nothing_is_sent(home, serving):
    server = serving()
    result = home.run("-s", "nothing-like-it", "q")
    assert result.code == 65, result
    assert "nothing-like-it" in result.err
    assert not server.turns()


def test_a_beginning_that_fits_several_sessions_names_them(home, serving):
    server = serving()
    for number in range(7):
        home.run(f"q{number}")
    handles = [row["handle"] for row in home.rows("SELECT handle FROM session ORDER BY id DESC")]
    for words in (["run", "-s", "0", "q"], ["session", "show", "0"], ["export", "0"], ["watch", "0"]):
        done = home.weir(*words)
        assert done.code == 65 and "'0' fits more than one session: " in done.err, done
        named = done.err.split("session: ")[1].strip().split(", ")
        assert named == [*handles[:5], "..."], done
    assert len(server.turns()) == 7


def test_continue_without_any_session_begins_one_or_says_so(home, serving):
    serving()
    result = home.run("-c", "q")
    assert result.code in (0, 65), result
    assert result.code == 0 or result.err


def test_a_key_of_any_length_is_in_no_error_and_no_file(home, serving):
    key = "hunt-r2"
    serving(fake.status(401, json.dumps({"error": {"message": f"bad key {key}, got {key}"}})),
            more='api_key_env = "SHORT_KEY"\n')
    result = home.run("q", SHORT_KEY=key)
    assert result.code == 77, result
    assert "fake/fake-model at 127.0.0.1" in result.err and "[key]" in result.err
    assert key not in result.err + result.out
    for path, held in home.contents():
        assert key.encode() not in held, path


def test_verbose_tells_what_happens_without_texts(home, serving):
    serving(fake.answer(("an answer to nobody",)))
    done = home.run("-v", "a prompt for nobody")
    assert done.code == 0, done
    for what in ("config '", "database '", "model fake/fake-model", "request to", "status 200",
                 "first bytes after", "the reply ended", "has ended", " transactions of text, 0 tried",
                 " 0 dropped, 0 parked, 0 undelivered"):
        assert what in done.err, what
    assert "nobody" not in done.err
    assert not home.run("again").err


def test_verbose_on_the_screen_goes_to_a_file(home, serving):
    serving()
    with home.screen("chat", "-v") as screen:
        screen.wait_for("fake/fake-model")
        screen.send("hello\r")
        home.wait_db(lambda h: h.answer()["ended_at"])
        screen.wait_quiet()
        assert "request to" not in screen.text()
        screen.send("\x04")
        assert screen.wait_exit() == 0
        assert "the log is in" in screen.text()
    log = home.root / "home/state/weir/weir.log"
    assert "status 200" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("wrong", [("--timeout", "0"), ("-m", "")])
def test_values_that_say_nothing_are_wrong_usage(home, serving, wrong):
    server = serving()
    assert home.run(*wrong, "q").code == 2
    assert not server.turns()


def test_a_session_that_goes_on_with_another_model_says_so(home, serving):
    serving()
    assert home.run("-m", "fake/first-model", "q").code == 0
    with home.screen() as screen:
        screen.wait_for("so far this session was with fake/first-model")


SO_FAR = "so far this session was with fake/first-model; prompts go to fake/fake-model now"


def test_beside_what_was_recovered_it_is_said_that_another_model_answered(home, serving):
    server = serving(fake.stall(("half",)))
    with home.start("run", "-m", "fake/first-model", "q") as run:
        server.wait_sent(server.wait_turn(), 1)
        home.wait_db(lambda h: "half" in h.answer()["text"])
        run.process.kill()
        run.process.wait()
    with home.screen() as screen:
        screen.wait_for(lambda s: "1 answer recovered, 4 bytes" in s.text() and SO_FAR in s.words())


@pytest.mark.parametrize("plain", [False, True])
def test_a_session_that_is_chosen_says_that_another_model_answered(home, serving, plain):
    serving()
    assert home.run("-m", "fake/first-model", "the first").code == 0
    assert home.run("the second").code == 0
    if plain:
        out = home.weir("chat", "--plain", stdin=b"/sessions\n2\n/sessions\n2\n").out
        assert out.count(SO_FAR) == 1, out
        return
    with home.screen() as screen:
        screen.wait_for("fake/fake-model · ready")
        assert "so far" not in screen.text()
        screen.send("/sessions\r")
        screen.wait_for("the first")
        screen.send("first\r")
        screen.wait_for(lambda s: SO_FAR in s.words())


def test_two_runs_in_one_session_at_once_do_not_mix(home, serving):
    server = serving(fake.answer(("one",)), fake.stall(("slow",)))
    assert home.run("first").code == 0
    with home.start("run", "-c", "second") as run:
        run.wait_out("slow")
        other = home.run("-c", "third")
        assert other.code == 75, other
        assert other.err
        run.process.terminate()
        assert run.wait().code == 143
    assert len(server.turns()) == 2
    assert home.prompts() == ["first", "second"]


@pytest.mark.parametrize("from_file", [False, True])
def test_a_system_text_goes_before_the_prompt(home, serving, from_file):
    server = serving()
    text = "Speak like a pirate. 世界"
    (home.work / "system.txt").write_text(text, encoding="utf-8")
    assert home.run("--system", "@system.txt" if from_file else text, "q").code == 0
    first, second = server.turns()[0].json["messages"]
    assert (first["role"] in ("system", "developer"), first["content"]) == (True, text)
    assert second["content"] == "q"


def test_a_system_file_that_is_not_there_is_named(home, serving):
    server = serving()
    result = home.run("--system", "@no-such-file", "q")
    assert result.code in (2, 65, 74), result
    assert "no-such-file" in result.err
    assert not server.turns()


def test_the_answer_is_written_to_a_file_whole(home, serving):
    serving(fake.answer(("whole ", "answer")))
    result = home.run("-o", "out.txt", "q")
    assert (result.code, result.stdout) == (0, b""), result
    assert (home.work / "out.txt").read_text().rstrip("\n") == "whole answer"


def test_a_broken_answer_leaves_the_older_file_alone(home, serving):
    serving(fake.broken(("half ", "an answer")))
    target = home.work / "out.txt"
    target.write_text("older")
    assert home.run("-o", target, "q").code == 76
    assert target.read_text() == "older"
    assert [p.name for p in home.work.iterdir()] == ["out.txt"], "nothing is left lying about"
    assert home.answer()["text"] == "half an answer"


def test_an_output_file_that_cannot_be_written_is_an_error(home, serving):
    serving()
    result = home.run("-o", "no/such/folder/out.txt", "q")
    assert result.code in (65, 73, 74), result
    assert "no/such/folder/out.txt" in result.err


def test_the_answer_is_written_into_a_pipe_and_does_not_replace_it(home, serving):
    serving()
    pipe = home.work / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        result = home.run("-o", pipe, "q")
        assert stat.S_ISFIFO(pipe.stat().st_mode), "the pipe was replaced by a file"
        assert result.code == 0, result
        assert b"Hello, world" in os.read(reader, 65536)
    finally:
        os.close(reader)


def test_usage_goes_to_stderr_when_asked_for(home, serving):
    serving()
    result = home.run("-u", "q")
    assert result.out == "Hello, world\n"
    assert "7" in result.err and re.search("token", result.err)
    assert home.run("q").err == ""


def test_a_run_that_was_refused_has_no_usage_to_tell(home, serving):
    serving(fake.status(401))
    result = home.run("-u", "q")
    assert result.code == 77 and "token" not in result.err, result


def test_no_stdin_does_not_look_at_stdin(home, serving):
    server = serving()
    with home.start("run", "--no-stdin", "q", stdin=subprocess.PIPE) as run:
        result = run.wait()
    assert result.code == 0, result
    assert result.seconds < 2 * SLOWER
    assert server.turns()[0].json["messages"][-1]["content"] == "q"


def test_another_config_and_database_can_be_named(home, serving):
    serving()
    config = home.work / "other.toml"
    home.config_file.rename(config)
    result = home.run("--config", config, "--db", home.work / "other.db", "q")
    assert result.code == 0, result
    assert (home.work / "other.db").exists() and not home.db.exists()
    missing = home.run("--config", home.work / "no-such.toml", "q")
    assert missing.code in (74, 78) and "no-such.toml" in missing.err, missing


def test_the_environment_stands_above_the_config_and_below_the_command_line(home, serving):
    server = serving()
    assert home.run("q", WEIR_MODEL="fake/of-environment").code == 0
    assert home.run("-m", "fake/of-option", "q", WEIR_MODEL="fake/of-environment").code == 0
    assert [t.json["model"] for t in server.turns()] == ["of-environment", "of-option"]


def test_quiet_says_nothing_but_the_exit_code_stays(home, serving):
    serving(fake.broken())
    result = home.run("-q", "q")
    assert result.code == 76 and result.out.startswith("kept text")


def test_a_prompt_that_begins_with_a_dash_can_be_given_after_two(home, serving):
    serving()
    assert home.run("--", "--not an option").code == 0
    assert home.prompts() == ["--not an option"]


def test_closed_standard_descriptors_do_no_harm(home, serving):
    serving()
    script = f'exec "{WEIR}" run q <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", script], env=home.env, cwd=home.work, check=False,
                          timeout=20 * SLOWER)
    home.check_integrity()
    assert home.prompts() == ["q"]
    assert done.returncode in (0, 74, 141)


# Terminals.

LEAVE = "\x04"
TERMINFO = [pathlib.Path(p) for p in ("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo")]


def known_terminal(name):
    return any((folder / name[0] / name).exists() for folder in TERMINFO)


@pytest.mark.parametrize("name", ["xterm", "screen-256color", "tmux-256color", "linux", "vt100"])
def test_the_screen_works_on_many_terminals(home, serving, name):
    if not known_terminal(name):
        pytest.skip(f"terminfo does not know {name}")
    serving(fake.answer(("an answer",)))
    with home.screen(TERM=name) as screen:
        screen.wait_for("fake-model")
        screen.send("hello\r")
        screen.wait_for("an answer")
        screen.send(LEAVE)
        assert screen.wait_exit(5 * SLOWER) == 0
        assert terminal.local_modes(screen.slave) == screen.modes_before


def test_a_terminal_whose_description_is_missing_is_painted_as_its_name_tells(home, serving):
    serving(fake.answer(("**an** answer",)))
    home.tolerate(ASAN_OPTIONS="detect_leaks=0")  # ncurses does not free what it could not set up
    with home.screen("chat", TERM="xterm-nobody-has-that") as screen:
        screen.wait_for("TERM 'xterm-nobody-has-that' is not described on this machine")
        assert "painted as for xterm" in screen.words()
        screen.send("hello\r")
        screen.wait_for("an answer")
        assert not terminal.foreign_bytes(screen.output())
        screen.send(LEAVE)
        assert screen.wait_exit(5 * SLOWER) == 0
        assert terminal.local_modes(screen.slave) == screen.modes_before


def test_an_unknown_terminal_is_an_error_and_no_crash(home, serving):
    serving()
    home.tolerate(ASAN_OPTIONS="detect_leaks=0")
    with home.screen("chat", TERM="no-such-terminal") as screen:
        assert screen.wait_exit(5 * SLOWER) not in (0, -6, -11)
        screen.wait_quiet()
        assert "TERM=xterm-256color often does" in screen.words()
        assert terminal.local_modes(screen.slave) == screen.modes_before


def test_the_screen_needs_a_terminal(home, serving):
    serving()
    result = home.weir("chat")
    assert result.code not in (0, -6, -11), result
    assert "terminal" in result.err


@pytest.mark.parametrize("how", ["NO_COLOR", "never"])
def test_colours_can_be_switched_off(home, serving, how):
    serving(fake.status(400))
    options = ("--color", "never") if how == "never" else ()
    env = {"NO_COLOR": "1"} if how == "NO_COLOR" else {}
    with home.screen("chat", *options, **env) as screen:
        screen.wait_for("fake-model")
        screen.send("hello\r")
        screen.wait_for("rejected")
        screen.wait_quiet()
        assert not re.search(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]",
                             screen.output()), screen.dump()
