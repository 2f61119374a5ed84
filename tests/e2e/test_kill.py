"""SIGKILL at random times; see kill_harness.py."""

import os
import pathlib
import sys
import time

import pytest
from fake_server import stall
from kill_harness import GRACE, STRATA, Broken, Harness, copy_database, inspect
from weirtest import SLOWER

pytestmark = pytest.mark.threads


@pytest.mark.alone
def test_t1_kills_lose_no_question_and_at_most_the_last_tenth_of_a_second(tmp_path, figures):
    Harness(tmp_path, 20240229, figures).run(12, 1, 1)


@pytest.mark.soak
def test_t1_many_kills_lose_no_question_and_at_most_the_last_tenth_of_a_second(tmp_path, figures):
    harness = Harness(tmp_path, 4711, figures)
    rounds = int(os.environ.get("WEIR_KILLS", "200"))
    harness.run(rounds, rounds // 8, rounds // 8)
    assert sum(harness.unsaved.values()) >= 0.8 * rounds, "too few kills put text at stake"
    too_few = {name: harness.hits[name] for name in STRATA if harness.hits[name] < 10}
    assert rounds < 200 or not too_few


@pytest.mark.alone
def test_t7_kills_do_no_harm_to_the_neighbours(tmp_path, figures):
    harness = Harness(tmp_path, 7, figures, neighbours=3)
    harness.run(6)
    assert harness.counts["neighbours that ended whole"] >= 3


@pytest.mark.soak
def test_t7_many_kills_do_no_harm_to_seven_neighbours(tmp_path, figures):
    Harness(tmp_path, 77, figures, neighbours=7).run(200)


@pytest.mark.alone
def test_t2_a_kill_during_a_pause_of_the_server_loses_nothing(home, serving, tmp_path):
    server = serving(stall(tuple(f"w{i} " for i in range(20))))
    with home.start("run", "q") as run:
        server.wait_sent(server.wait_turn(), 20)
        time.sleep(0.1 * SLOWER)
        run.process.kill()
        run.process.wait()
    messages = inspect(copy_database(home, tmp_path / "copy"))
    assert messages[-1]["text"] == "".join(f"w{i} " for i in range(20))


def loss_of(text):
    sent = [(float(i), f"{i} ") for i in range(10)]
    return Harness.loss(text, sent, 10.0)


def test_t42_the_harness_sees_what_is_missing():
    whole = "".join(f"{i} " for i in range(10))
    assert loss_of(whole) == 0
    assert loss_of(whole[:-1]) == 1.0
    assert loss_of("") == 10.0


def toy_harness(root, mode):
    harness = Harness(root, 1, lambda *_: None, GRACE, ("stream",))
    toy = pathlib.Path(__file__).resolve().parent / "toy_client.py"
    harness.home.program = [sys.executable, str(toy)]
    harness.home.env["TOY"] = mode
    return harness


def test_t42_the_harness_is_content_with_a_client_that_keeps_the_promises(tmp_path):
    toy_harness(tmp_path, "good").run(3)


CAUGHT = {"at-end": "is missing", "each-second": "is missing", "late-question": "question",
          "one-transaction": "question", "drop": "not a prefix", "repeat": "not a prefix",
          "no-repair": "states after"}


@pytest.mark.parametrize("mode", CAUGHT)
def test_t42_the_harness_catches_a_client_that_breaks_a_promise(tmp_path, mode):
    with pytest.raises(Broken, match=CAUGHT[mode]):
        toy_harness(tmp_path, mode).run(3)
