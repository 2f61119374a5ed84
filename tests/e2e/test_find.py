"""Search on the screen: in a session, in all of them, in the list of sessions."""

import json

import fake_server as fake
import pytest
from chatting import ENTER, press, said

ESC, LEFT, UP = "\x1b", "\x1b[D", "\x1b[A"
FIND, EVERYWHERE, SESSIONS, SELECT = "\x18/", "\x18g", "\x18s", "\x18v"


def retry(screen, keys, shown):
    """Types it until it is found: messages are known to the search a moment after their end."""
    for _ in range(40):
        screen.send(keys)
        try:
            return screen.wait_for(shown, timeout=0.25)
        except AssertionError:
            screen.send(ESC)
            screen.wait_for(lambda s: "Search in" not in s.text() and "Sessions (" not in s.text())
    return press(screen, keys, shown)


def talk(screen, prompts):
    for prompt, answer in prompts:
        press(screen, prompt + ENTER, said(answer))


def test_a_message_is_found_and_landed_on(serving, chat):
    long = "\n\n".join(f"paragraph {i}" for i in range(60))
    serving(fake.answer(("the heron waits",)), fake.answer((long,)), fake.answer(("the end",)))
    screen = chat()
    talk(screen, [("birds?", "the heron waits"), ("more", "paragraph 59"), ("done", "the end")])
    assert "heron" not in screen.text()
    retry(screen, FIND + "hero", "the heron waits")
    press(screen, ENTER, lambda s: "the heron waits" in s.text() and "Search" not in s.text())
    press(screen, ESC, lambda s: "Up and Down choose" not in s.text())
    assert "the heron waits" in screen.text()
    press(screen, "\x1b[1;5F", lambda s: "the end" in s.text())


def test_another_session_and_branch_is_landed_on(serving, chat):
    serving(fake.answer(("a kingfisher",)), fake.answer(("an otter",)), fake.answer(("a pike",)))
    screen = chat()
    talk(screen, [("what lives there?", "a kingfisher")])
    press(screen, "/again" + ENTER, said("an otter"))
    press(screen, "/new" + ENTER, lambda s: "otter" not in s.text())
    talk(screen, [("and below?", "a pike")])
    retry(screen, EVERYWHERE + "kingfisher", lambda s: "answer in 'what lives there?'" in s.text())
    press(screen, ENTER, lambda s: "a kingfisher" in s.text() and "1/2" in s.text())
    assert "on another branch, which is shown now" in screen.text()
    press(screen, ESC, lambda s: "which is shown now" not in s.text())
    press(screen, "/undo" + ENTER, lambda s: "an otter" in s.text() and "2/2" in s.text())


def test_a_row_shows_what_was_found_whatever_stands_before_it(serving, chat):
    text = "## On birds\n\n- **many words** that stand\n  in front of the row's one\tkingfisher, and more"
    serving(fake.answer((text,)))
    screen = chat(rows=24, columns=40)
    press(screen, "birds?" + ENTER, "kingfisher")
    retry(screen, EVERYWHERE + "kingfisher", "front of the row's one kingfisher,")


def test_the_list_of_sessions_finds_what_was_said(serving, chat):
    serving(fake.answer(("a kingfisher",)), fake.answer(("a pike",)))
    screen = chat()
    talk(screen, [("what lives there?", "a kingfisher")])
    press(screen, "/new" + ENTER, lambda s: "kingfisher" not in s.text())
    talk(screen, [("and below?", "a pike")])
    retry(screen, SESSIONS + "kingfi", "answer: a kingfisher")
    press(screen, ENTER, lambda s: "a kingfisher" in s.text() and "Sessions" not in s.text())


def test_what_is_deleted_leaves_the_list_that_was_narrowed(serving, chat):
    serving(fake.answer(("a kingfisher",)), fake.answer(("a pike",)))
    screen = chat()
    talk(screen, [("birds of the reeds", "a kingfisher")])
    press(screen, "/new" + ENTER, lambda s: "kingfisher" not in s.text())
    talk(screen, [("fish of the reeds", "a pike")])
    retry(screen, EVERYWHERE + "reeds", "Search in all sessions (4)")
    press(screen, ESC, lambda s: "Search" not in s.text())
    press(screen, SESSIONS + "reeds", "Sessions (2)")
    press(screen, "\x1bd", "the session is in the trash")
    screen.wait_for("Sessions (1)")
    assert "fish of" not in screen.text()
    press(screen, "\x1bu", "Sessions (2)")


def styles_of(screen, word):
    """Colour, background, bold, underline and reverse of each place that shows the word, but for the
    rows below the rule."""
    places = []
    with screen.changed:
        for row, line in enumerate(screen.grid.display[:-3]):
            at = line.find(word)
            while at >= 0:
                cell = screen.grid.buffer[row][at]
                places.append((cell.fg, cell.bg, cell.bold, cell.underscore, cell.reverse))
                at = line.find(word, at + 1)
    return places


def test_what_is_typed_where_a_search_landed_is_a_prompt(home, serving, chat):
    serving(fake.answer(("a heron",)), fake.answer(("end",)))
    screen = chat()
    talk(screen, [("birds?", "a heron"), ("go on", "end")])
    retry(screen, FIND + "heron", "Search")
    press(screen, ENTER, "next place found")
    press(screen, "delete or redo it", lambda s: "> delete or redo it" in s.text())
    assert [m["text"] for m in home.messages()] == ["birds?", "a heron", "go on", "end"]
    press(screen, SELECT, "Up and Down choose")  # chosen by hand: characters are commands


