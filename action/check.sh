#!/usr/bin/env bash
# Runs check for the action, with annotations on standard output and a SARIF file. Its exit code is that of check.
#
# Reads INPUT_PATHS, INPUT_ARGS, INPUT_CONFIG, INPUT_FAIL_ON, INPUT_RENDER, and RUNNER_TEMP and GITHUB_OUTPUT of the runner.
set -euo pipefail

sarif=$RUNNER_TEMP/ingress-guard.sarif
rm -f "$sarif"
arguments=(--output github --output "sarif=$sarif" --render "$INPUT_RENDER")
[ -z "$INPUT_CONFIG" ] || arguments+=(--config "$INPUT_CONFIG")
[ -z "$INPUT_FAIL_ON" ] || arguments+=(--fail-on "$INPUT_FAIL_ON")

# xargs splits the words and removes quotes, and unlike a shell it expands nothing.
words=$(printf '%s' "$INPUT_ARGS" | xargs -r printf '%s\n') || {
    echo '::error title=ingress-guard::input "args" has a quote without an end'
    exit 2
}
while IFS= read -r word; do
    [ -z "$word" ] || arguments+=("$word")
done <<<"$words"

arguments+=(--)
while IFS= read -r path; do
    [ -z "$path" ] || arguments+=("$path")
done <<<"$INPUT_PATHS"

code=0
ingress-guard check "${arguments[@]}" || code=$?
echo "exit-code=$code" >>"$GITHUB_OUTPUT"
[ ! -f "$sarif" ] || echo "sarif=$sarif" >>"$GITHUB_OUTPUT"
exit "$code"
