#!/usr/bin/env python3
"""What takes long: every fault step, a thousand power cuts, two hundred kills.

Then, under AddressSanitizer, each of the database's allocations that fails, and two thousand damaged files. The
short forms of the same run with every `make test`. --short takes two minutes: a hundred cuts, two hundred kills.
The last line is "N passed, N failed".
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def run(command, **settings):
    print("===", " ".join(map(str, command)), *(f"{k}={v}" for k, v in settings.items()), flush=True)
    result = subprocess.run([str(c) for c in command], cwd=ROOT, env=os.environ | settings, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            errors="replace")
    print(result.stdout, flush=True)
    return result


def counts(result, passed, failed):
    """Sums up what the runner printed; a failure that it did not count is one more."""
    good = sum(int(n) for n in re.findall(passed, result.stdout))
    bad = sum(int(n) for n in re.findall(failed, result.stdout))
    return good, bad if result.returncode == 0 or bad else 1


def sanitized(asan):
    """What a sanitizer finds ends the program with a number that nothing else gives."""
    found = {"ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "exitcode=99", "WEIR_FLAVOUR": "asan"}
    faults = run([asan / "tests/store/test_faults"], WEIR_FAULT_SECONDS="5400", WEIR_FAULT_STRIDE="1",
                 WEIR_FAULT_KINDS="memory", **found)
    files = run([sys.executable, "-m", "pytest", "tests/e2e", "-q", "-m", "soak", "-p", "no:cacheprovider",
                 "-k", "t18_many"], WEIR_BIN=str(asan / "weir"), **found)
    return [counts(faults, r"\[  PASSED  \] (\d+) test", r"\[  FAILED  \] (\d+) test"),
            counts(files, r"(\d+) passed", r"(\d+) failed")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    release = ROOT / options.build / "release"
    faults = run([release / "tests/store/test_faults"], WEIR_FAULT_SECONDS="1800",
                 WEIR_FAULT_STRIDE="3" if options.short else "1",
                 WEIR_POWER_CUTS="100" if options.short else "1000")
    sums = [counts(faults, r"\[  PASSED  \] (\d+) test", r"\[  FAILED  \] (\d+) test")]
    only = ["-k", "t1_many_kills"] if options.short else []
    ends = run([sys.executable, "-m", "pytest", "tests/e2e", "-q", "-m", "soak", "-p", "no:cacheprovider", *only],
               WEIR_BIN=str(release / "weir"))
    sums.append(counts(ends, r"(\d+) passed", r"(\d+) failed"))
    sums += [] if options.short else sanitized(ROOT / options.build / "asan")
    passed, failed = (sum(column) for column in zip(*sums))
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
