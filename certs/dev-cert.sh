#!/usr/bin/env bash
# A development CA and a serving certificate signed by it. Not for production: the CA's key is stored beside it.
#
#   certs/dev-cert.sh [DIRECTORY]     default: certs/dev, which git ignores
#
# Creates ca.crt, ca.key, tls.crt and tls.key (P-256), or keeps them while they are valid for another day. Prints the CA in
# base64, for clientConfig.caBundle of a ValidatingWebhookConfiguration.
set -euo pipefail

names="DNS:localhost,IP:127.0.0.1,DNS:ingress-guard.ingress-guard.svc"
day=86400

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/dev}

command -v openssl >/dev/null || {
    echo "dev-cert.sh: openssl is not installed" >&2
    exit 2
}

umask 077
mkdir -p "$folder"
cd "$folder"

new_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

# $1 certificate, $2 key: whether both exist, belong together, and are valid for another day
usable() {
    [ -s "$1" ] && [ -s "$2" ] &&
        openssl x509 -in "$1" -noout -checkend "$day" >/dev/null 2>&1 &&
        [ "$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null)" = "$(openssl pkey -in "$2" -pubout 2>/dev/null)" ]
}

# Files are created under another name and then moved, so that an aborted run leaves no incomplete pair.
scratch=$(mktemp -d "./.new.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

if ! usable ca.crt ca.key; then
    cat >"$scratch/ca.cnf" <<CNF
[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = ingress-guard development CA
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CNF
    new_key "$scratch/ca.key"
    openssl req -x509 -new -sha256 -days 365 -config "$scratch/ca.cnf" -key "$scratch/ca.key" -out "$scratch/ca.crt"
    mv "$scratch/ca.key" "$scratch/ca.crt" .
fi

if ! usable tls.crt tls.key || ! openssl verify -CAfile ca.crt tls.crt >/dev/null 2>&1; then
    cat >"$scratch/tls.cnf" <<CNF
[req]
distinguished_name = name
prompt = no
[name]
CN = ingress-guard
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = $names
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF
    new_key "$scratch/tls.key"
    openssl req -new -sha256 -config "$scratch/tls.cnf" -key "$scratch/tls.key" -out "$scratch/tls.csr"
    openssl x509 -req -sha256 -days 90 -in "$scratch/tls.csr" -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" \
        -extfile "$scratch/tls.cnf" -extensions server -out "$scratch/tls.crt" 2>/dev/null
    mv "$scratch/tls.key" "$scratch/tls.crt" .
fi

chmod 600 ca.key tls.key
chmod 644 ca.crt tls.crt

echo "certificate: $folder/tls.crt, key: $folder/tls.key, CA: $folder/ca.crt" >&2
openssl base64 -A -in ca.crt
echo
