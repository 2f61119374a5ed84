#!/usr/bin/env python3
"""Runs unit test programs, gates and end-to-end tests, and sums them up.

The last line is always 'N passed, N failed'; the exit code is 0 only when something ran and nothing
failed. A program that crashes, hangs, or runs no test is a failure; so is every report that a
sanitizer left behind, whichever process wrote it.
"""

import argparse
import concurrent.futures
import importlib.util
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNIT_SECONDS = {"release": 120, "debug": 120, "asan": 300, "tsan": 600}
GATE_SECONDS = 300
NO_TESTS = 5  # an exit code of pytest
E2E_SECONDS = {"release": 600, "debug": 600, "asan": 900, "tsan": 900}
# Most of an end-to-end test is waiting, so there may be more of them than cores; what measures time
# is marked `alone` and runs afterwards, one by one. ThreadSanitizer looks at threads, so it gets
# the tests that are marked so.
E2E_WORKERS_PER_CORE = {"release": 3, "debug": 3, "asan": 2, "tsan": 2}
AGAIN_MOST = 3  # tests of one part
E2E_CHOICE = {"tsan": "not soak and threads"}


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def add(self, passed, failed, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


def run(command, seconds, env, live=False):
    """Gives (return code or None after a timeout, output). Ends the whole process group."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
        stdout=None if live else subprocess.PIPE, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, (output or b"").decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, (output or b"").decode("utf-8", "replace")
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def why(code, seconds):
    if code is None:
        return f"ran longer than {seconds} s"
    if code < 0:
        return f"died of {signal.Signals(-code).name}"
    return f"exit code {code}"


def cmocka_counts(output):
    """Sums the closing lines of every group that the program ran."""
    def total(word):
        return sum(int(n) for n in re.findall(rf"^\[  {word} *\] (\d+) test\(s\)", output, re.M))
    return total("PASSED"), total("FAILED"), total("SKIPPED")


def run_unit(program, flavour, env):
    """Gives (program, passed, failed, skipped, text to show or "")."""
    seconds = UNIT_SECONDS[flavour]
    began = time.monotonic()
    code, output = run([program], seconds, env)
    passed, failed, skipped = cmocka_counts(output)
    note = ""
    if code != 0 and not failed:
        failed, note = 1, why(code, seconds)
    elif code == 0 and failed:
        note = "exit code 0 in spite of failures"
    elif not passed + failed + skipped:
        failed, note = 1, "ran no test"
    name = os.path.relpath(program, ROOT)
    line = f"{name}: {passed} passed, {failed} failed, {time.monotonic() - began:.1f} s"
    if failed:
        line = f"--- {line} {note}\n{output}"
    return line, passed, failed, skipped


def run_units(options, env, tally):
    missing = [p for p in options.unit if not os.access(p, os.X_OK)]
    for program in missing:
        print(f"--- {program}: was not built")
        tally.add(0, 1)
    programs = [os.path.abspath(p) for p in options.unit if p not in missing]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs = [pool.submit(run_unit, p, options.flavour, env) for p in programs]
        for done in concurrent.futures.as_completed(runs):
            line, *counts = done.result()
            print(line, flush=True)
            tally.add(*counts)


def run_gates(options, env, tally):
    env = dict(env, WEIR_OUT=os.path.abspath(options.out))
    gates = [p for p in sorted((ROOT / "tests/lint").glob("*.*")) if os.access(p, os.X_OK)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = list(pool.map(lambda gate: run([str(gate)], GATE_SECONDS, env), gates))
    for gate, (code, output) in zip(gates, results):
        name = gate.relative_to(ROOT)
        if code == 0:
            notes = output if options.parts == ["lint"] else ""
            print(f"{name}: passed\n{notes}".rstrip(), flush=True)
            tally.add(1, 0)
        else:
            print(f"--- {name}: {why(code, GATE_SECONDS)}\n{output}", flush=True)
            tally.add(0, 1)


def junit_counts(path):
    passed = failed = skipped = 0
    for suite in xml.etree.ElementTree.parse(path).getroot().iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        out = int(suite.get("skipped", 0))
        passed += int(suite.get("tests", 0)) - bad - out
        failed += bad
        skipped += out
    return passed, failed, skipped


def failed_tests(path):
    """Their pytest names, from a report in pytest's older form, which says the file."""
    return [f"{case.get('file')}::{case.get('name')}"
            for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase")
            if case.find("failure") is not None or case.find("error") is not None]


def run_again(options, env, report):
    """How many of the tests that failed beside others pass by themselves.

    They share a machine whose load nobody knows. One that only failed in company is named, with
    its failure above; more than a few are no accident."""
    names = failed_tests(report)
    if not 0 < len(names) <= AGAIN_MOST:
        return 0
    again = f"{report}.again"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q",
               f"--junitxml={again}"]
    run(command + [os.path.join("tests/e2e", n) for n in names], E2E_SECONDS[options.flavour], env,
        live=True)
    still = failed_tests(again) if os.path.exists(again) else names
    for name in sorted(set(names) - set(still)):
        print(f"UNSTEADY: {name} failed beside others and passed by itself", flush=True)
    return len(names) - len(still)


