#!/usr/bin/env bash
# Tests the control plane of build.sh: starts it on free loopback ports, sends the requests that the tests need, and
# stops it. Requires openssl. Run it after a change of the Kubernetes version; the tests in tests/e2e start their own
# control plane.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
assets=$("$here/build.sh")
folder=$(mktemp -d)
running=()
end() {
    status=$?
    trap '' INT TERM
    { kill -KILL "${running[@]}" && wait; } 2>/dev/null
    rm -rf "$folder"
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM
cd "$folder"

say() { printf '%6.1fs  %s\n' "$(((${EPOCHREALTIME/./} - begun) / 100000))e-1" "$*"; }
start() { "$assets/$1" "${@:2}" >"$1.log" 2>&1 & running+=($!); }
# until_ok SECONDS WHAT COMMAND…
until_ok() {
    local end=$((SECONDS + $1)) what=$2
    until "${@:3}" >answer 2>&1; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "not within $1 s: $what" >&2
            tail -n 5 answer ./*.log >&2
            exit 1
        fi
        sleep 0.1
    done
    say "$what"
}
# Below the range of ephemeral ports.
free_port() {
    while port=$((20000 + RANDOM % 12000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}
# certificate NAME SUBJECT [EXTENSION]: signed by ca
certificate() {
    openssl req -x509 -CA ca.crt -CAkey ca.key -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj "$2" -addext "${3:-extendedKeyUsage=clientAuth}" -addext basicConstraints=critical,CA:false \
        -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt 2>/dev/null
certificate apiserver /CN=kube-apiserver subjectAltName=IP:127.0.0.1,DNS:localhost
certificate admin /O=system:masters/CN=admin
openssl ecparam -name prime256v1 -genkey -noout -out service-accounts.key

etcd=http://127.0.0.1:$(free_port) peer=http://127.0.0.1:$(free_port) api=$(free_port)
begun=${EPOCHREALTIME/./}
start etcd --name=default --data-dir=etcd --unsafe-no-fsync --log-level=warn \
    --listen-client-urls="$etcd" --advertise-client-urls="$etcd" \
    --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" --initial-cluster="default=$peer"
until_ok 20 'etcd is healthy' curl -sf "$etcd/health"
start kube-apiserver --etcd-servers="$etcd" \
    --bind-address=127.0.0.1 --secure-port="$api" --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
    --tls-cert-file=apiserver.crt --tls-private-key-file=apiserver.key --client-ca-file=ca.crt \
    --service-account-issuer=https://kubernetes.default.svc --service-account-signing-key-file=service-accounts.key \
    --service-account-key-file=service-accounts.key --service-cluster-ip-range=10.96.0.0/16 \
    --authorization-mode=Node,RBAC --allow-privileged=true

export HOME=$folder KUBECONFIG=$folder/kubeconfig KUBERC=off
kubectl() { "$assets/kubectl" "$@"; }
kubectl config set-cluster envtest --server="https://127.0.0.1:$api" --certificate-authority=ca.crt --embed-certs >/dev/null
kubectl config set-credentials admin --client-certificate=admin.crt --client-key=admin.key --embed-certs >/dev/null
kubectl config set-context envtest --cluster=envtest --user=admin >/dev/null
kubectl config use-context envtest >/dev/null
until_ok 60 'kube-apiserver is ready' kubectl get --raw /readyz
start kube-controller-manager --kubeconfig="$KUBECONFIG" --leader-elect=false --secure-port=0 \
    --service-account-private-key-file=service-accounts.key --root-ca-file=ca.crt

kubectl version
kubectl create namespace smoke
until_ok 30 'service accounts exist' kubectl get serviceaccount default --namespace=smoke
kubectl create service clusterip web --tcp=80 --namespace=smoke
kubectl create ingress web --rule='app.example.com/*=web:80' --namespace=smoke
slices() { kubectl get endpointslices --namespace=smoke --output=name | grep .; }
until_ok 30 'endpoint slices exist' slices
token=$(kubectl create token default --namespace=smoke)
as_service_account=(--kubeconfig=/dev/null --server="https://127.0.0.1:$api" --certificate-authority=ca.crt --token="$token")
kubectl auth whoami "${as_service_account[@]}" | grep -F system:serviceaccount:smoke:default
if kubectl get ingresses --namespace=smoke "${as_service_account[@]}" 2>refusal; then
    echo 'RBAC grants read access to every account' >&2
    exit 1
fi
grep -F 'cannot list resource "ingresses"' refusal
kubectl delete namespace smoke --timeout=60s
say 'the namespace is deleted'
