"""Five wire protocols, as a server writes them.

One object for each connection. Its methods give the bytes of events, framed: text, reasoning and
tool calls in pieces, the end, an error in the middle. Text is given as the inside of a JSON string
(bytes), so that a test can put there what no encoder would write. A class also says how a refusal's
body looks, and what a request is told by.
"""

import json

IN, OUT, CACHED, THOUGHT = 11, 7, 3, 2  # what the usage says


def inside(text):
    """The text as it stands between the quotes of a JSON string."""
    return json.dumps(text)[1:-1].encode()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Dialect:
    name = kind = ""
    base = ""  # of the base URL, after the host
    ends = {}  # the scripts' words for how an answer ends, which are those of Chat Completions

    def __init__(self, model="fake-model"):
        self.model = model
        self.begun = False
        self.block = None  # kind of what is open
        self.index = -1

    def frame(self, data):
        return b"data: " + data + b"\n\n"

    def event(self, data):
        """The bytes of one event; data: a value, or bytes that are sent as they are."""
        return self.frame(data if isinstance(data, bytes) else compact(data))

    def begin(self):
        return b""

    def open(self, kind):
        """What has to be said before a piece of this kind."""
        out = b"" if self.begun else self.begin()
        self.begun = True
        if self.block != kind:
            out += self.close() + self.opening(kind)
            self.block = kind
        return out

    def opening(self, kind):
        self.index += 1
        return b""

    def close(self):
        self.block = None
        return b""

    def comment(self):
        """Something that says no more than that the server lives."""
        return b": ping\n\n"

    def error(self, message, code):
        return self.event({"error": {"message": message, "type": "server_error", "code": code}})

    @staticmethod
    def refusal(status, message):
        return {"error": {"message": message, "type": "fake", "code": str(status)}}


class OpenAI(Dialect):
    name, kind, base = "openai", "text/event-stream", "/v1"
    path = "/chat/completions"

    def chunk(self, delta, reason=b"null"):
        return self.event(b'{"id":"1","model":"m","choices":[{"index":0,"delta":{%s},'
                          b'"finish_reason":%s}]}' % (delta, reason))

    def text(self, text):
        return self.open("text") + self.chunk(b'"content":"%s"' % text)

    def reasoning(self, text):
        return self.open("reasoning") + self.chunk(b'"reasoning_content":"%s"' % text)

    def finish(self, reason):
        usage = {"prompt_tokens": IN, "completion_tokens": OUT, "total_tokens": IN + OUT}
        return self.chunk(b"", compact(reason)) + \
            self.event({"choices": [], "usage": usage}) + self.event(b"[DONE]")


class Responses(Dialect):
    name, kind, base = "openai-responses", "text/event-stream", "/v1"
    path = "/responses"
    number = 0

    def say(self, kind, **members):
        self.number += 1
        event = {"type": kind, "sequence_number": self.number} | members
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), compact(event))

    def begin(self):
        return self.say("response.created", response={"id": "resp_1", "model": self.model,
                                                      "status": "in_progress", "output": []})

    def opening(self, kind):
        self.index += 1
        self.said = b""
        if kind == "reasoning":
            return self.say("response.output_item.added", output_index=self.index,
                            item={"type": "reasoning", "id": f"rs_{self.index}", "summary": []})
        item = {"type": "message", "id": f"msg_{self.index}", "role": "assistant", "content": []}
        return self.say("response.output_item.added", output_index=self.index, item=item) + \
            self.say("response.content_part.added", output_index=self.index, content_index=0,
                     item_id=item["id"], part={"type": "output_text", "text": ""})

    def close(self):
        if not self.block:
            return b""
        try:
            text = json.loads(b'"' + self.said + b'"')
            text.encode()
        except ValueError:  # what no encoder would write
            return b""
        kind, self.block = self.block, None
        item = {"type": "reasoning", "id": f"rs_{self.index}",
                "summary": [{"type": "summary_text", "text": text}]} if kind == "reasoning" else \
            {"type": "message", "id": f"msg_{self.index}", "role": "assistant",
             "content": [{"type": "output_text", "text": text}]}
        return self.say("response.output_item.done", output_index=self.index, item=item)

    def piece(self, kind, more, text):
        self.number += 1
        self.said += text
        return b'event: %s\ndata: {"type":"%s","sequence_number":%d,"output_index":%d,%s,' \
               b'"delta":"%s"}\n\n' % (kind, kind, self.number, self.index, more, text)

    def text(self, text):
        return self.open("text") + \
            self.piece(b"response.output_text.delta", b'"content_index":0', text)

    def reasoning(self, text):
        return self.open("reasoning") + \
            self.piece(b"response.reasoning_summary_text.delta", b'"summary_index":0', text)

    def finish(self, reason):
        kind = {"length": "incomplete", "content_filter": "incomplete"}.get(reason, "completed")
        response = {"id": "resp_1", "status": kind, "model": self.model, "output": [],
                    "usage": {"input_tokens": IN, "output_tokens": OUT, "total_tokens": IN + OUT}}
        if kind == "incomplete":
            response["incomplete_details"] = {
                "reason": "max_output_tokens" if reason == "length" else "content_filter"}
        return self.close() + self.say("response." + kind, response=response)

    def comment(self):
        return self.say("keepalive")

    def error(self, message, code):
        return self.say("error", code="server_error", message=message, param=None)


