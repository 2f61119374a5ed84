#!/bin/sh
# Lets every fuzzer search for SECONDS, as many at once as there are cores, from the corpus of the
# repository, which is left as it is.
#
#   tests/fuzz/run.sh FOLDER SECONDS FUZZER…
#
# What is found anew goes to FOLDER/corpus/FUZZER, an input that fails to FOLDER. Put that one into
# tests/fuzz/corpus/FUZZER, and every 'make test' replays it.
set -eu

folder=$1
seconds=$2
shift 2

search()
{
    fuzzer=$1
    found=$folder/corpus/$fuzzer
    seeds=tests/fuzz/corpus/$fuzzer
    mkdir -p "$found"
    set -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
        -verbosity=0 -artifact_prefix="$folder/$fuzzer-" "$found"
    if [ -d "$seeds" ]; then
        set -- "$@" "$seeds"
    fi
    "$folder/$fuzzer" "$@" >"$folder/$fuzzer.log" 2>&1
}

if [ $# = 1 ]; then
    if search "$1"; then
        echo "$1: $seconds s, nothing found"
    else
        cat "$folder/$1.log"
        echo "$1: failed"
    fi
    exit
fi
printf '%s\n' "$@" |
    xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 1 "$0" "$folder" "$seconds" | tee "$folder/results"
passed=$(grep -c ': [0-9]* s, nothing found$' "$folder/results" || true)
echo "$passed passed, $(($# - passed)) failed"
[ "$passed" = $# ]
