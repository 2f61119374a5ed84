"""Every way in which a run can end badly, told by its exit code; nothing that came is lost."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import fake_server as fake
import pytest
import weirtest
from weirtest import SLOWER, WEIR


# Every ending, by its exit code.

KEPT = "kept text"
# Waits between tries that are too short to be waited for here.
HURRY = "[network]\nmax_wait_s = 0.02\n"
ENDINGS = {
    # name: (script, exit code, stored text, reason, state of the attempt)
    "the token limit": (fake.answer((KEPT,), reason="length"), 3, KEPT, "max_tokens", "completed"),
    "a content filter": (fake.answer((KEPT,), reason="content_filter"), 4, KEPT, "content_filter",
                         None),
    "an error in the stream": (fake.error_inside(), (69, 76), KEPT, ("error", "interrupted"), None),
    "a FIN": (fake.broken(), 76, KEPT, "interrupted", "interrupted"),
    "a RST": (fake.broken(how="rst", settle=0.1), 76, KEPT, "interrupted", "interrupted"),
    "an early end": (fake.broken(how="eof"), 76, KEPT, "interrupted", "interrupted"),
    "half an event": (fake.broken(how="half"), 76, KEPT, "interrupted", "interrupted"),
    "a bad chunk": (fake.broken(how="chunk"), 76, KEPT, "interrupted", "interrupted"),
    "an end after the finish reason": (fake.answer((KEPT,), done=False), 0, KEPT, "end_turn",
                                       "completed"),
    "single bytes": (fake.answer((KEPT,), split=1), 0, KEPT, "end_turn", "completed"),
    "comments and unknown fields": (fake.answer((KEPT,), before=fake.pings), 0, KEPT, "end_turn",
                                    "completed"),
    "a slow drip": (fake.answer(("kept", " ", "te", "xt"), pause=0.15), 0, KEPT, "end_turn",
                    "completed"),
    "a key refused": (fake.status(401), 77, "", "error", "failed"),
    "a rejected request": (fake.status(400), 65, "", "error", "failed"),
    "a model that is not there": (fake.status(404), 65, "", "error", "failed"),
    "a page instead of a stream": (fake.html(200), (69, 76), "", "error", None),
    "a redirect": (fake.status(301, headers=[("Location", "http://127.0.0.1:1/v1")]),
                   78, "", "error", "failed"),
}


def among(value, expected):
    return expected is None or value in (expected if isinstance(expected, tuple) else (expected,))


@pytest.mark.parametrize("cause", ENDINGS)
def test_what_came_is_printed_and_stored_and_the_exit_code_says_why_it_ended(home, serving, cause):
    script, code, text, reason, state = ENDINGS[cause]
    serving().default = script
    result = home.run("the question", timeout=30)
    assert among(result.code, code), result
    assert result.out.rstrip("\n") == text
    assert bool(result.err) == (result.code not in (0,)), result
    assert home.prompts() == ["the question"]
    stored = home.answers()
    assert (stored[-1]["text"] if stored else "") == text
    if stored:
        assert among(stored[-1]["reason"], reason), stored[-1]
    if state:
        assert home.attempt() == state
    assert home.attempt() != "running" and home.turn() != "running"
    home.check_integrity()


@pytest.mark.parametrize("count", [181, 182, 200, 360, 361, 480])
def test_a_stream_cut_anywhere_keeps_what_was_whole(home, serving, count):
    serving(fake.cut_at(count))
    result = home.run("q")
    assert result.code == 76, result
    text = home.answer()["text"]
    assert text and KEPT.startswith(text)
    assert result.out.rstrip("\n") == text.rstrip("\n")
    assert (home.attempt(), home.answer()["reason"]) == ("interrupted", "interrupted")


@pytest.mark.parametrize("count", [0, 100, 180])
def test_a_stream_cut_before_any_content_is_asked_for_again(home, serving, count):
    server = serving(fake.cut_at(count), fake.answer(("whole",)), top=HURRY)
    result = home.run("q")
    assert (result.code, result.out) == (0, "whole\n"), result
    assert len(server.turns()) == 2
    assert [a["text"] for a in home.answers()] == ["whole"]


def test_a_reset_keeps_all_that_was_read(home, serving):
    server = serving(fake.broken(tuple(f"w{i} " for i in range(200)), how="rst", settle=0.3))
    result = home.run("q")
    assert result.code == 76, result
    assert home.answer()["text"] == server.turns()[0].text()


def test_the_error_names_what_the_server_said(home, serving):
    serving(fake.status(400, json.dumps({"error": {"message": "the moon is too full"}})))
    assert "the moon is too full" in home.run("q").err


@pytest.mark.parametrize("split", [0, 1])
def test_an_event_stream_that_is_named_json_is_read_as_one(home, serving, split):
    def play(c):
        c.head(200, "application/json; charset=utf-8")
        c.split = split
        c.delta("Hello")
        c.finish()
        c.end()

    server = serving(play)
    result = home.run("q")
    assert (result.code, result.out) == (0, "Hello\n"), result
    assert len(server.turns()) == 1


def test_a_server_error_page_is_tried_again_before_any_content(home, serving):
    server = serving(fake.html(502), fake.answer(("fine",)), top=HURRY)
    result = home.run("q")
    assert (result.code, result.out) == (0, "fine\n"), result
    assert len(server.turns()) == 2
    assert len(home.prompts()) == 1 and len(home.answers()) == 1


def test_a_server_that_goes_on_failing_is_asked_four_times(home, serving):
    refuse = fake.html(503)
    refuse_now = fake.status(503, "<html>down</html>", "text/html", [("Retry-After", "0")])
    server = serving(refuse_now, refuse, refuse_now, refuse, refuse, fake.answer(), top=HURRY)
    result = home.run("q", timeout=60)
    assert result.code == 69, result
    assert "503" in result.err and "tried 4 times" in result.err
    assert len(server.turns()) == 4
    assert home.prompts() == ["q"] and home.attempt() == "failed"


def test_a_rate_limit_waits_as_long_as_the_server_says(home, serving):
    server = serving(fake.status(429, headers=[("Retry-After", "1")]), fake.answer(("fine",)))
    result = home.run("q")
    assert (result.code, result.out) == (0, "fine\n"), result
    first, second = server.turns()
    assert 0.95 < second.began - first.began < 4 * SLOWER


def test_a_rate_limit_that_stays_exits_75(home, serving):
    limit = fake.status(429, headers=[("Retry-After", "0")])
    server = serving(limit, limit, limit, limit, limit, top=HURRY)
    result = home.run("q", timeout=60)
    assert result.code == 75, result
    assert len(server.turns()) == 4


def test_a_wait_that_is_too_long_is_not_waited_for_but_named(home, serving):
    server = serving(fake.status(429, headers=[("Retry-After", "7200")]), fake.answer())
    result = home.run("q")
    assert result.code == 75, result
    assert "7200 s" in result.err and "try again after" in result.err
    assert len(server.turns()) == 1 and home.attempt() == "failed"


@pytest.mark.parametrize("headers, asked", [
    ([("x-should-retry", "true")], 2), ([("x-should-retry", "false")], 1), ([], 1)])
def test_a_server_may_say_whether_to_ask_again(home, serving, headers, asked):
    server = serving(fake.status(400, headers=headers), fake.answer(("fine",)), top=HURRY)
    result = home.run("q")
    assert result.code == (0 if asked == 2 else 65), result
    assert len(server.turns()) == asked


RETRY_AFTER = {
    "a fraction": [("Retry-After", "0.3")],
    "milliseconds": [("retry-after-ms", "300")],
    "a limit that is used up": [("x-ratelimit-remaining-tokens", "0"),
                                ("x-ratelimit-reset-tokens", "300ms")],
    "a date": [("Date", "Sat, 21 Nov 2026 07:24:05 GMT"),
               ("Retry-After", "Sat, 21 Nov 2026 07:24:06 GMT")],
}


@pytest.mark.parametrize("form", RETRY_AFTER)
def test_each_form_of_retry_after_is_waited_for(home, serving, form):
    server = serving(fake.status(429, headers=RETRY_AFTER[form]), fake.answer(("fine",)))
    result = home.run("-v", "q")
    assert (result.code, result.out) == (0, "fine\n"), result
    assert "retry 2 of 4 in" in result.err and "429" in result.err
    first, second = server.turns()
    assert second.began - first.began > 0.28


def test_a_wait_that_the_body_asks_for_is_waited(home, serving):
    body = json.dumps({"error": {"code": 429, "message": "m", "details": [{"retryDelay": "0.3s"}]}})
    server = serving(fake.status(429, body), fake.answer(("fine",)), top=HURRY.replace("0.02", "1"))
    assert home.run("q").code == 0
    first, second = server.turns()
    assert second.began - first.began > 0.28


def test_retries_are_told_in_stream_json_and_not_on_a_stderr_that_nobody_reads(home, serving):
    serving(fake.status(529), fake.answer(("fine",)), top="[network]\nmax_wait_s = 0.15\n")
    result = home.run("--output-format", "stream-json", "q")
    waits = [e for e in result.events if e["type"] == "waiting"]
    assert [(w["attempt"], w["attempts"], w["code"]) for w in waits] == [(1, 4, "server")]
    assert result.code == 0 and not result.err


def test_attempts_are_counted_as_configured(home, serving):
    server = serving(*[fake.status(500)] * 3, top=HURRY + "attempts = 2\n")
    assert home.run("q").code == 69
    assert len(server.turns()) == 2


def test_an_overload_told_as_the_first_event_is_tried_again(home, serving):
    server = serving(fake.error_inside((), "overloaded", 503), fake.answer(("fine",)), top=HURRY)
    result = home.run("q")
    assert (result.code, result.out) == (0, "fine\n"), result
    assert len(server.turns()) == 2 and home.answer()["reason"] == "end_turn"


def test_a_time_limit_holds_while_another_try_is_waited_for(home, serving):
    serving(fake.status(503, headers=[("Retry-After", "30")]))
    result = home.run("--timeout", "0.5", "q")
    assert result.code == 124 and result.seconds < 2 * SLOWER, result


def test_nothing_is_asked_again_after_the_first_content(home, serving):
    server = serving(fake.broken(("partial",)), fake.answer(("whole",)))
    result = home.run("q")
    assert result.code == 76, result
    assert len(server.turns()) == 1
    assert home.answer()["text"] == "partial"


def test_a_refused_connection_exits_69_and_keeps_the_prompt(home, serving):
    server = serving(top=HURRY)
    server.stop()
    result = home.run("precious words", timeout=40)
    assert result.code == 69, result
    assert home.prompts() == ["precious words"]
    assert home.attempt() == "failed"
    assert "127.0.0.1" in result.err


def test_an_unknown_host_exits_69_and_is_named(home):
    home.use(None, url="https://no-such-host.invalid/v1", top=HURRY)
    result = home.run("precious words", timeout=60)
    assert result.code == 69, result
    assert "no-such-host.invalid" in result.err
    assert home.prompts() == ["precious words"]


def test_a_certificate_that_nobody_signed_is_refused(home, tmp_path):
    with fake.Server(tls=weirtest.certificate(tmp_path)) as server:
        home.use(server)
        result = home.run("q", timeout=60)
        assert result.code == 69, result
        assert "127.0.0.1" in result.err and "certificate" in result.err.lower()
        assert not server.turns()
    assert home.prompts() == ["q"]


def test_a_certificate_of_the_configured_authority_is_accepted(home, tmp_path):
    cert, key = weirtest.certificate(tmp_path)
    with fake.Server(tls=(cert, key)) as server:
        home.use(server, more=f'ca_file = "{cert}"')
        result = home.run("q")
    assert (result.code, result.out) == (0, "Hello, world\n"), result


@pytest.mark.parametrize("host, before, words", [
    ("localhost", (), "does not match|no alternative certificate subject name matches"),
    ("127.0.0.1", ("faketime", "2020-01-01"), "certificate has expired")],
    ids=["another host's", "expired"])
def test_a_certificate_that_does_not_hold_names_the_host_and_the_reason(
        home, tmp_path, host, before, words):
    if before and not shutil.which(before[0]):
        pytest.skip(f"{before[0]} is not installed")
    cert, key = weirtest.certificate(tmp_path, before)
    with fake.Server(tls=(cert, key)) as server:
        home.use(server, url=f"https://{host}:{server.port}/v1", more=f'ca_file = "{cert}"')
        result = home.run("q")
        assert result.code == 69 and f"certificate of '{host}'" in result.err, result
        assert re.search(words, result.err) and not server.turns(), result


def test_plain_http_to_another_host_is_refused(home):
    home.use(None, url="http://example.invalid/v1")
    result = home.run("q")
    assert result.code == 78, result
    assert "http" in result.err


def test_a_time_limit_exits_124_and_keeps_what_came(home, serving):
    server = serving(fake.stall(("some ", "text")))
    result = home.run("--timeout", "1", "q")
    assert result.code == 124, result
    assert 0.9 < result.seconds < 2.5 * SLOWER
    assert home.answer()["text"] == "some text"
    assert home.attempt() != "running"
    server.turns()[0].wait_closed()


def test_a_server_that_never_answers_meets_the_time_limit(home, serving):
    serving(fake.stall(headers=False))
    result = home.run("--timeout", str(0.7 * SLOWER), "q")
    assert result.code == 124, result
    assert home.prompts() == ["q"] and home.attempt() != "running"


def test_a_host_that_does_not_answer_is_given_up_after_the_configured_time(home):
    with fake.FullListener() as listener:
        home.use(None, url=f"http://127.0.0.1:{listener.port}/v1",
                 top="[network]\nconnect_timeout_s = 0.2\nattempts = 2\nmax_wait_s = 0\n")
        result = home.run("q", timeout=30)
    assert result.code == 124 and 0.4 < result.seconds < 3 * SLOWER, result
    assert "cannot connect" in result.err and "tried 2 times" in result.err
    assert home.attempt() == "failed"


@pytest.mark.parametrize("stage", ["first byte", "silence"])
def test_a_silent_server_is_given_up_after_the_configured_time(home, serving, stage):
    key = "first_byte_timeout_s" if stage == "first byte" else "idle_timeout_s"
    texts = () if stage == "first byte" else ("some text",)
    serving(fake.stall(texts, headers=bool(texts)), fake.status(400),
            top=f"[network]\n{key} = 0.5\n")
    result = home.run("q", timeout=30)
    assert result.code in ((76, 124) if texts else (69, 124)), result
    assert [a["text"] for a in home.answers() if a["text"]] == [t for t in texts]


@pytest.mark.parametrize("options, told", [(("-v",), True), ((), False), (("-v", "-q"), False)])
def test_silence_is_told_once_to_who_looks(home, serving, options, told):
    serving(fake.answer(("some ", "text"), pause=0.6), top="[network]\nnote_after_s = 0.2\n")
    result = home.weir(*options, "run", "q")
    assert (result.code, result.out) == (0, "some text\n"), result
    assert ("nothing new for 0.2 s" in result.err) == told, result
    assert result.err.count("nothing new") <= 2


# An option that is not taken.

def refusal(param, message, status=400):
    return fake.status(status, json.dumps({"error": {
        "message": message, "type": "invalid_request_error", "param": param,
        "code": "unsupported_parameter"}}))


def test_an_option_that_is_refused_is_left_out_and_that_is_said(home, serving):
    server = serving(refusal("temperature", "Unsupported parameter: 'temperature'"),
                     fake.answer(("fine",)))
    result = home.run("q", "--temperature", "0.3", "--max-tokens", "50")
    assert (result.code, result.out) == (0, "fine\n"), result
    assert "does not take 'temperature': asked again without it" in result.err
    first, second = (turn.json for turn in server.turns())
    assert first.pop("temperature") == 0.3 and first == second
    assert len(home.prompts()) == 1 and len(home.answers()) == 1 and home.attempt() == "completed"


@pytest.mark.parametrize("top, scripts, asked", [
    ("", [refusal("temperature", "unsupported"), refusal("temperature", "unsupported")], 2),
    ("", [refusal("temperature", "7 is above the maximum")], 1),
    ("", [refusal("tools", "Unsupported parameter: 'tools'")], 1),
    ("[network]\nattempts = 1\n", [refusal("temperature", "unsupported")], 1),
], ids=["twice", "a bad value", "no option", "one attempt"])
def test_a_refusal_that_stays_ends_the_run(home, serving, top, scripts, asked):
    server = serving(*scripts, fake.answer(), top=top)
    result = home.run("q", "--temperature", "0.3")
    assert result.code == 65, result
    assert len(server.turns()) == asked and home.attempt() == "failed"


def thinking(c):
    """An answer as Anthropic gives it, whose thinking is signed."""
    d = c.dialect
    c.head()
    c.write(d.reasoning(b"hm") + d.delta(b"signature_delta", b"signature", b"S1gned") +
            d.text(b"first") + d.finish("stop"))
    c.end()


BOUND = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message":
                    "The block is bound to a different conversation"}})


def test_reasoning_that_is_not_taken_back_is_left_out_and_that_is_said(home, serving, server):
    serving(thinking, fake.status(400, BOUND), fake.answer(("second",)), fake.answer(("third",)),
            url=server.root, kind="anthropic", more='api_key_cmd = ["echo", "some-key"]')
    assert home.run("one").code == 0
    result = home.run("-c", "two", "--system", "another")
    assert (result.code, result.out) == (0, "second\n"), result
    assert "does not take its earlier reasoning back: asked again without" in result.err
    refused, taken = (turn.json for turn in server.turns()[1:])
    blocks = [block["type"] for block in refused["messages"][1]["content"]]
    assert blocks == ["thinking", "text"]
    del refused["messages"][1]["content"][0]
    assert refused == taken
    assert home.attempt() == "completed" and len(home.answers()) == 2
    assert all(t.headers["x-api-key"] == "some-key" for t in server.turns())


@pytest.mark.parametrize("scripts, asked", [((BOUND, BOUND), 2), (("{}",), 1)],
                         ids=["twice", "another fault"])
def test_a_refusal_of_it_that_stays_ends_the_run(home, serving, server, scripts, asked):
    serving(thinking, *(fake.status(400, body) for body in scripts), fake.answer(),
            url=server.root, kind="anthropic")
    assert home.run("one").code == 0
    assert home.run("-c", "two").code == 65
    assert len(server.turns()) == 1 + asked and home.attempt() == "failed"


def test_a_stop_while_it_is_asked_again_ends_it(home, serving, server):
    serving(thinking, fake.status(400, BOUND), fake.stall(), url=server.root, kind="anthropic")
    assert home.run("one").code == 0
    with home.start("run", "-c", "two") as run:
        server.wait_turn(3)
        run.signal(signal.SIGINT)
        assert run.wait().code == 130
    assert home.attempt() == "cancelled"


# Bytes.

BYTES = {
    "stray bytes": (b"a\xff\xfeb", "a\ufffd\ufffdb"),
    "a cut code point": (b"a\xe4\xb8b", "a\ufffdb"),
    "an overlong form": (b"a\xc0\xafb", "a\ufffd\ufffdb"),
    "raw surrogate": (b"a\xed\xa0\x80b", "a\ufffd\ufffd\ufffdb"),
    "a lone high surrogate": (rb"a\ud800b", "a\ufffdb"),
    "a lone low surrogate": (rb"a\udc00b", "a\ufffdb"),
    "two high surrogates": (rb"a\ud83d\ud83d\ude00b", "a\ufffd\U0001f600b"),
    "a surrogate pair": (rb"a\ud83d\ude00b", "a\U0001f600b"),
    "an escaped NUL": (rb"a\u0000b", "a\ufffdb"),
    "controls": (rb"a\u001b[2J\u0007\u009bb", "a\x1b[2J\x07\x9bb"),
}


@pytest.mark.parametrize("kind", BYTES)
def test_what_is_not_text_becomes_a_replacement_and_nothing_around_it_is_lost(home, serving, kind):
    sent, expected = BYTES[kind]
    serving(fake.payload(b"before ", sent, b" after"))
    result = home.run("q")
    assert result.code == 0, result
    assert home.answer()["text"] == f"before {expected} after"
    assert result.out == f"before {expected} after\n"


def test_a_code_point_split_over_two_pieces_of_the_body_arrives_whole(home, serving):
    serving(fake.answer(("世界 🙂 é",), split=1))
    assert home.run("q").out == "世界 🙂 é\n"


def test_invalid_bytes_in_the_prompt_are_replaced(home, serving):
    server = serving()
    result = home.run(stdin=b"caf\xe9 time")
    assert result.code in (0, 65), result
    if result.code == 0:
        assert server.turns()[0].json["messages"][-1]["content"].startswith("caf\ufffd time")


def test_an_event_of_10_mb_is_taken(home, serving):
    serving(fake.giant(10_000_000))
    result = home.run("q", timeout=60)
    assert result.code == 0, result
    assert len(home.answer()["text"]) == 10_000_000 + len("before  after")
    assert len(result.stdout) == 10_000_000 + len("before  after\n")


def test_an_event_of_20_mb_is_refused_by_name_and_the_text_before_it_is_kept(home, serving):
    serving(fake.giant(20_000_000))
    result = home.run("q", timeout=60)
    assert result.code in (65, 69, 76), result
    assert home.answer()["text"] == "before "
    assert any(word in result.err for word in ("too large", "too big", "too long", "MiB", "larger"))


def test_a_prompt_of_2_mb_is_sent_whole(home, serving):
    server = serving()
    text = "line of text\n" * 160_000
    assert home.run(stdin=text.encode()).code == 0
    assert server.turns()[0].json["messages"][-1]["content"].rstrip("\n") == text.rstrip("\n")

# Signals.

SIGNALS = {
    signal.SIGINT: (130, "canceled", "cancelled"),
    signal.SIGTERM: (143, "interrupted", "interrupted"),
    signal.SIGHUP: (129, "interrupted", "interrupted"),
}


@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
@pytest.mark.alone
@pytest.mark.threads
def test_a_signal_in_the_middle_loses_nothing_that_had_come(home, serving, number, figures):
    code, reason, state = SIGNALS[number]
    server = serving(fake.endless(0.005))
    with home.start("run", "the question") as run:
        exchange = server.wait_turn()
        server.wait_sent(exchange, 60)
        at = run.signal(number)
        result = run.wait()
        ended = time.monotonic()
    assert result.code == code, result
    text = home.answer()["text"]
    sent_before = "".join(t for when, t in exchange.sent if when < at - 0.02)
    assert text.startswith(sent_before), (text[-40:], sent_before[-40:])
    assert exchange.text().startswith(text)
    assert result.out.rstrip("\n") == text.rstrip("\n"), "what was printed is what is stored"
    assert home.answer()["reason"] == reason
    assert (home.attempt(), home.turn()) == (state, state)
    figures(f"exit after {number.name}, ms", round((ended - at) * 1000, 1))
    assert ended - at < 2 * SLOWER
    home.check_integrity()


@pytest.mark.threads
def test_a_second_signal_does_not_harm_the_text(home, serving):
    server = serving(fake.stall(("all of it",)))
    with home.start("run", "q") as run:
        server.wait_turn()
        run.wait_out("all of it")
        run.signal(signal.SIGTERM)
        run.signal(signal.SIGTERM)
        result = run.wait()
    assert result.code in (143, -signal.SIGTERM), result
    assert home.answer()["text"] == "all of it"


@pytest.mark.threads
def test_an_ignored_hangup_stays_ignored(home, serving):
    server = serving(fake.answer(("a", "b", "c"), pause=0.2))
    run = subprocess.Popen(["nohup", WEIR, "run", "q"], stdin=subprocess.DEVNULL, env=home.env,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=home.work)
    try:
        server.wait_sent(server.wait_turn(), 1)
        run.send_signal(signal.SIGHUP)
        out, err = run.communicate(timeout=10 * SLOWER)
    finally:
        if run.poll() is None:
            run.kill()
        run.wait()
    assert (run.returncode, out) == (0, b"abc\n"), err


def test_a_reader_that_goes_away_cancels_the_turn_and_keeps_what_came(home, serving):
    server = serving(fake.endless(0.01))
    with home.start("run", "q", read=False) as run:
        exchange = server.wait_turn()
        server.wait_sent(exchange, 10)
        assert os.read(run.process.stdout.fileno(), 10)
        run.process.stdout.close()
        result = run.wait()
    assert result.code == 141, result
    exchange.wait_closed()
    assert exchange.text().startswith(home.answer()["text"])
    assert len(home.answer()["text"]) > 20
    assert home.attempt() != "running"


@pytest.mark.skipif(not pathlib.Path("/dev/full").is_char_device(), reason="no /dev/full")
def test_a_full_stdout_is_an_error_and_the_answer_is_stored(home, serving):
    serving()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([WEIR, "run", "q"], stdin=subprocess.DEVNULL, stdout=full,
                              stderr=subprocess.PIPE, env=home.env, cwd=home.work, check=False,
                              timeout=20 * SLOWER)
    assert done.returncode not in (0, 141), done
    assert done.stderr
    assert home.answer()["text"] and "Hello, world".startswith(home.answer()["text"])
