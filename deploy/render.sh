#!/usr/bin/env bash
# The plain manifests of this folder, rendered from the chart with its default values.
#
#   deploy/render.sh            write them
#   deploy/render.sh --check    exit 1 if they are not what the chart renders
#
# Needs Helm 3 or later; HELM names it when it is not in PATH. The same chart gives the same bytes each time.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
chart=$here/../chart
helm=${HELM:-helm}
files=(ingress-guard.yaml webhook.yaml networkpolicy.yaml)

command -v "$helm" >/dev/null || {
    echo "render.sh: there is no $helm; install Helm or name it in HELM" >&2
    exit 2
}

# The version is fixed so that the result does not depend on the one Helm was built with. Without Helm there is no release:
# the labels that speak of one go.
render() {
    echo "# Rendered from the chart by deploy/render.sh; do not edit."
    "$helm" template ingress-guard "$chart" --namespace ingress-guard --kube-version 1.30.0 "$@" |
        sed -e '/^ *helm\.sh\/chart: /d' -e '/^ *app\.kubernetes\.io\/managed-by: Helm$/d'
}

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

render --set webhook.enabled=false >"$out/ingress-guard.yaml"
render --show-only templates/webhook.yaml >"$out/webhook.yaml"
render --set networkPolicy.enabled=true --show-only templates/networkpolicy.yaml >"$out/networkpolicy.yaml"

if [ "${1:-}" = --check ]; then
    stale=0
    for file in "${files[@]}"; do
        diff -u "$here/$file" "$out/$file" || stale=1
    done
    [ "$stale" = 0 ] || echo "render.sh: the chart renders something else: run deploy/render.sh" >&2
    exit "$stale"
fi

for file in "${files[@]}"; do
    cat "$out/$file" >"$here/$file"
done
