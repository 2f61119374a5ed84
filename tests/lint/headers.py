#!/usr/bin/env python3
"""Gate: every header compiles on its own, with gcc and with clang where it is there."""

import concurrent.futures
import os
import shutil
import subprocess

import sources

FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-I.", "-Wall", "-Wextra", "-Werror",
         "-Wno-unused-function", "-fsyntax-only"]


def packages():
    flags = subprocess.run(["pkg-config", "--cflags", "ncursesw", "sqlite3", "libcjson",
                            "libutf8proc", "libcurl"], capture_output=True, text=True)
    return flags.stdout.split()


def compile_alone(job):
    compiler, path, flags = job
    code = f'#include "{path}"\nextern int weir_header_gate;\n'
    done = subprocess.run([compiler, *FLAGS, *flags, "-x", "c", "-"], input=code, text=True,
                          cwd=sources.ROOT, capture_output=True)
    return compiler, path, done.returncode, done.stderr


def main():
    report = sources.Report()
    compilers = [c for c in ("gcc", "clang") if shutil.which(c)] or ["cc"]
    flags = packages()
    jobs = [(c, p, flags) for c in compilers for p in sources.files(".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for compiler, path, code, errors in pool.map(compile_alone, jobs):
            if code:
                report.error(path, 1, f"does not compile on its own with {compiler}\n{errors}")
    report.finish()


main()
