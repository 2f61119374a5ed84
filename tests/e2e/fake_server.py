#!/usr/bin/env python3
"""A server on loopback that speaks five protocols (dialects.py), and every way of failing at them.

A script is a function of a Connection: it says what the server does after it has read a request. A
server picks the script by the request's model when one is registered for it, else the next one of
its queue, else its default. Everything that came in and went out is recorded, with the time on the
monotonic clock; so is the moment at which the client closed its socket.

As a command: fake_server.py [--port N] [--script NAME] serves until it is interrupted. The model of
a request selects a script of that name, too.
"""

import argparse
import contextlib
import json
import socket
import ssl
import struct
import threading
import time

import dialects

REASONS = {200: "OK", 301: "Moved Permanently", 400: "Bad Request", 401: "Unauthorized",
           404: "Not Found", 407: "Proxy Authentication Required", 429: "Too Many Requests", 500: "Internal Server Error",
           502: "Bad Gateway", 503: "Service Unavailable"}
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18,
         "prompt_tokens_details": {"cached_tokens": 3},
         "completion_tokens_details": {"reasoning_tokens": 2}}


class Gone(Exception):
    """The client has closed, or the server is being stopped."""


class Exchange:
    """One request and what was done about it."""

    def __init__(self):
        self.method = self.path = ""
        self.headers = {}
        self.heads = []  # the names, each as often as it came
        self.body = b""
        self.began = time.monotonic()
        self.ends = []
        self.sent = []  # (time after the send, text of the delta)
        self.closed_at = None
        self.closed = threading.Event()
        self.finished = threading.Event()

    @property
    def json(self):
        return json.loads(self.body)

    def text(self):
        return "".join(text for _, text in list(self.sent))

    def wait_closed(self, timeout=5.0):
        """The moment at which the client's end of the connection was seen to be closed."""
        if not self.closed.wait(timeout):
            raise AssertionError("the client did not close its connection")
        return self.closed_at


