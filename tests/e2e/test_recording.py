"""Answers are recorded, played, and answered from what was recorded."""

import json
import signal
import stat

import fake_server as fake
import pytest
import terminal
from weirtest import KEY

RICH = (fake.answer(("Three ", "rivers: 長江"), reasoning=("hm", "m"), pause=0.02),
        fake.tool_call(), fake.error_inside(), fake.payload(b"a\\u0000\xff", b" cut", reason="length"))


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def stored(home):
    """What the last answer came to, but for ids, times and what it cost."""
    answer = home.answers()[-1]
    tools = home.rows("SELECT p.tool_id, p.tool_name FROM part p JOIN message m ON m.id = p.message"
                      " WHERE m.uid = ? ORDER BY p.position", answer["uid"])
    usage = home.rows("SELECT input_tokens, output_tokens, reasoning_tokens FROM usage u JOIN message"
                      " m ON m.id = u.message WHERE m.uid = ?", answer["uid"])
    return (answer["parts"], tools, answer["reason"], answer["error"], answer["detail"], usage)


@pytest.mark.parametrize("script", range(len(RICH)))
def test_what_is_played_is_stored_as_what_was_recorded(home, serving, script):
    serving(RICH[script])
    (home.work / "deep").mkdir()
    recorded = home.run("--record", "deep/r.jsonl", "--json", "why?")
    before = stored(home)
    path = home.work / "deep/r.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    head, *events = lines(path)
    assert (head["type"], head["version"], head["prompt"]) == ("recording", 1, "why?")
    assert head["message_id"] == recorded.json["message_id"]
    assert events[-1]["type"] in ("finish", "error")
    times = [e["at_us"] for e in events]
    assert times == sorted(times)

    played = home.run("-m", "replay/deep/r.jsonl", "--json", "why?", WEIR_REPLAY_SPEED="0")
    assert stored(home) == before
    assert played.code == recorded.code
    for name in ("text", "reasoning", "tool_calls", "finish_reason", "usage"):
        assert played.json[name] == recorded.json[name], name
    assert played.json["cost_micros"] == (0 if recorded.json["usage"]["output_tokens"] else None)

    printed = home.weir("replay", "deep/r.jsonl", "--speed", "0", "--output-format", "stream-json")
    assert printed.code == 0 and printed.events[0]["type"] == "started"
    for name in ("text", "reasoning", "tool_calls", "finish_reason", "exit_code", "message_id"):
        assert printed.events[-1][name] == recorded.json[name], name
    # What is stored plays the same, but for how it is cut.
    again = home.weir("replay", home.rows("SELECT handle FROM session ORDER BY id")[0]["handle"], "--speed", "0",
                      "--output-format", "stream-json")
    for name in ("text", "reasoning", "tool_calls", "finish_reason", "exit_code", "message_id"):
        assert again.events[-1][name] == recorded.json[name], name


def test_every_turn_is_recorded_where_the_config_says_so_and_no_key(home, serving):
    server = serving(fake.status(429, headers=[("Retry-After", "0")]),
                     fake.status(401, f"the key {KEY} is wrong".encode(), "text/plain"),
                     fake.answer((f"you said {KEY}, ", "fine")))
    folder = home.root / "tapes"
    home.use(server, top=f"[record]\nfolder = \"{folder}\"", more="api_key_env = \"THE_KEY\"")
    home.env["THE_KEY"] = KEY
    assert home.run("q").code == 77
    assert home.run("-c", "again").code == 0
    first, second = sorted(folder.iterdir())
    kinds = [e["type"] for e in lines(first)]
    assert kinds == ["recording", "waiting", "error"]
    assert lines(second)[-1]["type"] == "finish"
    assert lines(first)[0]["turn_id"] == first.stem
    for path in (first, second):
        assert KEY.encode() not in path.read_bytes()
    # Two turns in one file answer two prompts.
    both = home.work / "both.jsonl"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    told = home.weir("replay", "both.jsonl", "--speed", "0")
    assert told.out.endswith("fine\n") and "> q\n" in told.err and "> again\n" in told.err