class Anthropic(Dialect):
    name, kind = "anthropic", "text/event-stream"
    path = "/v1/messages"
    ends = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal",
            "tool_calls": "tool_use"}

    def say(self, kind, **members):
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), compact({"type": kind} | members))

    def begin(self):
        return self.say("message_start", message={
            "id": "msg_1", "type": "message", "role": "assistant", "model": self.model,
            "content": [], "stop_reason": None, "usage": {"input_tokens": IN, "output_tokens": 1}})

    def opening(self, kind):
        self.index += 1
        block = {"type": "thinking", "thinking": "", "signature": ""} if kind == "reasoning" else \
            {"type": "text", "text": ""}
        return self.say("content_block_start", index=self.index, content_block=block)

    def close(self):
        if not self.block:
            return b""
        self.block = None
        return self.say("content_block_stop", index=self.index)

    def delta(self, kind, member, text):
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,' \
               b'"delta":{"type":"%s","%s":"%s"}}\n\n' % (self.index, kind, member, text)

    def text(self, text):
        return self.open("text") + self.delta(b"text_delta", b"text", text)

    def reasoning(self, text):
        return self.open("reasoning") + self.delta(b"thinking_delta", b"thinking", text)

    def finish(self, reason):
        return self.close() + self.say(
            "message_delta", delta={"stop_reason": self.ends.get(reason, reason),
                                    "stop_sequence": None},
            usage={"output_tokens": OUT}) + self.say("message_stop")

    def comment(self):
        return self.say("ping")

    def error(self, message, code):
        kind = {429: "rate_limit_error", 503: "overloaded_error"}.get(code, "api_error")
        return self.say("error", error={"type": kind, "message": message})

    @staticmethod
    def refusal(status, message):
        return {"type": "error", "error": {"type": "fake_error", "message": message},
                "request_id": "req_1"}


class Gemini(Dialect):
    name, kind, base = "gemini", "text/event-stream", "/v1beta"
    path = ":streamGenerateContent"
    ends = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY",
            "tool_calls": "STOP"}

    def frame(self, data):
        return b"data: " + data + b"\r\n\r\n"

    def part(self, text, more=b""):
        return self.event(b'{"candidates":[{"content":{"role":"model","parts":[{"text":"%s"%s}]},'
                          b'"index":0}],"responseId":"r1","modelVersion":"m"}' % (text, more))

    def text(self, text):
        return self.open("text") + self.part(text)

    def reasoning(self, text):
        return self.open("reasoning") + self.part(text, b',"thought":true')

    def finish(self, reason):
        return self.event({
            "candidates": [{"content": {"role": "model", "parts": [{"text": ""}]},
                            "finishReason": self.ends.get(reason, reason), "index": 0}],
            "usageMetadata": {"promptTokenCount": IN, "candidatesTokenCount": OUT}})

    def error(self, message, code):
        return self.event(self.refusal(code, message))

    @staticmethod
    def refusal(status, message):
        words = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 400: "INVALID_ARGUMENT"}
        return {"error": {"code": status, "message": message,
                          "status": words.get(status, "INTERNAL")}}


class Ollama(Dialect):
    name, kind = "ollama", "application/x-ndjson"
    path = "/api/chat"

    def frame(self, data):
        return data + b"\n"

    def line(self, members):
        return self.event(b'{"model":"m","created_at":"2026-01-01T00:00:00Z","message":'
                          b'{"role":"assistant",%s},"done":false}' % members)

    def text(self, text):
        return self.open("text") + self.line(b'"content":"%s"' % text)

    def reasoning(self, text):
        return self.open("reasoning") + self.line(b'"content":"","thinking":"%s"' % text)

    def finish(self, reason):
        return self.event({"model": "m", "message": {"role": "assistant", "content": ""},
                           "done": True, "done_reason": reason, "prompt_eval_count": IN,
                           "eval_count": OUT})

    def comment(self):
        return b"\n"

    def error(self, message, code):
        return self.event({"error": message})

    @staticmethod
    def refusal(status, message):
        return {"error": message}


DIALECTS = {d.name: d for d in (OpenAI, Responses, Anthropic, Gemini, Ollama)}


def of_path(path):
    """The protocol that a request's path belongs to."""
    for dialect in DIALECTS.values():
        if path.split("?")[0].endswith(dialect.path):
            return dialect
    return OpenAI
