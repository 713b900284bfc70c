#!/usr/bin/env bash
# Prints the directory with etcd, kube-apiserver, kube-controller-manager and kubectl for the end-to-end tests.
# KUBEBUILDER_ASSETS names an existing one. Otherwise the Go program in this directory is built, once per version.
# Exit code 3: Go is missing or too old.
set -euo pipefail

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    printf '%s\n' "$KUBEBUILDER_ASSETS"
    exit
fi

# One line for every 200 compiled packages instead of their names; other lines, such as errors, are unchanged.
progress() {
    awk '/^go: downloading / { next }
         /^[a-zA-Z0-9_.\/-]+$/ { if (++packages % 200 == 0) { print "  " packages " packages compiled"; fflush() } next }
         { print; fflush() }'
}

cd "$(dirname "${BASH_SOURCE[0]}")"
export CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly

if ! command -v go >/dev/null; then
    echo 'tests/envtest/build.sh: Go not found: install it (https://go.dev/dl) or set KUBEBUILDER_ASSETS' >&2
    exit 3
fi
# Fails if go.mod requires a Go version that is neither installed nor downloadable.
if ! go list -m >/dev/null; then
    echo "tests/envtest/build.sh: $(sed -n 's/^go /Go /p' go.mod) or newer is required: install it or set KUBEBUILDER_ASSETS" >&2
    exit 3
fi
version=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' go.mod)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ingress-guard/envtest
assets=$cache/$({ cat go.mod go.sum ./*.go build.sh; go version; } | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c 1-16)
mkdir -p "$cache"

# Concurrent test runs build once. The next run removes an aborted build.
exec 9>"$cache/lock"
if command -v flock >/dev/null; then flock 9; fi

if [ ! -d "$assets" ]; then
    rm -rf "$cache"/building.*
    building=$(mktemp -d "$cache/building.XXXXXX")
    trap 'rm -rf "$building"' EXIT
    mkdir "$building/assets" "$building/tmp"
    echo "building Kubernetes $version for the end-to-end tests: about 7 minutes on two cores, once" >&2

    # kubectl does not compare versions without a stamp.
    stamp=k8s.io/component-base/version
    IFS=. read -r major minor _ <<<"${version#v}"
    flags="-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor -X $stamp.gitTreeState=clean"
    # A separate build cache, removed at the end: it takes gigabytes and has no other use.
    GOCACHE=$building/cache GOTMPDIR=$building/tmp \
        go build -v -trimpath -buildvcs=false -ldflags "$flags" -o "$building/assets/control-plane" . 9>&- 2>&1 |
        progress >&2

    for name in etcd kube-apiserver kube-controller-manager kubectl; do
        ln -s control-plane "$building/assets/$name"
    done
    mv "$building/assets" "$assets"
fi
printf '%s\n' "$assets"
