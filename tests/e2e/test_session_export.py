"""Sessions listed and shown, and exports that hold all that was said."""

import json
import os
import re
import stat

import fake_server as fake
import hostile
import pytest
import terminal


def sessions(home):
    listed = home.weir("session", "list", "--json")
    assert listed.code == 0, listed
    data = json.loads(listed.out) if listed.out.lstrip().startswith("[") else [
        json.loads(line) for line in listed.out.splitlines()]
    return data["sessions"] if isinstance(data, dict) else data


def test_an_empty_store_lists_nothing(home):
    result = home.weir("session", "list")
    assert result.code == 0, result
    assert sessions(home) == []


def test_the_list_is_newest_first_with_titles(home, serving):
    serving()
    for prompt in ("first question", "second question", "third question"):
        assert home.run(prompt).code == 0
    out = home.weir("session", "list").out
    assert out.index("third") < out.index("second") < out.index("first")
    listed = sessions(home)
    assert [s["title"] for s in listed] == ["third question", "second question", "first question"]
    assert len({s["id"] for s in listed}) == 3
    assert listed[0]["id"] == home.answers()[-1]["session"]


def test_a_session_is_shown_by_id_handle_and_prefix(home, serving):
    serving(fake.answer(("the only answer",)))
    assert home.run("the only question").code == 0
    session = sessions(home)[0]
    for name in (session["id"], session["handle"], session["id"][:12]):
        shown = home.weir("session", "show", name)
        assert shown.code == 0, shown
        assert "the only question" in shown.out and "the only answer" in shown.out


@pytest.mark.parametrize(("file", "begins"), [
    ("x.html", "<!doctype"), ("x.json", "{"), ("x.jsonl", "{"), ("x.txt", "the question\nSession"),
    ("x.md", "# the question"), ("x.dat", "# the question"), ("x", "# the question"),
    ("a.json/x", "# the question")])
def test_the_format_is_as_the_file_ends(home, serving, file, begins):
    serving()
    assert home.run("the question").code == 0
    (home.work / "a.json").mkdir()
    handle = sessions(home)[0]["handle"]
    assert home.weir("export", handle, "-o", file).code == 0
    assert (home.work / file).read_text().startswith(begins)
    assert home.weir("export", handle, "-o", file, "--format", "html").code == 0
    assert (home.work / file).read_text().startswith("<!doctype")


def test_what_an_export_cannot_mean_is_wrong_usage(home, serving):
    serving()
    assert home.run("q").code == 0
    handle = sessions(home)[0]["handle"]
    for words in (("--from", "2", "--to", "1"), ("--attachments", "d"),
                  ("--attachments", "d", "--format", "html"), ("--all",)):
        assert home.weir("export", handle, *words).code == 2, words
    assert home.weir("export", handle, "--from", "2", "--to", "2").out.count("##") == 1
    assert home.weir("export", handle, "--attachments", "d", "--format", "jsonl").code == 0


def test_an_export_takes_a_branch_by_number_name_or_id(home, serving):
    serving()
    assert home.run("a question").code == 0
    handle = sessions(home)[0]["handle"]
    assert home.weir("session", "fork", handle, "--branch", "--name", "other").code == 0
    assert home.run("-s", handle, "one more").code == 0
    ids = [row["uid"] for row in home.rows("SELECT uid FROM branch ORDER BY id")]
    for first, second in ((1, 2), ids, (ids[0].lower(), "other")):
        assert "one more" not in home.weir("export", handle, "--branch", first).out
        assert "one more" in home.weir("export", handle, "--branch", second).out
    wrong = home.weir("export", handle, "--branch", "3")
    assert wrong.code == 65 and "no branch '3'" in wrong.err
    for words in ((handle, handle), ("--all",)):
        assert home.weir("export", *words, "--branch", "1").code == 2, words
    assert home.weir("export", "--all", "--branch", "all").code == 0


@pytest.mark.parametrize(("form", "begins"), [
    ("md", "# Session {0}\n"), ("txt", "Session {0}\nSession {0}, begun"),
    ("html", "<h1>Session {0}</h1>")])
