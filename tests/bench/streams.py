"""What one answer costs: CPU of a headless run that stores everything, beside `curl -N` on the same
stream, start-up subtracted from both; and of a new TLS connection beside the handshake itself.

The server writes each delta by itself, as servers do: as fast as it can, or one each millisecond.
Client and baseline take turns.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile
import threading
import time

TEXT = " gathers what"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" \
       b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


def event(members):
    return b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",' \
           b'"choices":[{"index":0,%s}]}\n\n' % members


DELTA = event(b'"delta":{"content":"%s"},"finish_reason":null' % TEXT.encode())
LAST = event(b'"delta":{},"finish_reason":"stop"') + b"data: [DONE]\n\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def read_request(sock, data=b""):
    """Takes a whole request, of which `data` is there already; gives its head."""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65536)
    return head


class Server:
    """with Server() as server: listens on loopback, and answers one connection after the other."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                with sock, contextlib.suppress(OSError, ValueError):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.answer(sock)


class Stream(Server):
    """The deltas to send and the pause between are set before each run."""

    def __init__(self):
        self.count, self.pause = 1, 0.0
        super().__init__()

    def answer(self, sock):
        read_request(sock)
        sock.sendall(HEAD)
        due = time.perf_counter()
        for _ in range(self.count):
            due += self.pause
            if self.pause:
                time.sleep(max(0.0, due - time.perf_counter()))
            sock.sendall(chunk(DELTA))
        sock.sendall(chunk(LAST) + b"0\r\n\r\n")


def cpu_ms(command, env):
    """CPU of one run, in ms."""
    with open(os.devnull, "rb") as null, open(os.devnull, "wb") as sink:
        child = subprocess.Popen(command, env=env, stdin=null, stdout=sink)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise OSError(f"{command[0]}: exit code {child.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def per_thousand(commands, stream, env, count, pause, rounds):
    """CPU for 1,000 deltas of each command, without its start-up: medians."""
    whole, empty = [[] for _ in commands], [[] for _ in commands]
    for _ in range(rounds):
        for deltas, into, wait in ((1, empty, 0.0), (count, whole, pause)):
            stream.count, stream.pause = deltas, wait
            for number, command in enumerate(commands):
                into[number].append(cpu_ms(command, env))
    return [(statistics.median(w) - statistics.median(e)) * 1000 / count
            for w, e in zip(whole, empty)]


def configure(env, url, more=""):
    path = pathlib.Path(env["XDG_CONFIG_HOME"]) / "weir/config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'model = "x/m"\n[provider.x]\ntype = "openai"\nbase_url = "{url}"\n{more}\n')
    return path


def measure_streams(weir, short, env):
    """CPU for 1,000 deltas: ours, curl's, and how many times as much."""
    curl = shutil.which("curl")
    if not curl:
        raise OSError("curl is not installed")
    figures = {}
    with Stream() as stream:
        url = f"http://127.0.0.1:{stream.port}/v1"
        config = configure(env, url)
        commands = [[weir, "run", "q"],
                    [curl, "-sN", "-X", "POST", "-d", "{}", f"{url}/chat/completions"]]
        for name, count, pause, rounds in (("paced", 1000 if short else 3000, 0.001, 3),
                                           ("burst", 20_000, 0.0, 5 if short else 15)):
            ours, theirs = per_thousand(commands, stream, env, count, pause, rounds)
            figures[f"stream_{name}_cpu_ms_per_1000"] = ours
            figures[f"stream_{name}_curl_cpu_ms_per_1000"] = theirs
            figures[f"stream_{name}_ratio"] = ours / theirs
        config.unlink()
    return figures


# TLS.


class Refusing:
    """A TLS server that turns everybody away, so that they connect again."""

    def __init__(self, certificate, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        self.served = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self.listener.accept()
                with contextlib.suppress(OSError), \
                        self.context.wrap_socket(raw, server_side=True) as sock:
                    self.served += 1
                    sock.settimeout(2)
                    if sock.recv(65536):
                        sock.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n"
                                     b"Connection: close\r\n\r\n")

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def make_certificate(folder):
    """A certificate of our own in a hashed folder that trusts it, and its key."""
    os.mkdir(f"{folder}/trust")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=bench",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key.pem",
                    "-out", f"{folder}/trust/cert.pem"], check=True, capture_output=True)
    subprocess.run(["openssl", "rehash", f"{folder}/trust"], check=True, capture_output=True)
    return f"{folder}/trust/cert.pem", f"{folder}/key.pem"


def handshake_ms(port, folder, count):
    """CPU of the client's side of a handshake, in this process."""
    context = ssl.create_default_context(capath=f"{folder}/trust")
    times = []
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            began = time.thread_time()
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
                times.append((time.thread_time() - began) * 1000)
                sock.sendall(b"x")
    return statistics.median(times)


def exit_cpu_ms(command, env):
    """As cpu_ms, of a run that is meant to fail."""
    child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return (usage.ru_utime + usage.ru_stime) * 1000


def measure_tls(weir, short, env):
    """CPU of one more TLS connection of a run, and of a handshake alone."""
    rounds = 5 if short else 25
    with tempfile.TemporaryDirectory(prefix="weir-bench-tls-") as folder:
        server = Refusing(*make_certificate(folder))
        trusting = env | {"SSL_CERT_DIR": f"{folder}/trust"}
        runs = {1: [], 10: []}
        for _ in range(rounds):
            for attempts, into in runs.items():
                config = configure(env, f"https://127.0.0.1:{server.port}/v1",
                                   f"[network]\nattempts = {attempts}\nmax_wait_s = 0")
                before = server.served
                into.append(exit_cpu_ms([weir, "run", "-n", "q"], trusting))
                if server.served - before != attempts:
                    raise OSError(f"{server.served - before} connections instead of {attempts}")
        config.unlink()
        alone = handshake_ms(server.port, folder, rounds * 10)
        server.close()
    each = (statistics.median(runs[10]) - statistics.median(runs[1])) / 9
    return {"tls_connection_cpu_ms": each, "tls_handshake_cpu_ms": alone,
            "tls_connection_over_handshake_ms": each - alone}
