"""Every fault of a server in every protocol that weir speaks.

For each: what is stored is exactly what had come, the attempt has the right state, the exit code
says what it was, and the text says what to do.
"""

import json
import re
import subprocess
import tempfile

import dialects
import fake_server as fake
import pytest
import weirtest
from weirtest import SLOWER

KEPT = "kept text"
# One try, and no long waits.
ONCE = "[network]\nattempts = 1\nidle_timeout_s = {idle}\nfirst_byte_timeout_s = {idle}\n"


def known_types():
    """The protocols in the program's own table, which it names when it is given another."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as config:
        config.write(b'[provider.x]\ntype = "none of them"\n')
        config.flush()
        said = subprocess.run([weirtest.WEIR, "--config", config.name, "config", "check"],
                              capture_output=True, check=False, env={"HOME": "/nonexistent"})
    return re.findall(r"'([a-z-]+)'", said.stderr.decode().partition("one of ")[2])


TYPES = [name for name in dialects.DIALECTS if name in known_types()]
every_protocol = pytest.mark.parametrize("kind", TYPES)


@pytest.fixture
def ask(home, server):
    """Runs one prompt against a script; gives the run and what is stored of the answer."""
    def run(kind, script, *options, network=None, **use):
        server.default = script
        use.setdefault("url", server.root + dialects.DIALECTS[kind].base)
        top = network if network is not None else ONCE.format(idle=5 * SLOWER)
        home.use(server, kind=kind, top=top, **use)
        result = home.run(*options, "the question", timeout=30)
        stored = home.answers()
        return result, stored[-1] if stored else None
    return run


def test_every_protocol_is_served():
    assert "openai" in TYPES
    assert set(known_types()) - {"demo", "replay"} <= set(dialects.DIALECTS)


# How an answer can end: script, exit code, text, reason, state of the attempt, words on stderr.

def between(c):
    c.write(c.dialect.comment() * 2)


def noisy(make):
    """Two pieces of text with something between them, then the end."""
    def play(c):
        c.head()
        c.delta("kept ")
        make(c)
        c.delta("text")
        c.finish()
        c.end()
    return play


ENDS = {
    "nothing wrong": (fake.answer((KEPT,)), 0, KEPT, "end_turn", "completed", ""),
    "single bytes": (fake.answer((KEPT,), split=1), 0, KEPT, "end_turn", "completed", ""),
    "pings": (noisy(between), 0, KEPT, "end_turn", "completed", ""),
    "an event that is no JSON": (noisy(lambda c: c.write(c.dialect.frame(b'{"a":'))), 0, KEPT,
                                 "end_turn", "completed", ""),
    "an event of another kind": (noisy(lambda c: c.write(c.dialect.frame(b'{"new":[1]}'))), 0,
                                 KEPT, "end_turn", "completed", ""),
    "an event without bottom": (noisy(lambda c: c.write(c.dialect.frame(b"[" * 100_000))), 0, KEPT,
                                "end_turn", "completed", ""),
    "the token limit": (fake.answer((KEPT,), reason="length"), 3, KEPT, "max_tokens", "completed",
                        "token limit"),
    "a FIN": (fake.broken(), 76, KEPT, "interrupted", "interrupted", ""),
    "a RST": (fake.broken(how="rst", settle=0.15), 76, KEPT, "interrupted", "interrupted", ""),
    "an early end": (fake.broken(how="eof"), 76, KEPT, "interrupted", "interrupted",
                     "without its last event"),
    "half an event": (fake.broken(how="half"), 76, KEPT, "interrupted", "interrupted", ""),
    "a chunk that is none": (fake.broken(how="chunk"), 76, KEPT, "interrupted", "interrupted", ""),
    "an error in the middle": (fake.error_inside(), (69, 76), KEPT, ("error", "interrupted"),
                               ("failed", "interrupted"), "the model fell over"),
    "an error before all": (fake.error_inside((), "come back", 503), (69, 75, 76), "", "error",
                            "failed", "come back"),
    "nothing at all": (fake.cut_at(0), 76, "", "interrupted", "interrupted", ""),
    "a page of a proxy": (fake.html(200), (69, 76), "", "error", "failed", "Gateway page"),
    "a redirect": (fake.status(301, headers=[("Location", "http://127.0.0.1:1/")]), 78, "",
                   "error", "failed", "base URL"),
    "a head that is too large": (fake.status(200, headers=[("X", "y" * 400_000)]), (69, 76), "",
                                 ("error", "interrupted"), ("failed", "interrupted"), "too large"),
}


def among(value, expected):
    return value in (expected if isinstance(expected, tuple) else (expected,))


@every_protocol
@pytest.mark.parametrize("cause", ENDS)
def test_an_end(home, ask, kind, cause):
    script, code, text, reason, state, words = ENDS[cause]
    result, stored = ask(kind, script)
    assert among(result.code, code), result
    assert stored["text"] == text and result.out.rstrip("\n") == text
    assert among(stored["reason"], reason), stored
    assert among(home.attempt(), state)
    assert words in result.err and bool(result.err) == (code != 0), result
    assert home.prompts() == ["the question"]


@every_protocol
def test_a_filter_ends_an_answer(home, ask, kind):
    if kind == "ollama":
        pytest.skip("there is no such end in this protocol")
    result, stored = ask(kind, fake.answer((KEPT,), reason="content_filter"))
    assert result.code == 4 and stored["text"] == KEPT, result
    assert stored["reason"] in ("content_filter", "refusal")


@every_protocol
def test_reasoning_is_stored_apart_from_text(home, ask, kind):
    _, stored = ask(kind, fake.answer((KEPT,), reasoning=("let me ", "think")))
    assert (stored["reasoning"], stored["text"]) == ("let me think", KEPT)


@every_protocol
def test_a_cut_at_any_byte_keeps_what_was_whole(home, server, ask, kind):
    texts = ("kept ", "text", " more")
    ask(kind, fake.cut_at(10**9, texts=texts))
    ends = server.turns()[-1].ends
    # The line end that closes an event may be two bytes, of which the first is enough.
    for count in [1, ends[0] // 2, ends[0] - 2, ends[0], ends[0] + 1, ends[1] - 4, ends[1],
                  (ends[1] + ends[2]) // 2, ends[2]]:
        result, stored = ask(kind, fake.cut_at(count, texts=texts))
        had = {"".join(t for t, end in zip(texts, ends) if end <= at)
               for at in (count, count + 1)}
        assert result.code == 76 and stored["text"] in had, (count, ends, result, stored)
        assert (stored["reason"], home.attempt()) == ("interrupted", "interrupted")


# Silence.


@every_protocol
@pytest.mark.parametrize("texts", [(), (KEPT,)], ids=["before", "in the middle"])
def test_a_stall_ends_after_the_configured_time(home, ask, kind, texts):
    result, stored = ask(kind, fake.stall(texts, headers=bool(texts)),
                         network=ONCE.format(idle=0.3))
    assert result.code in (69, 76, 124) and result.seconds < 3 * SLOWER, result
    assert stored["text"] == "".join(texts)
    assert "no byte from" in result.err if texts else "no answer from" in result.err
    assert home.attempt() in ("failed", "interrupted")


@every_protocol
def test_pings_and_a_slow_drip_are_life(home, ask, kind):
    def play(c):
        c.head()
        for text in ("kept", " text"):
            for _ in range(3):
                c.sleep(0.2)
                c.write(c.dialect.comment())
            c.delta(text)
        c.finish()
        c.end()
    result, stored = ask(kind, play, network=ONCE.format(idle=0.5 * SLOWER))
    assert (result.code, stored["text"]) == (0, KEPT), result


# Bytes.


@every_protocol
def test_what_is_not_text_is_replaced_and_nothing_around_it_is_lost(ask, kind):
    result, stored = ask(kind, fake.payload(
        b"a\xff\xfeb", rb"|\ud800|", rb"\ud83d\ude00|", b"c\xe4\xb8d", rb"|\u0000|end"))
    assert result.code == 0, result
    assert stored["text"] == "a\ufffd\ufffdb|\ufffd|\U0001f600|c\ufffdd|\ufffd|end"


@every_protocol
def test_a_giant_line_is_taken_and_one_beyond_the_limit_refused_by_name(ask, kind):
    result, stored = ask(kind, fake.giant(1_000_000))
    assert result.code == 0 and len(stored["text"]) == 1_000_000 + len("before  after"), result.err
    result, stored = ask(kind, fake.giant(17_000_000))
    assert result.code in (65, 69, 76) and "16777216" in result.err, result
    assert stored["text"] == "before "


# Refusals.

STATUSES = {400: 65, 401: 77, 403: 77, 404: 65, 413: 65, 422: 65, 429: 75, 500: 69, 502: 69,
            503: 69, 504: 69, 529: 69}
SHAPES = [
    {"error": {"message": "moon", "type": "t", "param": None, "code": None}},
    {"error": {"message": "moon", "code": 77}},
    {"type": "error", "error": {"type": "t", "message": "moon"}, "request_id": "r"},
    {"error": {"code": 418, "message": "moon", "status": "ODD", "details": [{"x": 1}]}},
    [{"error": {"code": 418, "message": "moon", "status": "ODD"}}],
    {"error": "moon"},
    {"object": "error", "message": "moon", "type": "t", "code": 1},
    {"detail": "moon"},
    {"detail": [{"loc": ["body"], "msg": "moon", "type": "t"}]},
    {"message": "moon"},
    "<html>moon</html>",
]


@every_protocol
def test_each_status_has_its_exit_code_and_says_what_to_do(home, ask, kind):
    for status, code in STATUSES.items():
        result, stored = ask(kind, fake.status(status))
        assert result.code == code, (status, result)
        assert f"fake failure {status}" in result.err and f"HTTP {status}" in result.err, result
        assert (stored["text"], stored["reason"], home.attempt()) == ("", "error", "failed")


@every_protocol
def test_each_shape_of_an_error_is_read(ask, kind):
    for shape in SHAPES:
        body = shape if isinstance(shape, str) else json.dumps(shape)
        result, _ = ask(kind, fake.status(418, body))
        assert result.code == 65 and "moon" in result.err and '"' not in result.err, (shape, result)


@every_protocol
def test_a_refusal_is_asked_again_before_the_first_content_only(home, server, ask, kind):
    network = "[network]\nmax_wait_s = 0.02\n"
    server.then(fake.status(429, headers=[("Retry-After", "0")]),
                fake.error_inside((), "overloaded", 503), fake.cut_at(0))
    result, stored = ask(kind, fake.answer((KEPT,)), network=network)
    assert (result.code, stored["text"], len(server.turns())) == (0, KEPT, 4), result
    server.then(fake.broken((KEPT,)))
    result, stored = ask(kind, fake.answer(("never",)), network=network)
    assert (result.code, stored["text"], len(server.turns())) == (76, KEPT, 5), result


@every_protocol
def test_a_try_that_only_opened_a_part_leaves_nothing_behind(home, server, ask, kind):
    def opens(c):
        c.head()
        c.write(c.dialect.open("text"))
        c.write(c.dialect.error("come back", 503))
        c.end()
    server.then(opens)
    result, stored = ask(kind, fake.answer((KEPT,), reasoning=("hm",)),
                         network="[network]\nmax_wait_s = 0.02\n")
    assert (result.code, len(server.turns())) == (0, 2), result
    assert [p for p in stored["parts"] if p[0] != "native"] == [("reasoning", "hm"), ("text", KEPT)]


# The way there.


@every_protocol
def test_no_connection_is_named(home, ask, kind, tmp_path):
    with fake.Server() as gone:
        port = gone.port
    for url in (f"http://127.0.0.1:{port}", "https://no-such-host.invalid"):
        result, stored = ask(kind, fake.answer(), url=url + dialects.DIALECTS[kind].base)
        assert result.code == 69 and url.split("/")[2].split(":")[0] in result.err, result
        assert (stored["text"], home.attempt()) == ("", "failed")
    with fake.Server(tls=weirtest.certificate(tmp_path)) as stranger:
        result, stored = ask(kind, fake.answer(), url=stranger.root)
        assert result.code == 69 and "cannot trust" in result.err, result
        assert (stored["text"], home.attempt()) == ("", "failed")
    assert home.prompts() == ["the question"] * 3
