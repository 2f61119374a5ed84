"""What was said is judged from the command line: the queue, notes, verdicts, figures."""

import json

import fake_server as fake


def ok(home, *words):
    result = home.weir("review", *words)
    assert result.code == 0, result
    return result.out


def records(home, *words):
    return json.loads(ok(home, *words, "--json"))


def queue(home):
    return [line.split()[0] for line in ok(home).splitlines()]


def test_the_queue_holds_what_was_active_since_its_verdict(home, serving):
    serving()
    for prompt in ("first", "second"):
        assert home.run(prompt).code == 0
    second, first = queue(home)
    assert [s["handle"] for s in records(home)] == [second, first]
    assert len(queue(home)) == 2 and len(ok(home, "--limit", "1").splitlines()) == 1
    ok(home, first, "--verdict", "good")
    assert queue(home) == [second]
    ok(home, second, "--rate", "2")
    assert queue(home) == []
    assert home.run("-s", first, "more").code == 0
    assert queue(home) == [first]
    home.weir("session", "undo", second)
    assert queue(home) == [first, second]


SHARE = [{"id": "s", "conversations": [{"from": "human", "value": "a shared question"},
                                       {"from": "gpt", "value": "a shared answer"}]}]


def test_the_queue_tells_runs_from_chats_and_imports(home, serving):
    serving()
    assert home.run("run question").code == 0
    with home.screen("chat", "--new") as screen:
        screen.wait_for("fake-model")
        screen.send(b"chat question\r")
        screen.wait_for("Hello")
    (home.work / "share.json").write_text(json.dumps(SHARE))
    assert home.weir("import", "share.json").code == 0
    origins = {s["title"].split()[0]: s["origin"] for s in records(home)}
    assert origins == {"run": "run", "chat": "chat", "a": "import"}
    for line in ok(home).splitlines():
        assert line.split()[4] in ("run", "chat", "import"), line
    for origin in ("run", "chat", "import"):
        assert [s["origin"] for s in records(home, "--from", origin)] == [origin]
    # Who goes on with it changes nothing.
    handle = records(home, "--from", "chat")[0]["handle"]
    assert home.run("-s", handle, "more").code == 0
    assert [s["handle"] for s in records(home, "--from", "chat")] == [handle]
    for words in (("--from", "nobody"), ("--from", "run", "--summary"), (handle, "--from", "run")):
        assert home.weir("review", *words).code == 2, words
    with home.screen("review", "--from", "run") as screen:
        screen.wait_for("f filters: run")
        assert "run question" in screen.text() and "chat question" not in screen.text()
        for origin, shown in (("import", {"a shared"}), ("all", {"a shared", "run", "chat"}),
                              ("chat", {"chat"})):
            screen.send(b"f")
            screen.wait_for(f"f filters: {origin}")
            assert {title for title in ("a shared", "run", "chat")
                    if f"{title} question" in screen.text()} == shown
        screen.send(b"q")
        assert screen.wait_exit() == 0


def test_what_an_import_does_not_know_is_not_shown_as_nothing(home):
    (home.work / "share.json").write_text(json.dumps(SHARE))
    assert home.weir("import", "share.json").code == 0
    handle = queue(home)[0]
    answer = records(home, handle)["messages"][1]
    assert (answer["first_ms"], answer["duration_ms"]) == (None, None)
    assert [m["first_ms"] for m in records(home, handle, "--summary")] == [None]
    assert " s" not in ok(home, handle).replace("a shared", "") and "took" not in ok(home, handle)
    moment = ok(home, handle, "--timeline").splitlines()[-1].split()
    assert moment[2:] == ["-", "-", "-", "-", "-", "0", "end_turn"]
    with home.screen("review") as screen:
        screen.wait_for("shared")
        screen.send(b"\r")
        screen.wait_for("#2 assistant")
        assert " s" not in next(line for line in screen.lines() if "#2" in line)


def test_an_answer_that_was_stopped_is_cancelled_everywhere(home, serving):
    serving(fake.stall(("kept",)))
    with home.screen() as screen:
        screen.wait_for("fake-model")
        screen.send(b"why\r")
        screen.wait_for("kept")
        screen.send(b"\x1b")
        screen.wait_for("cancelled")
        screen.send(b"/review\r")
        screen.wait_for("review: Enter opens")
        screen.send(b"\r")
        screen.wait_for(", cancelled")
        assert "canceled" not in screen.text()
    handle = queue(home)[0]
    for words in (("review", handle), ("review", handle, "--timeline"), ("session", "show", handle),
                  ("export", handle), ("export", handle, "--format", "html")):
        out = home.weir(*words).out
        assert "cancelled" in out and "canceled" not in out, words
    assert records(home, handle)["messages"][1]["finish_reason"] == "canceled"


