"""Options of weir run that shape the request, check the answer, or limit it."""

import json

import fake_server as fake
import pytest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
ROLE = '[role.pirate]\nsystem = """\nSpeak like\na pirate."""\nmodel = "fake/of-role"\n' \
       'temperature = 0.25\nmax_tokens = 77\nreasoning_effort = "low"\n'


def last(server):
    return server.turns()[-1].json


def content(server):
    """Of the last message of the last request: its texts, and the URLs of its images."""
    parts = last(server)["messages"][-1]["content"]
    parts = [{"type": "text", "text": parts}] if isinstance(parts, str) else parts
    return ("".join(p.get("text", "") for p in parts),
            [p["image_url"]["url"] for p in parts if p["type"] == "image_url"])

# What shapes the request.


def test_limits_and_temperature_go_into_the_request(home, serving):
    server = serving()
    assert home.run("--max-tokens", "99", "--temperature", "0.5", "q").code == 0
    body = last(server)
    assert 99 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert body["temperature"] == 0.5
    assert home.run("--temperature", "0", "--reasoning-effort", "low", "q").code == 0
    assert last(server)["temperature"] == 0
    assert last(server)["reasoning_effort"] == "low"
    assert home.run("q").code == 0
    assert not {"temperature", "reasoning_effort", "max_tokens"} & last(server).keys()


def test_a_role_is_what_the_config_says_and_the_command_line_goes_before(home, serving):
    server = serving(more=ROLE)
    assert home.run("--role", "pirate", "q").code == 0
    body = last(server)
    assert body["messages"][0]["content"] == "Speak like\na pirate."
    assert (body["model"], body["temperature"]) == ("of-role", 0.25)
    assert home.run("--role", "pirate", "--system", "No.", "--temperature", "1", "-m", "fake/mine",
                    "q").code == 0
    body = last(server)
    assert body["messages"][0]["content"] == "No."
    assert (body["model"], body["temperature"]) == ("mine", 1)
    unknown = home.run("--role", "cook", "q")
    assert unknown.code == 78 and "[role.cook]" in unknown.err
    assert len(server.turns()) == 2


WRONG = [("--temperature", "3"), ("--temperature", "x"), ("--max-tokens", "0"),
         ("--max-tokens", "1.5"), ("--max-cost", "much"), ("--reasoning-effort", "some"),
         ("--fork",), ("--fork", "-n"), ("-c", "-s", "x"), ("-s", "x", "-r", "y"),
         ("--session-id", ""), ("--session-id", "a", "-n"), ("--no-answer", "-n"),
         ("-o", "x", "--output-format", "stream-json"), ("--output-format", "xml"),
         ("--json", "--output-format", "text")]


def test_wrong_options_are_wrong_usage(home, serving):
    server = serving()
    for wrong in WRONG:
        done = home.run(*wrong, "q")
        assert (done.code, done.stdout) == (2, b""), (wrong, done)
        assert wrong[0] in done.err or wrong[-1] in done.err, done
    assert not server.turns()


def test_a_named_session_is_made_once_and_gone_on_with(home, serving):
    server = serving()
    assert home.run("--session-id", "build 17", "one").code == 0
    assert home.run("--session-id", "build 17", "two").code == 0
    assert len(home.rows("SELECT id FROM session")) == 1
    assert [m["content"] for m in last(server)["messages"]][::2] == ["one", "two"]


def test_resume_is_another_word_for_session(home, serving):
    server = serving()
    home.run("one")
    handle = home.rows("SELECT handle FROM session")[0]["handle"]
    assert home.run("-r", handle, "two").code == 0
    assert len(last(server)["messages"]) == 3


@pytest.mark.parametrize("named", [True, False])
def test_a_fork_goes_on_in_a_copy(home, serving, named):
    server = serving(fake.answer(("one",)))
    home.run("first")
    before = home.messages()
    session = home.rows("SELECT handle FROM session")[0]["handle"]
    done = home.run(*(("-s", session) if named else ("-c",)), "--fork", "--json", "second")
    assert done.code == 0, done
    assert [m["content"] for m in last(server)["messages"]] == ["first", "one", "second"]
    assert done.json["session_id"] != before[0]["session"]
    assert [m["text"] for m in home.messages() if m["session"] == before[0]["session"]] == \
        ["first", "one"]

# Attachments.


