"""Exit codes, one test for each row of the table; stdout and stderr byte by byte."""

import json
import re
import signal
import socket

import fake_server as fake
import pytest
from weirtest import ROOT, SLOWER

HELLO = b"Hello, world\n"
PRICED = '[models."fake/fake-model"]\ninput_price = "1"\noutput_price = "1000"\n'


def exact(done, code, out, err):
    """err: whole lines without the name of the program; None stands for any one line."""
    assert (done.code, done.stdout) == (code, out), done
    said = done.err.splitlines()
    assert len(said) == len(err), done
    for line, expected in zip(said, err):
        assert expected is None or line == f"weir: {expected}", done


def test_0_done(home, serving):
    serving()
    exact(home.run("q"), 0, HELLO, [])


def test_0_without_a_word_that_is_said(home, serving):
    serving(fake.answer(()), fake.answer((), reasoning=("hm",)), fake.answer(()))
    exact(home.run("q"), 0, b"", ["empty answer (stop)"])
    exact(home.run("q"), 0, b"", ["empty answer (stop)"])
    exact(home.weir("-q", "run", "q"), 0, b"", [])


def test_2_wrong_usage(home, serving):
    serving()
    exact(home.run("--no-such", "q"), 2, b"",
          ["unknown option '--no-such'", "'weir run --help' tells more"])
    exact(home.run("--wait", "q"), 2, b"",
          ["--wait follows the answer of a --request-id: give one"])


def test_3_cut_at_the_limit(home, serving):
    serving(fake.answer(reason="length"))
    exact(home.run("q"), 3, HELLO, ["the answer was cut at the token limit"])


def test_4_refused(home, serving):
    serving(fake.answer(reason="content_filter"))
    exact(home.run("q"), 4, HELLO, ["a filter stopped the answer"])


def test_4_refused_with_a_reason_that_is_said(home, serving):
    def refuse(c):
        c.head()
        for event in ({"type": "message_start", "message": {"usage": {"input_tokens": 1}}},
                      {"type": "message_delta", "delta": {
                          "stop_reason": "refusal",
                          "stop_details": {"type": "refusal", "explanation": "too risky"}}},
                      {"type": "message_stop"}):
            c.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        c.end()

    server = serving(refuse)
    home.use(server, url=server.root, kind="anthropic")
    exact(home.run("q"), 4, b"", ["the model refused to answer",
                                  "empty answer (refusal: too risky)"])


def test_5_over_the_budget(home, serving):
    server = serving(more=PRICED)
    exact(home.run("--max-cost", "0.1", "q"), 5, b"", [None])
    assert not server.turns()


def test_6_not_what_was_asked_for(home, serving):
    serving()
    exact(home.run("-x", "q"), 6, b"", ["the answer has no code block"])


def test_65_bad_input(home, serving):
    serving(fake.status(400))
    exact(home.run("-a", "no-such", "q"), 65, b"",
          ["cannot attach: cannot open 'no-such': no such file or directory"])
    exact(home.run("q"), 65, b"", [None])


