"""How full a model is: told by the window that its server really runs it with, not by its maximum."""

import fake_server as fake
import pytest
from weirtest import wait_until

ENTER = "\r"
USED = 18  # what the fake server's answers use


def asked(server):
    """The questions beside the turns, in their order."""
    return [e.path for e in list(server.exchanges) if e not in server.turns()]


@pytest.fixture
def ollama(home, server):
    def make(top="", more="", kind="ollama", url=None):
        home.use(server, url=url or server.root, kind=kind, top=top, more=more)
        return server
    return make


def one_answer(screen):
    screen.wait_for("fake/fake-model")
    screen.send("hello" + ENTER)
    screen.wait_for("Hello, world")


def test_the_window_in_use_is_asked_for_when_the_model_is_loaded(home, ollama):
    server = ollama()
    server.loaded = {"other:latest": 9, "fake-model:latest": 72}
    with home.screen(rows=10, columns=120) as screen:
        screen.wait_for("fake/fake-model")
        screen.wait_quiet(0.2)
        assert not server.accepted, "before an answer nothing is asked"
        one_answer(screen)
        screen.wait_for("25% of 72")
        assert asked(server) == ["/api/ps"]
        # The answer went first, and what the server says later counts.
        assert server.exchanges[0].path == "/api/chat"
        assert "num_ctx" not in server.turns()[0].json.get("options", {})
        server.loaded = {"fake-model": 36}
        screen.send("again" + ENTER)
        screen.wait_for("50% of 36")


def test_an_older_server_tells_what_the_models_file_asks_for(home, ollama):
    server = ollama()
    server.loaded = {"fake-model": None}
    server.parameters = "stop    \"x\"\nnum_ctx                        72"
    with home.screen(rows=10, columns=120) as screen:
        one_answer(screen)
        screen.wait_for("25% of 72")
        assert asked(server) == ["/api/ps", "/api/show"]
        assert server.exchanges[-1].json == {"model": "fake-model"}


def test_what_nobody_says_is_not_shown(home, ollama):
    server = ollama()
    with home.screen(rows=10, columns=120) as screen:
        one_answer(screen)
        wait_until(lambda: asked(server) == ["/api/ps", "/api/show"])
        screen.wait_quiet(0.2)
        assert "% of" not in screen.text()
        screen.send("again" + ENTER)
        home.wait_db(lambda h: len(h.answers()) == 2 and h.attempt() == "completed")


def test_the_config_wins_and_nothing_is_asked(home, ollama):
    server = ollama(more='[models."fake/fake-model"]\ncontext = 180')
    server.loaded = {"fake-model": 72}
    with home.screen(rows=10, columns=120) as screen:
        one_answer(screen)
        screen.wait_for("10% of 180")
        screen.wait_quiet(0.2)
        assert not asked(server)
        assert server.turns()[0].json["options"]["num_ctx"] == 180


def test_its_openai_protocol_is_asked_for_the_same(home, ollama):
    server = ollama(kind="openai", url=None, more='dialect = "ollama"')
    home.use(server, more='dialect = "ollama"\n[provider.fake.headers]\nX-Way = "through"')
    server.loaded = {"fake-model": 72}
    with home.screen(rows=10, columns=120) as screen:
        one_answer(screen)
        screen.wait_for("% of 72")
        assert asked(server) == ["/api/ps"]
        assert server.exchanges[-1].headers["x-way"] == "through"


def test_so_is_llama_cpp(home, server):
    home.use(server, more='dialect = "llama.cpp"')
    server.window = 72
    with home.screen(rows=10, columns=120) as screen:
        one_answer(screen)
        screen.wait_for("% of 72")
        assert asked(server) == ["/props"]


def test_one_that_was_found_on_this_machine_is_spoken_to_as_what_it_is(home, server):
    home.env["WEIR_LOCAL_PORTS"] = f"{server.port},0,0"
    server.loaded = {"fake-model": 72}
    with home.screen(rows=10, columns=120) as screen:
        screen.wait_for("Use it?")
        screen.send("y" + ENTER)
        screen.wait_for("on this machine from now on")
        screen.send("hello" + ENTER)
        screen.wait_for("% of 72")


def test_a_server_that_does_not_answer_the_question_holds_up_nothing(home, ollama):
    server = ollama()
    server.mute = {"/api/ps"}
    with home.screen(rows=10, columns=120) as screen:
        one_answer(screen)
        wait_until(lambda: asked(server) == ["/api/ps"])
        screen.send("again" + ENTER)
        home.wait_db(lambda h: len(h.answers()) == 2 and h.attempt() == "completed")
        screen.send("\x04")
        assert screen.wait_exit(3) == 0


def test_a_run_asks_for_nothing_of_the_kind(home, ollama):
    server = ollama()
    server.loaded = {"fake-model": 72}
    assert home.run("q").code == 0
    assert not asked(server)


def test_prompts_from_the_cache_fill_the_window_too(home, server):
    """The fake server says: 11 in, 3 of them from its cache, 7 out."""
    home.use(server, more='[models."fake/fake-model"]\ncontext = 36')
    with home.screen(rows=10, columns=120) as screen:
        one_answer(screen)
        screen.wait_for("50% of 36")
    assert fake.USAGE["total_tokens"] == USED
