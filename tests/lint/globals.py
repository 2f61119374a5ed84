#!/usr/bin/env python3
"""Gate: no archive exports a variable that can be written to.

Constant tables of pointers live in .data.rel.ro, which is read-only once the program is loaded.
"""

import os
import pathlib
import re
import subprocess

import sources

OUT = pathlib.Path(os.environ.get("WEIR_OUT", sources.ROOT / "build/release"))
WRITABLE = re.compile(r"\.(data|bss|tdata|tbss)\b(?!\.rel\.ro)|\*COM\*")


def main():
    report = sources.Report()
    for floor in sources.FLOORS:
        archive = OUT / f"lib{floor}.a"
        if not archive.exists():
            report.error(floor, 1, f"{archive} is not built")
            continue
        dump = subprocess.run(["objdump", "-t", archive], capture_output=True, text=True)
        member = "?"
        for line in dump.stdout.splitlines():
            if ":     file format" in line:
                member = line.split(":")[0].replace(".o", "")
            # Address, seven columns of flags (the first is the binding), section, size, name.
            found = re.match(r"^[0-9a-f]+ (.)......\s+(\S+)\s+[0-9a-f]+\s+(.*)$", line)
            if found and found[1] in "gu!" and WRITABLE.match(found[2]):
                name = found[3].split()[-1]
                report.error(f"{floor}/{member}.c", 1, f"exports the variable '{name}'")
    report.finish()


main()
