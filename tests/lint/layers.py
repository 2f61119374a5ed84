#!/usr/bin/env python3
"""Gate: a file includes its own floor and any below it, by a path from the root."""

import re

import sources

GENERATED = {"store/migrations.inc"}


def complaint(path, target):
    if target in GENERATED:
        known = True
    else:
        known = (sources.ROOT / target).is_file()
    if not known:
        return f"'{target}' is no file of this repository, seen from its root"
    own, other = sources.floor_of(path), sources.floor_of(target)
    if own is None or other is None:
        return None if path.startswith("tests/") or other is not None else "tests are no floor"
    if other > own:
        return f"{sources.FLOORS[own]} must not include {sources.FLOORS[other]} ('{target}')"
    if target.startswith("tests/") and not path.startswith("tests/"):
        return f"the program must not include its tests ('{target}')"
    if "_internal.h" in target and other != own:
        return f"'{target}' is for {sources.FLOORS[other]} only"
    return None


def main():
    report = sources.Report()
    include = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
    for path in sources.files(".c", ".h", ".cc"):
        for number, line in enumerate(sources.text(path).splitlines(), 1):
            found = include.match(line)
            what = complaint(path, found.group(1)) if found else None
            if what:
                report.error(path, number, what)
    report.finish()


main()
