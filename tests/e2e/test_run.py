"""Headless runs that go well: what is printed, sent and stored."""

import json
import signal
import subprocess
import time

import fake_server as fake
import hostile
import pytest
import terminal
from weirtest import SLOWER

IDS = ("session_id", "turn_id", "message_id")
REASONS = {"end_turn", "max_tokens", "tool_use", "canceled", "error", "content_filter", "refusal",
           "paused", "interrupted", "unknown"}


# Answers.


def test_an_answer_goes_to_stdout_and_the_run_exits_0(home, serving):
    server = serving(fake.answer(("Hello", ", ", "world")))
    result = home.run("say hello")
    assert result.code == 0, result
    assert result.out.rstrip("\n") == "Hello, world"
    assert server.turns()[0].path == "/v1/chat/completions"
    assert server.turns()[0].json["messages"][-1] == {"role": "user", "content": "say hello"}
    assert home.answer()["text"] == "Hello, world"
    assert (home.attempt(), home.turn()) == ("completed", "completed")


def test_text_is_printed_while_it_streams(home, serving):
    server = serving(fake.stall(("first piece",)))
    with home.start("run", "go") as run:
        run.wait_out("first piece")
        assert run.process.poll() is None
        assert not server.turns()[0].closed.is_set()


def test_the_last_line_of_an_answer_ends_in_one_newline(home, serving):
    serving(fake.answer(("no newline",)), fake.answer(("with one\n",)))
    assert home.run("a").stdout == b"no newline\n"
    assert home.run("b").stdout == b"with one\n"


def test_p_is_short_for_run(home, serving):
    serving()
    result = home.weir("-p", "hello", "there")
    assert result.code == 0, result
    assert home.prompts() == ["hello there"]


def test_a_prompt_and_stdin_are_sent_together(home, serving):
    server = serving()
    result = home.run("sum this up:", stdin=b"the text of the file\n")
    assert result.code == 0, result
    sent = server.turns()[0].json["messages"][-1]["content"]
    assert sent.index("sum this up:") < sent.index("the text of the file")
    assert home.prompts() == [sent]


def test_stdin_alone_is_the_prompt(home, serving):
    server = serving()
    assert home.run(stdin="grüße, 世界\n".encode()).code == 0
    assert "grüße, 世界" in server.turns()[0].json["messages"][-1]["content"]


def test_a_pipe_that_stays_silent_does_not_hold_up_a_run_with_a_prompt(home, serving):
    serving()
    with home.start("run", "hello", stdin=subprocess.PIPE) as run:
        result = run.wait(8 * SLOWER)
    assert result.code == 0, result
    assert result.out == "Hello, world\n"
    assert 2.5 < result.seconds, "it has to give the pipe its 3 seconds"
    assert "stdin" in result.err or "standard input" in result.err


def test_a_dash_insists_on_stdin(home, serving):
    server = serving()
    with home.start("run", "-", stdin=subprocess.PIPE) as run:
        time.sleep(0.3)
        assert not server.turns()
        run.process.stdin.write(b"late prompt")
        run.process.stdin.close()
        run.process.stdin = None
        assert run.wait().code == 0
    assert home.prompts() == ["late prompt"]


@pytest.mark.soak
def test_a_dash_waits_longer_than_three_seconds(home, serving):
    serving()
    with home.start("run", "-", stdin=subprocess.PIPE) as run:
        time.sleep(4)
        assert run.process.poll() is None
        run.process.stdin.write(b"late prompt")
        run.process.stdin.close()
        run.process.stdin = None
        assert run.wait().code == 0
    assert home.prompts() == ["late prompt"]


def test_no_prompt_at_all_is_wrong_usage(home, serving):
    server = serving()
    result = home.run()
    assert result.code == 2, result
    assert result.err and not result.stdout
    assert not server.turns()


def test_a_session_goes_on_with_continue(home, serving):
    server = serving(fake.answer(("first answer",)), fake.answer(("second answer",)))
    assert home.run("first question").code == 0
    assert home.run("-c", "second question").code == 0
    said = [(m["role"], m["content"]) for m in server.turns()[1].json["messages"]]
    assert said == [("user", "first question"), ("assistant", "first answer"),
                    ("user", "second question")]
    assert len({m["session"] for m in home.messages()}) == 1


def test_reasoning_is_stored_and_stays_off_stdout(home, serving):
    serving(fake.answer(("out",), reasoning=("think ", "hard")), fake.answer(
        ("out",), reasoning=("think ", "hard")))
    plain = home.run("a")
    assert (plain.out, plain.code) == ("out\n", 0)
    assert "think" not in plain.err
    assert home.answer()["reasoning"] == "think hard"
    shown = home.run("--show-reasoning", "b")
    assert shown.out == "out\n"
    assert "think hard" in shown.err


def test_the_demo_answers_when_asked_for(home):
    result = home.run("-m", "demo", "hello", WEIR_DEMO_SPEED="0")
    assert result.code == 0, result
    assert len(result.out) > 40
    assert home.answer()["text"].rstrip("\n") == result.out.rstrip("\n")

# JSON.


def check_result(result, code):
    assert result["exit_code"] == code
    assert result["finish_reason"] in REASONS
    for name in IDS:
        assert isinstance(result[name], str) and result[name], name
    for name in ("text", "reasoning", "model"):
        assert isinstance(result[name], str), name
    assert isinstance(result["tool_calls"], list)
    assert result["replayed"] is False
    assert {"usage", "cost_micros", "error"} <= result.keys()


