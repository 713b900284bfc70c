# Every task for contributors and CI. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

CARGO_DENY_VERSION := 0.20.2
HELM_VERSION := v3.22.0
# The version of Kubernetes for which Helm renders by default. Without it, Helm assumes 1.20, which charts refuse.
HELM_FLAGS := $(foreach package,chartutil lint/rules,-X helm.sh/helm/v3/pkg/$(package).k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$(package).k8sVersionMinor=33)
ACTIONLINT_VERSION := v1.7.12
# Prometheus 3.16.0
PROMTOOL_VERSION := v0.316.0
CARGO_CYCLONEDX_VERSION := 0.5.9
# The directory of `make install`.
PREFIX ?= /usr/local
export PATH := $(PATH):$(HOME)/.cargo/bin:$(HOME)/go/bin
# The image for this machine.
ARCHITECTURE := $(subst aarch64,arm64,$(subst x86_64,amd64,$(shell uname -m)))
IMAGE = dist/ingress-guard-$$(deploy/dist.sh version)-linux-$(ARCHITECTURE).oci.tar
# Each skipped test appends one line to this file.
SKIPPED := $(or $(CARGO_TARGET_DIR),target)/tmp/skipped
ENVTEST := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ingress-guard/envtest

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

.PHONY: run
run: tools ## Build, and serve examples/cluster on https://127.0.0.1:8443
	@echo 'Building ingress-guard (debug): about 2 minutes on two cores the first time, then seconds'
	@cargo build --locked
	@echo
	@echo 'Send a review that is allowed, and one that is denied, from another terminal in this directory:'
	@echo
	@echo "  curl -sk https://127.0.0.1:8443/validate -H 'content-type: application/json' --data-binary @examples/reviews/good.json"
	@echo "  curl -sk https://127.0.0.1:8443/validate -H 'content-type: application/json' --data-binary @examples/reviews/bad.json"
	@echo
	@echo '(-k, because the certificate below is generated at start. To verify it, save it to a file and use curl --cacert FILE.)'
	@echo
	@exec "$${CARGO_TARGET_DIR:-target}/debug/ingress-guard" serve --manifests examples/cluster --log-format text

