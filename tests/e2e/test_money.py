"""What answers cost: stored, summed, limited before anything is sent."""

import contextlib
import json
import signal
import sqlite3
import subprocess

import dialects
import fake_server as fake
import pytest
from weirtest import SLOWER

PRICED = """
[models."fake/fake-model"]
input_price = "1000.00"
output_price = "2000.00"
"""


def limited(home, server, more):
    home.use(server, more=PRICED + more)


def test_a_cost_is_stored_shown_and_summed(home, serving):
    server = serving()
    home.use(server, more=PRICED)
    run = home.run("q", "--json")
    assert run.code == 0, run
    usage = run.json["usage"]
    # What came from the cache is charged as input where it has no price of its own.
    read = usage["input_tokens"] + (usage["cache_read_tokens"] or 0)
    cost = read * 1000 + usage["output_tokens"] * 2000
    assert run.json["cost_micros"] == cost and run.json["cost_estimated"]
    report = json.loads(home.weir("usage", "--by", "model", "--json").out)
    assert [(r["model"], r["messages"], r["cost_micros"]) for r in report["rows"]] == [
        ("fake/fake-model", 1, cost)]
    table = home.weir("usage")
    assert table.code == 0 and "total" in table.out and "#" in table.out and "~$" in table.out
    header, line = table.out.splitlines()[:2]
    assert header.endswith("by cost") and header.index("by cost") == line.index("#"), table
    assert report["total"]["estimated_costs"] == 1
    handle = home.rows("SELECT handle FROM session")[0]["handle"]
    assert ", ~$" in home.weir("review", handle).out
    budget = json.loads(home.weir("budget", "--json").out)
    total = [r for r in budget if r["bucket"] == "total" and r["period"] == "daily"][0]
    assert total["spent_micros"] == cost and total["reserved_micros"] == 0
    assert total["calls"] == 1 and total["limit_micros"] is None


def told(cost):
    """An answer whose provider says what it cost, in dollars."""
    def play(c):
        c.head()
        c.delta("here")
        c.finish(usage=False, done=False)
        c.chunk([], usage={**fake.USAGE, "cost": cost})
        c.event("[DONE]")
    return play


def test_the_status_line_tells_an_estimated_cost_from_one_that_was_told(home, serving, chat):
    """That of the session: of what its answers cost, one part is enough; other sessions have theirs."""
    server = serving(told(0.5), fake.answer(("one",)), told(0.25), told(0.125))
    home.use(server, more=PRICED)
    screen = chat()
    screen.send("first\r")
    screen.wait_for("· $0.5000 ·")
    screen.send("second\r")
    screen.wait_for("· ~$0.5")
    screen.send("third\r")
    screen.wait_for("· ~$0.7")
    screen.send("/new\rfourth\r")
    screen.wait_for("· $0.1250 ·")
    screen.close()
    first = home.rows("SELECT handle FROM session ORDER BY id")[0]["handle"]
    chat(first).wait_for("· ~$0.7")


def test_a_request_that_would_pass_a_limit_is_not_sent(home, serving):
    server = serving()
    limited(home, server, '[budget]\ndaily = "0.01"\n')
    run = home.run("q", "--json")
    assert run.code == 5, run
    assert run.json["error"]["code"] == "budget" and not run.json["error"]["retryable"]
    assert "the daily budget of $0.01 is reached" in run.err
    assert not server.exchanges
    # The prompt is kept, its attempt says why there is no answer, nothing stays reserved.
    assert home.prompts() == ["q"]
    assert home.attempt() == "failed"
    assert not home.rows("SELECT 1 FROM budget WHERE reserved_micros > 0")


def test_an_answer_that_costs_more_than_was_left_is_booked_and_the_next_one_is_refused(home, serving):
    server = serving()
    limited(home, server, '[budget]\nmonthly = "20"\n')
    assert home.run("q").code == 0
    with contextlib.closing(sqlite3.connect(home.db)) as db, db:
        db.execute("UPDATE budget SET spent_micros = 20000000")
    again = home.run("q")
    assert again.code == 5 and "monthly" in again.err, again
    assert len(server.exchanges) == 1


def test_beside_a_limit_a_server_on_this_machine_costs_nothing(home, serving):
    home.use(serving(), more='[budget]\ndaily = "0"\n')
    assert home.run("q").code == 0