def test_a_session_without_a_title_is_called_by_its_handle(home, serving, form, begins):
    serving()
    assert home.run("q").code == 0
    handle = sessions(home)[0]["handle"]
    assert home.weir("session", "set", handle, "--title", "").code == 0
    out = home.weir("export", handle, "--format", form).out
    assert begins.format(handle) in out
    for words in (("session", "list"), ("review",), ("review", handle)):
        assert "(no title)" in home.weir(*words).out


def test_an_export_into_a_folder_that_is_missing_names_the_file_that_was_given(home, serving):
    serving()
    assert home.run("q").code == 0
    done = home.weir("export", "--all", "-o", "missing/x.md")
    assert done.code == 65 and done.err.startswith("weir: cannot write 'missing/x.md': "), done


def test_a_beginning_that_fits_several_sessions_names_them(home, serving):
    serving()
    for prompt in ("a", "b"):
        assert home.run(prompt).code == 0
    listed = sessions(home)
    shared = os.path.commonprefix([s["id"] for s in listed])
    assert shared
    for command in (("session", "show"), ("export",), ("run", "--no-stdin", "q", "-s")):
        result = home.weir(*command, shared.lower())
        assert result.code == 65, result
        assert all(s["handle"] in result.err for s in listed), result


@pytest.mark.parametrize("command", [("session", "show"), ("export",)])
def test_a_session_that_is_not_there_is_an_error_that_names_it(home, serving, command):
    serving()
    assert home.run("q").code == 0
    result = home.weir(*command, "nothing-like-it")
    assert result.code in (1, 2, 65, 66), result
    assert "nothing-like-it" in result.err and not result.stdout


def test_the_markdown_export_holds_all_that_was_said(home, serving):
    answer = "Some *text* with `code`:\n\n```c\nint x = 1;\n```\n\nand 世界."
    serving(fake.answer((answer,)))
    assert home.run("a question with 🙂").code == 0
    name = sessions(home)[0]["handle"]
    exported = home.weir("export", name, "--format", "md")
    assert exported.code == 0, exported
    assert "a question with 🙂" in exported.out
    assert answer in exported.out


def test_the_json_export_holds_every_message_and_part(home, serving):
    serving(fake.answer(("an answer",), reasoning=("some thought",)), fake.tool_call(),
            fake.broken(("cut off",)))
    for arguments in (("one",), ("-c", "two"), ("-c", "three")):
        home.run(*arguments)
    assert len({m["session"] for m in home.messages()}) == 1
    exported = home.weir("export", sessions(home)[0]["id"], "--format", "json")
    assert exported.code == 0, exported
    data = exported.json
    found = messages_of(data)
    assert [m["role"] for m in found] == [m["role"] for m in home.messages()]
    flat = json.dumps(data, ensure_ascii=False)
    for text in ("one", "two", "three", "an answer", "some thought", "cut off", "read_file"):
        assert text in flat, text
    assert [m.get("id") for m in found] == [m["uid"] for m in home.messages()]


def messages_of(data):
    if isinstance(data, list):
        data = data[0]
    if "sessions" in data:
        data = data["sessions"][0]
    return data["messages"]


def test_an_export_goes_to_a_private_file(home, serving):
    serving()
    assert home.run("q").code == 0
    target = home.work / "out.md"
    result = home.weir("export", sessions(home)[0]["id"], "--format", "md", "-o", target)
    assert result.code == 0, result
    assert not result.stdout
    assert "Hello, world" in target.read_text(encoding="utf-8")


def test_an_export_to_a_full_device_fails(home, serving):
    serving()
    assert home.run("q").code == 0
    # A device of its own: were it replaced by a file, the machine's would be gone.
    device = home.work / "full"
    try:
        os.mknod(device, 0o600 | stat.S_IFCHR, os.stat("/dev/full").st_rdev)
        device.write_bytes(b"")
    except OSError:
        pytest.skip("devices cannot be made here")
    result = home.weir("export", sessions(home)[0]["id"], "-o", device)
    assert stat.S_ISCHR(device.stat().st_mode), "the device was replaced by a file"
    assert result.code == 74, result
    assert str(device) in result.err


