#!/usr/bin/env bash
# Scaffolds a check: its source file, its page, and its lines in the folder's mod.rs and in registry.rs.
#   src/checks/new-check.sh IG204 service-without-ready-endpoints backend
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
code=${1:-} name=${2:-} folder=${3:-}

fail() {
    echo "new-check: $1" >&2
    echo "usage: make new-check CODE=IG204 NAME=service-without-ready-endpoints FOLDER=backend" >&2
    exit 2
}
[[ $code =~ ^IG[0-9]{3}$ ]] || fail "CODE must be IG and three digits, not \"$code\""
[[ $name =~ ^[a-z]+(-[a-z]+)+$ ]] || fail "NAME must be lower-case words with dashes that describe the problem, not \"$name\""
[[ -f $here/$folder/mod.rs && $folder != meta && $folder != impact ]] || fail "FOLDER must be annotation, backend, class, collision, manifest, path or tls, not \"$folder\""
# The first digit of a code belongs to the folder of its check.
taken=$(grep -rhoE 'code: "IG[0-9]' "$here/$folder" --include='*.rs' | sort -u | grep -oE '[0-9]$')
[[ $taken == "${code:2:1}" ]] || fail "the codes of $folder begin with IG$taken, not ${code:0:3}"
grep -rqs "\"$code\"" "$here" --include='*.rs' && fail "$code is in use; codes are never used twice"
file=${name//-/_}
[[ ! -e $here/$folder/$file.rs ]] || fail "$folder/$file.rs exists already"
static=${file^^}
# The next release has the version of Cargo.toml.
release=$(sed -nE 's/^version = "([0-9]+)\.([0-9]+)\..*/\1, \2/p' "$here/../../Cargo.toml" | head -1)

cat >"$here/$folder/$file.rs" <<EOF
//! $code: describe the problem in one line.

use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

pub(crate) static $static: Check = Check {
    code: "$code",
    name: "$name",
    summary: "state in one line when it reports",
    levels: Levels::both(Level::Warn),
    since: Release($release),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("$file.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let _ = (cx, out);
}
EOF
cat >"$here/$folder/$file.md" <<EOF
# $code $name

State in one sentence what is wrong.

Level: warn (guard), warn (strict) · all controllers · can be waived

## Fix

State what to change, with a few lines of YAML if they help. \`make bless\` does not run blocks in this section.

## Why

State what the controller does, the effect on requests, and when the level is lower. At most 25 lines together with the fix.

## Reported

Examples that the check reports, as \`yaml\` blocks with one title line each; \`make bless\` writes the output after each block.
A \`yaml shared\` block before the first example, with the line "The examples share these objects:", holds the objects that
most examples need.

## Not reported

Similar examples that the check does not report.

## See also

Related checks and the documentation of the controller.
EOF

# rustfmt sorts `mod` and `use` lines, so any position in their block is correct.
sed -i "0,/^mod /s//mod $file;\nmod /; 0,/^pub(super) use /s//pub(super) use $file::$static;\npub(super) use /" "$here/$folder/mod.rs"

# Before the first registered check with a higher code.
next=$(grep -rhoE 'code: "IG[0-9]{3}"' "$here" --include='*.rs' | grep -oE 'IG[0-9]{3}' | sort -u | awk -v c="$code" '$0 > c { print; exit }')
following=$(grep -rlE "code: \"$next\"" "$here" --include='*.rs' | head -1)
before=$(basename "$following" .rs)
sed -i -E "s/^(    &.*\b${before^^},)$/    \&$folder::$static,\n\1/" "$here/registry.rs"
grep -q "$folder::$static" "$here/registry.rs" || fail "cannot find the position of $code in checks::ALL: add it manually"

command -v rustfmt >/dev/null && rustfmt --edition 2024 "$here/$folder/mod.rs" "$here/registry.rs"
echo "created src/checks/$folder/$file.rs and $file.md; write the page, then the check, then run: make bless docs"
