#!/usr/bin/env python3
"""Gate: files of at most 800 lines, functions of at most 80, 3 levels deep, with at most 5 parameters.

A function that has to be longer or wider says why in the comment above it: 'long: the reason' or
'wide: the reason'. Functions over 40 lines are listed, without failing.
"""

import re

import sources

FILE_LINES = 800
LONG, LIMIT = 40, 80
PARAMETERS = 5
LEVELS = 3
BRANCH = re.compile(r"\b(if|else|for|while|do|switch)\b")


def comment_above(lines, head):
    """The text of the comment that ends on the line before index `head`, or nothing."""
    start = head - 1
    if start < 0 or not lines[start].rstrip().endswith("*/"):
        return ""
    while start > 0 and "/*" not in lines[start]:
        start -= 1
    return "\n".join(lines[start:head])


def parameters(head):
    """Counts what stands between the last pair of parentheses of a function's head."""
    depth, closed, inner = 0, None, ""
    for index in range(len(head) - 1, -1, -1):
        if head[index] == ")":
            depth += 1
            closed = index if closed is None else closed
        elif head[index] == "(":
            depth -= 1
            if depth == 0:
                inner = head[index + 1:closed]
                break
    if inner.strip() in ("", "void"):
        return 0
    depth = commas = 0
    for char in inner:
        depth += (char in "([{") - (char in ")]}")
        commas += char == "," and depth == 0
    return commas + 1


def levels(body):
    """How deep loops and decisions with braces stand in each other."""
    deepest, opened = 0, []
    for line in body:
        for char in line:
            if char == "{":
                opened.append(bool(BRANCH.search(line)))
            elif char == "}" and opened:
                opened.pop()
        deepest = max(deepest, sum(opened))
    return deepest


def functions(lines):
    """Yields indices: first line of the head, opening and closing brace, which are in column 0."""
    head = opened = None
    for index, line in enumerate(lines):
        if line == "{" and index:
            head, opened = index - 1, index
            while head > 0 and lines[head].startswith(" "):
                head -= 1
        elif line == "}" and head is not None:
            yield head, opened, index
            head = None


def check(path, report):
    raw = sources.text(path).splitlines()
    if len(raw) > FILE_LINES:
        report.error(path, FILE_LINES + 1, f"the file has {len(raw)} lines, {FILE_LINES} at most")
    bare = sources.blank(sources.text(path)).splitlines()
    for head, opened, last in functions(bare):
        size = last - head + 1
        above = comment_above(raw, head)
        name = re.search(r"(\w+)\s*\(", "\n".join(bare[head:opened]))
        name = name.group(1) if name else "?"
        if size > LIMIT and not re.search(r"\blong: \w", above):
            report.error(path, head + 1, f"{name} has {size} lines, {LIMIT} at most")
        elif size > LONG:
            print(f"{path}:{head + 1}: note: {name} has {size} lines")
        deep = levels(bare[opened + 1:last])
        if deep > LEVELS:
            report.error(path, head + 1, f"{name} is {deep} levels deep, {LEVELS} at most")
        count = parameters("\n".join(bare[head:opened]))
        if count > PARAMETERS and not re.search(r"\bwide: \w", above):
            report.error(path, head + 1, f"{name} takes {count} parameters, {PARAMETERS} at most")


def main():
    report = sources.Report()
    for path in sources.files(".c", ".h", ".cc"):
        check(path, report)
    report.finish()


main()
