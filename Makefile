# The one door for people and CI. `make help` lists what is behind it.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

CARGO_DENY_VERSION := 0.20.2
HELM_VERSION := v3.22.0
export PATH := $(PATH):$(HOME)/.cargo/bin:$(HOME)/go/bin

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

.PHONY: run
run: tools ## Build, and serve the example cluster on https://127.0.0.1:8443
	@cargo build --locked
	@echo
	@echo 'Send a review that is allowed, and one that is denied, from another terminal in this folder:'
	@echo
	@echo "  curl -sk https://127.0.0.1:8443/validate -H 'content-type: application/json' --data-binary @examples/reviews/good.json"
	@echo "  curl -sk https://127.0.0.1:8443/validate -H 'content-type: application/json' --data-binary @examples/reviews/bad.json"
	@echo
	@echo '(-k, because the certificate below lives in memory only; curl --cacert FILE with it in a file is the strict way.)'
	@echo
	@exec target/debug/ingress-guard serve --manifests examples/cluster --log-format text

.PHONY: test
test: tools ## Run all tests; some need nginx, and Go or KUBEBUILDER_ASSETS
	cargo test --locked

.PHONY: lint
lint: tools ## Formatting, clippy and rustdoc; warnings are errors
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items

.PHONY: bench
bench: tools ## Requests/s and CPU per request beside a request that does nothing; check of 1,000 manifests; audit of 10,000 Ingresses
	cargo bench --locked --bench review --bench check --bench audit

.PHONY: bounds
bounds: tools ## What the largest Ingresses and the fullest hosts cost
	cargo bench --locked --bench bounds

.PHONY: memory
memory: tools ## What it holds of a large cluster, and how long it takes to be ready
	cargo bench --locked --bench memory

.PHONY: soak
soak: tools ## Ten minutes of random legal writes to a real API server: not one may be denied
	SOAK_SECONDS=600 cargo test --locked --test e2e soak -- --nocapture

.PHONY: worlds
worlds: tools ## Compare the location model with a real nginx on 50,000 clusters made up at random
	NGINX_SEED=$$RANDOM NGINX_WORLDS=50000 cargo test --locked --test nginx -- --nocapture

.PHONY: bless
bless: tools ## Write the outputs on check pages and docs/explain.md and the expected answers anew; read the diff
	UPDATE_PAGES=1 cargo test --locked --test suite -- pages:: registry:: admission::replay check::formats explain::page

.PHONY: docs
docs: tools ## Write docs/checks.md, the schemas in docs and chart/files/rules.yaml anew
	UPDATE_PAGES=1 cargo test --locked --test suite -- registry::generated

.PHONY: new-check
new-check: ## Scaffold a check: make new-check CODE=IG204 NAME=service-without-ready-endpoints FOLDER=backend
	@src/checks/new-check.sh '$(CODE)' '$(NAME)' '$(FOLDER)'

.PHONY: deny
deny: tools ## Licences, sources and banned crates
	cargo deny --version 2>/dev/null | grep -qF $(CARGO_DENY_VERSION) || cargo install --locked cargo-deny@$(CARGO_DENY_VERSION)
	cargo deny --locked check bans licenses sources

.PHONY: chart
chart: ## Lint the chart; deploy/ is what it renders
	@if ! command -v helm >/dev/null && command -v go >/dev/null; then \
		CGO_ENABLED=0 go install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION); fi
	@if command -v helm >/dev/null; then \
		helm lint --quiet chart && deploy/render.sh --check; \
	elif [ -n "$${CI:-}" ]; then echo 'NEITHER HELM NOR GO: THE CHART WAS NOT CHECKED' >&2; exit 1; \
	else echo 'NEITHER HELM NOR GO: THE CHART WAS NOT CHECKED' >&2; fi

.PHONY: image
image: ## Build the container image
	docker build -t ingress-guard:dev .

.PHONY: ci
ci: lint test deny chart ## What CI runs; generated files must be as committed
	git diff --exit-code
	@echo 'ci: all green'

# A C compiler for PCRE2, ring and mimalloc; the Rust toolchain that rust-toolchain.toml names.
.PHONY: tools
tools:
	@if ! command -v cc >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential; \
		else echo 'a C compiler is needed (Debian: apt-get install build-essential)' >&2; exit 1; fi; fi
	@if ! command -v cargo >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get install -y -qq --no-install-recommends rustup; then \
			rustup toolchain install; \
		else echo 'Rust is needed: https://rustup.rs' >&2; exit 1; fi; fi
