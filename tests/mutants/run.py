#!/usr/bin/env python3
"""Breaks the program on purpose and sees the named test fail.

Each tests/mutants/NAME.patch is a unified diff against the tree; its first lines say what is broken and
which test has to notice:

    break: the end of an answer waits for the window
    test: store/test_publishing

The tree is copied and its tests are built; they have to pass unbroken. That copy, build and all, is copied
again for each core. In each of them one patch after the other is applied, its test built (incrementally) and
run, and the patch taken back. A mutant that survives, does not apply or does not build is a failure. The last
line is "N passed, N failed".
"""

import argparse
import concurrent.futures
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT = 120
OUT = "build-mutants"


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


def program(test):
    """Relative to the tree, so that a copy of the tree with its build finds everything built."""
    return f"{OUT}/debug/tests/{test}"


def build(tree, tests, jobs):
    return run(["make", "--no-print-directory", f"-j{jobs}", f"B={OUT}", "FLAVOUR=debug", *map(program, tests)],
               tree)


def passes(tree, test):
    """One failure is enough: those that follow it may each wait for what never comes."""
    process = subprocess.Popen([program(test)], cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
    clock = threading.Timer(TIMEOUT, lambda: os.killpg(process.pid, signal.SIGKILL))
    clock.start()
    try:
        failed = any("[  FAILED  ]" in line for line in process.stderr)
        return not failed and process.wait() == 0
    finally:
        clock.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


def try_mutant(tree, patch, test):
    """None when the test noticed, else what went wrong."""
    applied = run(["patch", "-p1", "-s", "--no-backup-if-mismatch", "-i", str(patch)], tree)
    if applied.returncode:
        run(["patch", "-p1", "-R", "-s", "-f", "-i", str(patch)], tree)
        return "does not apply: " + applied.stdout.strip()
    try:
        built = build(tree, [test], 1)
        if built.returncode:
            return "does not build:\n" + built.stdout[-2000:]
        return "survives" if passes(tree, test) else None
    finally:
        run(["patch", "-p1", "-R", "-s", "-i", str(patch)], tree)


def prepare(folder, tests, count):
    """A queue of trees in which the tests are built, and the set of tests that fail unbroken."""
    first = folder / "0"
    first.mkdir()
    copy_tree(first)
    built = build(first, sorted(tests), count)
    if built.returncode:
        raise SystemExit("the tests do not build:\n" + built.stdout[-2000:])
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        ordered = sorted(tests)
        sound = dict(zip(ordered, pool.map(lambda test: passes(first, test), ordered)))
    trees = queue.SimpleQueue()
    trees.put(first)
    for number in range(1, count):
        subprocess.run(["cp", "-a", str(first), str(folder / str(number))], check=True)
        trees.put(folder / str(number))
    return trees, {test for test in tests if not sound[test]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these (without .patch)")
    names = parser.parse_args().names
    patches = sorted(p for p in HERE.glob("*.patch") if not names or p.stem in names)
    heads = {patch: header(patch) for patch in patches}
    count = os.cpu_count() or 1
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="weir-mutants-") as folder, \
            concurrent.futures.ThreadPoolExecutor(count) as pool:
        trees, unsound = prepare(pathlib.Path(folder), {head["test"] for head in heads.values()}, count)

        def work(patch):
            test = heads[patch]["test"]
            if test in unsound:
                return f"{test} fails unbroken"
            tree = trees.get()
            try:
                return try_mutant(tree, patch, test)
            finally:
                trees.put(tree)

        for patch, problem in zip(patches, pool.map(work, patches)):
            passed, failed = passed + (problem is None), failed + (problem is not None)
            print(f"{'caught' if problem is None else 'FAILED':7} {patch.stem}: {heads[patch]['break']}", flush=True)
            if problem:
                print("        " + problem.replace("\n", "\n        "), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
