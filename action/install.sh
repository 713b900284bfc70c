#!/usr/bin/env bash
# Installs the binary for the steps of a job: the released one if its checksum matches, or one that is built from this action.
#
# Reads ACTION_PATH, ACTION_REPOSITORY, SERVER_URL, INPUT_VERSION, and RUNNER_TEMP and GITHUB_PATH of the runner.
set -euo pipefail

root=$RUNNER_TEMP/ingress-guard
mkdir -p "$root/bin"

fail() {
    echo "::error title=ingress-guard::$1"
    exit 1
}

# The release of the commit that the workflow names.
version=${INPUT_VERSION:-$("$ACTION_PATH/deploy/dist.sh" version)}

download() {
    curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 3 --output "$root/$1" \
        "$SERVER_URL/$ACTION_REPOSITORY/releases/download/$version/$1"
}

if [ "$version" = source ]; then
    # In the directory of the action, whose files select the toolchain and the bundled PCRE2.
    cd "$ACTION_PATH"
    cargo install --locked --path . --root "$root"
elif [[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
    case $(uname -s)-$(uname -m) in
    Linux-x86_64) arch=amd64 ;;
    Linux-aarch64) arch=arm64 ;;
    *) fail "no binary for $(uname -s) $(uname -m): use \"version: source\"" ;;
    esac
    archive=ingress-guard-$version-linux-$arch.tar.gz
    for file in "$archive" SHA256SUMS; do
        download "$file" || fail "release $version of $ACTION_REPOSITORY has no $file: use another version, or \"version: source\""
    done
    (cd "$root" && grep "  $archive\$" SHA256SUMS | sha256sum --check --strict) ||
        fail "$archive does not have the checksum of its release"
    tar -xzf "$root/$archive" -C "$root/bin" ingress-guard
else
    fail "input \"version\" is neither a release, such as v0.1.0, nor \"source\""
fi

"$root/bin/ingress-guard" --version
echo "$root/bin" >>"$GITHUB_PATH"
