#!/bin/sh
# Lets every fuzzer search for SECONDS, from the corpus of the repository, which is left as it is.
#
#   tests/fuzz/run.sh FOLDER SECONDS FUZZER…
#
# What is found anew goes to FOLDER/corpus/FUZZER, an input that fails to FOLDER. Put that one into
# tests/fuzz/corpus/FUZZER, and every 'make test' replays it.
set -eu

folder=$1
seconds=$2
shift 2
failed=0
passed=0
for fuzzer in "$@"; do
    found=$folder/corpus/$fuzzer
    seeds=tests/fuzz/corpus/$fuzzer
    mkdir -p "$found"
    echo "$fuzzer: $seconds s"
    set -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
        -verbosity=0 -artifact_prefix="$folder/$fuzzer-" "$found"
    if [ -d "$seeds" ]; then
        set -- "$@" "$seeds"
    fi
    if "$folder/$fuzzer" "$@" >"$folder/$fuzzer.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        cat "$folder/$fuzzer.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