class Connection:
    """What a script may do with one client."""

    def __init__(self, server, sock, exchange):
        self.server = server
        self.sock = sock
        self.exchange = exchange
        self.model = "fake-model"
        self.chunked = True
        self.split = 0
        self.dialect = dialects.of_path(exchange.path)()

    def raw(self, data):
        try:
            self.sock.sendall(data)
        except OSError as problem:
            raise Gone from problem

    def head(self, status=200, kind=None, headers=(), chunked=True):
        self.chunked = chunked
        kind = kind or self.dialect.kind
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", f"Content-Type: {kind}",
                 "Connection: close", "x-request-id: req-1"]
        lines += [f"{name}: {value}" for name, value in headers]
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        self.raw("\r\n".join(lines + ["", ""]).encode())

    def write(self, data):
        """A piece of the body; in single bytes, each in a chunk of its own, when `split` is set."""
        step = self.split or len(data) or 1
        for start in range(0, len(data), step):
            piece = data[start:start + step]
            if self.chunked:
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            self.raw(piece)

    def end(self):
        if self.chunked:
            self.raw(b"0\r\n\r\n")

    def event(self, data):
        self.write(self.dialect.event(data if isinstance(data, bytes) else data.encode()))

    def text(self, inside):
        """A delta whose text is given as the inside of a JSON string."""
        self.write(self.dialect.text(inside))

    def chunk(self, choices, **more):
        self.event(json.dumps(dict(id="chatcmpl-1", object="chat.completion.chunk", created=1,
                                   model=self.model, choices=choices, **more)))

    def delta(self, text=None, **fields):
        """A delta of the answer; other fields (reasoning_content, tool_calls) by name."""
        if self.dialect.name != "openai":
            self.write(self.dialect.text(dialects.inside(text)) if text is not None else
                       self.dialect.reasoning(dialects.inside(fields["reasoning_content"]))
                       if "reasoning_content" in fields else b"")
        else:
            fields |= {} if text is None else {"content": text}
            self.chunk([{"index": 0, "delta": fields, "finish_reason": None}])
        if text:
            self.exchange.sent.append((time.monotonic(), text))

    def finish(self, reason="stop", usage=True, done=True):
        if self.dialect.name != "openai":
            self.write(self.dialect.finish(reason))
            return
        self.chunk([{"index": 0, "delta": {}, "finish_reason": reason}])
        if usage:
            self.chunk([], usage=USAGE)
        if done:
            self.event("[DONE]")

    def sleep(self, seconds):
        if self.exchange.closed.wait(seconds) or self.server.stopping.is_set():
            raise Gone

    def hold(self):
        """Says nothing until the client closes or the server is stopped."""
        while True:
            self.sleep(0.2)

    def reset(self):
        """Closes with a RST. The watcher has to let go first: its recv keeps the socket alive."""
        self.sock.shutdown(socket.SHUT_RD)
        self.exchange.closed.wait(1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.forget(self.sock)
        self.sock.close()


# Scripts.


def answer(texts=("Hello", ", ", "world"), **options):
    """An answer that goes well. Options: pause (seconds between deltas), reasoning (pieces),
    reason, usage, done, split, before (called with the connection after the head)."""
    def play(c):
        c.head()
        c.split = options.get("split", 0)
        c.delta(role="assistant")
        if "before" in options:
            options["before"](c)
        for piece in options.get("reasoning", ()):
            c.delta(reasoning_content=piece)
        for text in texts:
            if options.get("pause"):
                c.sleep(options["pause"])
            c.delta(text)
        c.finish(options.get("reason", "stop"), options.get("usage", True),
                 options.get("done", True))
        c.end()
    return play


def endless(pause=0.01, text="word {} "):
    """Deltas until the client goes away."""
    def play(c):
        c.head()
        c.delta(role="assistant")
        number = 0
        while True:
            c.delta(text.format(number))
            number += 1
            c.sleep(pause)
    return play


def flood(size=4096):
    """Deltas as fast as the client takes them."""
    def play(c):
        c.head()
        while True:
            c.delta("x" * (size - 1) + "\n")
    return play


def status(code, body=None, kind="application/json", headers=()):
    """A refusal with an error object, or with the body given."""
    def play(c):
        text = body if body is not None else json.dumps(
            c.dialect.refusal(code, f"fake failure {code}"))
        data = text if isinstance(text, bytes) else text.encode()
        c.head(code, kind, [*headers, ("Content-Length", len(data))], chunked=False)
        c.write(data)
    return play


def html(code=200, text="<html><body><h1>Gateway page</h1></body></html>"):
    return status(code, text, "text/html; charset=utf-8")


def broken(texts=("kept ", "text"), how="fin", pause=0.0, settle=0.0):
    """Some deltas, then the stream breaks: 'fin' inside the chunked body, 'rst', 'eof' (the body
    ends cleanly but too early), 'half' (inside an event), 'chunk' (a chunk size that is none)."""
    def play(c):
        c.head()
        for text in texts:
            c.delta(text)
            if pause:
                c.sleep(pause)
        if settle:
            c.sleep(settle)
        if how == "rst":
            c.reset()
        elif how == "eof":
            c.end()
        elif how == "half":
            c.write(c.dialect.text(b"lost")[:-9])
        elif how == "chunk":
            c.raw(b"zz\r\nnot a chunk\r\n")
    return play


def cut_at(count, how="fin", texts=("kept ", "text")):
    """A whole answer of which only the first `count` bytes of the body are sent. The exchange's
    `ends` says at which byte each text ended."""
    def play(c):
        c.head()
        body = bytearray()
        keep, c.write = c.write, body.extend
        for text in texts:
            c.delta(text)
            c.exchange.ends.append(len(body))
        c.finish()
        c.write = keep
        c.write(bytes(body[:count]))
        if how == "rst":
            c.sleep(0.05)
            c.reset()
    return play


def error_inside(texts=("kept ", "text"), message="the model fell over", code=500):
    """An error object as an event in the middle of the stream."""
    def play(c):
        c.head()
        for text in texts:
            c.delta(text)
        c.write(c.dialect.error(message, code))
        c.end()
    return play


def stall(texts=(), headers=True):
    """Says nothing more after the deltas given, or nothing at all."""
    def play(c):
        if headers:
            c.head()
        for text in texts:
            c.delta(text)
        c.hold()
    return play


def payload(*contents, reason="stop"):
    """Deltas whose JSON text for the content is given as bytes, quotes not included."""
    def play(c):
        c.head()
        for content in contents:
            c.text(content)
        c.finish(reason)
        c.end()
    return play


def giant(size):
    """One event of about `size` bytes between two small ones."""
    def play(c):
        c.head()
        c.delta("before ")
        c.text(b"g" * size)
        c.delta(" after")
        c.finish()
        c.end()
    return play


def tool_call(name="read_file", arguments=('{"path":', '"a.txt"}'), text="Let me look. "):
    def play(c):
        c.head()
        c.delta(text)
        c.delta(tool_calls=[{"index": 0, "id": "call_1", "type": "function",
                             "function": {"name": name, "arguments": ""}}])
        for piece in arguments:
            c.delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}])
        c.finish("tool_calls")
        c.end()
    return play