def test_notes_stand_on_messages_and_on_spans(home, serving):
    serving(fake.answer(("always the same",)))
    assert home.run("why?").code == 0
    handle = queue(home)[0]
    shown = records(home, handle)
    answer = shown["messages"][1]
    assert answer["notes"] == [] and answer["verdict"] is None
    assert answer["duration_ms"] >= answer["first_ms"] >= 0

    whole = records(home, handle, "--on", "2", "--note", "hm\nindeed")
    assert (whole["message_id"], whole["part"], whole["first"]) == (answer["id"], None, None)
    span = records(home, "--on", answer["id"], "--note", "no", "--span", "the same")
    assert (span["part"], span["first"], span["last"]) == (0, 7, 15)
    assert records(home, handle, "--on", "#2", "--note", "x", "--span", "0-6")["last"] == 6
    text = ok(home, handle)
    assert '> "the same": no' in text and "> hm" in text and "\n    indeed\n" in text

    ok(home, "--edit", span["id"], "--note", "yes")
    ok(home, "--remove", whole["id"])
    assert [n["text"] for n in records(home, handle)["messages"][1]["notes"]] == ["yes", "x"]
    for words, code in ((("--on", "9", "--note", "x"), 65), (("--note", "x"), 2),
                        (("--on", "2", "--note", "x", "--span", "absent"), 65),
                        (("--on", "2", "--note", "x", "--span", "3-99"), 65),
                        (("--on", "2", "--note", " "), 65), (("--edit", "0000"), 65)):
        assert home.weir("review", handle, *words).code == code, words


def test_an_export_shows_notes_with_their_words_and_verdicts(home, serving):
    serving(fake.answer(("always the same",)))
    assert home.run("why?").code == 0
    handle = queue(home)[0]
    ok(home, handle, "--on", "2", "--note", "hm", "--span", "the same")
    ok(home, handle, "--on", "2", "--rate", "4")
    assert '> *Note* on "the same":\n>\n> hm\n' in home.weir("export", handle).out
    page = home.weir("export", handle, "--format", "html").out
    assert "<blockquote>the same</blockquote>" in page and "Verdict: 4 of 5<" in page


def test_verdicts_labels_and_figures(home, serving):
    serving(fake.answer(("one",)), fake.status(400))
    assert home.run("q").code == 0
    assert home.run("q").code != 0
    failed, good = queue(home)
    ok(home, good, "--verdict", "good", "--label", "checked", "--label", "work")
    assert records(home, good, "--on", "2", "--rate", "4")["rating"] == 4
    shown = records(home, good)
    assert shown["verdict"]["verdict"] == "good" and shown["labels"] == ["checked", "work"]
    assert shown["messages"][1]["verdict"]["rating"] == 4
    assert "[good]  labels: checked, work" in ok(home, good).splitlines()[0]
    assert "[4/5]" in ok(home, good, "--timeline")

    figures = records(home, "--summary")[0]
    assert (figures["answers"], figures["errors"]) == (2, 1)
    assert (figures["rated"], figures["rating"]) == (1, 4.0)
    assert records(home, failed, "--summary")[0]["errors"] == 1
    assert records(home, "--summary", "--until", "2001-01-01") == []
    ok(home, good, "--on", "2", "--rate", "0")
    assert records(home, good)["messages"][1]["verdict"] is None
    for words, code in ((("--rate", "7"), 65), (("--rate", "1.5"), 65), (("--verdict", "a\nb"), 65),
                        (("--summary", "--rate", "1"), 2), (("again",), 2)):
        assert home.weir("review", good, *words).code == code, words
    assert home.weir("review", "--rate", "1").code == 2
    assert home.weir("review", "nobody").code == 65


def test_two_answers_are_compared_by_words(home, serving):
    serving(fake.answer(("It is always the same.\n",)), fake.answer(("It is  never quite the same.",)))
    for _ in range(2):
        assert home.run("q").code == 0
    left, right = (m["uid"] for m in home.answers())
    assert ok(home, "--compare", left, right) == "It is  [-always-] {+never quite+} the same.\n"
    record = records(home, "--compare", left, right)
    assert (record["same"], record["removed"], record["added"]) == (5, 1, 2)
    assert [r["change"] for r in record["runs"]] == ["same", "removed", "added", "same"]
    assert "".join(r["right"] or "" for r in record["runs"]) == "It is  never quite the same."
    handle = queue(home)[0]
    assert ok(home, handle, "--compare", "1", "2") == "[-q-]{+It is  never quite the same.+}\n"
    for words, code in ((("--compare", left), 2), (("--compare", left, "0000"), 65),
                        (("--compare", left, right, "--rate", "1"), 2)):
        assert home.weir("review", *words).code == code, words


