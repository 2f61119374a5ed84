"""Golden screens: what each view looks like at three sizes, its text and its colours.

The files of golden/ are what was agreed on; `make golden` writes them anew. What would differ from
run to run (times, handles) is given fixed values in the store before the screen opens.
"""

import os
import pathlib
import sqlite3

import fake_server as fake
import pyte.graphics
import pytest
from weirtest import SLOWER

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
RENEW = bool(os.environ.get("WEIR_RENEW_GOLDEN"))
SIZES = [(10, 40), (24, 80), (50, 220)]
LOCALES = {"utf8": {"LC_ALL": "C.UTF-8"}, "c": {"LC_ALL": "C"}}
ENTER, ESC, CTRL_C = "\r", "\x1b", "\x03"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

ANSWER = """## A heading

Some *words* of an answer with `code`, **more** of it, a [link](https://example.org/page) and 日本語, \
which go on until the end of a row is reached, and a bit beyond.

- an item
- **another** one
  1. and one inside it
- [x] done

> a quotation

| name | value |
|------|------:|
| one  | `1`   |
| 二   | 2     |

```c
int main(void)
{
    return 42; /* a comment */
}
```

The end.
"""

# Each view: its name, the keys that lead to it, a word that has to be there, whether Esc closes it.
VIEWS = [
    ("chat", "", "The end", False),
    ("sessions", "\x18s", "Sessions (2)", True),
    ("models", "\x18m", "Models (", True),
    ("palette", "\x10", "Commands (", True),
    ("help", "\x1bOP", "Keys and commands", True),
    ("branches", "\x18b", "Branches (", True),
    ("find", "\x18/quotation", "(1)", True),
    ("search", "\x18gwell", "(1)", True),
    ("selection", "\x18v", "Up and Down choose", True),
    ("completion", "/s", "/sessions", True),
    ("empty", CTRL_C + "/new" + ENTER, lambda s: "The end" not in s.text(), False),
    ("error", "a prompt that fails" + ENTER, "too full", False),
    ("streaming", "a prompt" + ENTER, "an answer", False),
    ("queue", "this one waits" + ENTER + "and this is\x1b\rbeing written", "waits: ", False),
]


def style_of(cell):
    """In words, "" for the terminal's own. Faint, which pyte does not know, stands as struck through."""
    words = [f"{name}={value}" for name, value in (("fg", cell.fg), ("bg", cell.bg))
             if value != "default"]
    for name, word in (("bold", "bold"), ("strikethrough", "faint"), ("italics", "italic"),
                       ("underscore", "underline"), ("reverse", "reverse")):
        words += [word] if getattr(cell, name) else []
    return " ".join(words)


def dump(screen):
    """The cells as text: rows, then rows of letters, then what each letter means."""
    letters, text, styles = {"": "."}, [], []
    with screen.changed:
        grid = screen.grid
        for row in range(grid.lines):
            cells = [grid.buffer[row][column] for column in range(grid.columns)]
            text.append("".join(cell.data for cell in cells).rstrip())
            line = ""
            for cell in cells:
                style = style_of(cell)
                if style not in letters:
                    letters[style] = LETTERS[len(letters) - 1]
                line += letters[style]
            styles.append(line.rstrip("."))
        cursor = f"cursor {grid.cursor.y} {grid.cursor.x}"
    legend = [f"{letter} {style}" for style, letter in letters.items() if style]
    while text and not text[-1] and not styles[-1]:
        text.pop()
        styles.pop()
    return "\n".join([*text, "-- styles", *styles, "-- legend", *legend, cursor, ""])


def fix_what_varies(home):
    with sqlite3.connect(home.db) as connection:
        connection.executescript("""
            UPDATE session SET handle = 'aaa' || id, created_at = 1e15, last_active_at = 1e15 + id;
            UPDATE message SET created_at = 1e15, ended_at = 1e15;
            UPDATE part SET began_at = 1000000000000000, ended_at = 1000000004000000;""")
    connection.close()


def compare(screen, path):
    if RENEW:
        screen.wait_quiet(0.4)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(screen), encoding="utf-8")
    wanted = path.read_text(encoding="utf-8")
    try:
        screen.wait_for(lambda s: dump(s) == wanted, 2 * SLOWER, settled=False)
    except AssertionError:
        assert dump(screen) == wanted, f"{path.name} differs; 'make golden' renews it"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("rows,columns", SIZES, ids=lambda n: str(n))
def test_every_view_looks_as_agreed_upon(home, serving, monkeypatch, rows, columns, locale):
    monkeypatch.setitem(pyte.graphics.TEXT, 2, "+strikethrough")
    server = serving(fake.answer((ANSWER,), reasoning=("deep ", "thought")), fake.answer(("well",)))
    assert home.run("a question").code == 0
    assert home.run("another question").code == 0
    fix_what_varies(home)
    server.then(fake.status(400, '{"error":{"message":"the moon is too full"}}'),
                fake.stall(("Some words of ", "an answer")))
    with home.screen("chat", "aaa1", rows=rows, columns=columns, TZ="UTC",
                     **LOCALES[locale]) as screen:
        screen.wait_for("fake/fake-model")
        for name, keys, word, closes in VIEWS:
            screen.send(keys)
            screen.wait_for(word)
            compare(screen, GOLDEN / f"{columns}x{rows}" / f"{name}.txt")
            if closes:
                screen.send(ESC)
                screen.wait_for(lambda s, gone=word: gone not in s.text())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("rows,columns", SIZES, ids=lambda n: str(n))
def test_where_a_search_lands_looks_as_agreed_upon(home, serving, monkeypatch, rows, columns, locale):
    monkeypatch.setitem(pyte.graphics.TEXT, 2, "+strikethrough")
    serving(fake.answer((ANSWER,)))
    assert home.run("a question").code == 0
    fix_what_varies(home)
    with home.screen("chat", "aaa1", rows=rows, columns=columns, TZ="UTC",
                     **LOCALES[locale]) as screen:
        screen.wait_for("fake/fake-model")
        screen.send("\x18/an another")
        screen.wait_for("(1)")
        screen.send(ENTER)
        screen.wait_for("n: next")
        compare(screen, GOLDEN / f"{columns}x{rows}" / "landing.txt")
