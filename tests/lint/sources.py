"""What the gates share: the list of sources, and C text without comments and strings."""

import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FLOORS = ["base", "pubsub", "store", "ui", "app"]


def files(*endings):
    """Paths below the root, as text, of all sources that are or may be committed."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True)
    if listed.returncode == 0:
        paths = listed.stdout.splitlines()
    else:
        paths = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*")]
        paths = [p for p in paths if not p.startswith(("build/", ".git/"))]
    return sorted(p for p in set(paths)
                  if p.endswith(endings) and os.path.isfile(ROOT / p))


def text(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="surrogateescape")


def blank(source):
    """Comments, strings and character constants become spaces; lines and columns stay."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), source)


def floor_of(path):
    """Number of the floor a file belongs to (a floor's tests count as it), or None."""
    parts = path.split("/")
    if parts[0] == "tests" and len(parts) > 2:
        parts = parts[1:]
    return FLOORS.index(parts[0]) if parts[0] in FLOORS else None


class Report:
    """Collects 'file:line: what'; warnings are printed and do not count."""

    def __init__(self):
        self.count = 0

    def error(self, path, line, what):
        self.count += 1
        print(f"{path}:{line}: {what}")

    def finish(self):
        sys.exit(1 if self.count else 0)
