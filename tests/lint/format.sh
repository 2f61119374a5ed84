#!/bin/sh
# Gate: every C and C++ source is as clang-format 14 writes it. --fix rewrites them instead.
set -eu
cd "$(dirname "$0")/../.."

tool=
for name in clang-format-14 clang-format; do
    if command -v $name >/dev/null && $name --version | grep -q 'version 14\.'; then
        tool=$name
        break
    fi
done
if [ -z "$tool" ]; then
    echo "clang-format 14 is not here (other versions format differently): nothing was compared"
    [ "${1-}" != --fix ]
    exit
fi
how='--dry-run -Werror'
[ "${1-}" != --fix ] || how=-i
# Paths hold no white space in this repository.
# shellcheck disable=SC2046,SC2086
$tool $how $(find base pubsub store ui app tests -name '*.[ch]' -o -name '*.cc')
