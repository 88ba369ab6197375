# make run      from a fresh machine to a running demonstration; PORT=8080 chooses the port, ONCE=1 ends after it
# make test     all that CI runs: formatting, syntax of the loaders, every test
# make build    the release programs in .build/release
# make test-apps  what needs a browser, after make test; CI runs it as well
# make test-vm   limits of applications (passenger_memory_max, passenger_pids_max) in a virtual machine, as root; its script
#                says what it needs
# make bench    the short form: counts per request against thresholds, CPU per request against nginx in front of nginx,
#               latency beside a neighbour that makes trouble and beside out-of-band work, and what smart spawning saves
# make bench-peers  twenty minutes: ours beside nginx with puma, Passenger, gunicorn and Node, Apache with Passenger, and uWSGI;
#               PEERS="--quick --only ruby hello" for a part of it
# make soak     ten minutes of a hostile tenant beside a neighbour, as root; DURATION=600
# make fuzz     searches every reader of what strangers send for inputs that break it; SECONDS=60 each, TARGETS= for some
# make walks    the random walks and searches of the unit tests with all of their seeds
# make install  DESTDIR= PREFIX=/usr/local SYSCONFDIR=/etc; the release programs that are there, else builds them first
# make uninstall  removes what make install put there, for the same DESTDIR= PREFIX= SYSCONFDIR=

SWIFT ?= swift
PORT ?=
ONCE ?=
DURATION ?= 600
SECONDS ?= 60
TARGETS ?=
PEERS ?=
DESTDIR ?=
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BIN_DIR := $(CURDIR)/.build/release
PROGRAMS := flying-passenger front-proxy passenger-status passenger-memory-stats passenger-config

# One release build for everything: run, test, bench and install use the same programs. The Swift runtime is linked in,
# so that they run on machines without Swift. Optimization across modules: the hot path crosses several of our own.
BUILD_FLAGS := -c release --static-swift-stdlib -Xswiftc -cross-module-optimization

.PHONY: all build run test test-apps test-vm unit-test integration-test lint format bench bench-peers soak fuzz walks install uninstall clean toolchain packages-build \
	packages-run packages-test packages-test-apps packages-bench packages-bench-peers

all: build

toolchain:
	@scripts/check-swift "$(SWIFT)"

packages-build packages-run packages-test packages-test-apps packages-bench packages-bench-peers: packages-%:
	@scripts/install-packages $*

build: toolchain packages-build
	@scripts/build-notice .build/release
	$(SWIFT) build $(BUILD_FLAGS)

run: toolchain packages-run build
	@PORT="$(PORT)" ONCE="$(ONCE)" scripts/demo "$(BIN_DIR)"

# The layering test first: it is quick and says most. Then what needs no programs, then the programs themselves.
test: toolchain packages-test lint build
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --filter '^LayeringTests\.'
	$(SWIFT) test --skip-build --skip '^LayeringTests\.' --skip '^IntegrationTests\.'
	FLYING_PASSENGER_BIN_DIR="$(BIN_DIR)" $(SWIFT) test --skip-build --filter '^IntegrationTests\.'

test-apps: toolchain packages-test-apps build
	$(SWIFT) build --build-tests
	FLYING_PASSENGER_BIN_DIR="$(BIN_DIR)" $(SWIFT) test --skip-build --filter 'RailsBrowserTests'

test-vm: build
	scripts/test-vm "$(BIN_DIR)"

lint: toolchain
	$(SWIFT) format lint --strict --parallel --recursive Sources Tests Package.swift
	@scripts/check-scripts

format: toolchain
	$(SWIFT) format --in-place --parallel --recursive Sources Tests Package.swift

bench: toolchain packages-bench build
	Benchmarks/forwarding --bin-dir "$(BIN_DIR)"
	Benchmarks/neighbour --bin-dir "$(BIN_DIR)"
	Benchmarks/outofband --bin-dir "$(BIN_DIR)"
	Benchmarks/memory --bin-dir "$(BIN_DIR)"
	Benchmarks/counts --bin-dir "$(BIN_DIR)"

bench-peers: toolchain packages-bench-peers build
	Benchmarks/peers --bin-dir "$(BIN_DIR)" $(PEERS)

soak: toolchain packages-bench build
	Benchmarks/tenant --bin-dir "$(BIN_DIR)" --seconds "$(DURATION)" --limit 3

# In a directory of its own: everything is built once more, with the sanitizer's marks in it.
fuzz: toolchain packages-build
	FLYING_PASSENGER_FUZZ=1 $(SWIFT) build -c release --scratch-path .build-fuzz --product fuzz --sanitize=fuzzer
	scripts/fuzz .build-fuzz/release/fuzz $(SECONDS) $(TARGETS)

walks: toolchain packages-test
	$(SWIFT) build --build-tests
	FLYING_PASSENGER_WALKS=all $(SWIFT) test --skip-build --filter '(Walk|Fairness|Codec|Fuzz)Tests/'

# Whoever installs is often root, with no Swift and no network: what is built is not built again.
install: $(if $(wildcard $(BIN_DIR)/flying-passenger-exec),,build)
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" SYSCONFDIR="$(SYSCONFDIR)" scripts/install-files "$(BIN_DIR)" $(PROGRAMS)

uninstall:
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" SYSCONFDIR="$(SYSCONFDIR)" scripts/install-files --uninstall

clean:
	rm -rf .build .build-fuzz
