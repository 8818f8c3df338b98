# The only command list of the project; .ci/run calls nothing else.

SHELL := /bin/bash
.DEFAULT_GOAL := help

CACHE := $(or $(CUBEGATE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cubegate)
TARGET := $(or $(CARGO_TARGET_DIR),target)
CUBEGATE := $(TARGET)/debug/cubegate
FILTER := $(TARGET)/wasm32-wasip1/filter/cubegate_filter.wasm
ENVOY := .tools/envoy
WASM_BINDGEN = $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
WASM_RUNNER = $(CACHE)/wasm-bindgen-$(WASM_BINDGEN)/bin

.PHONY: help
help: ## Show what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: up
up: build ## Start two API servers and the gateway, and print what to try
	deploy/local/up.sh

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

# What lint and the tests run: most of it is compiled for the unit tests anyway,
# and arithmetic that overflows is an error in it.
.PHONY: build-dev
build-dev: build-filter ## Build the filter in release, the control plane for development
	cargo build --package cubegate

.PHONY: tools
tools: ## Get Envoy, etcd, kube-apiserver, kubectl and PostgreSQL
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

.PHONY: soak
soak: build tools ## Live through MINUTES (20) of load, kills and churn, and tell what was lost
	cargo build --package cubegate-tests --release --bin cubegate-soak
	CUBEGATE_BIN=$(abspath $(TARGET))/release/cubegate $(TARGET)/release/cubegate-soak $(or $(MINUTES),20)

.PHONY: bench
bench: build tools ## Measure the promised figures, on a machine that does nothing else
	cargo build --package cubegate-bench-engine --profile filter --target wasm32-wasip1
	cargo build --package cubegate-bench --release
	@rm -rf $(TARGET)/criterion/list # nobody reads the estimates of another run
	cargo bench --package cubegate-bench-native
	$(TARGET)/release/cubegate-bench tokens
	$(TARGET)/release/cubegate-bench list

.PHONY: lint
lint: build-dev ## Check format, lints, documentation and the Envoy configurations
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --exclude cubegate-filter --exclude cubegate-bench-engine --all-targets --features cubegate-token/sign -- --deny warnings
	cargo clippy --package cubegate-filter --package cubegate-bench-engine --target wasm32-wasip1 -- --deny warnings
	cargo clippy --manifest-path fuzz/Cargo.toml --target-dir $(TARGET)/fuzz --no-default-features -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --exclude cubegate-filter --exclude cubegate-bench-engine --no-deps --document-private-items --quiet
	deploy/local/tools.sh envoy >/dev/null
	envoy/validate.sh $(ENVOY) $(CUBEGATE) $(FILTER)
	docs/check-paths.sh README.md ARCHITECTURE.md bench/README.md docs/lists.md docs/connections.md docs/import.md docs/audit.md docs/keys.md docs/storage.md docs/kubesphere.md docs/envoys.md docs/threats.md

.PHONY: generate
generate: build-dev ## Write the generated files anew
	$(CUBEGATE) bootstrap > envoy/bootstrap.yaml
	$(CUBEGATE) cluster manifest --subject-user cubegate > deploy/local/gateway-rbac.yaml
	cargo run --quiet --package cubegate-api --example openapi > docs/openapi.json
	cargo run --quiet --package cubegate-tests --example compatibility > docs/compatibility.md

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml

.PHONY: presubmit
presubmit: lint test ## What must pass before a push
