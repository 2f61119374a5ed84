"""Requests with an id: asked once, however often and by how many processes they are repeated."""

import concurrent.futures
import contextlib
import os
import signal

import fake_server as fake
import pytest
from weirtest import SLOWER

KEY = ("--request-id", "K")
ROUNDS = int(os.environ.get("WEIR_RACES", "2"))


def test_a_repeated_request_prints_the_stored_answer(home, serving):
    server = serving(fake.answer(("one ", "answer"), reasoning=("hm",)))
    first = home.run(*KEY, "--json", "q")
    again = home.run(*KEY, "--json", "q")
    assert (first.code, again.code) == (0, 0), again
    assert len(server.turns()) == 1
    assert (first.json["replayed"], again.json["replayed"]) == (False, True)
    for name in ("text", "reasoning", "session_id", "turn_id", "message_id", "finish_reason",
                 "usage", "cost_micros"):
        assert first.json[name] == again.json[name], name
    text = home.run(*KEY, "q")
    assert (text.code, text.stdout, text.err) == (0, b"one answer\n", "")
    events = home.run(*KEY, "--output-format", "stream-json", "q").events
    assert "".join(e["text"] for e in events if e["type"] == "text") == "one answer"
    assert len(home.answers()) == 1


def test_a_repeated_request_ends_as_it_did(home, serving):
    server = serving(fake.answer(reason="length"))
    assert home.run(*KEY, "q").code == 3
    assert home.run(*KEY, "q").code == 3
    assert len(server.turns()) == 1


def test_another_try_of_a_request_is_nothing_to_undo(home, serving):
    serving(fake.status(400), fake.answer())
    assert home.run(*KEY, "q").code == 65
    assert home.run(*KEY, "q").code == 0
    assert home.weir("session", "undo", "--list").out == ""
    assert home.weir("session", "undo").code == 65


OTHERS = {
    "prompt": ("other",),
    "system": ("--system", "be brief", "q"),
    "model": ("-m", "fake/other", "q"),
    "attachment": ("-a", "a.txt", "q"),
    "temperature": ("--temperature", "0.5", "q"),
    "tokens": ("--max-tokens", "9", "q"),
    "effort": ("--reasoning-effort", "low", "q"),
    "schema": ("--json-schema", "schema.json", "q"),
    "no answer": ("--no-answer", "q"),
    "continued": ("-c", "q"),
}


def test_the_same_id_for_something_else_is_refused(home, serving):
    server = serving()
    (home.work / "a.txt").write_text("a")
    (home.work / "schema.json").write_text("{}")
    assert home.run(*KEY, "q").code == 0
    for name, others in OTHERS.items():
        done = home.run(*KEY, *others)
        assert done.code == 65, (name, done)
        assert "'K'" in done.err and not done.out
    assert len(server.turns()) == 1


def test_how_it_is_printed_is_not_what_is_asked(home, serving):
    server = serving()
    assert home.run(*KEY, "q").code == 0
    for more in (("-u",), ("--json",), ("--wait",), ("--timeout", "9"), ("--max-cost", "1"),
                 ("-o", "out.txt"), ("--no-stream",)):
        assert home.run(*KEY, *more, "q").code == 0, more
    assert len(server.turns()) == 1
    assert (home.work / "out.txt").read_text() == "Hello, world\n"


def test_the_same_attachment_is_known_by_its_content(home, serving):
    server = serving()
    (home.work / "a.txt").write_text("alpha")
    assert home.run(*KEY, "-a", "a.txt", "q").code == 0
    (home.work / "a.txt").rename(home.work / "b.txt")
    assert home.run(*KEY, "-a", "b.txt", "q").code == 0
    (home.work / "b.txt").write_text("beta")
    assert home.run(*KEY, "-a", "b.txt", "q").code == 65
    assert len(server.turns()) == 1


def test_an_id_belongs_to_the_session_that_is_named(home, serving):
    server = serving()
    home.run("q")
    session = home.rows("SELECT uid, handle FROM session")[0]
    assert home.run(*KEY, "q").code == 0
    assert home.run(*KEY, "-s", session["handle"], "q").code == 0
    assert len(server.turns()) == 3
    assert home.run(*KEY, "-s", session["uid"], "--json", "q").json["replayed"]
    assert len(server.turns()) == 3


