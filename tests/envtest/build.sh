#!/usr/bin/env bash
# Prints the folder with etcd, kube-apiserver, kube-controller-manager and kubectl that the end-to-end tests use.
# KUBEBUILDER_ASSETS names one that exists; otherwise the Go program in this folder is built, once for each version of it.
# Exit code 3: there is no Go, or none that is new enough.
set -euo pipefail

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    printf '%s\n' "$KUBEBUILDER_ASSETS"
    exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")"
export CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly

if ! command -v go >/dev/null; then
    echo 'tests/envtest/build.sh: Go is needed to build the control plane (https://go.dev/dl), or KUBEBUILDER_ASSETS set' >&2
    exit 3
fi
# Fails when go.mod asks for a newer Go than this one is, or may download.
if ! go list -m >/dev/null; then
    echo "tests/envtest/build.sh: $(sed -n 's/^go /Go /p' go.mod) or newer is needed, or KUBEBUILDER_ASSETS set" >&2
    exit 3
fi
version=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' go.mod)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ingress-guard/envtest
assets=$cache/$({ cat go.mod go.sum ./*.go build.sh; go version; } | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c 1-16)
mkdir -p "$cache"

# Two test runs at once must not build twice. What was made by one that was killed goes away with the next.
exec 9>"$cache/lock"
if command -v flock >/dev/null; then flock 9; fi

if [ ! -d "$assets" ]; then
    rm -rf "$cache"/building.*
    building=$(mktemp -d "$cache/building.XXXXXX")
    trap 'rm -rf "$building"' EXIT
    mkdir "$building/assets" "$building/tmp"
    echo "building Kubernetes $version for the end-to-end tests: some minutes, once" >&2

    # kubectl refuses to compare versions that nobody stamped.
    stamp=k8s.io/component-base/version
    IFS=. read -r major minor _ <<<"${version#v}"
    flags="-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor -X $stamp.gitTreeState=clean"
    # A build cache of its own, dropped at the end: its gigabytes are of no use to anything else.
    GOCACHE=$building/cache GOTMPDIR=$building/tmp \
        go build -trimpath -buildvcs=false -ldflags "$flags" -o "$building/assets/control-plane" . 9>&- >&2

    for name in etcd kube-apiserver kube-controller-manager kubectl; do
        ln -s control-plane "$building/assets/$name"
    done
    mv "$building/assets" "$assets"
fi
printf '%s\n' "$assets"