@pytest.mark.parametrize("line", ['daily = "x"', "daily = 5", 'unknown_price = "maybe"',
                                  'model.nothing.daily = "1"'])
def test_a_limit_that_is_none_is_an_error_of_the_config(home, line):
    home.configure(f"[budget]\n{line}\n")
    result = home.weir("config", "check")
    assert result.code == 78 and "config.toml:2" in result.err, result


def test_what_usage_cannot_read_is_wrong_usage(home):
    for arguments in (("--by", "hour"), ("--since", "last week"), ("--until", "2026-13-01")):
        result = home.weir("usage", *arguments)
        assert result.code == 2, result


# An answer that was stopped, whose provider did not say what it used: the cost is estimated.

IN, OUT = 1000, 2000  # as PRICED says, in micro-dollars for a token


def tokens(count):
    return -(-count // 3)


def check_booked(home, cost):
    """The message, the session, the report and the budget say the same."""
    assert [r["cost_micros"] for r in home.rows("SELECT cost_micros FROM session")] == [cost]
    assert json.loads(home.weir("usage", "--json").out)["total"]["cost_micros"] == cost
    for row in json.loads(home.weir("budget", "--json").out):
        assert (row["spent_micros"], row["reserved_micros"]) == (cost, 0), row


@pytest.mark.parametrize("kind", ["openai", "anthropic", "gemini", "ollama", "openai-responses"])
def test_a_stopped_answer_has_an_estimated_cost_and_unknown_tokens(home, serving, kind):
    server = serving(fake.stall(("kept ", "text")))
    home.use(server, url=server.root + dialects.DIALECTS[kind].base, kind=kind,
             more=PRICED + '[budget]\ndaily = "1000"\n')
    with home.start("run", "q", "--output-format", "stream-json", "-u") as run:
        run.wait_out("text")
        run.signal(signal.SIGINT)
        result = run.wait()
    assert result.code == 130, result
    said = result.events[-1]
    # Anthropic's says at the start how long the prompt was.
    known = said["usage"]["input_tokens"]
    assert known == (dialects.IN if kind == "anthropic" else None), said
    body = len(server.turns()[0].body)
    cost = (known or tokens(body)) * IN + tokens(len("kept text")) * OUT
    assert (said["cost_micros"], said["cost_estimated"]) == (cost, True), said
    assert said["usage"]["output_tokens"] is None and "cost ~$" in result.err
    assert said["type"] == "result" and home.attempt() == "cancelled"
    check_booked(home, cost)
    assert ", ~$" in home.weir("review", home.rows("SELECT handle FROM session")[0]["handle"]).out


@pytest.mark.parametrize("script", [fake.broken(), fake.broken(how="eof"), fake.error_inside(),
                                    fake.answer(("kept ", "text"), usage=False)])
def test_so_has_one_that_was_cut_or_ended_without_a_word_of_it(home, serving, script):
    server = serving(script)
    home.use(server, more=PRICED)
    result = home.run("q", "--json")
    cost = tokens(len(server.turns()[0].body)) * IN + tokens(len("kept text")) * OUT
    assert (result.json["cost_micros"], result.json["cost_estimated"]) == (cost, True), result
    assert result.json["usage"]["input_tokens"] is None
    check_booked(home, cost)


def test_what_the_codec_adds_after_the_figures_costs_nothing(home, serving):
    """A call without arguments is given an empty object at its end."""
    home.use(serving(fake.tool_call(arguments=())), more=PRICED)
    result = home.run("q", "--json").json
    assert result["tool_calls"][0]["arguments"] in ("{}", {}), result
    assert result["cost_micros"] == 11 * IN + 7 * OUT, result


def test_a_prompt_that_the_provider_had_begun_to_read_is_booked(home, serving):
    server = serving(fake.stall(headers=False))
    home.use(server, more=PRICED)
    with home.start("run", "q", "--json") as run:
        server.wait_turn()
        run.signal(signal.SIGINT)
        result = run.wait()
    assert result.json["cost_micros"] == tokens(len(server.turns()[0].body)) * IN, result
    check_booked(home, result.json["cost_micros"])


RATE = tokens(1_000_000) * OUT  # for a million bytes


def kill_once_stored(home, server, text):
    """A run is killed when its answer so far, and what that will have cost, are on the disk."""
    with home.start("run", "q") as run:
        server.wait_turn()
        home.wait_db(lambda home: home.rows(
            "SELECT detail IS NOT NULL AS noted, (SELECT coalesce(group_concat(text, ''), '')"
            " FROM chunk) AS text FROM attempt") == [{"noted": 1, "text": text}])
        run.process.kill()
        assert run.wait().code == -signal.SIGKILL


def test_an_answer_cut_by_a_kill_is_booked_once_by_those_that_start_next(home, serving):
    server = serving(fake.stall(("kept ", "text")))
    home.use(server, more=PRICED + '[budget]\ndaily = "1000"\n')
    kill_once_stored(home, server, "kept text")
    cost = tokens(len(server.turns()[0].body)) * IN - (-len("kept text") * RATE // 1_000_000)
    with contextlib.ExitStack() as stack:
        for run in [stack.enter_context(home.start("run", "-m", "demo", "q")) for _ in range(4)]:
            assert run.wait().code == 0
    assert home.rows("SELECT u.cost_micros, u.estimated, u.output_tokens FROM usage u JOIN message m"
                     " ON m.id = u.message WHERE m.reason = 'interrupted'") == [
        {"cost_micros": cost, "estimated": 1, "output_tokens": None}]
    total = json.loads(home.weir("usage", "--json").out)["total"]
    assert (total["cost_micros"], total["estimated_costs"]) == (cost, 1), total
    sessions = home.rows("SELECT cost_micros FROM session WHERE cost_micros > 0")
    assert [s["cost_micros"] for s in sessions] == [cost]
    for row in json.loads(home.weir("budget", "--json").out):
        if "demo" not in row["bucket"]:
            assert (row["spent_micros"], row["reserved_micros"]) == (cost, 0), row
    assert home.weir("doctor").code == 0
    # What is booked counts: with it, the next request would pass this limit.
    home.use(server, more=PRICED + f'[budget]\ndaily = "{cost / 1_000_000:.6f}"\n')
    assert home.run("q").code == 5


def test_so_is_a_prompt_that_was_being_read_when_the_kill_came(home, serving):
    server = serving(fake.stall(headers=False))
    home.use(server, more=PRICED)
    kill_once_stored(home, server, "")
    assert home.run("-m", "demo", "q").code == 0
    cost = tokens(len(server.turns()[0].body)) * IN
    assert json.loads(home.weir("usage", "--json").out)["total"]["cost_micros"] == cost


def test_a_kill_while_a_refused_request_waits_for_its_next_try_costs_nothing(home, serving):
    home.use(serving(fake.status(429, headers=[("Retry-After", "30")])), more=PRICED)
    with home.start("run", "q", "--output-format", "stream-json") as run:
        run.wait_out('"waiting"')
        home.wait_db(lambda home: home.rows(
            "SELECT 1 FROM attempt WHERE state = 'running' AND detail IS NULL"))
        run.process.kill()
        assert run.wait().code == -signal.SIGKILL
    assert home.run("-m", "demo", "q").code == 0
    assert json.loads(home.weir("usage", "--json").out)["total"]["cost_micros"] == 0
    assert home.rows("SELECT sum(spent_micros) AS n FROM budget") == [{"n": 0}]


@pytest.mark.parametrize("script", [fake.status(401), fake.status(400)])
def test_what_was_refused_costs_nothing_that_is_known(home, serving, script):
    home.use(serving(script), more=PRICED)
    result = home.run("q", "--json")
    assert result.json["cost_micros"] is None and not result.json["cost_estimated"], result


def test_what_never_left_costs_nothing(home):
    with fake.DeafServer() as deaf:
        home.use(None, url=f"http://127.0.0.1:{deaf.port}/v1", more=PRICED)
        with home.start("run", "-", "--json", stdin=subprocess.PIPE) as run:
            run.process.stdin.write(b"x" * 20_000_000)
            run.process.stdin.close()
            assert deaf.connected.wait(10 * SLOWER)
            run.signal(signal.SIGINT)
            result = run.wait()
    assert result.json["cost_micros"] is None, result
