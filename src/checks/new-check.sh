#!/usr/bin/env bash
# Scaffold a check: its file, its page, its line in the folder's mod.rs and in registry.rs.
#   src/checks/new-check.sh IG204 service-without-ready-endpoints backend
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
code=${1:-} name=${2:-} folder=${3:-}

fail() {
    echo "new-check: $1" >&2
    echo "usage: make new-check CODE=IG204 NAME=service-without-ready-endpoints FOLDER=backend" >&2
    exit 2
}
[[ $code =~ ^IG[0-9]{3}$ ]] || fail "CODE is IG and three digits, not \"$code\""
[[ $name =~ ^[a-z]+(-[a-z]+)+$ ]] || fail "NAME is lower-case words with dashes that name the fault, not \"$name\""
[[ -f $here/$folder/mod.rs && $folder != meta ]] || fail "FOLDER is a folder of src/checks, not \"$folder\""
grep -rqs "\"$code\"" "$here" --include='*.rs' && fail "$code is taken: codes are never given twice"
file=${name//-/_}
[[ ! -e $here/$folder/$file.rs ]] || fail "$folder/$file.rs is there already"
static=${file^^}

cat >"$here/$folder/$file.rs" <<EOF
//! $code: say the fault in one line.

use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

pub(crate) static $static: Check = Check {
    code: "$code",
    name: "$name",
    summary: "say when it fires, in one line",
    levels: Levels::both(Level::Warn),
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

# `mod` and `use` lines stay sorted: rustfmt sees to it, so anywhere in their block will do.
sed -i "0,/^mod /s//mod $file;\nmod /; 0,/^pub(super) use /s//pub(super) use $file::$static;\npub(super) use /" "$here/$folder/mod.rs"

# Before the first registered check with a higher code.
next=$(grep -rhoE 'code: "IG[0-9]{3}"' "$here" --include='*.rs' | grep -oE 'IG[0-9]{3}' | sort -u | awk -v c="$code" '$0 > c { print; exit }')
following=$(grep -rlE "code: \"$next\"" "$here" --include='*.rs' | head -1)
before=$(basename "$following" .rs)
sed -i -E "s/^(    &.*\b${before^^},)$/    \&$folder::$static,\n\1/" "$here/registry.rs"
grep -q "$folder::$static" "$here/registry.rs" || fail "could not find the place of $code in checks::ALL: add it by hand"

command -v rustfmt >/dev/null && rustfmt --edition 2024 "$here/$folder/mod.rs" "$here/registry.rs"
echo "made src/checks/$folder/$file.rs and $file.md; now write the page, then the check, then: make bless docs"
