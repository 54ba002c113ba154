# gadus: `make demo` shows it, `make test` tests it. Both install what they need (ops/setup.sh).
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
SEEDS ?= 0..2000

.PHONY: demo test build release sim bench lint fmt clean

demo:
	@ops/setup.sh
	$(CARGO) build --quiet --workspace --bin gadus
	@GADUS=$(TARGET)/debug/gadus INPUT="$(INPUT)" ops/demo.sh

test:
	@ops/setup.sh test
	@CARGO="$(CARGO)" ops/test.sh

build:
	$(CARGO) build --workspace --bin gadus

release:
	@ops/setup.sh
	@CARGO="$(CARGO)" ops/release.sh

sim:
	$(CARGO) run --quiet --package gadus-sim --bin sim -- --seeds $(SEEDS)

bench:
	@ops/setup.sh test
	@CARGO="$(CARGO)" ops/release.sh gadus gadus-bench
	@GADUS=$(TARGET)/release/gadus ops/bench.sh

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all

clean:
	$(CARGO) clean