def run_pytest(options, env, name, choice, workers):
    """Gives (passed, failed, skipped) of the tests that the choice of marks leaves."""
    report = os.path.abspath(os.path.join(options.out, f"e2e-{name}.xml"))
    if os.path.exists(report):
        os.unlink(report)
    seconds = E2E_SECONDS[options.flavour]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-ra", "-m", choice,
               f"--junitxml={report}", "tests/e2e"]
    if workers > 1:
        command += ["-n", str(workers)]
    code, _ = run(command, seconds, env, live=True)
    counts = junit_counts(report) if os.path.exists(report) else (0, 0, 0)
    if code not in (0, NO_TESTS) and not counts[1]:
        print(f"--- tests/e2e, {name}: {why(code, seconds)}")
        return counts[0], 1, counts[2]
    passed = run_again(options, env, report) if counts[1] else 0
    return counts[0] + passed, counts[1] - passed, counts[2]


def run_e2e(options, env, tally):
    if not list((ROOT / "tests/e2e").glob("**/test_*.py")):
        return
    choice = E2E_CHOICE.get(options.flavour, "not soak")
    workers = E2E_WORKERS_PER_CORE[options.flavour] * (os.cpu_count() or 1)
    if not importlib.util.find_spec("xdist"):
        workers = 1
    for name, mark, count in (("together", "not alone", workers), ("alone", "alone", 1)):
        began = time.monotonic()
        tally.add(*run_pytest(options, env, name, f"{choice} and {mark}", count))
        print(f"tests/e2e, {name}: {time.monotonic() - began:.1f} s", flush=True)


def sanitizer_env(flavour, folder):
    """Reports go to files, since a program on a pseudo-terminal has no other place for them."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    common = f"log_path={folder}/report:exitcode=99:halt_on_error=1"
    env = {}
    if flavour == "asan":
        # Tests ask for more memory than there is, and expect NULL.
        env["ASAN_OPTIONS"] = (f"{common}:allocator_may_return_null=1:strict_string_checks=1:"
                               "detect_stack_use_after_return=1")
        env["UBSAN_OPTIONS"] = f"{common}:print_stacktrace=1"
    elif flavour == "tsan":
        env["TSAN_OPTIONS"] = f"{common}:second_deadlock_stack=1"
    if flavour in ("asan", "tsan") and "WEIR_FAULT_STRIDE" not in os.environ:
        env["WEIR_FAULT_STRIDE"] = "19"  # every step takes many times as long
    for kind, name in (("asan", "LSAN_OPTIONS"), ("tsan", "TSAN_OPTIONS")):
        suppressions = ROOT / f"tests/{kind}.supp"
        if flavour == kind and suppressions.exists():
            env[name] = ":".join(filter(None, [env.get(name), f"suppressions={suppressions}"]))
    return env


def check_reports(folder, tally):
    """Every report counts, but for those that only say that a huge request gave NULL."""
    harmless = re.compile(r"^==\d+==WARNING: AddressSanitizer failed to allocate .*$", re.M)
    for report in sorted(pathlib.Path(folder).glob("*")):
        content = report.read_text(errors="replace")
        if harmless.sub("", content).strip():
            print(f"--- {report.name}\n{content}")
            tally.add(0, 1)


def keep_addresses_in_place(flavour):
    """ThreadSanitizer of gcc 12 and clang 14 cannot live with more than 28 random bits."""
    if flavour != "tsan" or os.environ.get("WEIR_SETARCH"):
        return
    try:
        bits = int(pathlib.Path("/proc/sys/vm/mmap_rnd_bits").read_text())
    except (OSError, ValueError):
        return
    setarch = shutil.which("setarch")
    if bits <= 28 or not setarch:
        return
    wrap = [setarch, platform.machine(), "-R"]
    if subprocess.run(wrap + ["true"], capture_output=True).returncode == 0:
        os.environ["WEIR_SETARCH"] = "1"
        os.execv(setarch, wrap + [sys.executable] + sys.argv)
    print("note: address randomisation cannot be switched off here; ThreadSanitizer may refuse")


def take_signals():
    """What a shell lets run in the background ignores signals that the tests send."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="build/release", help="folder of the flavour")
    parser.add_argument("--flavour", default="release", choices=sorted(UNIT_SECONDS))
    parser.add_argument("--unit", nargs="*", default=[], help="unit test programs")
    parser.add_argument("--parts", nargs="*", default=["unit", "lint", "e2e"],
                        choices=["unit", "lint", "e2e"])
    options = parser.parse_args()
    take_signals()
    keep_addresses_in_place(options.flavour)

    reports = os.path.abspath(os.path.join(options.out, "reports"))
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", WEIR_FLAVOUR=options.flavour)
    env.update(sanitizer_env(options.flavour, reports))
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        env.pop(name, None)
    env["WEIR_BIN"] = os.path.abspath(os.path.join(options.out, "weir"))

    tally = Tally()
    for part, runner in (("unit", run_units), ("lint", run_gates), ("e2e", run_e2e)):
        if part in options.parts:
            runner(options, env, tally)
    check_reports(reports, tally)
    if tally.skipped:
        print(f"{tally.skipped} skipped")
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    return 0 if tally.passed and not tally.failed else 1


if __name__ == "__main__":
    sys.exit(main())