def test_files_of_every_encoding_are_attached_as_text(home, serving):
    server = serving()
    (home.work / "u.txt").write_bytes("é世界".encode())
    (home.work / "b.txt").write_bytes(b"\xef\xbb\xbfmarked")
    (home.work / "l.txt").write_bytes("naïve Ünicode".encode("latin-1"))
    (home.work / "w.txt").write_bytes("wide 🙂".encode("utf-16"))
    (home.work / "x.txt").write_bytes(b"\xfe\xff" + "big".encode("utf-16-be"))
    names = ("u.txt", "b.txt", "l.txt", "w.txt", "x.txt")
    done = home.run(*(word for name in names for word in ("-a", name)), "look")
    assert done.code == 0, done
    text, images = content(server)
    for part in (*names, "é世界", "'b.txt':\n\nmarked", "naïve Ünicode", "wide 🙂", "big", "look"):
        assert part in text, part
    assert not images


def test_an_image_is_known_by_its_bytes_and_sent_again_with_the_history(home, serving):
    server = serving()
    (home.work / "picture.txt").write_bytes(PNG)
    assert home.run("-a", "picture.txt", "what is this").code == 0
    text, images = content(server)
    assert "what is this" in text
    assert images and images[0].startswith("data:image/png;base64,")
    assert home.run("-c", "and").code == 0
    assert "data:image/png;base64," in json.dumps(last(server)["messages"][0])


def test_a_folder_is_attached_without_hidden_files_and_links(home, serving):
    server = serving()
    folder = home.work / "src"
    (folder / "sub" / ".git").mkdir(parents=True)
    (folder / "b.c").write_text("int b;")
    (folder / "a.c").write_text("int a;")
    (folder / "sub" / "c.c").write_text("int c;")
    (folder / "sub" / ".git" / "config").write_text("hidden")
    (folder / ".env").write_text("secret")
    (folder / "link").symlink_to("/etc/hostname")
    (folder / "program").write_bytes(b"\x7fELF\0\0\0")
    done = home.run("-a", "src", "look")
    assert done.code == 0, done
    text, _ = content(server)
    places = [text.index(f"'src/{name}'") for name in ("a.c", "b.c", "sub/c.c")]
    assert places == sorted(places)
    for hidden in ("hidden", "secret", "link", "program"):
        assert hidden not in text
    assert "'src/program' is neither text nor an image" in done.err


def test_stdin_is_attached(home, serving):
    server = serving()
    done = home.run("-a", "-", "what is this", stdin=PNG)
    assert done.code == 0, done
    assert content(server)[1][0].startswith("data:image/png;base64,")
    assert home.prompts() == ["what is this"]


REFUSED = {"missing": ("no-such.txt", "no-such.txt"), "binary": ("binary", "neither text"),
           "url": ("https://example.com/x.png", "nothing is fetched"),
           "large": ("large", "larger than 32 MiB"), "empty": ("empty", "nothing to attach")}


def test_what_cannot_be_attached_is_named_and_nothing_is_sent(home, serving):
    server = serving()
    (home.work / "binary").write_bytes(b"\x7fELF\0\1\2")
    (home.work / "empty").mkdir()
    with open(home.work / "large", "wb") as file:
        file.truncate((32 << 20) + 1)
    for path, expected in REFUSED.values():
        done = home.run("-a", path, "q")
        assert done.code == 65, done
        assert expected in done.err
    assert not server.turns()
    assert not home.db.exists() or not home.prompts()

# What the answer has to be.

SCHEMA = {"type": "object", "required": ["rivers"], "additionalProperties": False,
          "properties": {"rivers": {"type": "array", "minItems": 1,
                                    "items": {"$ref": "#/$defs/river"}}},
          "$defs": {"river": {"type": "object", "required": ["name", "km"], "properties": {
              "name": {"type": "string", "pattern": "^[A-Z]"},
              "km": {"type": "integer", "minimum": 1}}}}}
GOOD = '{"rivers": [{"name": "Rhine", "km": 1230}]}'
BAD = {"at /rivers/0/km: expected type 'integer'": '{"rivers": [{"name": "Rhine", "km": "far"}]}',
       "at /rivers/0/name: does not match": '{"rivers": [{"name": "rhine", "km": 1}]}',
       "at the top: lacks 'rivers'": "{}",
       "at /rivers: breaks 'minItems'": '{"rivers": []}',
       "unexpected member 'lakes'": '{"rivers": [{"name": "R", "km": 1}], "lakes": 1}',
       "no JSON": "Here it is: {}"}


