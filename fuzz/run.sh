#!/usr/bin/env bash
# Fuzzes one target after another for SECONDS_EACH seconds (60), or the targets that are given as arguments.
#
# libFuzzer needs instrumentation that only nightly compilers offer; RUSTC_BOOTSTRAP makes the pinned one accept it. The program has
# no unsafe code, so no sanitizer is used.
set -euo pipefail
cd "$(dirname "$0")"
export RUSTC_BOOTSTRAP=1
# The dependencies in the versions of the program.
cp ../Cargo.lock .

seeds_of() {
    case $1 in
    review) echo ../examples/reviews ../tests/reviews/recorded ;;
    manifest) echo ../examples ../examples/cluster ../tests/data/check/shop ../tests/reviews ;;
    fix) echo ../examples ../examples/cluster ../tests/data/check/shop ;;
    config) echo ../examples ;;
    pem) echo ../tests/suite/server/fixtures ;;
    esac
}

# The examples of the check pages as further inputs: one file for each YAML block.
examples_of_pages() {
    awk -v folder="$1" '
        FNR == 1 { page = FILENAME; gsub(/.*\/|\.md$/, "", page) }
        /^```/ { if (file) { close(file); file = "" } else if ($0 == "```yaml" || $0 == "```yaml alone") file = folder "/" page "-" FNR; next }
        file { print > file }
    ' ../src/checks/*/*.md
}

cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz@0.13.2
[ $# -gt 0 ] || set -- review manifest fix routing url snapshot config pem
for target in "$@"; do
    mkdir -p "corpus/$target"
    case $target in manifest | fix) examples_of_pages "corpus/$target" ;; esac
    echo "== $target"
    # shellcheck disable=SC2046 # one word for each directory
    cargo fuzz run --sanitizer none "$target" "corpus/$target" "seeds/$target" $(seeds_of "$target") -- \
        -dict=words.dict -max_total_time="${SECONDS_EACH:-60}" -max_len=16384 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        2>&1 | grep -v '^#[0-9]*\s*\(NEW\|REDUCE\|RELOAD\)'
done
