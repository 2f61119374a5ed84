"""What a provider wants back as it was: kept with the answer, sent again to the same model only."""

import json

import pytest

THINKING = {"type": "thinking", "thinking": "Hm, two.", "signature": "EqQB=="}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA=="}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
           "content": [{"type": "output_text", "text": "Two.", "annotations": []}]}


def stream(*events):
    return b"".join(b"event: %s\ndata: %s\n\n" % (event["type"].encode(),
                                                  json.dumps(event).encode()) for event in events)


def anthropic():
    """Thinking, signed, and a text."""
    return stream(
        {"type": "message_start", "message": {"id": "msg_1", "model": "m"}},
        {"type": "content_block_start", "index": 0,
         "content_block": THINKING | {"thinking": "", "signature": ""}},
        {"type": "content_block_delta", "index": 0,
         "delta": {"type": "thinking_delta", "thinking": THINKING["thinking"]}},
        {"type": "content_block_delta", "index": 0,
         "delta": {"type": "signature_delta", "signature": THINKING["signature"]}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1,
         "delta": {"type": "text_delta", "text": "Two."}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"})


def responses():
    """Reasoning, encrypted, and a message."""
    return stream(
        {"type": "response.created", "response": {"id": "resp_1", "model": "m"}},
        {"type": "response.output_item.done", "output_index": 0, "item": REASONING},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0,
         "delta": "Two."},
        {"type": "response.output_item.done", "output_index": 1, "item": MESSAGE},
        {"type": "response.completed", "response": {"id": "resp_1", "status": "completed"}})


TEXT = {"type": "text", "text": "Two."}
ANSWERS = {
    "anthropic": (anthropic, "", "messages", [{"role": "assistant", "content": [THINKING, TEXT]}],
                  [{"role": "assistant", "content": [TEXT]}]),
    "openai-responses": (
        responses, "/v1", "input", [REASONING, MESSAGE],
        [{"role": "assistant", "content": [{"type": "output_text", "text": "Two."}]}]),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_what_came_natively_goes_back_to_the_same_model_only(home, server, kind):
    body, base, member, native, neutral = ANSWERS[kind]

    def play(connection):
        connection.head(kind="text/event-stream")
        connection.write(body())
        connection.end()

    server.default = play
    home.use(server, kind=kind, url=server.root + base)
    assert home.run("one and one?").out == "Two.\n"
    assert home.run("-c", "sure?").code == 0
    assert home.run("-c", "-m", "fake/other", "and you?").code == 0
    second, third = (turn.json[member] for turn in server.turns()[1:])
    assert second[1:-1] == native
    assert third[1:1 + len(neutral)] == neutral
    assert len(third) == 5 and not any(mark in json.dumps(third) for mark in ("EqQB", "gAAA"))