def pings(c):
    """Comments, an event without data, CR LF line ends, and fields that nobody knows."""
    c.write(b": ping\n\n:\n\nevent: ping\n\nid: 7\nretry: 10\nunknown: x\n\n: another\r\n\r\n")


SCRIPTS = {
    "normal": answer(), "reasoning": answer(reasoning=("hmm, ", "well")),
    "slow": answer(("one ", "two ", "three"), pause=0.3), "endless": endless(), "flood": flood(),
    "401": status(401), "404": status(404), "429": status(429, headers=[("Retry-After", "0")]),
    "500": status(500), "502": html(502), "html": html(), "error-inside": error_inside(),
    "fin": broken(), "rst": broken(how="rst", settle=0.2), "eof": broken(how="eof"),
    "half": broken(how="half"), "bad-chunk": broken(how="chunk"), "cut": cut_at(120),
    "stall": stall(headers=False), "stall-body": stall(("kept",)),
    "bad-utf8": payload(b"a\xff\xfeb"), "surrogate": payload(rb"a\ud800b"),
    "giant": giant(10_000_000), "too-big": giant(20_000_000), "no-done": answer(done=False),
    "split": answer(split=1), "pings": answer(before=pings), "tool": tool_call(),
    "length": answer(reason="length"),
}


class Server:
    """with Server(script, …) as server: … server.url … server.exchanges

    tls: paths of a certificate and its key."""

    def __init__(self, *scripts, default=None, port=0, models=("fake-model",), tls=None):
        self.queue = list(scripts)
        self.default = default or answer()
        self.by_model = {}
        self.models = models
        self.window = None      # what llama.cpp has
        self.loaded = {}        # what Ollama runs: a model's window, None where it does not say
        self.parameters = None  # of the model's file
        self.mute = set()       # paths beside the turns that get no answer
        self.exchanges = []
        self.stopping = threading.Event()
        self.arrived = threading.Condition()
        self.sockets = set()
        self.accepted = 0
        self.listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port = self.listener.getsockname()[1]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.listener = context.wrap_socket(self.listener, server_side=True)
        self.root = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.url = self.root + "/v1"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def on(self, model, script):
        self.by_model[model] = script
        return self

    def then(self, *scripts):
        self.queue.extend(scripts)
        return self

    def turns(self):
        """The exchanges that asked for an answer."""
        return [e for e in list(self.exchanges) if e.method == "POST" and e.path != "/api/show"]

    def wait_turn(self, number=1, timeout=10.0):
        """The exchange of the number-th request for an answer, from 1."""
        end = time.monotonic() + timeout
        with self.arrived:
            while len(self.turns()) < number:
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"request {number} did not come")
                self.arrived.wait(left)
        return self.turns()[number - 1]

    def wait_sent(self, exchange, count, timeout=10.0):
        """Until that many deltas went out."""
        end = time.monotonic() + timeout
        while len(exchange.sent) < count:
            if time.monotonic() > end:
                raise AssertionError(f"only {len(exchange.sent)} deltas were sent")
            time.sleep(0.002)

    def accept(self):
        while not self.stopping.is_set():
            try:
                sock, _ = self.listener.accept()
            except ssl.SSLError:
                continue
            except OSError:
                return
            self.accepted += 1
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets.add(sock)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        exchange = Exchange()
        try:
            if self.read(sock, exchange):
                threading.Thread(target=self.watch, args=(sock, exchange), daemon=True).start()
                with self.arrived:
                    self.exchanges.append(exchange)
                    self.arrived.notify_all()
                with contextlib.suppress(Gone):
                    self.play(Connection(self, sock, exchange))
        finally:
            exchange.finished.set()
            self.forget(sock)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
            exchange.closed.wait(5)
            sock.close()

    def read(self, sock, exchange):
        data = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in data:
                piece = sock.recv(65536)
                if not piece:
                    return False
                data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            exchange.method, exchange.path, _ = first.split(" ", 2)
            for line in lines:
                name, _, value = line.partition(":")
                exchange.headers[name.strip().lower()] = value.strip()
                exchange.heads.append(name.strip().lower())
            if exchange.headers.get("expect", "").lower() == "100-continue":
                sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            length = int(exchange.headers.get("content-length", 0))
            pieces, have = [body], len(body)
            while have < length:
                pieces.append(sock.recv(1 << 20))
                have += len(pieces[-1])
                if not pieces[-1]:
                    return False
            exchange.body = b"".join(pieces)
            return True
        return False

    @staticmethod
    def watch(sock, exchange):
        """Notes when the client closes; whatever else it says is dropped."""
        with contextlib.suppress(OSError):
            while sock.recv(65536):
                pass
        exchange.closed_at = time.monotonic()
        exchange.closed.set()

    def play(self, connection):
        exchange = connection.exchange
        if exchange.path in self.mute:
            connection.hold()
        if exchange.method == "GET":
            self.play_get(connection)
            return
        if exchange.path == "/api/show":
            said = {"parameters": self.parameters} if self.parameters else {}
            status(200, json.dumps(said | {"model_info": {"x.context_length": 131072}}))(connection)
            return
        with contextlib.suppress(ValueError, AttributeError):
            connection.model = exchange.json.get("model", connection.model)
        with contextlib.suppress(IndexError):  # Gemini's stands in the path
            connection.model = exchange.path.split("/models/")[1].split(":")[0]
        connection.dialect.model = connection.model
        script = self.by_model.get(connection.model)
        if script is None:
            script = self.queue.pop(0) if self.queue else self.default
        script(connection)

    def play_get(self, connection):
        path = connection.exchange.path
        names = [{"id": name, "name": name, "model": name, "object": "model"}
                 for name in self.models]
        if self.window:  # as llama.cpp does: the list has the training's
            names = [name | {"meta": {"n_ctx_train": 131072}} for name in names]
        if path == "/props" and self.window:
            status(200, json.dumps({"default_generation_settings": {"n_ctx": self.window}}))(
                connection)
        elif path.endswith("/models"):
            status(200, json.dumps({"object": "list", "data": names}))(connection)
        elif path.endswith("/api/tags"):
            status(200, json.dumps({"models": names}))(connection)
        elif path == "/api/ps":
            running = [{"name": name, "model": name} |
                       ({"context_length": window} if window else {})
                       for name, window in self.loaded.items()]
            status(200, json.dumps({"models": running}))(connection)
        elif path.endswith("/api/version"):
            status(200, '{"version":"0.0.0"}')(connection)
        else:
            status(404)(connection)

    def forget(self, sock):
        self.sockets.discard(sock)

    def stop(self):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in list(self.sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class MuteServer:
    """Accepts and never says a word: no TLS handshake, no head. Notes when its client closes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connected = threading.Event()
        self.exchange = Exchange()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            sock, _ = self.listener.accept()
            with sock:
                if sock.recv(65536):
                    self.connected.set()
                    Server.watch(sock, self.exchange)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class DeafServer(MuteServer):
    """Accepts, and never reads a byte."""

    def serve(self):
        with contextlib.suppress(OSError):
            self.sock, _ = self.listener.accept()
            self.connected.set()

    def __exit__(self, *_):
        super().__exit__()
        self.sock.close()


class FullListener:
    """A port whose queue is full: a connect to it neither succeeds nor fails."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)
        time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in [*self.fillers, self.listener]:
            sock.close()


def main():
    parser = argparse.ArgumentParser(description="Serves Chat Completions on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", default="normal", choices=sorted(SCRIPTS))
    options = parser.parse_args()
    with Server(default=SCRIPTS[options.script], port=options.port) as server:
        server.by_model.update(SCRIPTS)
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