@pytest.mark.parametrize("script", [fake.broken(), fake.status(401)], ids=["broken", "refused"])
def test_a_failed_request_is_asked_again(home, serving, script):
    server = serving(script, fake.answer(("now",)))
    assert home.run(*KEY, "q").code in (76, 77)
    done = home.run(*KEY, "--json", "q")
    assert (done.code, done.json["text"], done.json["replayed"]) == (0, "now", False), done
    assert home.run(*KEY, "q").out == "now\n"
    assert len(server.turns()) == 2
    assert home.prompts() == ["q"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_request_that_was_stopped_is_asked_again(home, serving, number):
    server = serving(fake.stall(("part",)), fake.answer(("whole",)))
    with home.start("run", *KEY, "q") as run:
        run.wait_out("part")
        run.signal(number)
        run.wait()
    assert home.run(*KEY, "q").out == "whole\n"
    assert len(server.turns()) == 2
    assert home.prompts() == ["q"]


def test_a_request_without_saving_is_wrong_usage(home, serving):
    server = serving()
    for wrong in (("-n",), ("--no-save", "--wait")):
        assert home.run(*KEY, *wrong, "q").code == 2
    assert home.run("--wait", "q").code == 2
    assert home.run("--request-id", "", "q").code == 2
    assert not server.turns()


def test_a_request_that_runs_elsewhere_is_busy_or_followed(home, serving):
    server = serving(fake.answer(("one ", "two ", "three"), pause=0.3))
    with home.start("run", *KEY, "q") as run:
        run.wait_out("one")
        busy = home.run(*KEY, "--json", "q")
        assert busy.code == 75, busy
        assert (busy.json["error"]["code"], busy.json["error"]["retryable"]) == ("busy", True)
        followed = home.run(*KEY, "--wait", "--json", "q")
        assert run.wait().code == 0
    assert (followed.code, followed.json["text"]) == (0, "one two three"), followed
    assert followed.json["replayed"] is True
    assert len(server.turns()) == 1


def test_a_followed_answer_streams(home, serving):
    serving(fake.stall(("one ",)))
    with home.start("run", *KEY, "q") as run:
        run.wait_out("one")
        with home.start("run", *KEY, "--wait", "q") as follower:
            follower.wait_out("one ")
            run.signal(signal.SIGTERM)
            assert run.wait().code == 143
            done = follower.wait()
    assert done.code == 76, done
    assert done.out == "one \n"


@pytest.mark.threads
def test_who_follows_is_told_when_the_writer_is_killed(home, serving):
    serving(fake.stall(("one ",)))
    with home.start("run", *KEY, "q") as run:
        run.wait_out("one")
        with home.start("run", *KEY, "--wait", "q") as follower:
            follower.wait_out("one ")
            run.signal(signal.SIGKILL)
            done = follower.wait()
    assert done.code == 76, done


def test_stopping_who_follows_does_not_stop_the_answer(home, serving):
    serving(fake.stall(("one ",)))
    with home.start("run", *KEY, "q") as run:
        run.wait_out("one")
        with home.start("run", *KEY, "--wait", "q") as follower:
            follower.wait_out("one ")
            follower.signal(signal.SIGINT)
            assert follower.wait().code == 130
        late = home.run(*KEY, "--wait", "--timeout", "0.3", "q")
        assert late.code == 124, late
        assert run.process.poll() is None
        assert home.answer()["reason"] == ""


@pytest.mark.threads
def race(home, key, prompts, *more):
    """Each prompt in a process of its own, all at once; how they ended, in that order."""
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(home.start("run", "--request-id", key, "--json", *more, prompt))
                for prompt in prompts]
        return [run.wait(30 * SLOWER) for run in runs]


@pytest.mark.threads
@pytest.mark.parametrize("new_store", [True, False])
@pytest.mark.parametrize("waits", [True, False])
def test_of_racing_processes_one_asks(home, serving, waits, new_store):
    server = serving()
    server.default = fake.answer(("the ", "answer"), pause=0.02)
    for number in range(ROUNDS):
        more = ["--wait"] if waits else []
        more += ["--db", home.work / f"{number}.db"] if new_store else []
        done = race(home, f"K{number}", ["q"] * 4, *more)
        assert len(server.turns()) == number + 1
        codes = sorted(d.code for d in done)
        assert codes == [0] * 4 if waits else codes[0] == 0 and set(codes) <= {0, 75}, done
        whole = [d.json for d in done if d.code == 0]
        assert [w["text"] for w in whole] == ["the answer"] * len(whole)
        assert [w["replayed"] for w in whole].count(False) == 1
        assert len({w["message_id"] for w in whole}) == 1
        assert all(d.json["error"]["code"] == "busy" for d in done if d.code == 75)
    if not new_store:
        assert home.prompts() == ["q"] * ROUNDS and len(home.answers()) == ROUNDS


@pytest.mark.threads
def test_of_racing_processes_with_other_prompts_one_kind_is_refused(home, serving):
    server = serving()
    for number in range(ROUNDS):
        done = race(home, f"K{number}", ["one", "two", "one", "two"], "--wait")
        assert len(server.turns()) == number + 1
        assert sorted(d.code for d in done) == [0, 0, 65, 65], done
        assert done[0].code == done[2].code and done[1].code == done[3].code
        assert home.prompts()[number] == ("one" if done[0].code == 0 else "two")


def test_racing_forks_leave_one_copy(home, serving):
    server = serving()
    home.run("first")
    session = home.rows("SELECT handle FROM session")[0]["handle"]
    fork = ("-s", session, "--fork", *KEY, "--wait", "second")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: home.run(*fork, timeout=30), range(4)))
    assert [d.code for d in done] == [0] * 4, done
    assert len(server.turns()) == 2
    assert len(home.rows("SELECT id FROM session WHERE deleted_at IS NULL")) == 2


def test_a_prompt_that_failed_can_be_left_without_an_answer(home, serving):
    """It is not tried again then."""
    server = serving(fake.status(401))
    assert home.run(*KEY, "a note").code == 77
    session = home.rows("SELECT handle FROM session")[0]["handle"]
    for _ in range(2):
        assert home.weir("session", "set", session, "--no-answer").code == 0
    assert home.run(*KEY, "--json", "a note").json["replayed"]
    assert len(server.turns()) == 1
    assert home.run("-c", "and now").code == 0
    refused = home.weir("session", "set", session, "--no-answer")
    assert refused.code == 65 and "answer" in refused.err, refused
    empty = home.weir("session", "new").out.strip()
    assert home.weir("session", "set", empty, "--no-answer").code == 65


def test_a_prompt_that_is_left_without_an_answer(home, serving):
    server = serving()
    done = home.run("--no-answer", *KEY, "--json", "a note")
    assert done.code == 0, done
    assert (done.json["text"], done.json["finish_reason"], done.json["replayed"]) == \
        ("", None, False)
    assert home.run("--no-answer", *KEY, "--json", "a note").json["replayed"]
    assert home.prompts() == ["a note"] and not home.answers()
    assert home.run("-c", "and now").code == 0
    assert server.turns()[0].json["messages"][-1]["content"] == "a note\n\nand now"
