"""What a provider's table can say: headers, members of the body, proxies, keys; no secret gets out."""

import json
import os

import fake_server as fake
import pytest
from weirtest import KEY

HEADER_KEY = "canary-header-51f0c2d89b"
HURRY = "[network]\nmax_wait_s = 0.05\n"


def test_headers_of_the_config_are_sent_and_go_before_our_own(home, serving):
    server = serving(more='headers = { X-Team = "rivers", accept = "application/json" }')
    assert home.run("q").code == 0
    headers = server.turns()[0].headers
    assert (headers["x-team"], headers["accept"]) == ("rivers", "application/json")


def test_bodies_of_the_config_are_merged_the_models_after_the_providers(home, server):
    home.use(server, more='body = { top_k = 40, seed = 7, options = { a = 1, b = [1, "x"] } }\n'
                          '[models."fake/fake-model".body]\nseed = 8\noptions.a = 2\n'
                          '[models."fake/other".body]\ntop_k = 1\n')
    assert home.run("q").code == 0
    body = server.turns()[0].json
    assert (body["top_k"], body["seed"]) == (40, 8)
    assert body["options"] == {"a": 2, "b": [1, "x"]}
    assert body["stream"] is True and body["messages"][-1]["content"] == "q"


# Proxies.

FAR = "http://models.example.invalid/v1"
LEAVE = "allow_plain_http = true"


def test_a_proxy_of_the_config_is_asked(home, server):
    home.use(None, url=FAR, more=f'{LEAVE}\nproxy = "http://127.0.0.1:{server.port}"')
    result = home.run("q")
    assert (result.code, result.out) == (0, "Hello, world\n"), result
    assert server.turns()[0].path == f"{FAR}/chat/completions"
    assert server.turns()[0].headers["host"] == "models.example.invalid"


def test_a_proxy_of_the_environment_is_asked_unless_no_proxy_names_the_host(home, server):
    home.use(None, url=FAR, more=LEAVE, top="[network]\nattempts = 1\n")
    proxy = f"http://127.0.0.1:{server.port}"
    assert home.run("q", http_proxy=proxy).code == 0
    assert len(server.turns()) == 1
    result = home.run("q", http_proxy=proxy, no_proxy="example.invalid")
    assert result.code == 69 and "models.example.invalid" in result.err, result
    assert len(server.turns()) == 1


def test_an_empty_proxy_switches_that_of_the_environment_off(home, server):
    home.use(None, url=FAR, more=f'{LEAVE}\nproxy = ""', top="[network]\nattempts = 1\n")
    result = home.run("q", http_proxy=f"http://127.0.0.1:{server.port}")
    assert result.code == 69 and not server.turns(), result


def test_this_machine_is_never_asked_through_a_proxy(home, serving):
    serving()
    assert home.run("q", http_proxy="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1").code == 0


@pytest.mark.parametrize("far", [FAR, FAR.replace("http:", "https:")], ids=["plain", "tunnel"])
def test_a_proxy_that_wants_a_login_is_named_and_asked_once(home, server, far):
    server.default = fake.status(407, "<html>login</html>", "text/html")
    home.use(None, url=far, more=f'{LEAVE}\nproxy = "http://u:{KEY}@127.0.0.1:{server.port}"')
    result = home.run("-v", "q")
    assert result.code == 69, result
    assert "proxy" in result.err and "407" in result.err and KEY not in result.err
    assert len(server.exchanges) == 1


@pytest.mark.parametrize("proxy", [
    "nonsense://u:{}@h", "http://u:{}@127.0.0.1:99999", "http://u s:{}@h", "http://u:{}@",
    "http://u:{}@127.0.0.1:1"])
@pytest.mark.parametrize("where", ["config", "environment"])
def test_a_proxy_that_fails_is_named_without_its_login(home, proxy, where):
    proxy = proxy.format(KEY)
    more = f'proxy = "{proxy}"' if where == "config" else ""
    home.use(None, url="https://models.example.invalid/v1", more=more,
             top="[network]\nattempts = 1\n")
    result = home.run("-v", "q", **({} if more else {"https_proxy": proxy}))
    assert result.code == 69 and "models.example.invalid" in result.err, result
    assert "proxy" in result.err and KEY not in result.err + result.out, result
    assert all(KEY.encode() not in data for _, data in home.contents())


def test_a_header_that_would_break_the_request_is_refused(home, serving):
    for name in ("Content-Length", "transfer-encoding"):
        server = serving(more=f'headers = {{ {name} = "3" }}')
        result = home.run("q")
        assert result.code == 78 and name in result.err and not server.exchanges, result


def test_a_base_url_with_a_query_is_refused(home, server):
    home.use(server, url=server.url + "?api-version=1")
    result = home.run("q")
    assert result.code == 78 and "api_version" in result.err and not server.exchanges, result


# Keys.


def test_a_key_file_that_others_can_read_is_refused(home, serving, tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(0o640)
    server = serving(more=f'api_key_file = "{path}"')
    result = home.run("q")
    assert result.code == 77 and "chmod 600" in result.err and KEY not in result.err, result
    assert not server.turns()
    path.chmod(0o600)
    assert home.run("q").code == 0
    assert server.turns()[0].headers["authorization"] == f"Bearer {KEY}"


def echo(status):
    """A refusal that repeats all that it was sent, as some servers and proxies do."""
    def play(c):
        said = " ".join(f"{name}={value}" for name, value in c.exchange.headers.items())
        body = json.dumps({"error": {"message": f"no: {KEY} {HEADER_KEY} {said}", "type": "fake"}})
        fake.status(status, body)(c)
    return play


def echo_inside(c):
    c.head()
    c.delta("some text")
    c.event(json.dumps({"error": {"message": f"bad key {KEY}, {HEADER_KEY}", "code": 401}}))
    c.end()


SOURCES = {
    "the environment": 'api_key_env = "CANARY"',
    "a command": 'api_key_cmd = ["sh", "-c", "echo $CANARY"]',
    "a file": 'api_key_file = "{file}"',
}


@pytest.mark.parametrize("source", SOURCES)
def test_no_key_gets_out_anywhere(home, server, tmp_path, source):
    path = tmp_path.parent / f"{tmp_path.name}.key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    home.use(server, top=HURRY, more=SOURCES[source].format(file=path) +
             f'\nheaders = {{ X-Extra = "Token {HEADER_KEY}" }}')
    outputs = []
    for script in (echo(401), echo(503), echo_inside, fake.broken()):
        server.default = script
        for more in ((), ("--json",), ("--output-format", "stream-json")):
            result = home.run("-v", *more, "q", CANARY=KEY)
            assert result.code in (69, 75, 76, 77), result
            outputs += [result.stdout, result.stderr]
    assert any(t.headers["authorization"] == f"Bearer {KEY}" and
               t.headers["x-extra"] == f"Token {HEADER_KEY}" for t in server.turns())
    outputs += [home.weir("session", "list", "--json").stdout, home.weir("session", "list").stdout]
    outputs += [home.weir("config", "show", CANARY=KEY).stdout]
    for row in home.rows("SELECT uid FROM session LIMIT 4"):
        exports = [home.weir("export", row["uid"], "--format", kind) for kind in ("md", "json")]
        assert all(e.code == 0 for e in exports), exports
        outputs += [e.stdout for e in exports]
    outputs += [data for _, data in home.contents()]
    os.unlink(path)
    for output in outputs:
        assert KEY.encode() not in output and HEADER_KEY.encode() not in output, output[:3000]
    assert any(b"[key]" in output for output in outputs)
