#!/usr/bin/env python3
"""Gate: functions that overrun, that race, or that start a shell are not called."""

import re

import sources

BANNED = ("strcpy strcat sprintf vsprintf gets strncpy strtok atoi system popen tmpnam alloca "
          "rand").split()
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")


def main():
    report = sources.Report()
    for path in sources.files(".c", ".h", ".cc"):
        for number, line in enumerate(sources.blank(sources.text(path)).splitlines(), 1):
            for call in CALL.finditer(line):
                report.error(path, number, f"{call.group(1)} is banned")
    report.finish()


main()
