"""weir models: what providers offer, from them, from what was kept, from what is shipped; and costs."""

import json

import fake_server as fake
import pytest


@pytest.fixture
def two(home, server):
    """A server that answers, and one that nobody runs."""
    server.models = ("b-model", "a-model")
    with fake.Server() as gone:
        dead = gone.url
    home.configure(f'[provider.here]\ntype = "openai"\nbase_url = "{server.url}"\n'
                   f'[provider.gone]\ntype = "openai"\nbase_url = "{dead}"\n'
                   '[alias]\nfast = "here/a-model"\n'
                   '[models."here/a-model"]\ncontext = 4096\ninput_price = "0.25"\n'
                   'output_price = "2"\n')
    return home


def listed(result):
    return {entry["model"]: entry for entry in result.json}


def test_a_list_has_windows_prices_and_aliases(two):
    done = two.weir("models", "here")
    assert done.code == 0, done
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["MODEL", "here/a-model", "here/b-model"]
    assert lines[1].split()[1:] == ["4096", "0.25", "2", "=", "fast"]
    assert lines[2].split()[1:] == ["?", "0", "0"]


def test_one_provider_that_answers_is_enough(two):
    done = two.weir("models", "--json")
    assert done.code == 0, done
    assert "provider 'gone'" in done.err and "'here'" not in done.err
    entries = listed(done)
    assert set(entries) == {"here/a-model", "here/b-model"}
    assert entries["here/a-model"] == {
        "model": "here/a-model", "context_tokens": 4096, "input_price": "0.25",
        "output_price": "2", "cache_read_price": None, "cache_write_price": None,
        "source": "provider", "aliases": ["fast"]}


def test_none_that_answers_is_an_error(two):
    done = two.weir("models", "gone", "--json")
    assert (done.code, done.json) == (69, [])
    assert two.weir("models", "nobody").code == 78
    assert two.weir("models", "here", "gone").code == 2


@pytest.mark.parametrize("models, window, told", [
    (("m",), 8192, 8192), (("m",), "many", 131072), (("m", "n"), 8192, 131072)],
    ids=["one", "odd", "two"])
def test_the_window_of_a_local_model_is_what_fits_not_what_it_was_trained_with(
        home, server, models, window, told):
    server.models, server.window = models, window
    home.configure(f'[provider.here]\ntype = "openai"\nbase_url = "{server.url}"\n')
    assert listed(home.weir("models", "--json"))["here/m"]["context_tokens"] == told
    asked = [e.path for e in server.exchanges if e.method == "GET"]
    assert ("/props" in asked) == (len(models) == 1)


def test_the_window_of_a_model_that_ollama_runs_is_the_one_it_runs_with(home, server):
    server.models, server.loaded = ("qwen3:latest", "other:7b"), {"qwen3:latest": 4096}
    home.configure(f'[provider.here]\ntype = "ollama"\nbase_url = "{server.root}"\n')
    entries = listed(home.weir("models", "--json"))
    assert {name: entry["context_tokens"] for name, entry in entries.items()} == {
        "here/qwen3:latest": 4096, "here/other:7b": None}
    assert [e.path for e in server.exchanges] == ["/api/tags", "/api/ps"]


@pytest.mark.parametrize("kind, page", [
    ("gemini", {"models": [{"name": "models/m"}], "nextPageToken": "same"}),
    ("anthropic", {"data": [{"id": "m"}], "has_more": True, "last_id": "same"})])
def test_a_page_that_leads_to_itself_is_not_asked_for_again(home, server, kind, page):
    server.play_get = fake.status(200, json.dumps(page))
    home.configure(f'[provider.p]\ntype = "{kind}"\nbase_url = "{server.root}"\n')
    assert [entry["model"] for entry in home.weir("models", "--json").json] == ["p/m"]
    assert len(server.exchanges) == 2


def test_headers_of_the_config_go_before_our_own_in_lists_too(home, server):
    home.configure(f'[provider.here]\ntype = "openai"\nbase_url = "{server.url}"\n'
                   'api_key_env = "KEY"\nheaders = { authorization = "Token mine-alone" }\n')
    assert home.weir("models", KEY="not-that-one").code == 0
    assert server.exchanges[0].heads.count("authorization") == 1
    assert server.exchanges[0].headers["authorization"] == "Token mine-alone"