def test_an_answer_follows_its_schema_or_the_exit_code_is_6(home, serving):
    server = serving(fake.answer((GOOD,)), *(fake.answer((text,)) for text in BAD.values()))
    (home.work / "schema.json").write_text(json.dumps(SCHEMA))
    done = home.run("--json-schema", "schema.json", "q")
    assert (done.code, done.out) == (0, GOOD + "\n"), done
    assert "km" in json.dumps(last(server)["response_format"])
    for expected, text in BAD.items():
        done = home.run("--json-schema", "schema.json", "q")
        assert (done.code, done.out) == (6, text + "\n"), done
        assert expected in done.err
    assert home.answer()["text"] == BAD["no JSON"]
    assert home.attempt() == "completed"


def test_a_repeated_request_is_checked_again(home, serving):
    server = serving(fake.answer(("{}",)))
    (home.work / "schema.json").write_text(json.dumps(SCHEMA))
    for _ in range(2):
        done = home.run("--request-id", "K", "--json-schema", "schema.json", "--json", "q")
        assert (done.code, done.json["error"]["code"]) == (6, "unfit"), done
    assert len(server.turns()) == 1


def test_a_schema_that_is_none_is_bad_input(home, serving):
    server = serving()
    (home.work / "schema.json").write_text("[1]")
    assert home.run("--json-schema", "schema.json", "q").code == 65
    assert home.run("--json-schema", "no-such.json", "q").code == 65
    assert not server.turns()


def test_the_first_code_block_alone_is_printed(home, serving):
    answer = "Take this:\n\n```make\nall:\n\techo\n```\n\nor\n\n```\nother\n```\n"
    serving(default := fake.answer((answer[:20], answer[20:])), default, default,
            fake.answer(("no block",)), fake.answer(("no block",)))
    done = home.run("-x", "q")
    assert (done.code, done.stdout, done.err) == (0, b"all:\n\techo\n", "")
    assert home.answer()["text"] == answer
    assert home.run("-x", "--json", "q").json["text"] == "all:\n\techo\n"
    assert home.run("-x", "-o", "Makefile", "q").code == 0
    assert (home.work / "Makefile").read_bytes() == b"all:\n\techo\n"
    done = home.run("-x", "q")
    assert (done.code, done.stdout) == (6, b""), done
    assert "no code block" in done.err
    done = home.run("-x", "-o", "Makefile", "q")
    assert done.code == 6
    assert (home.work / "Makefile").read_bytes() == b"all:\n\techo\n"

# Money.

PRICED = '[models."fake/fake-model"]\ninput_price = "1"\noutput_price = "{}"\n'


def test_what_would_cost_too_much_is_not_sent(home, serving):
    server = serving(more=PRICED.format("1000"))
    done = home.run("--max-cost", "0.50", "--json", "q")
    assert (done.code, done.json["error"]["code"]) == (5, "budget"), done
    assert not server.turns()
    assert home.run("--max-cost", "0.50", "--max-tokens", "100", "q").code == 0


def test_what_costs_too_much_on_its_way_is_stopped_and_kept(home, serving):
    server = serving(fake.endless(pause=0.001, text="x" * 1000), more=PRICED.format("1000"))
    done = home.run("--max-cost", "4.20", "--json", "q")
    assert (done.code, done.json["error"]["code"]) == (5, "budget"), done
    assert server.turns()[0].wait_closed()
    assert len(done.json["text"]) > 4096 * 3
    assert home.answer()["text"] == done.json["text"]
    assert home.attempt() == "cancelled"

# What is shown.


def test_reasoning_goes_to_stderr_only_when_asked_for(home, serving):
    script = fake.answer(("yes",), reasoning=("hm, ", "well"))
    serving(script, script)
    done = home.run("q")
    assert (done.stdout, done.stderr) == (b"yes\n", b"")
    done = home.run("--show-reasoning", "q")
    assert (done.stdout, done.stderr) == (b"yes\n", b"hm, well\n")


def test_no_stream_prints_the_answer_when_it_is_whole(home, serving):
    serving(fake.answer(("one ", "two")), fake.broken(("half",)))
    done = home.run("--no-stream", "q")
    assert (done.code, done.stdout, done.stderr) == (0, b"one two\n", b"")
    done = home.run("--no-stream", "q")
    assert (done.code, done.stdout) == (76, b"half\n")