def test_the_screen_shows_what_waits_and_takes_notes_and_verdicts(home, serving):
    serving(fake.answer(("always the same",)), fake.answer(("never quite the same",)),
            fake.answer(("another",)))
    assert home.run("older").code == 0
    assert home.run("newer question").code == 0
    with home.screen("review") as screen:
        screen.wait_for("newer question")
        screen.wait_for("older")
        screen.send(b"\r")
        screen.wait_for("never quite the same")
        screen.send(b"\x1b[A\x1b[A" b"n")
        screen.wait_for("\nnote:")
        screen.send("hm, \u00e9x\x7f\r".encode())
        screen.wait_for("hm, \u00e9")
        screen.send(b"r3\r")
        screen.wait_for("[3/5]")
        screen.send(b"r9\r")
        screen.wait_for("a rating is a number")
        screen.send(b"u")
        screen.wait_for(lambda s: "[3/5]" not in s.text())
        screen.send(b"\x1b[A\x1b[A")
        screen.send(b"vgood\r")
        screen.wait_for("[good]")
        screen.send(b"lchecked\r")
        screen.wait_for("labels: checked")
        screen.send(b"q")
        screen.wait_for(lambda s: "newer" not in s.text() and "older" in s.text())
        screen.send(b"\r")
        screen.wait_for("always the same")
        screen.send(b"o")
        screen.wait_for(lambda s: "r rate" not in s.text() and "always the same" in s.text())
    assert queue(home) == [home.rows("SELECT handle FROM session ORDER BY id")[0]["handle"]]
    handle = home.rows("SELECT handle FROM session ORDER BY id")[1]["handle"]
    shown = records(home, handle)
    assert shown["verdict"]["verdict"] == "good" and shown["labels"] == ["checked"]
    assert shown["messages"][1]["notes"][0]["text"] == "hm, \u00e9"


def test_a_review_shows_and_leaves_nothing_of_a_session_that_was_not_opened(home, serving):
    serving(fake.answer(("Ottawa",)))
    assert home.run("-m", "fake/first-model", "q").code == 0
    with home.screen("review") as screen:
        screen.wait_for("review: Enter opens")
        assert "so far this session" not in screen.text()
        screen.send(b"\x1b")
        assert screen.wait_exit() == 0
        said = screen.output().decode()
        assert "Ottawa" not in said and "goes on with it" not in said


def test_the_newest_answer_is_chosen_and_leaving_leaves_to_the_shell(home, serving):
    serving(fake.answer(("one",)), fake.answer(("two",)))
    assert home.run("q").code == 0
    handle = queue(home)[0]
    assert home.run("-s", handle, "more").code == 0
    with home.screen("review") as screen:
        screen.wait_for("review: Enter opens")
        screen.send(b"\r")
        screen.wait_for("n note")
        screen.send(b"n" b"wrong oven\r")
        screen.wait_for(lambda s: "wrong oven" in s.text() and "note:" not in s.text())
        screen.send(b"\x1b")
        screen.wait_for("review: Enter opens")
        screen.send(b"\x1b")
        assert screen.wait_exit() == 0
    notes = [[n["text"] for n in m["notes"]] for m in records(home, handle)["messages"]]
    assert notes == [[], [], [], ["wrong oven"]]


def test_two_answers_stand_side_by_side_on_the_screen(home, serving):
    serving(fake.answer(("The same line.\nIt is always so.",)),
            fake.answer(("The same line.\nIt is never quite so, it seems.",)))
    assert home.run("q").code == 0
    with home.screen(rows=24, columns=80) as screen:
        screen.wait_for("always")
        screen.send(b"/again\r")
        screen.wait_for("it seems")
        screen.send(b"/review\r")
        screen.wait_for("review: Enter opens")
        screen.send(b"\r")
        screen.wait_for("it seems")
        screen.send(b"c")
        screen.wait_for("left: this one")
        first, second = [line.split("|") for line in screen.lines()[:2]]
        assert [side.strip() for side in first] == ["The same line."] * 2
        assert second[0].strip() == "It is never quite so, it seems."
        assert second[1].strip() == "It is always so."
        screen.send(b"\x1b")
        screen.wait_for("n note")


def test_what_a_model_said_acts_on_no_terminal(home, serving):
    serving(fake.answer(("\x1b]0;owned\x07 text",)))
    assert home.run("q").code == 0
    screen = home.screen("review", queue(home)[0])
    screen.wait_exit()
    assert b"\x1b]0;" not in screen.output()