def test_a_list_is_kept_until_it_is_refreshed(two, server):
    def asked():
        return len([e for e in server.exchanges if e.method == "GET"])

    two.weir("models", "here")
    again = listed(two.weir("models", "here", "--json"))
    assert asked() == 1 and again["here/b-model"]["source"] == "cache"
    server.models = ("c-model",)
    fresh = listed(two.weir("models", "here", "--json", "--refresh"))
    assert asked() == 2 and set(fresh) == {"here/c-model"}
    server.stop()
    done = two.weir("models", "here", "--json", "--refresh")
    assert done.code == 69 and "was kept is shown" in done.err
    assert listed(done)["here/c-model"]["source"] == "cache"


def test_the_screen_offers_what_was_listed_without_asking(two, server):
    assert two.weir("models", "here").code == 0
    asked = len(server.exchanges)
    with two.screen("chat", "-m", "here/a-model") as screen:
        screen.wait_for("ready")
        screen.send("/model\r")
        screen.wait_for("here/b-model")
        assert "gone/" not in screen.text()
        screen.send("b-mod")
        screen.wait_for(lambda s: "here/b-model" in s.text() and "fast" not in s.text())
        screen.send("\r")
        screen.wait_for("here/b-model · ready")
    # A list that is older than a day is still what is known.
    [kept] = (two.root / "home/cache/weir/models").iterdir()
    kept.write_text(kept.read_text().replace('"fetched":', '"fetched":1,"then":'))
    with two.screen("chat", "-m", "here/a-model") as screen:
        screen.wait_for("ready")
        screen.send("/model b-m")
        screen.wait_for(lambda s: "here/b-model" in s.text())
    assert len(server.exchanges) == asked


def test_without_the_network_the_shipped_list_is_shown(home, server):
    server.stop()
    home.configure('[provider.openai]\ntype = "openai"\napi_key_env = "KEY"\n'
                   f'proxy = "http://127.0.0.1:{server.port}"\n')
    done = home.weir("models", "openai", "--json", KEY="secret-of-mine")
    assert done.code == 69
    assert "the shipped list is shown" in done.err and "secret" not in done.err
    entry = listed(done)["openai/gpt-5-mini"]
    assert (entry["context_tokens"], entry["input_price"], entry["source"]) == (
        400000, "0.25", "shipped")


@pytest.mark.parametrize("kind, header", [
    ("openai", "authorization"), ("gemini", "x-goog-api-key"), ("anthropic", "x-api-key")])
def test_a_refused_key_is_sent_in_its_header_and_not_shown(home, server, kind, header):
    def refuse(connection):
        words = f"no such key: {connection.exchange.headers[header]}"
        fake.status(401, '{"error":{"message":"' + words + '"}}')(connection)

    server.play_get = refuse
    home.configure(f'[provider.p]\ntype = "{kind}"\nbase_url = "{server.root}"\n'
                   'api_key_env = "KEY"\n')
    done = home.weir("models", KEY="hunter2-and-more")
    assert done.code == 69, done
    assert "refused the key" in done.err and "hunter2" not in done.err + done.out


def test_where_no_key_was_sent_that_is_said_and_where_one_is_looked_for(home, server):
    server.play_get = fake.status(401)
    server.default = fake.status(401, "no key", "text/plain")
    home.use(server)
    for done, code in ((home.run("q"), 77), (home.weir("models", "fake"), 69)):
        assert done.code == code and "refused the key" not in done.err, done
        assert "none was sent" in done.err and "(HTTP 401)" in done.err, done
        for word in ("[provider.fake]", "api_key_env", "api_key_file", "api_key_cmd"):
            assert word in done.err, (word, done)
    # A header of the config may hold the key.
    for more in ('api_key_env = "KEY"', 'headers.authorization = "Bearer 123456789"'):
        home.use(server, more=more)
        refused = home.run("q", KEY="123456789")
        assert refused.code == 77 and "refused the key; check it" in refused.err, refused


def test_what_an_answer_cost_is_stored(home, serving):
    serving(top='[models."fake/fake-model"]\ninput_price = "1"\noutput_price = "10"\n'
                'cache_read_price = "0.5"')
    result = home.run("--json", "hi").json
    usage = result["usage"]
    expected = usage["input_tokens"] + usage["output_tokens"] * 10 + usage["cache_read_tokens"] / 2
    assert result["cost_micros"] == int(expected + 0.5) > 0
    assert home.rows("SELECT cost_micros FROM usage")[0]["cost_micros"] == result["cost_micros"]
