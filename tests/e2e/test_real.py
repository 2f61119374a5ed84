"""Against a server of your own: WEIR_TEST_BASE_URL, and where needed WEIR_TEST_MODEL and
WEIR_TEST_API_KEY."""

import os

import pytest

URL = os.environ.get("WEIR_TEST_BASE_URL")
MODEL = os.environ.get("WEIR_TEST_MODEL", "default")
pytestmark = pytest.mark.skipif(not URL, reason="WEIR_TEST_BASE_URL is not set")


@pytest.fixture
def real(home):
    key = os.environ.get("WEIR_TEST_API_KEY")
    home.use(None, model=MODEL, url=URL, more='api_key_env = "REAL_KEY"\n' if key else "")
    if key:
        home.env["REAL_KEY"] = key
    return home


def test_a_real_server_answers_and_reports_usage(real):
    done = real.run("--json", "Answer with the single word: yes", timeout=300)
    assert done.code in (0, 3), done
    assert done.json["text"] or done.json["reasoning"]
    assert real.attempt() == "completed"


def test_a_real_server_remembers_what_was_said(real):
    assert real.run("My name is Ada. Say hello.", timeout=300).code in (0, 3)
    done = real.run("-c", "What is my name? One word.", timeout=300)
    assert done.code in (0, 3), done
    assert len(real.prompts()) == 2 and len(real.answers()) == 2
