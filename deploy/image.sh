#!/usr/bin/env bash
# The container image from a static binary, with buildah and without a daemon. Two images of one binary have the same digest.
#
#   deploy/image.sh build ARCH BINARY     write the image (an OCI archive) to dist, and print its digest; ARCH is amd64 or arm64
#   deploy/image.sh inspect ARCHIVE       fail unless it contains one binary and no shell, runs as non-root, and has at most 20 MB
#   deploy/image.sh review ARCHIVE        run it without any other file, and have it answer one review
#   deploy/image.sh push DESTINATION      push the archives in dist as one image for all architectures, and print its digest.
#                                         DESTINATION is docker://HOST/NAME:TAG, or oci:DIRECTORY
#
# The directory dist is that of the variable DIST. Registries and nodes count the compressed size, and so does `inspect`.
set -euo pipefail

cd "$(dirname "$0")/.."
dist=${DIST:-dist}
version=$(deploy/dist.sh version)
largest=20000000

work=$(mktemp -d)
serve=
trap '[ -z "$serve" ] || kill "$serve" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
    echo "image.sh: $1" >&2
    exit 1
}

# The storage of one call: images of the machine are neither used nor changed.
in_storage() {
    buildah --root "$work/root" --runroot "$work/run" --storage-driver vfs "$@"
}

build() {
    local arch=$1 binary=$2 archive=$dist/ingress-guard-$version-linux-$1.oci.tar
    deploy/dist.sh static "$binary"
    mkdir -p "$work/context" "$dist"
    install -m 755 "$binary" "$work/context/ingress-guard"
    install -m 644 LICENSE "$work/context/LICENSE"
    in_storage build --quiet --isolation chroot --timestamp 0 --identity-label=false --format oci --layers=false \
        --os linux --arch "$arch" --file deploy/Containerfile --tag localhost/ingress-guard "$work/context" >"$work/id" 2>"$work/log" ||
        fail "$(cat "$work/log")"
    in_storage push --quiet --format oci localhost/ingress-guard "oci-archive:$archive:$version"
    echo "$archive $(digest "$archive")"
}

# The digest of the only manifest in an archive.
digest() {
    tar -xOf "$1" index.json | grep -o 'sha256:[0-9a-f]\{64\}'
}

blob() {
    tar -xOf "$1" "blobs/${2/://}"
}

# Sets `config` to the configuration of an archive, and `layers` to the digests of its layers.
open() {
    local manifest
    manifest=$(blob "$1" "$(digest "$1")")
    mapfile -t layers < <(grep -o 'sha256:[0-9a-f]\{64\}' <<<"$manifest")
    config=$(blob "$1" "${layers[0]}")
    layers=("${layers[@]:1}")
}

unpack() {
    local layer
    open "$1"
    mkdir -p "$work/rootfs"
    for layer in "${layers[@]}"; do
        blob "$1" "$layer" | tar -xzf - -C "$work/rootfs"
    done
}

inspect() {
    local archive=$1 files size
    unpack "$archive"
    files=$(cd "$work/rootfs" && find . -mindepth 1 | sort)
    [ "$files" = $'./LICENSE\n./ingress-guard' ] || fail "$archive contains other files than the binary and its licence: $files"
    grep -q '"User":"65532:65532"' <<<"$config" || fail "$archive does not run as user 65532"
    grep -q '"Entrypoint":\["/ingress-guard"\]' <<<"$config" || fail "$archive does not start the binary"
    size=$(stat -c %s "$archive")
    [ "$size" -le "$largest" ] || fail "$archive has $size bytes, more than $largest"
    echo "$archive: $size bytes compressed, $(stat -c %s "$work/rootfs/ingress-guard") bytes unpacked, user 65532"
}

review() {
    local answer is_ready=false enter=(chroot --userspec=65532:65532)
    # Without root: as the root of a user namespace.
    [ "$(id -u)" = 0 ] || enter=(unshare --map-root-user chroot)
    enter+=("$work/rootfs" /ingress-guard)
    unpack "$1"
    cp -r examples/cluster "$work/rootfs/cluster"
    chmod -R go+rX "$work"
    "${enter[@]}" --version
    # The network is that of this machine.
    "${enter[@]}" serve --manifests /cluster --listen 127.0.0.1:18443 --health-listen 127.0.0.1:18080 >"$work/serve" 2>&1 &
    serve=$!
    for _ in $(seq 50); do
        if curl -sf http://127.0.0.1:18080/readyz >"$work/ready"; then is_ready=true && break; fi
        sleep 0.1
    done
    "$is_ready" || fail "the image does not become ready: $(cat "$work/serve")"
    answer=$(curl -sk https://127.0.0.1:18443/validate -H 'content-type: application/json' --data-binary @examples/reviews/bad.json)
    kill "$serve"
    wait "$serve" || fail "the image does not end in order: $(cat "$work/serve")"
    serve=
    grep -q '"allowed":false' <<<"$answer" || fail "the image does not deny a bad Ingress: $answer"
    echo "$1: denied a bad Ingress, and ended in order"
}

push() {
    local archive
    in_storage manifest create ingress-guard >/dev/null
    for archive in "$dist"/ingress-guard-"$version"-linux-*.oci.tar; do
        in_storage manifest add ingress-guard "oci-archive:$archive" >/dev/null
    done
    in_storage manifest push --all --quiet --format oci --digestfile "$work/digest" ingress-guard "$1" >/dev/null
    cat "$work/digest"
    echo
}

case ${1:-} in
build) build "${2:?the architecture is missing}" "${3:?the binary is missing}" ;;
inspect | review) "$1" "${2:?the archive is missing}" ;;
push) push "${2:?the destination is missing}" ;;
*) fail 'usage: deploy/image.sh build ARCH BINARY|inspect ARCHIVE|review ARCHIVE|push DESTINATION' ;;
esac
