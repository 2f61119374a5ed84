"""A server of Chat Completions in a process of its own, so that it takes no time from the one that
measures. The first part of the path says how it answers: paced, burst, tokens, endless."""

import contextlib
import json
import mmap
import os
import random
import signal
import socket
import struct
import threading
import time

from streams import HEAD, LAST, chunk, event, read_request

END = "QZXJKW"
TOKENS, TOKEN_SECONDS = 800, 0.005
BURST = 10_000
PIECE = 5
WORDS = "some words of an answer as it is usual up to the end which takes rows and says nothing " \
        "in particular though a river gathers what comes down from the hills to the sea".split()


def block(number, rng):
    """A block of Markdown; no two are alike, or a terminal would be spared what it has already."""
    def some(count):
        return " ".join(rng.choices(WORDS, k=count))

    return (
        f"## About {some(3)}\n\n",
        f"{some(18).capitalize()} *{some(2)}* {some(9)} `{some(1)}` and **{some(3)}** {some(12)}.\n\n",
        f"- {some(7)}\n- {some(2)} **{some(2)}** {some(5)}\n  - {some(6)}\n\n",
        f"{some(60).capitalize()}.\n\n",
        f"```c\nint {some(1)} = {number}; /* {some(5)} */\nfor (;;) {{\n    {some(1)} += {number};\n}}\n"
        f"return {some(1)};\n```\n\n",
        f"{some(25).capitalize()}: {some(20)}.\n\n",
        f"| {some(1)} | {some(1)} |\n|---|---|\n| {some(2)} | `{number}` |\n| {some(3)} | {some(1)} |\n\n",
        f"1. {some(8)}\n2. {some(9)}\n\n> {some(14)}\n\n",
    )[number % 8]


def pieces(count):
    """An answer in Markdown in so many deltas, the last of which can be told from all others."""
    rng, whole, number = random.Random(5), "", 0
    while len(whole) < (count - 1) * PIECE:
        whole += block(number, rng)
        number += 1
    cut = [whole[i * PIECE:(i + 1) * PIECE] for i in range(count - 1)]
    return [*cut, f"\n\n{END}"]


def tokens():
    """Words that occur once, each a delta of its own."""
    chosen = random.Random(7)
    return ["".join(chosen.choices("bcdfghjklmnpqrstvwxz", k=8)) for _ in range(TOKENS)]


def delta(text):
    return chunk(event(b'"delta":{"content":%s},"finish_reason":null' % json.dumps(text).encode()))


class Answers:
    """with Answers(count) as answers: `count` deltas where it is paced."""

    def __init__(self, count):
        self.count = count
        self.moments = mmap.mmap(-1, 8 * TOKENS)  # when each token was sent
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.accept()
            finally:
                os._exit(0)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def url(self, how):
        return f"http://127.0.0.1:{self.port}/{how}/v1"

    def sent_at(self):
        return struct.unpack(f"{TOKENS}d", self.moments[:])

    def accept(self):
        ways = {"paced": self.paced(), "burst": self.burst(), "tokens": self.tokens(),
                "endless": self.endless}
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(sock, ways), daemon=True).start()

    @staticmethod
    def answer(sock, ways):
        with sock, contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = read_request(sock)
            sock.sendall(HEAD)
            ways[head.split(b"/")[1].decode()](sock)
            sock.sendall(chunk(LAST) + b"0\r\n\r\n")

    def paced(self):
        deltas = [delta(text) for text in pieces(self.count)]

        def play(sock):
            due = time.perf_counter()
            for data in deltas:
                due += 0.001
                time.sleep(max(0.0, due - time.perf_counter()))
                sock.sendall(data)
        return play

    @staticmethod
    def burst():
        data = b"".join(delta(text) for text in pieces(BURST))
        return lambda sock: sock.sendall(data)

    def tokens(self):
        deltas = [delta(token + " ") for token in tokens()]

        def play(sock):
            for number, data in enumerate(deltas):
                time.sleep(TOKEN_SECONDS)
                struct.pack_into("d", self.moments, 8 * number, time.perf_counter())
                sock.sendall(data)
            sock.sendall(delta(f"\n\n{END}"))
        return play

    @staticmethod
    def endless(sock):
        for number in range(100_000):
            time.sleep(0.01)
            sock.sendall(delta(f"{number} "))
