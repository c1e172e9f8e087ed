#!/bin/sh
# Copies the logs at hand into the corpora of the fuzz targets.
set -eu
cd "$(dirname "$0")"
corpus=${WHY_CORPUS:-../../shared/corpora}
mkdir -p corpus/log
for log in ../examples/*.log ../lab/cases/*.log "$corpus"/kernel-logs/[0-9]*; do
    [ -f "$log" ] || continue
    # The first byte of an input chooses the size of the blocks.
    { printf ' '; cat "$log"; } >"corpus/log/$(basename "$log")"
done
