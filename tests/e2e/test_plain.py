"""Lines instead of a screen: for screen readers, for terminals that can do no more, for pipes."""

import threading

import fake_server as fake
import pytest
from terminal import foreign_bytes, local_modes

CTRL_C, CTRL_D = "\x03", "\x04"


def lines(home, text, *arguments):
    result = home.weir("chat", "--plain", *arguments, stdin=text.encode())
    assert result.code == 0, result
    return result.out


@pytest.fixture
def typed(home):
    """On a terminal."""
    opened = []

    def start(*arguments, **options):
        screen = home.screen("chat", *arguments, **options)
        opened.append(screen)
        screen.wait_for(lambda s: ">" in s.lines())
        return screen

    yield start
    for screen in opened:
        screen.close()


def test_prompts_are_lines_and_so_are_answers(home, serving):
    server = serving(fake.answer(("one ", "two")), fake.answer(("three",)))
    out = lines(home, "first\nsecond\\\nof two lines\n")
    assert "you:\nfirst\nfake/fake-model:\none two\n[fake/fake-model · ready" in out
    assert "fake/fake-model:\nthree\n" in out
    assert server.turns()[1].json["messages"][-1]["content"] == "second\nof two lines"
    assert "\x1b" not in out


def test_commands_are_those_of_the_screen(home, serving):
    serving(fake.answer(("alpha",)), fake.answer(("beta",)), fake.answer(("gamma",)))
    out = lines(home, "ask\n/again\n/rename rivers\n/sessions\n1\n/edit\nother\n/nosuch\n")
    assert "the title is changed" in out and "1. rivers  just now" in out
    assert "beta" in out and "gamma" in out
    assert "the next line takes the place of this prompt" in out
    assert "unknown command" in out
    assert len(home.rows("SELECT id FROM branch")) == 3


def test_a_session_that_comes_back_is_gone_on_with(home, serving):
    serving(fake.answer(("alpha",)), fake.answer(("beta",)))
    out = lines(home, "ask\n/delete\n/undo\nmore\n")
    assert "undone: deleted the session" in out and "beta" in out
    assert [row["message_count"] for row in home.rows("SELECT message_count FROM session")] == [4]


def verdicts(home):
    return [(row["rating"], row["verdict"], row["message"] is None)
            for row in home.rows("SELECT rating, verdict, message FROM verdict ORDER BY message")]


def test_sessions_are_judged_in_lines(home, serving):
    serving(*(fake.answer((word,)) for word in ("alpha", "beta", "gamma")))
    for prompt in ("rivers", "lakes", "seas"):
        assert home.run(prompt).code == 0
    out = lines(home, "/review\n2\nverdict good\nrate 4\nlabel checked\nnote not so\non 2\nrate 2\n"
                      "undo\nnext\n\n/rivers\n1\nverdict bad\nnext\n")
    assert "What waits for a verdict (3)\n1. seas" in out and "run, 2 messages" in out
    assert "  lakes\n" in out and "#2 assistant fake/fake-model" in out and "\n  beta\n" in out
    assert "[note TEXT, rate 1 to 5, verdict WORD, label WORD, on NUMBER" in out
    assert "  lakes  [4/5 good]\n" in out and "labels: checked" in out and "\n    not so\n" in out
    assert "[this message is judged; 'on 0' is the session as a whole]" in out and "[2/5]" in out
    # 'next' goes on behind what was judged; an empty line goes back to what still waits.
    assert out.index("  rivers\n") > out.index("[2/5]")
    assert "What waits for a verdict (2)\n1. seas" in out
    assert "that was the last; '/review' lists what still waits" in out
    assert sorted(verdicts(home), key=str) == [(4, "good", True), (None, "bad", True)]
    assert [row["text"] for row in home.rows("SELECT text FROM note")] == ["not so"]


def test_what_is_no_word_of_a_review_is_not_sent(home, serving):
    server = serving(fake.answer(("alpha",)))
    out = lines(home, "rivers\n/review\n1\nwhat is this\nrate\nrate nine\non 7\n/rename lakes\n"
                      "/review\n1\nverdict good\n\n/review\n")
    assert out.count("[that is nothing to judge by, and nothing was sent]") == 2
    assert "a rating is a number from 1 to 5" in out and "no message of that number" in out
    assert "the title is changed" in out and len(server.turns()) == 1
    assert out.count("everything has a verdict") == 2 and verdicts(home) == [(None, "good", True)]


def test_what_is_judged_is_read_whole_or_gone_on_with(home, serving):
    serving(*(fake.answer((word,)) for word in ("alpha", "beta", "gamma")))
    assert home.run("first").code == 0 and home.run("-c", "second").code == 0
    out = home.weir("chat", "--plain", "--review", "--new", stdin=b"1\nshow\nopen\nthird\n").out
    assert "[2 earlier messages, 'show' writes them]" in out
    assert out.index("\n  beta\n") < out.index("\n  alpha\n") and "gamma" in out
    assert [row["message_count"] for row in home.rows("SELECT message_count FROM session")] == [6]


def test_a_message_is_chosen_from_a_list(home, serving):
    serving(fake.answer(("alpha",)), fake.answer(("beta",)))
    out = lines(home, "ask\n/select\n2\nagain\n1\n")
    assert "2. alpha  answer" in out and "1. ask again: another answer beside this one" in out
    assert "beta" in out and len(home.rows("SELECT id FROM branch")) == 2


HOW = "[a number chooses, /WORDS narrows the list, an empty line leaves it]"