def test_69_unreachable_or_failing(home, server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    home.use(server, url=f"http://127.0.0.1:{port}/v1", top="[network]\nattempts = 1\n")
    exact(home.run("q"), 69, b"", [None])
    server.then(fake.status(500))
    home.use(server, top="[network]\nattempts = 1\n")
    exact(home.run("q"), 69, b"", [None])


def test_73_no_folder_for_the_store(home, serving):
    serving()
    exact(home.run("--db", "/proc/nowhere/weir.db", "q"), 73, b"",
          ["cannot make folder '/proc/nowhere': no such file or directory",
           "the prompt was not sent:", None])
    exact(home.run("--db", "/proc/nowhere/weir.db", "-n", "q"), 0, HELLO, [])


def test_74_a_damaged_store(home, serving):
    serving()
    home.db.parent.mkdir(parents=True, exist_ok=True)
    home.db.write_bytes(b"this is no database" * 500)
    done = home.run("q")
    assert (done.code, done.stdout) == (74, b""), done


def test_75_busy(home, serving):
    serving(fake.status(429), top="[network]\nattempts = 1\n")
    exact(home.run("q"), 75, b"", [None])


def test_76_the_stream_broke(home, serving):
    serving(fake.broken())
    exact(home.run("q"), 76, b"kept text\n", [None])


def test_77_authentication(home, serving):
    serving(fake.status(401))
    exact(home.run("q"), 77, b"", [None])
    none = home.weir("run", "-m", "openai/gpt-4o", "q")
    assert (none.code, none.stdout) == (77, b"") and "OPENAI_API_KEY" in none.err, none


def test_78_configuration(home, server):
    done = home.run("q")
    assert (done.code, done.stdout) == (78, b"") and done.err
    home.configure("model = 3\n")
    exact(home.run("q"), 78, b"", [None])


def test_124_time_limit(home, serving):
    serving(fake.stall(("part",)))
    exact(home.run("--timeout", str(0.5 * SLOWER), "q"), 124, b"part\n",
          ["the time limit was reached; what came is stored"])
    assert home.answer()["text"] == "part"
    said = "cancelled: the time limit was reached"
    handle = home.rows("SELECT handle FROM session")[0]["handle"]
    for words in (("session", "show", handle), ("export", handle), ("export", handle, "-f", "html")):
        assert said in home.weir(*words).out, words
    assert '"detail":"the time limit was reached"' in home.weir("export", handle, "-f", "jsonl").out
    with home.screen("chat", handle) as screen:
        screen.wait_for(said)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_128_and_the_number_of_a_signal(home, serving, number):
    serving(fake.stall(("part",)))
    with home.start("run", "q") as run:
        run.wait_out("part")
        run.signal(number)
        done = run.wait()
    exact(done, 128 + number, b"part\n",
          ["stopped before the answer was whole; what came is stored"])


def test_141_the_reader_went_away(home, serving):
    serving(fake.endless())
    with home.start("run", "q", read=False) as run:
        run.process.stdout.read(4)
        run.process.stdout.close()
        assert run.process.wait(10) == 141
    assert home.answer()["text"].startswith("word 0")
    assert home.attempt() == "cancelled"
    handle = home.rows("SELECT handle FROM session")[0]["handle"]
    for words in (("session", "show", handle), ("export", handle),
                  ("export", handle, "-f", "html")):
        shown = home.weir(*words).out
        assert "cancelled" in shown and "canceled" not in shown, words


def test_help_and_papers_tell_of_the_same_codes(home):
    def numbers(texts):
        return {int(n) for text in texts for n in text.split(", ")}

    rows = (ROOT / "doc/scripts.md").read_text().split("| exit | meaning")[1]
    promised = numbers(re.findall(r"^\| ([0-9, ]+) \|", rows, re.M))
    assert {0, 5, 6, 65, 143} <= promised
    rows = (ROOT / "README.md").read_text().split("| exit | meaning")[1].split("\n\n")[0]
    assert numbers(re.findall(r"^\| ([0-9, ]+) \|", rows, re.M)) == promised
    helps = {what: home.weir(*what, "--help").out.split("Exit codes:")[1] for what in ((), ("run",))}
    for what, text in helps.items():
        assert numbers(re.findall(r"^  ([0-9]+) ", text, re.M)) == promised, what
    page = (ROOT / "doc/weir.1").read_text().split(".Sh EXIT STATUS")[1].split(".El")[0]
    assert numbers(n.replace(" , ", ", ") for n in re.findall(r"^\.It (.+)$", page, re.M)) == promised
    page = home.weir("__man", "run").out.split(".Sh EXIT STATUS")[1]
    assert numbers(re.findall(r"^  ([0-9]+) ", page, re.M)) == promised
