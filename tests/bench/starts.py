"""How soon a headless run asks: from the start of the process until the first byte of its request is
at the server, on a store that exists, beside curl that makes the same request. The one sync that
puts the prompt on the disk before anything leaves is measured by itself and subtracted.

Client and baseline take turns.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from streams import HEAD, LAST, Server, chunk, configure, read_request


class Clocked(Server):
    """Notes when the first byte of each request came."""

    def __init__(self):
        self.first = 0.0
        super().__init__()

    def answer(self, sock):
        data = sock.recv(65536)
        self.first = time.perf_counter()
        read_request(sock, data)
        sock.sendall(HEAD + chunk(LAST) + b"0\r\n\r\n")


def first_byte_ms(command, env, server):
    with open(os.devnull, "rb") as null, open(os.devnull, "wb") as sink:
        began = time.perf_counter()
        subprocess.run(command, env=env, stdin=null, stdout=sink, check=True)
    return (server.first - began) * 1000


def sync_ms(folder, count):
    """A sync of as much as the commit of a prompt writes."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(count):
            os.write(file.fileno(), b"x" * 16384)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def measure_first_byte(weir, short, env):
    """Milliseconds to the first byte of the request: ours without its sync, curl's, the ratio."""
    curl = shutil.which("curl")
    if not curl:
        raise OSError("curl is not installed")
    ours, theirs = [], []
    with Clocked() as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        config = configure(env, url)
        body = '{"model":"m","messages":[{"role":"user","content":"q"}],"stream":true}'
        request = [curl, "-sN", "-X", "POST", "-H", "Content-Type: application/json", "-d", body,
                   f"{url}/chat/completions"]
        first_byte_ms([weir, "run", "-q", "q"], env, server)
        for _ in range(20 if short else 200):
            ours.append(first_byte_ms([weir, "run", "-q", "q"], env, server))
            theirs.append(first_byte_ms(request, env, server))
        config.unlink()
    data = pathlib.Path(env["XDG_DATA_HOME"]) / "weir"
    sync = sync_ms(data, 20 if short else 100)
    mine, other = statistics.median(ours), statistics.median(theirs)
    return {"first_byte_ms": mine, "first_byte_curl_ms": other, "first_byte_sync_ms": sync,
            "first_byte_ratio": (mine - sync) / other}