def test_json_is_one_object_with_everything_in_it(home, serving):
    serving(fake.answer(("Hello",), reasoning=("hm",)))
    done = home.run("--output-format", "json", "hi")
    assert done.code == 0, done
    result = done.json
    check_result(result, 0)
    assert (result["text"], result["reasoning"]) == ("Hello", "hm")
    assert result["finish_reason"] == "end_turn"
    assert result["error"] is None
    assert "fake" in result["model"]
    usage = result["usage"]
    assert (usage["input_tokens"], usage["cache_read_tokens"]) == (8, 3)
    assert (usage["output_tokens"], usage["reasoning_tokens"]) == (7, 2)
    assert usage["cache_write_tokens"] in (None, 0)
    assert result["session_id"] == home.answer()["session"]
    assert result["message_id"] == home.answer()["uid"]


def test_json_is_the_same_as_output_format_json(home, serving):
    serving()
    result = home.run("--json", "hi")
    check_result(result.json, 0)


def test_unknown_usage_is_null_and_not_zero(home, serving):
    serving(fake.answer(usage=False))
    result = home.run("--json", "hi").json
    assert result["usage"] is None or set(result["usage"].values()) == {None}
    assert result["cost_micros"] is None


def test_stream_json_is_numbered_lines_with_a_result_at_the_end(home, serving):
    serving(fake.answer(("a", "b", "c"), reasoning=("hm",)))
    done = home.run("--output-format", "stream-json", "hi")
    assert done.code == 0, done
    events = done.events
    numbers = [e["seq"] for e in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(events)))
    assert [e["type"] for e in events].count("result") == 1
    assert events[-1]["type"] == "result"
    check_result(events[-1], 0)
    assert "".join(e["text"] for e in events if e["type"] == "text") == "abc"
    assert "".join(e["text"] for e in events if e["type"] == "reasoning") == "hm"
    for event in events:
        for name in IDS:
            assert event[name], (name, event)
    assert len({e["session_id"] for e in events}) == 1


def test_every_event_of_stream_json_carries_a_cursor(home, serving):
    serving()
    for event in home.run("--output-format", "stream-json", "hi").events:
        assert event["cursor"]


FAILURES = {
    "a refused key": (fake.status(401), 77),
    "a broken stream": (fake.broken(), 76),
    "a rejected request": (fake.status(400), 65),
}


@pytest.mark.parametrize("form", ["json", "stream-json"])
@pytest.mark.parametrize("cause", FAILURES)
def test_a_failed_run_still_ends_in_a_result(home, serving, form, cause):
    script, code = FAILURES[cause]
    serving(script)
    done = home.run("--output-format", form, "hi")
    assert done.code == code, done
    result = done.events[-1] if form == "stream-json" else done.json
    check_result(result, code)
    assert result["error"]["code"] and result["error"]["message"]
    assert isinstance(result["error"]["retryable"], bool)


def test_a_run_without_config_gives_a_result_in_json_too(home):
    done = home.run("--json", "hi")
    assert done.code == 78, done
    assert done.json["exit_code"] == 78
    assert done.json["error"]["message"]


def test_a_terminated_stream_json_still_ends_in_a_result(home, serving):
    serving(fake.stall(("part",)))
    with home.start("run", "--output-format", "stream-json", "hi") as run:
        run.wait_out('"part"')
        run.signal(signal.SIGTERM)
        done = run.wait()
    assert done.code == 143, done
    assert done.events[-1]["type"] == "result"
    assert done.events[-1]["exit_code"] == 143
    assert done.events[-1]["text"] == "part"
    assert done.events[-1]["finish_reason"] == "interrupted"


def test_a_tool_call_without_a_word_is_said_on_stderr(home, serving):
    serving(fake.tool_call(name="rm\x1b[2J", text=""))
    done = home.run("look")
    assert done.code == 0, done
    assert "which weir does not run" in done.err and '{"path":"a.txt"}' in done.err
    assert "\x1b" not in done.err
    assert home.run("-q", "look").code == 0


def test_a_tool_call_is_reported_and_stored(home, serving):
    serving(fake.tool_call())
    done = home.run("--json", "look")
    assert done.code == 0, done
    assert done.json["finish_reason"] == "tool_use"
    call = done.json["tool_calls"][0]
    assert (call["id"], call["name"]) == ("call_1", "read_file")
    arguments = call["arguments"]
    assert (json.loads(arguments) if isinstance(arguments, str) else arguments) == {"path": "a.txt"}
    assert ("tool_call", '{"path":"a.txt"}') in home.answer()["parts"]
    assert home.answer()["text"] == "Let me look. "

# Terminals.


def test_an_answer_on_a_terminal_is_made_safe_and_on_a_pipe_it_is_as_it_came(home, serving):
    serving(fake.answer((hostile.ALL,)), fake.answer((hostile.ALL,)), fake.answer((hostile.ALL,)))
    with home.screen("run", "q", rows=100) as screen:
        assert screen.wait_exit() == 0
        screen.wait_quiet()
        assert not terminal.foreign_bytes(screen.output())
        for name, _, visible in hostile.CASES:
            assert visible.replace("\n", " ") in screen.words(), name
    piped = home.run("q")
    assert piped.out.rstrip("\n") == hostile.ALL
    assert home.answer()["text"] == hostile.ALL
    with home.screen("run", "--raw", "q", rows=100) as screen:
        assert screen.wait_exit() == 0
        screen.wait_quiet()
        assert b"\x1b]52;c;b3duZWQ=" in screen.output()


def test_a_hostile_error_is_made_safe_on_a_terminal(home, serving):
    serving(fake.status(400, json.dumps({"error": {"message": hostile.ONE_LINE}})))
    with home.screen("run", "q") as screen:
        assert screen.wait_exit() == 65
        screen.wait_quiet()
        assert not terminal.foreign_bytes(screen.output()), screen.dump()
        assert "]0;owned" in screen.text().replace("\n", "")
