# syntax=docker/dockerfile:1
#
#   docker build -t ingress-guard .
#   docker buildx build --platform linux/amd64,linux/arm64 -t ingress-guard .
#
# One static binary: no shell, no package manager, no libc. It is cross-compiled, so building arm64 on amd64 needs no emulation.

FROM --platform=$BUILDPLATFORM rust:1.95-bookworm AS build
ARG TARGETARCH
# The commit, as `--version` prints it: --build-arg INGRESS_GUARD_COMMIT=$(git rev-parse --short=12 HEAD)
ARG INGRESS_GUARD_COMMIT
WORKDIR /src

# The linker and the C compiler (PCRE2, ring, mimalloc) of the target, if its architecture differs.
RUN <<'EOT'
set -eu
case "$TARGETARCH" in
    amd64) target=x86_64-unknown-linux-gnu  cross=x86-64-linux-gnu ;;
    arm64) target=aarch64-unknown-linux-gnu cross=aarch64-linux-gnu ;;
    *) echo "no build for $TARGETARCH" >&2; exit 1 ;;
esac
if [ "$TARGETARCH" != "$(dpkg --print-architecture)" ]; then
    apt-get update
    apt-get install -y --no-install-recommends "gcc-$cross" "libc6-dev-$TARGETARCH-cross"
    rm -rf /var/lib/apt/lists/*
fi
echo "$target" >/target
EOT

# The toolchain is installed before the sources are copied, so that code changes do not invalidate this layer.
COPY rust-toolchain.toml ./
RUN rustup target add "$(cat /target)"

COPY . .
# Caches persist between builds, so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked <<'EOT'
set -eu
target=$(cat /target)
export RUSTFLAGS="-C target-feature=+crt-static"
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
cargo build --profile dist --locked --target "$target"
install -D -m 755 "target/$target/dist/ingress-guard" /out/ingress-guard
EOT

FROM scratch
LABEL org.opencontainers.image.title="ingress-guard" \
      org.opencontainers.image.description="Validating admission webhook that catches Ingress misconfigurations before they are stored" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/ingress-guard /ingress-guard
COPY LICENSE /LICENSE
# Numeric, because the image has no /etc/passwd and runAsNonRoot requires a numeric user.
USER 65532:65532
# Port 8443: reviews over TLS. Port 8080: health and metrics. The binary's default addresses are loopback addresses.
EXPOSE 8443 8080
ENV INGRESS_GUARD_LISTEN=0.0.0.0:8443 \
    INGRESS_GUARD_HEALTH_LISTEN=0.0.0.0:8080
ENTRYPOINT ["/ingress-guard"]
CMD ["serve"]