DARK = ("1c1c1c", "d7af5f", False, False, False), ("1c1c1c", "87d7ff", False, True, False)
LIGHT = ("1c1c1c", "ffd787", False, False, False), ("ffffff", "005fd7", False, True, False)
SIXTEEN = ("black", "brown", False, False, False), ("black", "cyan", False, True, False)
COLOURLESS = ("default", "default", False, False, True), ("default", "default", True, True, True)


@pytest.mark.parametrize("top,env,looks", [
    ('[ui]\ntheme = "dark"', {}, DARK),
    ('[ui]\ntheme = "light"', {}, LIGHT),
    ('[ui]\ntheme = "16"', {}, SIXTEEN),
    ('[ui]\ntheme = "dark"', {"NO_COLOR": "1"}, COLOURLESS),
    ('[ui]\ntheme = "mono"', {}, COLOURLESS),
    ('[ui]\ntheme = "high-contrast"', {}, COLOURLESS),
    ("", {"TERM": "vt100"}, COLOURLESS),
], ids=["dark", "light", "16", "no color", "mono", "high contrast", "vt100"])
def test_what_was_found_is_marked_where_it_stands(home, server, chat, top, env, looks):
    found, here = looks
    long = "\n\n".join(f"paragraph {i}" for i in range(60)) + "\n\na heron, and **herons**\n"
    home.use(server, more=top)
    server.then(fake.answer((long + "\n".join("- more" for _ in range(60)),)), fake.answer(("end",)))
    screen = chat(**env)
    talk(screen, [("birds?", "more"), ("go on", "end")])
    retry(screen, FIND + "heron", "a heron, and")
    press(screen, ENTER, lambda s: "heron" in s.text() and "Search" not in s.text())
    screen.wait_for(lambda s: styles_of(s, "heron") == [here, found])
    press(screen, "n", lambda s: styles_of(s, "heron") == [found, here])
    press(screen, "n", "no more of it below")
    press(screen, "p", lambda s: styles_of(s, "heron") == [here, found])
    press(screen, ESC, lambda s: "Up and Down" not in s.text())
    assert styles_of(screen, "heron") == [here, found]
    press(screen, ESC, lambda s: not {here, found} & set(styles_of(s, "heron")))
    assert "a heron, and" in screen.text()


def test_what_is_in_the_folded_middle_of_a_prompt_is_landed_on(serving, chat):
    server = serving(fake.answer(("well",)))
    screen = chat()
    text = "\n".join("a heron" if i == 50 else f"line {i}" for i in range(100))
    screen.paste(text)
    press(screen, ENTER, said("well"))
    assert server.turns()[0].json["messages"][-1]["content"] == text
    assert "▸ 82 more lines" in screen.text() and "line 99" in screen.text()
    retry(screen, FIND + "heron", "(1)")
    press(screen, ENTER, lambda s: "Search" not in s.text() and styles_of(s, "heron"))
    assert "line 49" in screen.text()


def test_a_search_that_finds_nothing_says_so(serving, chat):
    serving(fake.answer(("a kingfisher",)))
    screen = chat()
    talk(screen, [("what lives there?", "a kingfisher")])
    retry(screen, FIND + "kingfisher", "(1)")
    press(screen, "\x15heron", "nothing found: whole words are looked for")
    press(screen, "\x15", "type words; ")
    press(screen, "-!", "there is no word in it to look for")


def test_words_behind_the_command_are_looked_for(serving, chat):
    serving(fake.answer(("a kingfisher",)))
    screen = chat()
    talk(screen, [("what lives there?", "a kingfisher")])
    retry(screen, "/find king" + ENTER, lambda s: "Search in this session (1)" in s.text())
    press(screen, "\x15nothing of it", "Search in this session (0)")
    press(screen, ESC, lambda s: "Search" not in s.text())
    press(screen, "/search \"what lives\"" + ENTER, "Search in all sessions (2)")


def test_a_message_far_away_is_landed_on_and_scrolled_on_from(home, serving, chat):
    serving()
    talk_of = [{"from": "human" if i % 2 == 0 else "gpt",
                "value": f"number {i}" + (" heron" if i == 40 else "")} for i in range(400)]
    path = home.root / "talk.json"
    path.write_text(json.dumps([{"id": "x", "conversations": talk_of}]))
    assert home.weir("import", path).code == 0
    screen = chat()
    retry(screen, FIND + "heron", "number 40 heron")
    press(screen, ENTER, lambda s: "number 40 heron" in s.text() and "number 41" in s.text())
    press(screen, ESC, lambda s: "Up and Down choose" not in s.text())
    seen = set()
    while 60 not in seen:
        before = screen.lines()
        seen |= {int(line[7:9]) for line in before if line.startswith("number ")}
        press(screen, "\x1b[1;2B" * 3, lambda s, old=before: s.lines() != old)
    assert seen >= set(range(40, 61))
    press(screen, "\x1b[1;5F", "number 399")
    press(screen, "\x1b[5~", "number 388")
