# Everything a newcomer types. `make run` needs git, make, a C compiler and Rust; `make test` fetches the rest.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help run test check bench bench-peers bench-metrics profile soak doc build build-noop build-bench build-peers

SPEED  ?= 60
EVENTS ?= 2000000
ROUNDS ?= 5
PAIRS  ?= 30
SOAK_MINUTES ?= 30
SOAK_RATE    ?= 50000
CRASH_KILLS  ?= 1000
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),$(CARGO_BUILD_TARGET_DIR),target))
BIN    := $(TARGET)/release/streamgauge
BENCH  := $(abspath $(or $(CARGO_TARGET_DIR),$(CARGO_BUILD_TARGET_DIR),bench/target))/release
PEERS_PYTHON ?= .venv/bin/python
PEERS_ROUNDS ?= 1
FLINK  := bench/peers/flink
NOOP   := $(TARGET)/noop/release/streamgauge

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: build ## play the packaged hour at 60 times its speed (SPEED=max: unpaced), rows to out/
	@SPEED='$(SPEED)' scripts/run-hour.sh '$(BIN)'

test: ## the Rust tests, the metrics crates packed alone, what its guides show, then the oracles: DuckDB, promtool, a real Prometheus
	scripts/setup-tests.sh
	cargo test --workspace --locked
	cargo test --locked -p streamgauge-metrics --features noop --test noop
	cargo test --locked -p streamgauge-metrics --features metrics-facade --test facade
	cargo test --locked -p streamgauge-metrics --features metrics-facade --doc facade
	cargo run --locked --quiet -p streamgauge-metrics --features metrics-facade --example facade >/dev/null
	cargo test --locked --manifest-path bench/Cargo.toml -p coming-from
	cargo test --locked --manifest-path bench/Cargo.toml -p streamgauge-bench --lib
	cargo test --locked --release -p streamgauge-metrics --test stress --test firewall --test expiry
	cargo package --locked --allow-dirty -p streamgauge-metrics-derive -p streamgauge-metrics
	cargo build --release --locked
	STREAMGAUGE_BIN='$(BIN)' STREAMGAUGE_PAGES='$(TARGET)/debug/examples/pages' .venv/bin/python -m pytest tests/oracle

check: ## formatting, lints, documentation, house rules
	cargo fmt --all --check
	cargo fmt --manifest-path bench/Cargo.toml --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy -p streamgauge-metrics --features metrics-facade --all-targets --locked -- -D warnings
	cargo clippy --manifest-path bench/Cargo.toml --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked --features streamgauge-metrics/metrics-facade
	cargo test -p streamgauge --locked --test house

bench: build build-noop build-bench ## the main jobs beside serde_json and DuckDB; the tax of metrics, two cores, the first row, where an event's time goes, curves (EVENTS=2000000 ROUNDS=5 PAIRS=30)
	scripts/setup-tests.sh
	@scripts/machine.sh
	@echo; echo '## Beside others'; echo
	@$(BENCH)/compare --program '$(BIN)' --python .venv/bin/python --events '$(EVENTS)' --rounds '$(ROUNDS)'
	@echo; echo '## Cores, the first row, the tax of being observed'; echo
	@$(BENCH)/cores --program '$(BIN)' --events '$(EVENTS)' --rounds '$(ROUNDS)'; echo
	@$(BENCH)/start --program '$(BIN)'; echo
	@$(BENCH)/tax --program '$(BIN)' --noop '$(NOOP)' --events '$(EVENTS)' --pairs '$(PAIRS)'
	@echo; echo '## Where it goes'; echo
	@$(BENCH)/profile --program '$(BIN)'; echo
	@$(BENCH)/judging --rounds '$(ROUNDS)'
	@echo; echo '## Curves'; echo
	@$(BENCH)/shapes --program '$(BIN)' --rounds '$(ROUNDS)'; echo
	@$(BENCH)/curves --events '$(EVENTS)' --rounds 3
	@echo; echo '## Durable state'; echo
	@$(BENCH)/durable --program '$(BIN)' --events '$(EVENTS)' --rounds 3; echo
	@$(BENCH)/store

bench-peers: build build-bench build-peers ## the main jobs beside Flink, Bytewax, Pathway, Polars and two more parsers, those that are installed (EVENTS=2000000 PEERS_ROUNDS=1)
	@$(BENCH)/peers --program '$(BIN)' --parsers '$(TARGET)/peers/release/reference' --python '$(PEERS_PYTHON)' --flink '$(FLINK)' \
	  --events '$(EVENTS)' --rounds '$(PEERS_ROUNDS)'

profile: build build-bench ## the instructions of one event by parts of the work, counted by callgrind
	@$(BENCH)/profile --program '$(BIN)'

bench-metrics: ## nanoseconds and bytes of our metrics crate beside eight others; how long clients wait for a page (ROUNDS=5)
	cargo build --release --locked --manifest-path bench/Cargo.toml --package streamgauge-metrics-bench
	cargo run --release --locked --manifest-path bench/Cargo.toml --package streamgauge-metrics-bench \
	  --bin metrics-bench -- --rounds '$(ROUNDS)'

soak: build ## a thousand kills (CRASH_KILLS), then a log that grows and is rotated for long (SOAK_MINUTES=30 SOAK_RATE=50000)
	CRASH_KILLS='$(CRASH_KILLS)' cargo test --release --locked -p streamgauge --test crash -- --nocapture
	cargo build --release --locked --manifest-path bench/Cargo.toml --bin soak
	cargo run --release --locked --manifest-path bench/Cargo.toml --bin soak -- \
	  --program '$(BIN)' --minutes '$(SOAK_MINUTES)' --rate '$(SOAK_RATE)'

doc: ## the libraries' documentation
	cargo doc --workspace --no-deps --locked
	@echo "open $(TARGET)/doc/streamgauge/index.html"

build:
	cargo build --release --locked

build-bench:
	cargo build --release --locked --manifest-path bench/Cargo.toml

# The parsers for the very processor, as their manuals advise; Flink's jobs where Maven is.
build-peers:
	scripts/setup-tests.sh
	RUSTFLAGS='-C target-cpu=native' CARGO_TARGET_DIR='$(TARGET)/peers' cargo build --release --locked --manifest-path bench/Cargo.toml \
	  --features parsers --bin reference
	if command -v mvn >/dev/null; then mvn -q -B -f '$(FLINK)/pom.xml' package; fi

build-noop: # with metrics that do nothing, to see what they cost
	CARGO_TARGET_DIR='$(TARGET)/noop' cargo build --release --locked -p streamgauge --features streamgauge-metrics/noop