.PHONY: test
test: tools helm promtool ## Run all tests; some need nginx, Chromium, curl, Helm, promtool, and Go or KUBEBUILDER_ASSETS
	@echo 'Building ingress-guard and its tests (debug): 2 to 5 minutes on two cores the first time'
	@if [ -z "$${KUBEBUILDER_ASSETS:-}" ] && command -v go >/dev/null && ! ls $(ENVTEST)/*/kubectl >/dev/null 2>&1; then \
		echo 'Then building Kubernetes for the end-to-end tests: about 7 minutes, once (KUBEBUILDER_ASSETS=DIR uses existing binaries)'; fi
	@rm -f $(SKIPPED); status=0; cargo test --locked || status=$$?; \
	if [ -s $(SKIPPED) ]; then echo; echo 'Skipped:'; sort -u $(SKIPPED) | sed 's/^/  /'; fi; exit $$status

.PHONY: lint
lint: tools ## Formatting, clippy and rustdoc; warnings are errors
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items

.PHONY: bench
bench: tools ## Measure reviews, check of 1,000 files and audit of 10,000 Ingresses
	cargo bench --locked --bench review --bench check --bench audit

.PHONY: bounds
bounds: tools ## Measure the largest Ingresses and the hosts with the most paths
	cargo bench --locked --bench bounds

.PHONY: attack
attack: tools ## Send hostile reviews beside honest ones, and hold the bounds of docs/reliability.md
	cargo bench --locked --bench attack

.PHONY: memory
memory: tools ## Measure memory and start time with a large cluster
	cargo bench --locked --bench memory

.PHONY: stored
stored: tools ## Measure the background audit of 20,000 Ingresses in a real API server
	cargo bench --locked --bench stored

.PHONY: soak
soak: tools ## Send random valid writes to a real API server for ten minutes; each must be accepted
	SOAK_SECONDS=600 cargo test --locked --test e2e soak -- --nocapture

.PHONY: worlds
worlds: tools ## Compare the location model with a real nginx on 50,000 random clusters
	NGINX_SEED=$$RANDOM NGINX_WORLDS=50000 cargo test --locked --test nginx -- --nocapture

.PHONY: fuzz
fuzz: tools ## Search for inputs that break a promise, one minute for each target (SECONDS_EACH=600 for longer)
	fuzz/run.sh

.PHONY: bless
bless: tools helm ## Write the outputs on check pages, in documents and in expected answers; read the diff
	UPDATE_PAGES=1 cargo test --locked --test suite -- pages:: registry:: admission::replay check::formats check::repositories explain::page docs::documented_commands_print

.PHONY: docs
docs: tools ## Write docs/checks.md, docs/configuration.md, the schemas and the generated files of the chart
	UPDATE_PAGES=1 cargo test --locked --test suite -- registry::generated

.PHONY: new-check
new-check: ## Scaffold a check: make new-check CODE=IG204 NAME=service-without-ready-endpoints FOLDER=backend
	@src/checks/new-check.sh '$(CODE)' '$(NAME)' '$(FOLDER)'

.PHONY: deny
deny: tools ## Licences, sources and banned crates
	cargo deny --version 2>/dev/null | grep -qF $(CARGO_DENY_VERSION) || cargo install --locked cargo-deny@$(CARGO_DENY_VERSION)
	cargo deny --locked check bans licenses sources

# Charts are rendered by it, in tests as well.
.PHONY: helm
helm:
	@if ! command -v helm >/dev/null && command -v go >/dev/null; then \
		CGO_ENABLED=0 go install -ldflags '$(HELM_FLAGS)' helm.sh/helm/v3/cmd/helm@$(HELM_VERSION); fi

# Metrics, alerts and the expressions of the dashboard are checked by it. Without service discovery, which it does not need, it builds faster.
.PHONY: promtool
promtool:
	@if ! command -v promtool >/dev/null && command -v go >/dev/null; then \
		echo 'Building promtool: two to five minutes on two cores, once'; \
		CGO_ENABLED=0 go install -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool@$(PROMTOOL_VERSION); fi

.PHONY: chart
chart: helm ## Lint the chart and compare deploy/ with its rendering
	@if command -v helm >/dev/null; then \
		helm lint --quiet chart && deploy/render.sh --check; \
	elif [ -n "$${CI:-}" ]; then echo 'skipped: the chart, neither Helm nor Go found' >&2; exit 1; \
	else echo 'skipped: the chart, neither Helm nor Go found' >&2; fi

.PHONY: workflows
workflows: ## Lint the workflows of GitHub
	@if command -v go >/dev/null; then go run github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION) -shellcheck= -pyflakes=; \
	elif [ -n "$${CI:-}" ]; then echo 'skipped: the workflows, Go not found' >&2; exit 1; \
	else echo 'skipped: the workflows, Go not found' >&2; fi

.PHONY: image
image: tools ## Build the container image in dist/ with buildah, look into it, and have it answer one review
	@command -v buildah >/dev/null || { echo 'buildah not found (Debian: apt-get install buildah)' >&2; exit 1; }
	deploy/image.sh build $(ARCHITECTURE) "$$(deploy/dist.sh binary "$$(rustc -vV | sed -n 's/^host: //p')")"
	deploy/image.sh inspect $(IMAGE)
	deploy/image.sh review $(IMAGE)

.PHONY: install
install: export INGRESS_GUARD_COMMIT = $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null)
install: tools ## Build a release and install it below PREFIX (/usr/local), also as a plugin of kubectl
	cargo install --locked --path . --no-track --root '$(PREFIX)'
	ln -sf ingress-guard '$(PREFIX)/bin/kubectl-ingress_guard'
	ln -sf ingress-guard '$(PREFIX)/bin/kubectl_complete-ingress_guard'
	'$(PREFIX)/bin/ingress-guard' man '$(PREFIX)/share/man/man1'
	mkdir -p '$(PREFIX)'/share/{bash-completion/completions,fish/vendor_completions.d,zsh/site-functions}
	'$(PREFIX)/bin/ingress-guard' completions bash >'$(PREFIX)/share/bash-completion/completions/ingress-guard'
	'$(PREFIX)/bin/ingress-guard' completions fish >'$(PREFIX)/share/fish/vendor_completions.d/ingress-guard.fish'
	'$(PREFIX)/bin/ingress-guard' completions zsh >'$(PREFIX)/share/zsh/site-functions/_ingress-guard'

.PHONY: dist
dist: tools ## Write the files of a release for this machine to dist/: static binary, SBOM, krew manifest, checksums
	rm -rf dist
	deploy/dist.sh archive "$$(rustc -vV | sed -n 's/^host: //p')"
	$(MAKE) sbom
	deploy/dist.sh krew
	deploy/dist.sh sums

.PHONY: sbom
sbom: tools ## Write the list of the dependencies to dist/ (CycloneDX)
	cargo cyclonedx --version 2>/dev/null | grep -qF $(CARGO_CYCLONEDX_VERSION) || cargo install --locked cargo-cyclonedx@$(CARGO_CYCLONEDX_VERSION)
	deploy/dist.sh sbom

.PHONY: ci
ci: lint test deny chart workflows ## What CI runs; generated files must be as committed
	git diff --exit-code
	@echo 'ci: all green'

# A C compiler for PCRE2, ring and mimalloc, and the Rust toolchain of rust-toolchain.toml. As root on Debian 13 or later they are installed.
.PHONY: tools
tools:
	@if ! command -v cc >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential; \
		else echo 'C compiler not found (Debian: apt-get install build-essential)' >&2; exit 1; fi; fi
	@if ! command -v cargo >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq --no-install-recommends rustup; then \
			rustup toolchain install; \
		else echo 'cargo not found: install Rust from https://rustup.rs' >&2; exit 1; fi; fi