def test_in_a_list_a_line_says_what_it_is(home, serving):
    """A number chooses, a slash narrows, a command is one; anything else is neither sent nor a filter."""
    server = serving(*(fake.answer((word,)) for word in ("alpha", "beta", "gamma")))
    out = lines(home, "rivers\n/new\nlakes\n/sessions\n/riv\n/\n7\nto be sent\n\n\n")
    assert f"Sessions (2)\n1. lakes" in out and HOW in out
    assert "Sessions (1), with 'riv'\n1. rivers" in out
    assert "/ alone shows all of it" in out and out.count("Sessions (2)\n") == 2
    assert "[there is no such number in the list]" in out
    assert "[that is no number of the list, and nothing was sent]" in out
    # What was kept is sent by an empty line of its own, once the list has been left.
    assert "to be sent\n[this was not sent: an empty line sends it, another one replaces it]" in out
    assert [turn.json["messages"][-1]["content"] for turn in server.turns()] == [
        "rivers", "lakes", "to be sent"]


def test_a_command_leaves_the_list_and_a_number_forgets_what_was_kept(home, serving):
    server = serving(fake.answer(("alpha",)))
    out = lines(home, "rivers\n/sessions\nwhat is this\n1\n\n/sessions\n/rename lakes\n/sessions\n")
    assert "the title is changed" in out and "1. lakes" in out
    assert "this was not sent" not in out and len(server.turns()) == 1


def test_what_cannot_be_chosen_from_asks_for_nothing(home, serving):
    """Help and empty lists are read; the next line is a prompt."""
    server = serving(fake.answer(("alpha",)))
    out = lines(home, "/help label\n/sessions\nhello\n")
    assert "Keys and commands (1), with 'label'\n1. /label WORD" in out and HOW not in out
    assert "no session fits" in out and len(server.turns()) == 1


def test_words_are_asked_for_where_a_list_needs_them(home, serving):
    serving(fake.answer(("the heron waits",)), fake.answer(("beta",)))
    assert home.run("ask").code == 0
    # Messages are known to the search a moment after their end.
    for _ in range(100):
        if "1. the heron waits" in lines(home, "/search heron\n"):
            break
    out = lines(home, "/search\nheron\n/none\n\nmore\n")
    assert "[type the words to look for, an empty line leaves the list]" in out
    assert "1. the heron waits" in out
    assert "[a number chooses, /WORDS looks for others, an empty line leaves the list]" in out
    assert "nothing" in out and "beta" in out


def test_the_mark_says_that_a_list_is_open(serving, typed):
    serving(fake.answer(("one",)))
    screen = typed("--plain")
    screen.send("ask\n")
    screen.wait_for("ready · 8 in")
    screen.send("/sessions\n")
    screen.wait_for(lambda s: s.lines()[s.cursor()[0]] == "list>")
    screen.send("\n/find\n")
    screen.wait_for(lambda s: s.lines()[s.cursor()[0]] == "words>")
    screen.send("\n")
    screen.wait_for(lambda s: s.lines()[s.cursor()[0]] == ">")


def test_a_long_list_says_how_much_of_it_is_not_shown(home, server):
    server.models = tuple(f"m{i:02}" for i in range(50))
    home.use(server)
    assert home.weir("models").code == 0
    out = lines(home, "/model\n45\n/m49\n1\nask\n")
    assert "40. fake/" in out and "41. " not in out and "and 12 more" in out
    assert "no such number" in out and server.turns()[0].json["model"] == "m49"


def test_a_failure_keeps_the_prompt_and_says_what_to_do(home, serving):
    serving(fake.status(401))
    out = lines(home, "ask\n")
    assert "failed: " in out


def test_nothing_of_an_answer_acts_on_the_terminal(home, serving, typed):
    serving(fake.answer(("a\x1b[2Jb\x07", "\x1b]0;title\x07", "\u202ec")))
    screen = typed("--plain")
    screen.send("ask\n")
    screen.wait_for("<202E>c")
    screen.wait_for("ready · 8 in")
    assert not foreign_bytes(screen.output())
    assert b"\x1b" not in screen.output()


@pytest.mark.parametrize("name", ["dumb", ""])
def test_a_dumb_terminal_gets_lines(serving, typed, name):
    serving(fake.answer(("one",)))
    screen = typed(TERM=name)
    screen.send("ask\n")
    screen.wait_for(lambda s: "fake/fake-model:\none" in s.text())
    screen.send(CTRL_D)
    assert screen.wait_exit() == 0
    assert b"\x1b" not in screen.output()


def test_ctrl_c_stops_the_answer_and_then_leaves(home, serving, typed):
    gate = threading.Event()
    serving(held(gate))
    screen = typed("--plain")
    screen.send("ask\n")
    screen.wait_for("kept")
    screen.send(CTRL_C)
    screen.wait_for("cancelled")
    gate.set()
    assert home.answer()["reason"] == "canceled"
    screen.send(CTRL_C)
    screen.wait_for("press Ctrl-C again to leave")
    screen.send(CTRL_C)
    assert screen.wait_exit() == 0
    screen_modes_are_back(screen)


def held(gate):
    def play(c):
        c.head()
        c.delta("kept ")
        gate.wait(10)
        c.delta("lost")
        c.finish()
    return play


def screen_modes_are_back(screen):
    assert local_modes(screen.slave) == screen.modes_before


def test_a_prompt_waits_for_the_answer_before_it(serving, typed):
    gate = threading.Event()
    serving(held(gate), fake.answer(("second answer",)))
    screen = typed("--plain")
    screen.send("ask\n")
    screen.wait_for("kept")
    screen.send("more\n")
    screen.wait_for("this waits until the answer has ended")
    gate.set()
    screen.wait_for("second answer")