def test_a_file_that_is_there_is_not_recorded_over(home, serving):
    server = serving()
    tape = home.work / "r.jsonl"
    tape.write_text("an earlier one")
    for words in (("q",), ("-m", "none/none", "q")):
        assert home.run("--record", "r.jsonl", *words).code in (65, 78)
        assert tape.read_text() == "an earlier one"
    refused = home.run("--record", "r.jsonl", "q")
    assert refused.code == 65 and "'r.jsonl' is there already" in refused.err, refused
    # Nor is one through a link, whatever that leads to; a folder is not made, as by export -o.
    (home.work / "link").symlink_to(home.work / "nowhere")
    assert home.run("--record", "link", "q").code == 65
    missing = home.run("--record", "none/r.jsonl", "q")
    assert missing.code == home.weir("export", "--all", "-o", "none/r.md").code, missing
    assert "cannot write 'none/r.jsonl'" in missing.err and not (home.work / "none").exists()
    assert not server.exchanges and not (home.work / "nowhere").exists()
    # What failed before its request leaves nothing that stands in the way.
    assert home.run("--record", "new.jsonl", "-a", "none.txt", "q").code != 0
    assert home.run("--record", "new.jsonl", "q").code == 0
    assert lines(home.work / "new.jsonl")[-1]["type"] == "finish"
    assert home.run("--record", "/dev/null", "q").code == 0


def test_what_came_is_recorded_also_when_the_run_is_stopped(home, serving):
    serving(fake.stall(("kept",)))
    with home.start("run", "--record", "r.jsonl", "q") as running:
        running.wait_out("kept")
        running.signal(signal.SIGTERM)
        assert running.wait().code == 143
    events = lines(home.work / "r.jsonl")
    assert [e["type"] for e in events][-2:] == ["text", "finish"]
    assert events[-1]["reason"] == "interrupted"


def test_steps_and_speeds(home, serving):
    serving(fake.answer(("one ", "two ", "three"), pause=0.1))
    assert home.run("--record", "r.jsonl", "q").code == 0
    stepped = home.weir("replay", "r.jsonl", "--step", stdin=b"\n\n\nq\n")
    assert stepped.code == 0 and stepped.out == "one two \n", stepped
    slow = home.weir("replay", "r.jsonl")
    assert slow.out == "one two three\n" and slow.seconds > 0.25
    assert home.weir("replay", "r.jsonl", "--speed", "100").seconds < slow.seconds
    with home.screen("replay", home.work / "r.jsonl", "--step", "--plain") as screen:
        screen.wait_for("> q")
        for word in ("one", "two", "three"):
            screen.send(b"  " if word == "one" else b" ")
            screen.wait_for(word)
        screen.send(b"    ")
        screen.wait_exit()


def test_keys_pause_step_and_hurry_on_a_terminal(home, serving):
    serving(fake.answer(("one ", "two ", "three ", "four"), pause=0.3))
    assert home.run("--record", "r.jsonl", "q").code == 0
    with home.screen("replay", home.work / "r.jsonl", "--speed", "0.1", "--plain") as screen:
        screen.wait_for("> q")
        for word in ("one", "two"):
            while word not in screen.text():
                screen.send(b" ")
                screen.wait_quiet(0.05)
        assert "four" not in screen.text()
        screen.send(b"p" + b"+" * 12)
        screen.wait_for("four", 2)
        screen.wait_exit()
    with home.screen("replay", home.work / "r.jsonl", "--step", "--plain") as screen:
        screen.wait_for("> q")
        screen.signal(signal.SIGTERM)
        screen.wait_exit()
        assert terminal.local_modes(screen.slave) == screen.modes_before


def recorded(home, serving):
    """Three words in a recording, and in the store."""
    server = serving(fake.answer(("one ", "two ", "three"), reasoning=("deep",), pause=0.05))
    assert home.run("--record", "r.jsonl", "why?").code == 0
    return server


