"""HTML exports do nothing: no script runs, nothing is loaded, no address hides."""

import base64
import contextlib
import hashlib
import html.parser
import http.server
import re
import shutil
import sqlite3
import subprocess
import threading

import fake_server as fake
import pytest
import weirtest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or \
    shutil.which("google-chrome")
# Everything that the page may hold, and what may stand in it.
TAGS = set("html head meta title style body section h1 h2 h3 h4 h5 h6 header article div p br hr pre"
           " code span em strong del a ul ol li table thead tbody tr th td blockquote details"
           " summary img".split())
ATTRIBUTES = set("lang charset http-equiv content name class id open href rel start alt src".split())
HOME = "http://127.0.0.1:{port}/"

ATTACKS = r"""
<script>document.title = "taken"</script> <img src=x onerror='document.title="taken"'>
<img src="{home}img1"> <iframe src="{home}frame"></iframe> <svg onload=alert(1)></svg>
<style>@import url({home}style);</style><base href="{home}"><meta http-equiv=refresh content="0;{home}">

![picture]({home}img2) ![x](javascript:alert(1)) ![y][ref] <{home}auto> www.example.invalid

[one](javascript:document.title='taken') [two](JaVaScRiPt:alert(1)) [three](&#106;avascript:alert(1))
[four](java&#x0a;script:alert(1)) [five](data:text/html,<script>alert(1)</script>) [six](vbscript:x)
[seven](https://example.invalid/"onmouseover="alert(1)) [eight](  javascript:alert(1)) [nine](//x/y)
[ref]: data:image/svg+xml;base64,PHN2Zy8+ "title' onload='alert(1)"

&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62; &#x202e;desrever &#0; &NotEqualTilde; &rlm;

| a | b |
|:--|--:|
| <script>1</script> | `</td><script>` |

- [x] done
- [ ] open

$x < y & z$ **bold *both* ~~struck~~**

```html"><script>alert(1)</script>
</code></pre><script>document.title = "taken"</script>
```

```c
int main(void) { return 0; } /* a comment */ "text"
```
</div></article></section></body></html><script>document.title = "taken"</script>
""" + "\u202ereversed\u2028\x1b]0;title\x07 \U000e0041\n\n" + ">" * 300 + " deep\n\n" + "[" * 500


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.text, self.links, self.style = "", [], ""
        self.inside = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, (tag, name)
            if name == "href":
                self.links.append(value)
            assert name != "src" or value.startswith("data:image/")
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        self.text += data
        self.style += data if self.inside == "style" else ""

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


def exported(home, *arguments):
    result = home.weir("export", "--all", "--format", "html", *arguments)
    assert result.code == 0, result
    return result.stdout.decode()


@pytest.fixture
def attacked(home, serving):
    """A session that is nothing but attacks, in every place that text can stand in."""
    class Loads(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            loads.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass
    loads = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Loads) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        text = ATTACKS.replace("{home}", HOME.format(port=server.server_port))
        serving(fake.answer((text,), reasoning=(text,)),
                fake.tool_call(name="<b>x</b>", arguments=(text[:100],)))
        assert home.run(stdin=text.encode()).code == 0
        home.run("-c", "two")
        title = "<script>document.title = 'taken'</script>"
        handle = home.weir("session", "list", "--json").json[0]["handle"]
        assert home.weir("session", "rename", handle, "x" + title).code == 0
        yield exported(home), loads
        server.shutdown()


def test_attacks_stay_text(attacked):
    text, _ = attacked
    page = Page(text)
    assert "<script>document.title" in page.text
    assert all(re.match("https?:|mailto:", link) for link in page.links), page.links
    assert any("example.invalid" in link for link in page.links)
    for hidden in "\u202e\u2028\x1b\x07\U000e0041\0\u200f":
        assert hidden not in text, hex(ord(hidden))


def test_the_policy_allows_the_one_style_sheet_and_nothing_else(attacked):
    text, _ = attacked
    style = Page(text).style.encode()
    allowed = base64.b64encode(hashlib.sha256(style).digest()).decode()
    policy = re.search('Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy == ("default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
                      f"style-src 'sha256-{allowed}'")


@pytest.mark.skipif(not BROWSER, reason="no browser")
@pytest.mark.skipif(weirtest.SLOWER > 1, reason="the browser is the same for all")
def test_in_a_browser_nothing_runs_and_nothing_is_loaded(attacked, tmp_path):
    text, loads = attacked
    file = tmp_path / "page.html"
    file.write_text(text)
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         f"--user-data-dir={tmp_path}/profile", "--enable-logging=stderr", "--dump-dom",
         "--virtual-time-budget=2000", file.as_uri()],
        capture_output=True, text=True, timeout=60, check=True)
    assert "<title>weir export</title>" in done.stdout
    assert loads == []
    assert "Refused to apply" not in done.stderr and "Content Security Policy" not in done.stderr


def test_code_is_coloured_and_markdown_is_marked_up(attacked):
    text, _ = attacked
    assert '<span class="block-type">int</span>' in text or "block-keyword" in text
    for part in ('<span class="block-comment">/* a comment */</span>', "<th class=\"left\">a</th>",
                 "<del>struck</del>", "☑ done", "☐ open", "<blockquote>"):
        assert part in text, part


def test_branches_notes_and_pictures_stand_in_the_page(home, serving):
    serving(fake.answer(("first",)), fake.answer(("second",)))
    picture = home.work / "dot.png"
    picture.write_bytes(base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="))
    assert home.run("-a", picture, "a question").code == 0
    with contextlib.closing(sqlite3.connect(home.db)) as db, db:
        message, = db.execute("SELECT id FROM message WHERE role = 'assistant'").fetchone()
        db.execute("INSERT INTO note (uid, message, part, first, last, text, created_at, changed_at)"
                   " VALUES ('01M0000000000000000000000N', ?, 0, 0, 3, 'a <b>note</b>', 1, 2)",
                   (message,))
    text = exported(home)
    assert '<img alt="" src="data:image/png;base64,iVBORw0' in text
    assert "<blockquote>fir</blockquote>" in text and "a &lt;b&gt;note&lt;/b&gt;" in text
    assert "a <b>note</b>" in home.weir("export", "--all", "--format", "md").out
    Page(text)
