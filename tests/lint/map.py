#!/usr/bin/env python3
"""Gate: each source of a floor stands in one row of the map in ARCHITECTURE.md, and no row is empty.

The map is the tables whose heads name a floor ('| app/ | … |'); a row's last column holds names of
files without their ending, in backticks, where * stands for anything."""

import fnmatch
import pathlib
import re

import sources

PAGE = "ARCHITECTURE.md"


def rows():
    """Yields (line, floor, patterns)."""
    floor = None
    for number, line in enumerate(sources.text(PAGE).splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            floor = None
        elif cells[0].rstrip("/") in sources.FLOORS and cells[0].endswith("/"):
            floor = cells[0].rstrip("/")
        elif floor and not set(cells[0]) <= set("-: "):
            yield number, floor, re.findall(r"`([\w*]+)`", cells[-1])


def main():
    report = sources.Report()
    mapped = list(rows())
    for floor in {floor for _, floor, _ in mapped}:
        places = {}
        for path in sources.files(".c", ".h", ".cc"):
            if path.startswith(floor + "/"):
                places.setdefault(pathlib.PurePath(path).stem, path)
        here = [(line, pattern) for line, its, patterns in mapped if its == floor
                for pattern in patterns]
        for name, path in places.items():
            found = [line for line, pattern in here if fnmatch.fnmatchcase(name, pattern)]
            if len(found) != 1:
                report.error(path, 1, f"stands in {len(found)} rows of the map in {PAGE}")
        for line, pattern in here:
            if not any(fnmatch.fnmatchcase(name, pattern) for name in places):
                report.error(PAGE, line, f"there is no {floor}/{pattern}")
    if not mapped:
        report.error(PAGE, 1, "has no map of the floors")
    report.finish()


main()
