#!/usr/bin/env bash
# Render the plain manifests of this directory from the chart with its default values.
#
#   deploy/render.sh            write them
#   deploy/render.sh --check    exit 1 if they differ
#
# Needs Helm 3 or later; HELM sets its path. The output is reproducible.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
chart=$here/../chart
helm=${HELM:-helm}
files=(ingress-guard.yaml webhook.yaml optional/networkpolicy.yaml)

command -v "$helm" >/dev/null || {
    echo "render.sh: $helm not found; install Helm or set HELM" >&2
    exit 2
}

# The Kubernetes version is fixed, because the default depends on the Helm build. Labels that describe a Helm release are removed.
render() {
    echo "# Rendered from the chart by deploy/render.sh; do not edit."
    "$helm" template ingress-guard "$chart" --namespace ingress-guard --kube-version 1.30.0 "$@" |
        sed -e '/^ *helm\.sh\/chart: /d' -e '/^ *app\.kubernetes\.io\/managed-by: Helm$/d'
}

out=$(mktemp -d)
mkdir "$out/optional"
trap 'rm -rf "$out"' EXIT

render --set webhook.enabled=false >"$out/ingress-guard.yaml"
render --show-only templates/webhook.yaml >"$out/webhook.yaml"
render --set networkPolicy.enabled=true --show-only templates/networkpolicy.yaml >"$out/optional/networkpolicy.yaml"

if [ "${1:-}" = --check ]; then
    stale=0
    more='webhook.matchConditions=[{"name":"more","expression":"true"}]'
    render --show-only templates/webhook.yaml --set-json "$more" >"$out/more.yaml"
    for name in not-removed created-or-changed more; do
        grep -q "^ *- name: $name\$" "$out/more.yaml" || {
            echo "render.sh: webhook.matchConditions replaces condition $name" >&2
            exit 1
        }
    done
    # Each namespace of controllers has a Role and its binding.
    render --show-only templates/rbac.yaml --set 'rbac.controllerNamespaces={edge}' >"$out/rbac.yaml"
    [ "$(grep -c '^ *namespace: edge$' "$out/rbac.yaml")" = 2 ] || {
        echo "render.sh: rbac.controllerNamespaces does not create a Role and a RoleBinding" >&2
        exit 1
    }
    for file in "${files[@]}"; do
        diff -u "$here/$file" "$out/$file" || stale=1
    done
    [ "$stale" = 0 ] || echo "render.sh: the chart renders different manifests: run deploy/render.sh" >&2
    exit "$stale"
fi

for file in "${files[@]}"; do
    cat "$out/$file" >"$here/$file"
done
