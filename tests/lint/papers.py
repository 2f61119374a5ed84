#!/usr/bin/env python3
"""Gate: nothing is left to do in the text, no white space ends a line, every file ends in one."""

import re

import sources

# Written in two pieces, so that this file passes its own gate.
OPEN_END = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
ENDINGS = (".c", ".h", ".cc", ".py", ".sh", ".awk", ".sql", ".md", ".toml", ".tsv", "Makefile")


def main():
    report = sources.Report()
    for path in sources.files(*ENDINGS):
        content = sources.text(path)
        for number, line in enumerate(content.split("\n"), 1):
            found = OPEN_END.search(line)
            if found:
                report.error(path, number, f"{found.group(1)}: do it or drop it")
            if line != line.rstrip(" \t\r"):
                report.error(path, number, "white space at the end of the line")
        if content and not content.endswith("\n"):
            report.error(path, content.count("\n") + 1, "no newline at the end of the file")
    report.finish()


main()
