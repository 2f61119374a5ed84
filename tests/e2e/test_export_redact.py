"""What is shared leaks nothing that was looked for; what cannot be looked into is not shared."""

import base64
import contextlib
import json
import sqlite3

import fake_server as fake
import pytest

# Put together here, so that no key stands in the sources.
KEY = "sk-" + "q7Zt2LmX9vRb4KpW8sYd3NfG"
SECRETS = [KEY, "anna@mail.example.org", "/home/anna", "ACME-1234"]
TEXT = f"use {KEY} as anna@mail.example.org in /home/anna/src for ACME-1234, again {KEY}"
FORMATS = ["md", "html", "json", "jsonl", "txt"]


@pytest.fixture
def talked(home, serving):
    """A session with a secret in every place that text can stand in."""
    serving(fake.answer((TEXT,), reasoning=(TEXT,)), fake.tool_call(arguments=(json.dumps(TEXT),)))
    home.config_file.write_text(home.config_file.read_text() + '\n[redact]\npatterns = ["ACME-[0-9]+"]\n')
    file = home.work / "notes.txt"
    file.write_text(TEXT)
    assert home.run("-a", file, TEXT).code == 0
    home.run("-c", "two")
    handle = home.weir("session", "list", "--json").json[0]["handle"]
    assert home.weir("session", "rename", handle, f"of {KEY}").code == 0
    with contextlib.closing(sqlite3.connect(home.db)) as db, db:
        db.execute("INSERT INTO note (uid, message, part, first, last, text, created_at, changed_at)"
                   " SELECT '01M0000000000000000000000N', max(id), 0, 1, 9, ?, 1, 2 FROM message",
                   (TEXT,))
        db.execute("INSERT INTO verdict (session, verdict, decided_at) SELECT id, ?, 1 FROM session",
                   (KEY,))
        db.execute("UPDATE session SET title = ?", (TEXT,))
        db.execute("UPDATE message SET detail = ? WHERE role = 'assistant'", (TEXT,))
    return home


def redacted(home, form, *more):
    return home.weir("export", "--all", "--format", form, "--redact", *more)


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_leaks_a_secret_and_the_same_one_has_the_same_name(talked, form):
    plain = talked.weir("export", "--all", "--format", form).stdout.decode()
    assert any(secret in plain for secret in SECRETS)
    result = redacted(talked, form)
    assert result.code == 0, result
    text = result.stdout.decode()
    for secret in SECRETS:
        assert secret not in text and secret not in result.err, secret
        assert base64.b64encode(secret.encode()).decode()[:12] not in text
    assert "use [KEY-1] as [EMAIL-1] in [HOME-1]/src for [PATTERN-1], again [KEY-1]" in text
    assert "[KEY-2]" not in text
    assert "keys and tokens" in result.err


@pytest.mark.parametrize("form", FORMATS)
def test_a_password_that_is_told_later_is_found_before_that(home, serving, form):
    serving(fake.answer(("Then s3cret99 is what you type",)), fake.answer(("Yes",)))
    assert home.run("Log in with s3cret99").code == 0
    assert home.run("-c", "password: s3cret99").code == 0
    result = redacted(home, form)
    assert "s3cret99" not in result.stdout.decode()
    assert "Log in with [KEY-1]" in result.stdout.decode()
    places = result.err.split(" place")[0].split()[-1]
    check = redacted(home, form, "--check")
    assert f"[KEY-1]        {places} times" in check.stdout.decode()


def test_a_redacted_export_is_whole_and_comes_in_elsewhere(talked, tmp_path):
    file = talked.work / "all.json"
    file.write_bytes(redacted(talked, "json").stdout)
    data = json.loads(file.read_bytes())
    attached = data["sessions"][0]["attachments"][0]
    assert base64.b64decode(attached["data"]).decode().startswith("use [KEY-1] as")
    assert attached["bytes"] == len(base64.b64decode(attached["data"]))
    result = talked.weir("--db", tmp_path / "other.db", "import", "--json", file)
    assert result.code == 0 and json.loads(result.out)["refused"] == 0, result


def test_a_check_writes_nothing_and_tells_what_it_would_take_out(talked):
    target = talked.work / "out.md"
    result = talked.weir("export", "--all", "--check", "-o", target)
    assert result.code == 0 and not target.exists()
    assert [line.split()[0] for line in result.out.splitlines()] == \
        ["[KEY-1]", "[EMAIL-1]", "[HOME-1]", "[PATTERN-1]"]
    assert KEY not in result.out and "sk-q…" in result.out


@pytest.mark.parametrize("form", FORMATS)
def test_what_cannot_be_searched_stops_the_export_and_leaves_the_old_file(talked, serving, form):
    serving()
    picture = talked.work / "dot.png"
    picture.write_bytes(base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQV"
                                         "R42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="))
    assert talked.run("-c", "-a", picture, "look").code == 0
    target = talked.work / "out"
    target.write_text("old")
    for where in (("-o", target), ()):
        result = redacted(talked, form, *where)
        assert result.code == 65 and "image/png" in result.err and result.stdout == b""
    assert target.read_text() == "old"
    assert redacted(talked, form, "-o", target, "--keep-attachments").code == 0
    assert KEY not in target.read_text() and "old" != target.read_text()


def test_a_check_tells_all_also_where_something_would_stop_the_export(talked, serving):
    serving()
    picture = talked.work / "p.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n0000")
    assert talked.run("-c", "-a", picture, "see").code == 0
    result = talked.weir("export", "--all", "--check")
    assert result.code == 65 and "image/png" in result.err
    assert "[KEY-1]" in result.out and "keys and tokens" in result.err
    assert talked.weir("export", "--all", "--check", "--keep-attachments").code == 0


def test_quiet_leaves_the_remarks_away_and_not_the_result(talked):
    told = talked.weir("export", "--all", "--check")
    quiet = talked.weir("-q", "export", "--all", "--check")
    assert "taken out" in told.err and "read what is left" in told.err
    assert (quiet.code, quiet.out, quiet.err) == (0, told.out, ""), quiet
    quiet = talked.weir("-q", "export", "--all", "--redact")
    assert quiet.code == 0 and "[KEY-1]" in quiet.out and quiet.err == "", quiet


@pytest.mark.parametrize("patterns", ['["(open"]', '"text"', "5"])
def test_a_pattern_that_does_not_compile_stops_the_export(talked, patterns):
    config = talked.config_file.read_text()
    talked.config_file.write_text(config[:config.index("patterns = ")] + f"patterns = {patterns}\n")
    target = talked.work / "out"
    result = redacted(talked, "md", "-o", target)
    checked = talked.weir("config", "check")
    assert (result.code, checked.code) == (78, 78), (result, checked)
    assert result.stdout == checked.stdout == b"" and not target.exists()
    line = talked.config_file.read_text().split("patterns = ")[0].count("\n") + 1
    for told in (result.err, checked.err):
        assert f"{talked.config_file}:{line}: " in told, told
        assert "patterns" in told or "'(open'" in told, told
