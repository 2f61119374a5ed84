#!/usr/bin/env python3
"""Breaks the program on purpose and sees the named test fail.

Each tests/mutants/NAME.patch is a unified diff against the tree; its first lines say what is broken and
which test has to notice:

    break: the end of an answer waits for the window
    test: store/test_publishing

The tree is copied once; each patch is applied, its test built (incrementally) and run, and the patch taken
back. A mutant that survives, does not apply or does not build is a failure. Before all that the tests pass
unbroken. The last line is "N passed, N failed".
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT = 120


def run(command, cwd, **more):
    return subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **more)


def copy_tree(target):
    files = run(["git", "ls-files", "-co", "--exclude-standard"], ROOT).stdout.splitlines()
    listing = "\n".join(name for name in files if (ROOT / name).is_file())
    subprocess.run(["cp", "-p", "--parents", "-t", str(target)] + listing.splitlines(), cwd=ROOT, check=True)


def header(patch):
    text = patch.read_text()
    found = dict(re.findall(r"^(break|test): (.+)$", text, re.M))
    if set(found) != {"break", "test"}:
        raise SystemExit(f"{patch}: the head needs 'break:' and 'test:'")
    return found


def build(tree, out, test):
    jobs = f"-j{os.cpu_count() or 1}"
    return run(["make", "--no-print-directory", jobs, f"B={out}", "FLAVOUR=debug", f"{out}/debug/tests/{test}"], tree)


def passes(tree, out, test):
    try:
        return run([f"{out}/debug/tests/{test}"], tree, timeout=TIMEOUT).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def try_mutant(tree, out, patch, test):
    """None when the test noticed, else what went wrong."""
    applied = run(["patch", "-p1", "-s", "--no-backup-if-mismatch", "-i", str(patch)], tree)
    if applied.returncode:
        run(["patch", "-p1", "-R", "-s", "-f", "-i", str(patch)], tree)
        return "does not apply: " + applied.stdout.strip()
    try:
        built = build(tree, out, test)
        if built.returncode:
            return "does not build:\n" + built.stdout[-2000:]
        return "survives" if passes(tree, out, test) else None
    finally:
        run(["patch", "-p1", "-R", "-s", "-i", str(patch)], tree)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these (without .patch)")
    names = parser.parse_args().names
    patches = sorted(p for p in HERE.glob("*.patch") if not names or p.stem in names)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="weir-mutants-") as folder:
        tree, out = pathlib.Path(folder) / "tree", pathlib.Path(folder) / "out"
        tree.mkdir()
        copy_tree(tree)
        sound = {}
        for patch in patches:
            about = header(patch)
            test = about["test"]
            if test not in sound:
                built = build(tree, out, test)
                sound[test] = built.returncode == 0 and passes(tree, out, test)
            problem = try_mutant(tree, out, patch, test) if sound[test] else f"{test} fails unbroken"
            passed, failed = passed + (problem is None), failed + (problem is not None)
            print(f"{'caught' if problem is None else 'FAILED':7} {patch.stem}: {about['break']}", flush=True)
            if problem:
                print("        " + problem.replace("\n", "\n        "), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
