"""Answers of other processes, followed from the command line."""

import json
import signal
import threading

import fake_server as fake
import jsonschema
import pytest
from weirtest import ROOT

VALIDATOR = jsonschema.Draft202012Validator(
    json.loads((ROOT / "doc/stream-json.schema.json").read_text()))


def paced(pieces, gate=None, at=0):
    """An answer whose piece number `at` waits for the gate."""
    def play(c):
        c.head()
        for number, piece in enumerate(pieces):
            if gate and number == at:
                gate.wait(10)
            c.delta(piece)
        c.finish()
    return play


def lines(out):
    return [json.loads(line) for line in bytes(out).splitlines()]


def text_of(events):
    return "".join(e["text"] for e in events if e["type"] == "text")


def handle(home):
    return json.loads(home.weir("session", "list", "--json").out)[0]["handle"]


@pytest.mark.threads
def test_an_answer_is_printed_while_it_comes_as_run_prints_it(home, serving):
    gate = threading.Event()
    serving(paced(("one ", "two ", "three"), gate, 1))
    with home.start("run", "q") as run:
        run.wait_out("one ")
        with home.start("watch", "--until-idle") as watch:
            watch.wait_out("one ")
            gate.set()
            done = watch.wait()
        assert (done.code, done.out, done.err) == (0, "one two three\n", "")
        assert run.wait().out == done.out


@pytest.mark.threads
def test_a_watcher_that_was_killed_goes_on_behind_its_last_cursor(home, serving):
    gate = threading.Event()
    serving(paced(("alpha ", "beta ", "gamma ", "delta"), gate, 2))
    with home.start("run", "q") as run:
        run.wait_out("beta ")
        with home.start("watch", "--json") as watch:
            watch.wait_out("beta ")
            watch.signal(signal.SIGKILL)
            watch.wait()
        before = lines(watch.out)
        with home.start("watch", "--json", "--until-idle", "--after", before[-1]["cursor"]) as watch:
            gate.set()
            after = watch.wait()
        assert after.code == 0, after
        assert run.wait().code == 0
    events = after.events
    assert text_of(before) + text_of(events) == "alpha beta gamma delta"
    assert text_of(events) == "gamma delta"
    assert [e["type"] for e in before + events].count("started") == 1
    assert [e["type"] for e in before + events].count("finish") == 1


def test_a_cursor_of_a_whole_answer_leads_to_what_came_since(home, serving):
    serving(fake.answer(("first ", "answer")), fake.answer(("second",)))
    ran = home.run("--output-format", "stream-json", "q").events
    assert home.run("-c", "r").code == 0
    half = next(e for e in ran if e["type"] == "text")
    rest = "first answer"[len(half["text"]):]
    watched = home.weir("watch", "--until-idle", "--json", "--after", half["cursor"])
    assert text_of(watched.events) == rest + "second"
    watched = home.weir("watch", "--until-idle", "--after", ran[-1]["cursor"], handle(home))
    assert (watched.code, watched.out) == (0, "second\n"), watched
    last = home.weir("watch", "--until-idle", "--json", "--after", half["cursor"]).events[-1]
    assert home.weir("watch", "--until-idle", "--json", "--after", last["cursor"]).out == ""
    assert home.weir("watch", "--until-idle").out == "", "what has ended is no news"


def test_a_cursor_that_does_not_fit_resyncs(home, serving):
    serving(fake.answer(("short",)))
    ran = home.run("--output-format", "stream-json", "q").events
    cursor = next(e for e in ran if e["type"] == "text")["cursor"].split(".")
    cursor[4] = "ffff"
    done = home.weir("watch", "--json", "--until-idle", "--after", ".".join(cursor))
    assert [e["type"] for e in done.events][:2] == ["resync", "started"]
    for event in done.events:
        VALIDATOR.validate(event)
    again = home.weir("watch", "--json", "--until-idle", "--after", done.events[0]["cursor"])
    assert text_of(again.events) == "short" and again.events[0]["type"] == "part_open"
    assert text_of(done.events) == "short"
    done = home.weir("watch", "--until-idle", "--after", ".".join(cursor))
    assert done.out == "short\n" and "resync" in done.err


