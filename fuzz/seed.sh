#!/bin/sh
# Copies the logs at hand into the corpora of the fuzz targets.
set -eu
cd "$(dirname "$0")"
corpus=${WHY_CORPUS:-../../shared/corpora}
mkdir -p corpus/log corpus/answer corpus/input corpus/saved_report corpus/code corpus/provenance \
    corpus/debuginfo corpus/btf corpus/image corpus/files
for log in ../examples/*.log ../lab/cases/*.log "$corpus"/kernel-logs/[0-9]*; do
    [ -f "$log" ] || continue
    # The first byte of an input chooses the size of the blocks.
    { printf ' '; cat "$log"; } >"corpus/log/$(basename "$log")"
    cp "corpus/log/$(basename "$log")" corpus/answer/
    # One of each wrapping is enough: the reader behind it has a target of its own.
    case $(basename "$log") in warn.log | panic.log | oops-arm64.log)
        cp "$log" corpus/input/
        for tool in gzip xz zstd bzip2; do
            if command -v "$tool" >/dev/null; then "$tool" -c "$log" >"corpus/input/$(basename "$log").$tool"; fi
        done
        ;;
    esac
done
# A log and the file of its module: the length of the log comes first.
for log in ../examples/ptr-cross-*.log; do
    size=$(wc -c <"$log")
    low=$(printf '%03o' $((size % 256))) high=$(printf '%03o' $((size / 256)))
    { printf "\\$low\\$high"; cat "$log" "${log%.log}.ko"; } >"corpus/files/$(basename "$log" .log)"
done
for object in ../crates/code/tests/objects/*.o; do
    { printf '\000\000'; cat "$object"; } >"corpus/files/$(basename "$object")"
done
# The objects of the tests, and the descriptions of types that two of them hold: the second counts on from the
# first, whose length comes first.
objects=../crates/debuginfo/tests/objects
for object in "$objects"/*.ko "$objects"/*.o "$objects"/*-x86_64 "$objects"/*-arm64 "$objects"/*kernel \
    "$objects"/dwz-program "$objects"/*.debug; do
    cp "$object" corpus/debuginfo/
done
types() {
    objcopy --dump-section .BTF=corpus/types.tmp "$objects/$1" /dev/null && cat corpus/types.tmp
    rm -f corpus/types.tmp
}
if command -v objcopy >/dev/null; then
    kernel=$(types btf-kernel | wc -c)
    low=$(printf '%03o' $((kernel % 256))) high=$(printf '%03o' $((kernel / 256)))
    { printf "\\$low\\$high"; types btf-kernel; types btf-module.ko; } >corpus/btf/split
    { printf '\377\377'; types btf-kernel; } >corpus/btf/kernel
fi
# Dumps that are made up.
cargo run -q --manifest-path ../Cargo.toml -p synth --example dumps corpus/image
# Reports, where the program is built.
for why in ../target/release/why ../target/debug/why; do
    [ -x "$why" ] || continue
    for log in ../examples/warn.log ../examples/oops-arm64.log; do
        "$why" --json "$log" >"corpus/saved_report/$(basename "$log").json" || true
    done
    break
done