def test_an_export_writes_into_a_pipe_and_does_not_replace_it(home, serving):
    serving()
    assert home.run("q").code == 0
    pipe = home.work / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        result = home.weir("export", sessions(home)[0]["id"], "-o", pipe)
        assert result.code == 0, result
        assert stat.S_ISFIFO(pipe.stat().st_mode), "the pipe was replaced by a file"
        assert b"Hello, world" in os.read(reader, 65536)
    finally:
        os.close(reader)


def test_an_export_that_fails_leaves_the_older_file_alone(home, serving):
    serving()
    assert home.run("q").code == 0
    target = home.work / "out.md"
    target.write_text("older")
    assert home.weir("export", "nothing-like-it", "-o", target).code != 0
    assert target.read_text() == "older"


def test_an_export_of_a_running_answer_holds_what_came_so_far(home, serving):
    serving(fake.stall(("so far",)))
    with home.start("run", "q") as run:
        run.wait_out("so far")
        home.wait_db(lambda h: h.answer()["text"] == "so far")
        exported = home.weir("export", home.answer()["session"], "--format", "json")
        assert exported.code == 0, exported
        assert "so far" in exported.out
        assert home.attempt() == "running", "looking does not end it"


def test_hostile_titles_and_texts_are_safe_on_a_terminal(home, serving):
    serving(default_answer())
    for text in (hostile.ONE_LINE, hostile.ALL):
        assert home.run(stdin=text.encode()).code == 0
    name = sessions(home)[0]["id"]
    for command in (("session", "list"), ("session", "show", name), ("export", name),
                    ("export", name, "--format", "json")):
        with home.screen(*command, rows=150, columns=160) as screen:
            assert screen.wait_exit() == 0
            screen.wait_quiet()
            assert not terminal.foreign_bytes(screen.output()), (command, screen.dump())


def test_what_is_attached_is_named(home, serving):
    serving()
    (home.work / "src").mkdir()
    (home.work / "src" / "m.c").write_text("int main();\n")
    (home.work / "a`b").write_text("x")
    assert home.run("-a", "src/m.c", "-a", "a`b", "what is it").code == 0
    name = sessions(home)[0]["id"]
    for command in (("session", "show", name), ("export", name, "--format", "txt")):
        shown = home.weir(*command).out
        assert "what is it\n[attached: src/m.c, 12 bytes]\n[attached: a`b, 1 byte]\n\n" in shown, shown
    shown = home.weir("export", name).out
    assert "\nAttached: `src/m.c`\n" in shown and "\nAttached: `` a`b ``\n" in shown, shown


def test_titles_are_cut_to_the_terminal_but_not_in_a_pipe(home, serving):
    serving()
    for title in ("a title that is long " * 4, "河" * 60):
        assert home.run(title).code == 0
    assert "long a title" in home.weir("session", "list").out
    with home.screen("session", "list", columns=60) as screen:
        assert screen.wait_exit() == 0
        screen.wait_quiet()
        lines = [line.rstrip() for line in screen.lines() if line.strip()]
        assert len(lines) == 2 and all(line.endswith("…") for line in lines), screen.dump()


def default_answer():
    return fake.answer((hostile.ALL,))


def test_hostile_text_comes_back_from_a_json_export_byte_for_byte(home, serving):
    serving(fake.answer((hostile.ALL,)))
    assert home.run(stdin=hostile.ALL.encode()).code == 0
    exported = home.weir("export", sessions(home)[0]["id"], "--format", "json")
    texts = [p["text"] for m in messages_of(exported.json) for p in m["parts"]]
    assert hostile.ALL in texts


