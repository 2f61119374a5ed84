"""stream-json: every line follows the published schema, and one result ends it, whatever happens."""

import json
import os
import pathlib
import signal
import subprocess

import fake_server as fake
import jsonschema
import pytest
from weirtest import ROOT, SLOWER

STREAM = ("--output-format", "stream-json")
SCHEMA = json.loads((ROOT / "doc/stream-json.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def check(done, code):
    """All lines follow the schema, name nothing else, and end in one result."""
    assert done.code == code, done
    events = done.events
    for number, event in enumerate(events):
        problem = jsonschema.exceptions.best_match(VALIDATOR.iter_errors(event))
        assert problem is None, (event, problem)
        known = SCHEMA["$defs"]["line"]["properties"].keys() | \
            SCHEMA["$defs"][event["type"]]["properties"].keys()
        assert event.keys() <= known, event
        assert event["seq"] == number
    assert [e["type"] for e in events].count("result") == 1
    assert events[-1]["type"] == "result" and events[-1]["exit_code"] == code
    assert events[-1]["text"] == "".join(e["text"] for e in events if e["type"] == "text")
    return events

RUNS = {
    "an answer": (fake.answer(reasoning=("hm",)), (), 0),
    "a tool call": (fake.tool_call(), (), 0),
    "a cut answer": (fake.answer(reason="length"), (), 3),
    "a filter": (fake.answer(reason="content_filter"), (), 4),
    "a retry": (fake.status(503, headers=[("Retry-After", "0")]), (), 0),
    "a broken stream": (fake.broken(), (), 76),
    "a refused key": (fake.status(401), (), 77),
    "a rejected request": (fake.status(400), (), 65),
    "a time limit": (fake.stall(), ("--timeout", "0.2"), 124),
    "no answer": (fake.answer(), ("--no-answer",), 0),
    "not kept": (fake.answer(), ("-n",), 0),
    "no such session": (fake.answer(), ("-s", "nothing"), 65),
    "no such file": (fake.answer(), ("-a", "nothing"), 65),
    "no block": (fake.answer(("",)), ("-x",), 6),
    "wrong usage": (fake.answer(), ("--wait",), 2),
}


@pytest.mark.parametrize("name", RUNS)
def test_every_line_follows_the_schema(home, serving, name):
    script, more, code = RUNS[name]
    serving(script)
    check(home.run(*STREAM, *more, "q"), code)


def test_a_replayed_and_a_busy_request_follow_the_schema(home, serving):
    serving(fake.stall(("part",)), fake.answer())
    with home.start("run", "--request-id", "K", *STREAM, "q") as run:
        run.wait_out('"part"')
        check(home.run("--request-id", "K", *STREAM, "q"), 75)
        run.signal(signal.SIGHUP)
        check(run.wait(), 129)
    check(home.run("--request-id", "K", *STREAM, "q"), 0)
    assert check(home.run("--request-id", "K", *STREAM, "q"), 0)[-1]["replayed"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_in_one_result(home, serving, number):
    serving(fake.stall(("part",)))
    with home.start("run", *STREAM, "q") as run:
        run.wait_out('"part"')
        run.signal(number)
        assert check(run.wait(), 128 + number)[-1]["text"] == "part"


def test_an_unreadable_config_ends_in_one_result(home):
    home.configure("model = 3\n")
    check(home.run(*STREAM, "q"), 78)


def test_a_watcher_goes_on_behind_a_cursor(home, serving):
    serving(fake.answer(("one ", "two ", "three"), pause=0.1))
    events = check(home.run(*STREAM, "q"), 0)
    first = next(e for e in events if e["type"] == "text")
    rest = home.weir("watch", "--json", "--until-idle", "--after", first["cursor"])
    text = "".join(e["text"] for e in rest.events if e["type"] == "text")
    assert first["text"] + text == "one two three", rest


@pytest.mark.alone
def test_a_reader_that_does_not_read_only_delays_the_output(home, serving):
    text = "x" * 999 + "\n"
    serving(fake.answer((text,) * 400))
    with home.start("run", "q", read=False) as run:
        home.wait_db(lambda h: h.answer()["reason"] == "end_turn", 10 * SLOWER)
        assert run.process.poll() is None, "the pipe holds less than was said"
        run.read(run.process.stdout, run.out)
        done = run.wait(10 * SLOWER)
    assert (done.code, done.out) == (0, text * 400)


def test_a_run_works_as_cron_starts_it(home, serving):
    serving()
    config = pathlib.Path(home.config_file)
    env = {"PATH": "/usr/bin:/bin"} | {n: v for n, v in home.env.items() if "SAN_" in n}
    done = subprocess.run([*home.program, "run", "--config", str(config), "--db",
                           str(home.work / "cron.db"), "q"], env=env, cwd="/", check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=20 * SLOWER)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Hello, world\n", b"")


@pytest.mark.alone
def test_a_gigabyte_on_stdin_is_refused_in_constant_memory(home, serving):
    server = serving()
    feed = subprocess.Popen(["head", "-c", "1000000000", "/dev/zero"], stdout=subprocess.PIPE)
    run = subprocess.Popen([*home.program, "run", "-"], stdin=feed.stdout, env=home.env,
                           cwd=home.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    feed.stdout.close()
    _, status, usage = os.wait4(run.pid, 0)
    err = run.stderr.read()
    run.stdout.close()
    run.stderr.close()
    feed.wait()
    assert os.waitstatus_to_exitcode(status) == 65 and b"larger than 32 MiB" in err
    assert usage.ru_maxrss < (200 << 10) * SLOWER
    assert not server.turns()


def test_eight_at_once_on_a_new_store_lose_nothing(home, serving):
    serving()
    rounds = int(os.environ.get("WEIR_PARALLEL_ROUNDS", "5"))
    loop = f'for i in $(seq {rounds}); do "$0" run "$1 $i" >/dev/null || exit; done'
    runs = [subprocess.Popen(["sh", "-c", loop, *home.program, str(n)], env=home.env,
                             cwd=home.work, stdin=subprocess.DEVNULL) for n in range(8)]
    assert [run.wait(60 * SLOWER) for run in runs] == [0] * 8
    assert sorted(home.prompts()) == sorted(f"{n} {i + 1}" for n in range(8) for i in range(rounds))
    assert [m["text"] for m in home.answers()] == ["Hello, world"] * 8 * rounds
