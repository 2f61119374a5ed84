"""What the README shows runs as it is printed."""

import json
import re
import shutil
import subprocess

import fake_server as fake
import pytest
from weirtest import ROOT, SLOWER, WEIR

RIVERS = '{"type": "array", "items": {"type": "string"}, "minItems": 5}'
# One talk as ChatGPT exports it.
TALK = [{"title": "t", "conversation_id": "c", "current_node": "a", "mapping": {
    "a": {"parent": None, "children": [], "message": {
        "author": {"role": "user"}, "content": {"content_type": "text", "parts": ["q"]}}}}}]
NEEDS = {"git": "git", "jq": "jq"}
# What a line of the README supposes to have happened before.
SUPPOSED = {
    "import all": "weir export --all --format json -o all",
    "undo": "weir session delete ax0p", "purge": "weir session delete ax0p",
    "--on 4": "weir run -s ax0p 'always?'", "--compare 4": "weir run -s ax0p more",
    "replay r.jsonl": "weir run --record r.jsonl 'Why?'",
    "replay/r.jsonl": "weir run --record r.jsonl 'Why?'",
}


def lines(section):
    """The commands of that section's blocks, without their remarks."""
    text = (ROOT / "README.md").read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    found = [re.sub(r"\s+# .*", "", line) for block in blocks for line in block.splitlines()]
    return [line for line in found if line and not line.startswith("#")]


def answer(connection):
    """What each of the examples wants to hear."""
    prompt = connection.exchange.json["messages"][-1]["content"]
    if "Makefile" in prompt:
        fake.answer(("Here:\n```make\nall:\n\ttrue\n```\n",))(connection)
    elif "Five" in prompt:
        fake.answer(('["Elbe", "Oder", ', '"Rhein", "Main", "Spree"]'))(connection)
    elif "always" in prompt:
        fake.answer(("This is always so",))(connection)
    else:
        fake.answer()(connection)


@pytest.fixture
def shell(home, server):
    """Runs a line where a reader of the README may be: with files, a repository, weir on PATH."""
    server.default = answer
    home.use(server)
    (home.work / "bin").mkdir()
    (home.work / "bin/weir").symlink_to(WEIR)
    (home.work / "src").mkdir()
    for name, text in {"long.txt": "long", "log": "log", "rivers.json": RIVERS, "src/a.c": "int a;",
                       "conversations.json": json.dumps(TALK)}.items():
        (home.work / name).write_text(text)
    home.env["PATH"] = f"{home.work / 'bin'}:{home.env['PATH']}"

    def run(line):
        for word, tool in NEEDS.items():
            if word in line and not shutil.which(tool):
                pytest.skip(f"{tool} is not installed")
        line = line.replace("ax0p", home.handle).replace("01JD3K", home.message)
        return subprocess.run(["sh", "-c", line], env=home.env, cwd=home.work, check=False, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=20 * SLOWER)

    home.env["WEIR_DEMO_SPEED"] = "0"
    if shutil.which("git"):
        subprocess.run(["git", "init", "-q", home.work], env=home.env, check=False)
    assert home.run("a heron in the reeds").code == 0
    home.handle = home.rows("SELECT handle FROM session")[0]["handle"]
    home.message = home.rows("SELECT uid FROM message WHERE role = 'assistant'")[0]["uid"]
    return run


@pytest.mark.parametrize("line", lines("Scripts"))
def test_a_script_of_the_readme_runs(home, shell, line):
    done = shell(line)
    assert (done.returncode, done.stderr) == (0, ""), done
    made = re.search(r"(?:>\s*|-o )(\S+)", line)
    assert (home.work / made[1]).stat().st_size > 0 if made else done.stdout


@pytest.mark.parametrize("line", [w for w in lines("Past sessions") if not w.startswith("weir chat")])
def test_a_command_for_sessions_of_the_readme_runs(home, shell, line):
    for words, before in SUPPOSED.items():
        if words in line:
            assert shell(before).returncode == 0
    done = shell(line)
    assert done.returncode == 0, done


def test_the_sections_were_found():
    assert len(lines("Scripts")) >= 9 and len(lines("Past sessions")) >= 20


@pytest.mark.parametrize("paper", [ROOT / "README.md", *sorted((ROOT / "doc").glob("*.md"))],
                         ids=lambda paper: paper.name)
def test_what_a_paper_points_to_is_there(paper):
    for link in re.findall(r"\]\(([^)#]+)\)", paper.read_text()):
        assert (paper.parent / link).is_file(), link


def test_an_option_that_a_paper_names_is_one(home):
    text = (ROOT / "doc/scripts.md").read_text()
    known = "".join(home.weir(command, "--help").out for command in ("run", "watch"))
    for option in set(re.findall(r"`(--?[a-z][a-z-]*)", text)) - {"--db", "--config", "-v"}:
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", known), option


def test_the_man_page_names_every_key_of_the_config():
    keys = re.findall(r'^    \{"([a-z_.*]+)", KEY_', (ROOT / "app/config_keys.c").read_text(), re.M)
    page = (ROOT / "doc/weir.1").read_text().split(".Sh CONFIGURATION")[1].split("\n.Sh ")[0]
    groups = [re.sub(r'"[^"]*"|\\\(dq.*?\\\(dq', "NAME", row).split(" , ")
              for row in re.findall(r"^\.It Ic (.+)$", page, re.M)]
    told = {name for first, *more in groups for name in
            (first, *more, *(f"{first.rpartition('.')[0]}.{word}" for word in more))}
    told = {re.sub(r"\b[A-Z]+\b", "*", name) for name in told}
    assert len(keys) > 40
    assert not set(keys) - told
