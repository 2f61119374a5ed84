"""Links of an answer as links of the terminal: on which cells, and on none other."""

import re
from string import ascii_lowercase

import fake_server as fake
import hostile
import pytest
import terminal
from chatting import ENTER, press, said

BEGIN = b"\x1b]8;"
WHERE = "https://a.example/x?y=1&z=%E6%97%A5"
ANSWER = f"one\n\nread [the page]({WHERE.replace('%E6%97%A5', '日')}), it says more\n\nlast"
PAGE_UP, HOME, DELETE = "\x1b[5~", "\x1b[H", "\x1b[3~"


class Linked(terminal.Grid):
    """A screen whose cells remember the link that they were written with."""

    link = ""
    linked = None

    def draw(self, data):
        for char in data:
            at = self.cursor.y, self.cursor.x
            super().draw(char)
            at = (self.cursor.y, self.cursor.x - 1) if at[1] >= self.columns else at
            self.linked[at] = self.link


def replay(screen):
    """The screen again, from everything that was written."""
    grid = Linked(screen.columns, screen.rows)
    grid.linked = {}
    stream = terminal.GridStream(grid)
    for match in terminal.TOKEN.finditer(screen.output()):
        token = match.group()
        if token.startswith(BEGIN):
            grid.link = token[:-2].split(b";", 2)[2].decode()
        elif not token.startswith((b"\x1b]", b"\x1b[<", b"\x1b[=", b"\x1b[>", b"\x1b[?")) \
                and not token.endswith((b"t", b"$p")) or not token.startswith(b"\x1b"):
            stream.feed(token)
    assert not grid.link
    return grid


def links_of(screen):
    """What is linked, as {address: text}, in the order of reading."""
    screen.wait_quiet(0.05)
    grid = replay(screen)
    assert [line.rstrip() for line in grid.display] == screen.lines()
    found = {}
    for row in range(grid.lines):
        for column in range(grid.columns):
            text, link = grid.buffer[row][column].data, grid.linked.get((row, column), "")
            if link and text.strip():
                found[link] = found.get(link, "") + text
    assert not terminal.foreign_bytes(screen.output())
    return found


def test_a_link_is_one_of_the_terminal(home, server, chat):
    server.then(fake.answer((ANSWER,)), fake.answer(("plain\n\n" * 30 + "end",)))
    home.use(server, more='[ui]\nlinks = "always"')
    screen = chat()
    press(screen, "hello" + ENTER, said("last"))
    shown = {WHERE: "thepagea.example"}
    assert links_of(screen) == shown
    count = screen.output().count(BEGIN)
    press(screen, "typed", "typed")
    assert links_of(screen) == shown
    assert screen.output().count(BEGIN) == count
    screen.resize(20, 60)
    screen.wait_quiet(0.05)
    press(screen, "x" + ENTER, said("end"))
    assert links_of(screen) == {}
    press(screen, PAGE_UP * 5, "the page")
    assert links_of(screen) == shown
    press(screen, ascii_lowercase + HOME, ascii_lowercase)
    press(screen, DELETE * 2, " " + ascii_lowercase[2:])
    assert not re.search(rb"\x1b\[\d*[@P]", screen.output()), "cells moved, with their links"


@pytest.mark.parametrize("links, env, has", [
    ("never", {"VTE_VERSION": "7200"}, False),
    ("auto", {}, False),
    ("auto", {"VTE_VERSION": "7200"}, True),
])
def test_links_are_only_told_where_they_are_wanted(home, server, chat, links, env, has):
    server.then(fake.answer((ANSWER,)))
    home.use(server, more=f'[ui]\nlinks = "{links}"')
    home.env.update(env)
    screen = chat()
    press(screen, "hello" + ENTER, said("last"))
    screen.wait_quiet(0.05)
    assert (BEGIN + b"id=" in screen.output()) == has
    assert (BEGIN in screen.output()) == has


def test_links_change_no_cell(home, server, chat):
    server.then(fake.answer((ANSWER,)), fake.answer((ANSWER,)))
    home.use(server)
    shown = []
    for env in {}, {"VTE_VERSION": "7200"}:
        home.env.update(env)
        screen = chat("--new")
        press(screen, "hello" + ENTER, said("last"))
        press(screen, "typed", "typed")
        screen.wait_quiet(0.05)
        with screen.changed:
            shown.append(({(row, column): screen.grid.buffer[row][column]
                           for row in range(screen.rows - 1) for column in range(screen.columns)},
                          screen.cursor()))
    assert BEGIN + b"id=" in screen.output()
    assert {k: (v, shown[1][0][k]) for k, v in shown[0][0].items() if v != shown[1][0][k]} == {}


def test_a_hostile_link_does_not_get_out_of_its_sequence(home, server, chat):
    lines = []
    for name, text in hostile.RAW:
        coded = "".join(c if c.isprintable() else f"&#{ord(c)};" for c in text)
        lines += [f"- [{to}](<http://a.example/{to}>) [{name}](<{to}>)" for to in (text, coded)]
    server.then(fake.answer(("\n".join(lines) + "\n\nlast",)))
    home.use(server, more='[ui]\nlinks = "always"')
    screen = chat()
    press(screen, "hello" + ENTER, said("last"))
    for _ in range(6):
        screen.send(PAGE_UP)
        screen.wait_quiet(0.03)
    assert BEGIN + b"id=" in screen.output()
    assert all(link.startswith("http://a.example/") for link in links_of(screen))
