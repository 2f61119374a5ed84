"""weir search: what was said is found again, by person and by script."""

import json

import fake_server as fake
import pytest


def found(home, *words):
    result = home.weir("search", "--json", *words)
    assert result.code == 0, result
    return json.loads(result.out)


@pytest.fixture(name="told")
def fixture_told(home, serving):
    """A store with two sessions in it."""
    serving(fake.answer(["The heron stands in the reeds. \x1b[31mRed\x1b[0m."]))
    assert home.run("where is the heron").code == 0
    assert home.run("数据库索引怎么用").code == 0
    return home


def test_words_are_found_in_titles_prompts_and_answers(told):
    result = found(told, "HERON")
    assert {hit["place"] for hit in result["hits"]} == {"title", "prompt", "answer"}
    assert result["hits"][0]["place"] == "title" and result["hits"][0]["message_id"] is None
    assert (result["more"], result["only_newest"], result["pending"]) == (False, False, 0)
    answer = next(hit for hit in result["hits"] if hit["place"] == "answer")
    first, last = answer["matches"][0]
    assert answer["snippet"].encode()[first:last] == b"heron"
    assert (answer["role"], len(answer["session_id"]), len(answer["message_id"])) == (
        "assistant", 26, 26)
    assert found(told, "索引", "--role", "user")["hits"][0]["snippet"] == "数据库索引怎么用"
    assert found(told, "heron", "--", "-reeds")["hits"]
    handle = answer["handle"]
    assert len(found(told, "heron", "--session", handle)["hits"]) == len(
        [hit for hit in result["hits"] if hit["handle"] == handle])
    assert found(told, "heron", "--until", "2020-01-01")["hits"] == []
    assert found(told, "heron", "--label", "none")["hits"] == []


def test_a_search_without_a_hit_says_so(told):
    done = told.weir("search", "hero")
    assert (done.code, done.out, done.err) == (0, "", "weir: nothing found\n"), done
    assert told.weir("search", "-q", "hero").err == ""
    assert told.weir("search", "--json", "hero").err == ""
    assert told.weir("search", "hero*").err == ""


def test_a_search_is_narrowed_and_paged(told):
    everything = found(told, "heron*")["hits"]
    first = found(told, "heron*", "--limit", "1")
    assert first["more"] and first["hits"] == everything[:1]
    assert found(told, "heron*", "--limit", "1", "--offset", "1")["hits"] == everything[1:2]
    handle = next(hit["handle"] for hit in everything if hit["place"] == "prompt")
    assert told.weir("session", "label", handle, "birds").code == 0
    assert {hit["handle"] for hit in found(told, "heron", "--label", "birds")["hits"]} == {handle}
    model = next(hit["model"] for hit in everything if hit["place"] == "answer")
    assert found(told, "heron", "--model", model)["hits"]
    assert found(told, "heron", "--model", "no/such")["hits"] == []
    assert found(told, "heron", "--since", "1d")["hits"]
    assert {hit["place"] for hit in found(told, "heron", "--role", "assistant")["hits"]} == {"answer"}


def test_a_new_title_is_found_and_the_old_one_is_not(told):
    handle = next(hit["handle"] for hit in found(told, "heron")["hits"] if hit["place"] == "title")
    assert told.weir("session", "set", handle, "--title", "about bitterns").code == 0
    assert found(told, "bitterns")["hits"][0]["place"] == "title"
    assert "title" not in {hit["place"] for hit in found(told, "heron", "-s", handle)["hits"]}


def test_a_table_is_safe_and_marks_what_was_found(told):
    plain = told.weir("search", "heron", "stands")
    assert plain.code == 0 and "\x1b" not in plain.out, plain
    assert "answer" in plain.out and "The heron stands in the reeds." in plain.out
    styled = told.weir("--color", "always", "search", "reeds")
    assert "\x1b[1mreeds\x1b[22m" in styled.out
    assert "\x1b[31m" not in styled.out


def test_nothing_found_is_no_failure_and_wrong_usage_is_one(told):
    for words in (["unheard"], ['"'], ["*"], ["(a", "OR"], ["NEAR(", '"']):
        result = told.weir("search", *words)
        assert (result.code, result.out) == (0, ""), result
    assert "no word" in told.weir("search", "...").err
    assert told.weir("search").code == 2
    assert told.weir("search", "x", "--role", "nobody").code == 2
    assert told.weir("search", "x", "--session", "nobody").code == 65
    assert told.weir("search", "x" * 5000).code == 65


def test_what_is_deleted_is_not_found(told):
    handle = found(told, "heron")["hits"][0]["handle"]
    assert told.weir("session", "purge", handle, "--force").code == 0
    assert handle not in {hit["handle"] for hit in found(told, "heron")["hits"]}
