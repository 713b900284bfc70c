#!/usr/bin/env bash
# The files of a release, in the directory dist (variable DIST). The release workflow runs the same steps.
#
#   deploy/dist.sh version           print the version of Cargo.toml as a tag: v0.1.0
#   deploy/dist.sh binary TARGET     build a static binary for a Rust target, and print its path
#   deploy/dist.sh static BINARY     fail if it needs shared libraries
#   deploy/dist.sh archive TARGET    the same, packed with its manual pages and completions
#   deploy/dist.sh sbom              write a list of the dependencies (CycloneDX)
#   deploy/dist.sh krew              write the krew manifest for the archives; REPOSITORY is their owner and name on GitHub
#   deploy/dist.sh sums              write SHA256SUMS
set -euo pipefail

cd "$(dirname "$0")/.."
dist=${DIST:-dist}
version=v$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)

fail() {
    echo "dist.sh: $1" >&2
    exit 1
}

binary() {
    local target=$1 home=${CARGO_HOME:-$HOME/.cargo} binary separator flags
    # PCRE2, ring and mimalloc are C code, which needs the headers of musl too.
    case $target in *-musl) export "CC_${target//-/_}=musl-gcc" ;; esac
    # The texts of panics contain paths of dependencies. Those of this repository are relative.
    separator=$'\x1f'
    flags=-Ctarget-feature=+crt-static${separator}--remap-path-prefix=$home=/cargo
    # The commit is a part of the version. A tree with changes is marked.
    INGRESS_GUARD_COMMIT=$(git describe --always --dirty --abbrev=12 --exclude='*') CARGO_ENCODED_RUSTFLAGS=$flags \
        CC_SHELL_ESCAPED_FLAGS=1 CFLAGS="${CFLAGS:-} '-ffile-prefix-map=$home=/cargo'" \
        cargo build --profile dist --locked --bin ingress-guard --target "$target"
    binary=${CARGO_TARGET_DIR:-target}/$target/dist/ingress-guard
    static "$binary"
    echo "$binary"
}

static() {
    # ldd fails for some static binaries, and its words depend on the C library.
    [[ $(ldd "$1" 2>/dev/null || true) != *'=>'* ]] || fail "$1 needs shared libraries"
}

archive() {
    local target=$1 name binary stage
    case $target in
    x86_64-unknown-linux-gnu) name=linux-amd64 ;;
    aarch64-unknown-linux-gnu) name=linux-arm64 ;;
    x86_64-unknown-linux-musl) name=linux-amd64-musl ;;
    aarch64-unknown-linux-musl) name=linux-arm64-musl ;;
    *) fail "no archive for target $target" ;;
    esac
    binary=$(binary "$target")

    stage=$(mktemp -d)
    install -m 755 "$binary" "$stage/ingress-guard"
    install -m 644 LICENSE "$stage/LICENSE"
    "$binary" man "$stage/man"
    mkdir "$stage/completions"
    for shell in bash fish zsh; do
        "$binary" completions "$shell" >"$stage/completions/ingress-guard.$shell"
    done
    mkdir -p "$dist"
    # Two builds of one commit have the same archive.
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -C "$stage" -cf - ingress-guard LICENSE completions man |
        gzip -9n >"$dist/ingress-guard-$version-$name.tar.gz"
    rm -rf "$stage"
}

sbom() {
    mkdir -p "$dist"
    cargo cyclonedx --quiet --format json --spec-version 1.5 --target all --override-filename ingress-guard.cdx
    # Without the directory of the build.
    sed "s|path+file://$PWD#|#|g" ingress-guard.cdx.json >"$dist/ingress-guard-$version.cdx.json"
    rm ingress-guard.cdx.json
}

krew() {
    local repository=${REPOSITORY:-OWNER/ingress-guard} arch file sum
    {
        sed -e '/^#/d' -e "s|OWNER/ingress-guard|$repository|" -e "s|VERSION|$version|" deploy/krew/ingress-guard.yaml
        for arch in amd64 arm64; do
            file=ingress-guard-$version-linux-$arch.tar.gz
            [ -f "$dist/$file" ] || continue
            sum=$(sha256sum "$dist/$file" | cut -d ' ' -f 1)
            cat <<END
  - selector: {matchLabels: {os: linux, arch: $arch}}
    uri: https://github.com/$repository/releases/download/$version/$file
    sha256: $sum
    bin: ingress-guard
END
        done
    } >"$dist/krew.yaml"
    grep -q 'sha256:' "$dist/krew.yaml" || fail "no archive in $dist"
}

sums() {
    (
        cd "$dist"
        rm -f SHA256SUMS
        set -- *.tar.gz *.json
        # `make dist` writes no krew manifest.
        [ ! -f krew.yaml ] || set -- "$@" krew.yaml
        sha256sum -- "$@" >SHA256SUMS.new
        mv SHA256SUMS.new SHA256SUMS
    )
}

case ${1:-} in
version) echo "$version" ;;
binary | archive) "$1" "${2:?the target is missing}" ;;
static) static "${2:?the binary is missing}" ;;
sbom | krew | sums) "$1" ;;
*) fail 'usage: deploy/dist.sh version|binary TARGET|static BINARY|archive TARGET|sbom|krew|sums' ;;
esac
