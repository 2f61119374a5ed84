"""weir doctor: what it says of sound and damaged databases, its repair, its copies."""

import contextlib
import random
import sqlite3

import fake_server as fake
import weirtest


def some_sessions(home, serving, count=3):
    serving(*[fake.answer((f"answer {number} " + "words " * 400,)) for number in range(count)])
    for number in range(count):
        assert home.run(f"prompt {number}").code == 0


def checks(result):
    return {f["check"]: f for f in result.json["findings"]}


def test_a_sound_database_is_called_sound(home, serving):
    some_sessions(home, serving)
    result = home.weir("doctor", "--json")
    assert result.code == 0, result
    found = checks(result)
    assert result.json["state"] in ("fine", "note")
    assert found["integrity"]["state"] == "fine" and found["references"]["value"] == 0
    assert found["sessions"]["value"] == 3 and found["messages"]["value"] == 6
    plain = home.weir("doctor")
    assert plain.code == 0 and "bad" not in plain.out and "integrity" in plain.out


def test_nothing_there_is_said_and_made_nowhere(home):
    result = home.weir("doctor")
    assert result.code == 65 and "weir.db" in result.err, result
    assert home.weir("doctor", "--repair").code == 65
    assert not home.db.exists()
    assert home.weir("doctor", "operand").code == 2


def test_a_copy_is_made_while_another_run_writes(home, serving):
    some_sessions(home, serving)
    serving(fake.stall(("still writing",)))
    target = home.work / "copy.db"
    with home.start("run", "q") as run:
        run.wait_out("still writing")
        result = home.weir("doctor", "--backup", target)
        assert result.code == 0, result
        assert f"copied to {target}, {target.stat().st_size} bytes" in result.err, result
        assert checks(home.weir("doctor", "--json"))["processes"]["value"] == 1
        assert home.weir("doctor", "--repair").code == 75
    assert target.stat().st_mode & 0o777 == 0o600
    assert not list(home.work.glob("*.partial"))
    listed = home.weir("session", "list", "--json", "--db", target)
    assert len(listed.json) == 4, listed
    target.write_bytes(b"something else")
    again = home.weir("doctor", "--backup", target)
    assert again.code == 65 and "already" in again.err and "copied to" not in again.err, again
    assert target.read_bytes() == b"something else"
    onto = home.weir("doctor", "--backup", home.db)
    assert onto.code == 65 and "itself" in onto.err, onto


def test_a_newer_database_is_refused(home, serving):
    some_sessions(home, serving, 1)
    with contextlib.closing(sqlite3.connect(home.db, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version=9999")
    for option in ((), ("--repair",), ("--backup", home.work / "copy.db")):
        assert home.weir("doctor", *option).code == 78


def damaged(clean, rng):
    page = rng.randrange(1, len(clean) // 2048) * 2048
    kinds = {
        "noise": lambda: clean[:page] + rng.randbytes(2048) + clean[page + 2048:],
        "zeros": lambda: clean[:page] + bytes(2048) + clean[page + 2048:],
        "head": lambda: clean[:page] + rng.randbytes(12) + clean[page + 12:],
        "cut": lambda: clean[:page],
        "header": lambda: rng.randbytes(16) + clean[16:],
    }
    name = rng.choice(list(kinds))
    return name, kinds[name]()


def test_of_a_damaged_file_all_that_can_be_read_is_saved(home, serving):
    some_sessions(home, serving, 4)
    assert home.weir("doctor").code == 0
    clean = home.db.read_bytes()
    rng = random.Random(7)
    saved = 0
    for number in range(12 // weirtest.SLOWER):
        name, content = damaged(clean, rng)
        for path in home.db.parent.glob("weir.db*"):
            if path.is_file():
                path.unlink()
        home.db.write_bytes(content)
        before = home.weir("doctor")
        assert before.code in (0, 74), (number, name, before)
        assert home.db.read_bytes() == content, (number, name, "examining has written")
        repaired = home.weir("doctor", "--repair")
        assert repaired.code in (0, 74), (number, name, repaired)
        kept = [p.read_bytes() for p in home.db.parent.glob("weir.db.damaged-*")
                if not p.name.endswith(("-wal", "-shm"))]
        assert content in [home.db.read_bytes(), *kept], (number, name, "the original is lost")
        if before.code == 74 and repaired.code == 0:
            saved += 1
            assert home.weir("doctor").code == 0, (number, name)
            assert home.weir("session", "list").code == 0, (number, name)
    assert saved >= 4 // weirtest.SLOWER


def test_a_schema_that_cannot_be_read_is_damage(home, serving):
    """Who may mend it passes over it; every other command is refused."""
    some_sessions(home, serving, 1)
    content = home.db.read_bytes()
    assert b"CREATE INDEX branch_by_parent" in content
    home.db.write_bytes(content.replace(b"CREATE INDEX branch_by_parent", b"CREATE INDEX xranch_by_parent"))
    assert home.weir("session", "list").code == 74
    assert home.weir("doctor").code == 74
    assert home.weir("doctor", "--repair").code == 0
    assert home.weir("doctor").code == 0
    assert len(home.weir("session", "list", "--json").json) == 1