def test_a_recording_plays_on_the_screen_and_leaves_no_trace(home, serving):
    server = recorded(home, serving)
    asked, before = len(server.turns()), home.weir("export", "--all", "--format", "json").stdout
    with home.screen("replay", home.work / "r.jsonl", "--step", "--show-reasoning") as screen:
        screen.wait_for("paused at 0:00 of 0:0")
        assert "why?" not in screen.text() and "Space goes on" in screen.text()
        for word in ("why?", "deep", "one", "two"):
            assert word not in screen.text()
            screen.send(b".")
            screen.wait_for(word)
        assert "three" not in screen.text()
        screen.send(b"letters\r/new\r-")
        screen.wait_for("0.5x")
        screen.send(b"\x1bOP")
        screen.wait_for("half as fast")
        assert "send the prompt" not in screen.text() and "/new" not in screen.text()
        screen.send(b"\x1b")
        screen.wait_for(lambda s: "half as fast" not in s.text())
        assert "three" not in screen.text()
        screen.send(b" ")
        screen.wait_for("three")
        screen.wait_for("over, 0:0")
        assert "letters" not in screen.text()
        screen.send(b"q")
        assert screen.wait_exit() == 0
        assert "three" in screen.text()
    assert home.weir("export", "--all", "--format", "json").stdout == before
    assert len(server.turns()) == asked
    assert len(home.rows("SELECT 1 FROM session")) == 1


def test_a_session_plays_on_the_screen_with_the_keys_of_the_config(home, serving):
    server = serving(fake.answer(("the first",)), fake.answer(("the second",)))
    home.use(server, top='[keys]\nreplay_pause = "w"\nreplay_leave = "F2"')
    assert home.run("one?").code == 0
    assert home.run("-c", "two?").code == 0
    handle = home.rows("SELECT handle FROM session")[0]["handle"]
    with home.screen("replay", handle) as screen:
        screen.wait_for("w pauses")
        screen.send(b"w")
        screen.wait_for("w goes on")
        screen.send(b"q w" + b"+" * 12)
        screen.wait_for("the second")
        screen.wait_for("answer 2 of 2")
        screen.send(b"\x1bOQ")
        assert screen.wait_exit() == 0


def test_what_is_wrong_of_the_screen_stops_a_replay_there_alone(home, serving):
    recorded(home, serving)
    home.config_file.write_text(home.config_file.read_text() + '\n[keys]\nreplay_step = "C-x p"\n')
    with home.screen("replay", home.work / "r.jsonl") as screen:
        assert screen.wait_exit() == 78
        assert "replay_step" in screen.text()
    assert home.weir("replay", "r.jsonl", "--speed", "0").code == 0


def test_a_replay_ends_by_signals_and_says_what_is_damaged(home, serving):
    recorded(home, serving)
    path = home.work / "r.jsonl"
    with home.screen("replay", path, "--step") as screen:
        screen.wait_for("paused")
        screen.signal(signal.SIGTERM)
        assert screen.wait_exit() == 128 + signal.SIGTERM
        assert terminal.local_modes(screen.slave) == screen.modes_before
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:-3]) + b"nonsense\n")
    with home.screen("replay", path, "--speed", "0") as screen:
        screen.wait_for("expected a JSON object")
        screen.wait_for("the recording ends before the answer")
        screen.send(b"\x03")
        assert screen.wait_exit() == 65
    path.write_text("nonsense")
    with home.screen("replay", path) as screen:
        assert screen.wait_exit() == 65


def test_what_is_no_recording_is_refused(home):
    (home.work / "bad.jsonl").write_text('{"type":"recording","version":1}\n'
                                         '{"type":"text","at_us":1,"part":7,"text":"x"}\n')
    (home.work / "odd.jsonl").write_text("nothing\n")
    for words, code in ((("bad.jsonl",), 65), (("odd.jsonl",), 65), (("./none",), 65),
                        (("nobody",), 65), ((), 2), (("odd.jsonl", "--speed", "-1"), 2),
                        (("odd.jsonl", "--output-format", "json"), 2)):
        result = home.weir("replay", *words)
        assert result.code == code and result.err, (words, result)
    assert "no file and no session 'nobody'" in home.weir("replay", "nobody").err
    assert home.run("-m", "replay/bad.jsonl", "q").code != 0
    assert home.run("-m", "replay/odd.jsonl", "q").code == 65
    assert home.run("-m", "replay/", "q").code == 78
    assert home.run("-m", "demo", "--record", "/proc/none/r", "q").code == 65
