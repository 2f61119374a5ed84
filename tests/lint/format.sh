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
# Paths hold no white space in this repository.
# shellcheck disable=SC2046
set -- "${1-}" $(find base pubsub store ui app tests -name '*.[ch]' -o -name '*.cc')
if [ "$1" = --fix ]; then
    shift
    exec $tool -i "$@"
fi
shift
wrong=$($tool --dry-run "$@" 2>&1 |
    sed -n 's/^\([^: ]*:[0-9]*\):[0-9]*: warning: .*/\1: not as clang-format writes it/p' | uniq)
if [ -n "$wrong" ]; then
    echo "$wrong"
    exit 1
fi
