"""Servers found on loopback: offered on the screen, used after a yes, never used unasked."""

import time

import fake_server as fake
import pytest

ENTER = "\r"


def offered(screen):
    """an offer to use the local server"""
    return "(y/n)" in screen.text() or "[y/n]" in screen.text() or "ollama" in screen.text().lower()


@pytest.fixture
def local(home, server):
    home.env["WEIR_LOCAL_PORTS"] = f"{server.port},0,0"
    server.default = fake.answer(("from the local server",))
    return server


def test_a_local_server_is_offered_after_the_first_frame_and_used_after_a_yes(home, local):
    with home.screen() as screen:
        screen.wait_for(offered)
        assert not local.turns()
        screen.send("y" + ENTER)
        screen.wait_for("fake-model")
        screen.send("hello" + ENTER)
        screen.wait_for("from the local server")
        assert local.turns()[0].json["model"] == "fake-model"
        home.wait_db(lambda h: h.answer()["text"] == "from the local server")


def test_a_prompt_that_begins_with_y_is_no_yes(home, local):
    with home.screen() as screen:
        screen.wait_for(offered)
        for letter in "your":
            screen.send(letter)
            screen.wait_quiet(0.1)
        screen.wait_for("your")
        screen.send(" turn" + ENTER)
        home.wait_db(lambda h: len(h.answer()["text"]) > 20)
        assert not local.turns()
        assert "Use it?" in screen.text()


def test_the_welcome_of_the_demo_goes_with_the_demo(home, local):
    with home.screen() as screen:
        screen.wait_for("No model is connected")
        screen.wait_for(offered)
        screen.send("y" + ENTER)
        screen.wait_for("fake-model")
        screen.wait_for("on this machine from now on")
        assert "No model is connected" not in screen.text()


def test_a_yes_is_remembered(home, local):
    with home.screen() as screen:
        screen.wait_for(offered)
        screen.send("y" + ENTER)
        screen.wait_for("fake-model")
    with home.screen() as screen:
        screen.wait_for("fake-model")
        assert "Use it?" not in screen.text()
        screen.send("hello" + ENTER)
        screen.wait_for("from the local server")


def test_a_local_server_is_not_used_after_a_no(home, local):
    with home.screen() as screen:
        screen.wait_for(offered)
        screen.send("n" + ENTER)
        screen.wait_for("asks again")
        screen.send("hello" + ENTER)
        home.wait_db(lambda h: len(h.answer()["text"]) > 20)
        assert not local.turns()


def test_a_local_server_gets_no_prompt_before_an_answer_was_given(home, local):
    with home.screen() as screen:
        screen.wait_for(offered)
        time.sleep(0.3)
        assert not local.turns()


def test_a_local_server_that_hears_and_says_nothing_holds_up_no_frame(home):
    with fake.FullListener() as listener:
        with home.screen(WEIR_LOCAL_PORTS=f"{listener.port},0,0") as screen:
            screen.wait_for("demo", 2)
            screen.send("typing works")
            screen.wait_for("typing works", 2)


def test_a_configured_model_is_not_asked_about(home, local):
    with fake.Server() as configured:
        home.use(configured)
        with home.screen() as screen:
            screen.wait_for("fake/fake-model")
            screen.wait_quiet(0.5)
            assert "ollama" not in screen.text().lower()
            assert local.accepted == 0


def test_a_run_never_uses_a_local_server_unasked(home, local):
    result = home.run("hello")
    assert result.code == 78, result
    assert local.accepted == 0, "not even a connect"