def test_config_path_show_and_check_know_the_config(home, serving):
    server = serving(more='api_key_env = "FAKE_KEY"')
    assert home.weir("config", "path").out.strip() == str(home.config_file)
    assert home.weir("config", "check").code == 0
    shown = home.weir("config", "show", FAKE_KEY="sk-shown-key")
    assert shown.code == 0, shown
    assert str(server.port) in shown.out and "sk-shown-key" not in shown.out + shown.err
    home.configure("modle = 1\n")
    bad = home.weir("config", "check")
    assert bad.code == 78 and "config.toml:1" in bad.err


def test_config_init_writes_a_private_config_that_is_valid_and_never_overwrites(home):
    made = home.weir("config", "init")
    assert made.code == 0, made
    assert home.config_file.stat().st_mode & 0o077 == 0
    assert home.weir("config", "check").code == 0
    before = home.config_file.read_bytes()
    assert home.weir("config", "init").code != 0
    assert home.config_file.read_bytes() == before


def test_showing_a_session_says_how_an_answer_ended(home, serving):
    serving(fake.answer(("whole",)), fake.status(401), fake.tool_call())
    assert home.run("a").code == 0
    assert home.run("-c", "b").code == 77
    shown = home.weir("session", "show", sessions(home)[0]["handle"]).out
    assert shown.count("[error: ") == 1, shown
    assert "whole\n\nuser" in shown, "a whole answer needs no word about its end"


def test_reading_needs_no_sound_config(home, serving):
    serving(fake.answer(("said before",)))
    assert home.run("q").code == 0
    name = sessions(home)[0]["handle"]
    for wrong in ('[provider.p]\ntype = "openai"\nbase_url = "http://example.com/v1"\n',
                  'modle = "x"\n', "model = x\n"):
        home.configure(wrong)
        for command in (("session", "show", name), ("export", name)):
            shown = home.weir(*command)
            assert shown.code == 0, shown
            assert "said before" in shown.out
            assert "config.toml:" in shown.err
        assert home.weir("session", "list").code == 0
        assert home.run("q").code == 78


def test_the_config_is_shown_as_it_is_in_force(home):
    shown = home.weir("config", "show", OPENAI_API_KEY="sk-of-the-test")
    assert 'model = "openai/gpt' in shown.out and "because of OPENAI_API_KEY" in shown.out
    assert "[provider.openai]" in shown.out and "does not exist" in shown.out
    assert "sk-of-the-test" not in shown.out
    checked = home.weir("config", "check", OPENAI_API_KEY="sk-of-the-test")
    assert checked.code == 0, checked
    assert "is sound" not in checked.out and "because of OPENAI_API_KEY" in checked.out


@pytest.mark.parametrize("text,line", [('\nmodel = "a/b"\n', 2), ('[alias]\nfast = "nope/x"\n', 2),
                                       ("model = x\n", 1)])
def test_checking_the_config_names_the_line(home, text, line):
    home.configure(text)
    checked = home.weir("config", "check")
    assert checked.code == 78, checked
    assert f"config.toml:{line}: " in checked.err


def test_a_fence_inside_code_does_not_end_it(home, serving):
    inside = json.dumps("```\n````\n# no heading\n").replace("\\n", "\n")
    serving(fake.tool_call(arguments=(inside,)), fake.answer(("done",)))
    home.run("call it")
    text = home.weir("export", "--all", "--format", "md").out
    assert f"`````json\n{inside}\n`````\n" in text


@pytest.mark.parametrize(("form", "said"), [
    ("md", "```c\nint x;\n```\n\n*(interrupted"),
    ("txt", "```c\nint x;\n[interrupted"),
    ("html", '<p class="state">interrupted'),
])
def test_an_answer_that_was_cut_says_so_and_swallows_nothing(home, serving, form, said):
    serving(fake.broken(("Look:\n```c\n", "int x;")), fake.answer(("the rest",)))
    assert home.run("a question").code == 76
    assert home.run("-c", "go on").code == 0
    text = home.weir("export", sessions(home)[0]["handle"], "--format", form).out
    assert said in text, text
    begun = re.search(r"Session \w+, begun \d{4}-\d\d-\d\d \d\d:\d\d UTC", text)
    assert begun and text.count("interrupted") == 1
