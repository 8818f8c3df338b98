# The only command list of the project; .ci/run calls nothing else.

SHELL := /bin/bash
.DEFAULT_GOAL := help

CACHE := $(or $(CUBEGATE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cubegate)
TARGET := $(or $(CARGO_TARGET_DIR),target)
CUBEGATE := $(TARGET)/debug/cubegate
FILTER := $(TARGET)/wasm32-wasip1/filter/cubegate_filter.wasm
ENVOY := .tools/envoy
WASM_BINDGEN = $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
DENY := $(CACHE)/cargo-deny-0.20.2/bin/cargo-deny
MACHETE := $(CACHE)/cargo-machete-0.9.2/bin/cargo-machete
WASM_RUNNER = $(CACHE)/wasm-bindgen-$(WASM_BINDGEN)/bin

.PHONY: help
help: ## Show what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'

.PHONY: up
up: targets ## Start two API servers and the gateway, and print what to try
	@# Side by side: each has phases in which it waits for the network or for one core.
	@$(MAKE) --no-print-directory --jobs=3 build-filter build-control-plane stack
	deploy/local/up.sh

# A kube-apiserver may have to be built, which yields to what Rust builds meanwhile.
.PHONY: stack
stack:
	@nice -n 5 deploy/local/tools.sh stack >/dev/null

.PHONY: down
down: ## Stop exactly what `make up` started
	deploy/local/down.sh

.PHONY: build
build: build-filter build-cubegate ## Build the filter and the control plane in release

.PHONY: targets
targets:
	@installed=$$(rustup target list --installed); for target in wasm32-wasip1 wasm32-unknown-unknown; do \
	  grep -qx $$target <<<"$$installed" || rustup target add $$target; done

.PHONY: build-filter
build-filter: targets
	cargo build --package cubegate-filter --profile filter --target wasm32-wasip1

.PHONY: build-cubegate
build-cubegate:
	cargo build --package cubegate --release

# What the local stack, lint and the tests run: most of it is compiled for the unit
# tests anyway, and arithmetic that overflows is an error in it.
.PHONY: build-dev
build-dev: build-filter build-control-plane ## Build the filter in release, the control plane for development

.PHONY: build-control-plane
build-control-plane:
	cargo build --package cubegate --package cubegate-health

.PHONY: tools
tools: ## Get Envoy, etcd, kube-apiserver, kubectl, PostgreSQL, Prometheus, Chromium and axe
	deploy/local/tools.sh all

.PHONY: test
test: test-unit test-wasm test-fuzz test-e2e ## Run every test of the project

.PHONY: test-unit
test-unit: ## Run the tests that need nothing but Rust and PostgreSQL
	deploy/local/tools.sh postgres >/dev/null
	cargo test --features cubegate-token/sign

.PHONY: test-wasm
test-wasm: targets $(WASM_RUNNER)/wasm-bindgen-test-runner ## Run the common crates' tests in wasm
	@command -v node >/dev/null || { echo "node is missing; run: apt-get install nodejs" >&2; exit 1; }
	PATH="$(WASM_RUNNER):$$PATH" cargo test --package cubegate-token --package cubegate-list --target wasm32-unknown-unknown --test wasm

$(WASM_RUNNER)/wasm-bindgen-test-runner:
	@echo "building wasm-bindgen-test-runner $(WASM_BINDGEN) (about 2 minutes, once)" >&2
	CARGO_TARGET_DIR=$(CACHE)/build-wasm-bindgen cargo install --quiet --debug wasm-bindgen-cli --version $(WASM_BINDGEN) --bin wasm-bindgen-test-runner --root $(CACHE)/wasm-bindgen-$(WASM_BINDGEN)

.PHONY: test-fuzz
test-fuzz: ## Fuzz each target for FUZZ_SECONDS (15)
	fuzz/run.sh $(or $(FUZZ_SECONDS),15)

.PHONY: fuzz
fuzz: ## Fuzz the targets of FUZZ_TARGETS (all) for FUZZ_SECONDS (20)
	fuzz/run.sh $(or $(FUZZ_SECONDS),20) $(FUZZ_TARGETS)

.PHONY: explore
explore: ## Look for new faults for MINUTES (10), with random seeds and the fuzz targets
	tests/explore.sh $(or $(MINUTES),10)

.PHONY: test-e2e
test-e2e: build-dev tools ## Run the tests on real Envoy, kube-apiserver and etcd
	cargo test --package cubegate-tests --package cubegate-bench

.PHONY: images
images: ## Build the container images and their SBOMs, with docker or podman; ARCH is amd64 or arm64
	SBOM=$(TARGET)/images/sbom deploy/images/build.sh $(if $(ARCH),--arch $(ARCH))

.PHONY: images-test
images-test: ## Build the images on Debian's packages, run them and measure them (root, podman)
	deploy/images/test/run.sh

.PHONY: images-arm64
images-arm64: ## Compile the images' programs for arm64, and run them by qemu
	deploy/images/test/emulated.sh

.PHONY: compose-test
compose-test: ## Bring the compose stack up, go through the guide, and break one part after the other (root, podman)
	deploy/compose/test/run.sh

.PHONY: reproducible
reproducible: targets ## Build the filter in two folders, and compare the bytes
	deploy/images/test/reproducible.sh

.PHONY: soak
soak: build tools ## Live through MINUTES (20) of load, kills and churn, and tell what was lost
	cargo build --package cubegate-tests --release --bin cubegate-soak
	CUBEGATE_BIN=$(abspath $(TARGET))/release/cubegate $(TARGET)/release/cubegate-soak $(or $(MINUTES),20)

.PHONY: conformance
conformance: build-dev tools ## Try other people's clients, at an API server itself and through the gateway (20 minutes, 3 GB of disk)
	cargo build --manifest-path tests/conformance/kube/Cargo.toml --target-dir $(TARGET)
	cargo build --package cubegate-tests --package cubegate-bench --bin cubegate-conformance
	$(TARGET)/debug/cubegate-conformance $(CAPABILITIES)
	cargo run --quiet --package cubegate-tests --example conformance > docs/conformance.md
	@$(if $(CAPABILITIES)$(CLIENTS),,$(MAKE) --no-print-directory conformance-suites)

.PHONY: conformance-suites
conformance-suites: build-dev tools ## Run Kubernetes' own suite of kubectl, at an API server itself and through the gateway (half an hour, once 15 minutes more; 3 GB of disk)
	cargo build --package cubegate-tests --package cubegate-bench --bin cubegate-conformance
	$(TARGET)/debug/cubegate-conformance suites $(SUITE) $(CASES)
	cargo run --quiet --package cubegate-tests --example conformance > docs/conformance.md

.PHONY: bench
bench: build tools ## Measure the promised figures, on a machine that does nothing else
	cargo build --package cubegate-bench-engine --profile filter --target wasm32-wasip1
	cargo build --package cubegate-bench --release
	@rm -rf $(TARGET)/criterion/list # nobody reads the estimates of another run
	cargo bench --package cubegate-bench-native
	$(TARGET)/release/cubegate-bench tokens
	$(TARGET)/release/cubegate-bench fleet
	$(TARGET)/release/cubegate-bench xds
	$(TARGET)/release/cubegate-bench envoys
	$(TARGET)/release/cubegate-bench requests
	$(TARGET)/release/cubegate-bench list
	$(TARGET)/release/cubegate-bench console

# In release, since one reads every file of the project, and both are kept.
$(DENY) $(MACHETE): root = $(patsubst %/bin/,%,$(dir $@))
$(DENY) $(MACHETE):
	@echo "building $(notdir $(root)) (some minutes, once)" >&2
	CARGO_TARGET_DIR=$(CACHE)/build-cargo-tools CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 cargo install --quiet --locked $(notdir $@) --version $(subst $(notdir $@)-,,$(notdir $(root))) --root $(root)

.PHONY: lint
lint: build-dev $(DENY) $(MACHETE) ## Check format, lints, dependencies, documentation and the Envoy configurations
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path tests/conformance/kube/Cargo.toml --check
	cargo clippy --workspace --exclude cubegate-filter --exclude cubegate-bench-engine --all-targets --features cubegate-token/sign -- --deny warnings
	cargo clippy --package cubegate-filter --package cubegate-bench-engine --target wasm32-wasip1 -- --deny warnings
	cargo clippy --manifest-path fuzz/Cargo.toml --target-dir $(TARGET)/fuzz --no-default-features -- --deny warnings
	$(MACHETE) common filter control-plane tests bench fuzz
	.ci/deny.sh $(DENY)
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --exclude cubegate-filter --exclude cubegate-bench-engine --no-deps --document-private-items --quiet
	deploy/local/tools.sh envoy >/dev/null
	envoy/validate.sh $(ENVOY) $(CUBEGATE) $(FILTER)
	diff --unified docs/cli.md <($(CUBEGATE) man --markdown) || { echo "the command line has changed; run: make generate" >&2; exit 1; }
	deploy/helm/render.sh "$$(deploy/local/tools.sh helm)" --check
	docs/check-paths.sh README.md ARCHITECTURE.md bench/README.md docs/lists.md docs/connections.md docs/import.md docs/audit.md docs/keys.md docs/impersonation.md docs/storage.md docs/kubesphere.md docs/envoys.md docs/metrics.md docs/runbook.md docs/operations.md docs/sources.md docs/scale.md envoy/README.md docs/threats.md docs/clients.md docs/conformance.md docs/console.md docs/logging.md docs/recipes.md docs/kubernetes.md docs/gateways.md deploy/images/README.md deploy/compose/README.md deploy/helm/cubegate/README.md CONTRIBUTING.md SECURITY.md
	docs/check-tests.sh docs/operations.md docs/threats.md docs/clients.md docs/gateways.md
	deploy/observability/dashboards.py --check

.PHONY: generate
generate: build-dev ## Write the generated files anew
	$(CUBEGATE) bootstrap > envoy/bootstrap.yaml
	$(CUBEGATE) man --markdown > docs/cli.md
	$(CUBEGATE) cluster manifest --subject-user cubegate --no-flow-schema > deploy/local/gateway-rbac.yaml
	deploy/helm/render.sh "$$(deploy/local/tools.sh helm)"
	cargo run --quiet --package cubegate-api --example openapi > docs/openapi.json
	deploy/observability/dashboards.py
	cargo run --quiet --package cubegate-tests --example compatibility > docs/compatibility.md
	cargo run --quiet --package cubegate-tests --example conformance > docs/conformance.md

.PHONY: dist
dist: build ## Pack the Debian package and the tarball into target/dist, and check them
	cargo build --package cubegate-health --release
	@rm -rf $(TARGET)/dist
	deploy/dist/dist.sh $(TARGET)/release $(FILTER) $(TARGET)/dist
	deploy/dist/check.sh $(TARGET)/release $(FILTER) $(TARGET)/dist

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	cargo fmt --manifest-path tests/conformance/kube/Cargo.toml

.PHONY: presubmit
presubmit: lint test ## What must pass before a push