def test_an_answer_that_is_deleted_while_it_runs_is_told(home, serving):
    gate = threading.Event()
    serving(paced(("slow ", "one"), gate, 1))
    with home.start("run", "q") as run, home.start("watch", "--json") as watch:
        watch.wait_out("slow ")
        answer = home.rows("SELECT uid FROM message WHERE role = 'assistant'")[0]["uid"]
        assert home.weir("session", "delete", "--message", answer).code == 0
        watch.wait_out('"deleted"')
        gate.set()
        run.wait()
        watch.signal(signal.SIGINT)
        events = watch.wait().events
    for event in events:
        VALIDATOR.validate(event)
    assert (events[-1]["type"], events[-1]["message_id"]) == ("deleted", answer)
    assert home.weir("watch", "--until-idle", "--json", "--after", events[-1]["cursor"]).code == 0


@pytest.mark.threads
def test_text_of_two_answers_is_printed_one_after_the_other(home, serving):
    gate = threading.Event()
    serving(paced(("slow ", "one"), gate, 1), fake.answer(("quick",)))
    with home.start("run", "q") as slow, home.start("watch") as watch:
        slow.wait_out("slow ")
        watch.wait_out("slow ")
        assert home.run("r").code == 0
        gate.set()
        watch.wait_out("slow one\nquick\n")
        watch.signal(signal.SIGINT)
        assert watch.wait().code == 130


@pytest.mark.threads
def test_lines_of_two_answers_alternate_and_each_is_whole(home, serving):
    gate = threading.Event()
    serving(paced(("slow ", "one"), gate, 1), fake.answer(("quick",)))
    with home.start("run", "q") as slow, home.start("watch", "--json") as watch:
        slow.wait_out("slow ")
        watch.wait_out("slow ")
        assert home.run("r").code == 0
        watch.wait_out('"finish"')
        gate.set()
        slow.wait()
        watch.wait_out('"text":"one"')
        watch.signal(signal.SIGTERM)
        assert watch.wait().code == 143
    texts = {}
    for event in lines(watch.out):
        if event["type"] == "text":
            texts[event["message_id"]] = texts.get(event["message_id"], "") + event["text"]
    assert sorted(texts.values()) == ["quick", "slow one"]
    assert [e["seq"] for e in lines(watch.out)] == list(range(len(lines(watch.out))))


@pytest.mark.threads
def test_a_writer_that_was_killed_ends_the_watch_too(home, serving):
    serving(fake.stall(("kept",)))
    with home.start("run", "q") as run:
        run.wait_out("kept")
        with home.start("watch", "--json", "--until-idle") as watch:
            watch.wait_out("kept")
            run.signal(signal.SIGKILL)
            run.wait()
            done = watch.wait()
    assert done.code == 0, done
    assert done.events[-1]["type"] == "finish" and done.events[-1]["reason"] == "interrupted"


def test_a_reader_that_goes_away_ends_the_watch(home, serving):
    serving(fake.answer())
    assert home.run("q").code == 0
    with home.start("watch", read=False) as watch:
        watch.process.stdout.close()
        assert watch.wait().code == 141


@pytest.mark.parametrize(("words", "code"), [
    (("--after", "nonsense"), 2), (("a", "b"), 2), (("nobody",), 65)])
def test_what_cannot_be_watched_is_said(home, words, code):
    done = home.weir("watch", "--until-idle", *words)
    assert done.code == code and done.err, done


def test_a_cursor_of_another_session_is_refused(home, serving):
    serving(fake.answer(), fake.answer())
    cursor = home.run("--output-format", "stream-json", "q").events[-1]["cursor"]
    assert home.run("r").code == 0
    assert home.weir("watch", "--until-idle", handle(home), "--after", cursor).code == 2
