# Thin: what each target does is in the tools it calls. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# What the toolchain of the distribution or of rustup must at least be; Cargo.toml says the same.
RUST_VERSION := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Where cargo puts what it makes, which CARGO_TARGET_DIR, CARGO_BUILD_TARGET_DIR and cargo's own configuration have a say in. Asked when
# a recipe needs it: before `deps` there may be no cargo.
TARGET = $(shell cross/target-directory)

BUILD_PACKAGES := gcc pkg-config libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev \
	libasound2-dev libudev-dev libclang-dev
RUN_PACKAGES := gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly \
	gstreamer1.0-nice gstreamer1.0-alsa gstreamer1.0-x
TEST_PACKAGES := gstreamer1.0-libav gstreamer1.0-tools mosquitto mosquitto-clients openssl iproute2 coturn \
	pulseaudio pulseaudio-utils libasound2-plugins chromium \
	python3-venv python3-aiohttp python3-aiortc python3-paho-mqtt python3-numpy systemd faketime \
	fonts-dejavu-core fonts-noto-core fonts-noto-color-emoji fonts-wqy-microhei

# Where npm is not there already, from wherever.
NODE_PACKAGES := nodejs npm

CROSS_PACKAGES := mmdebstrap dpkg-dev lintian bc util-linux
SYSTEM_PACKAGES := qemu-user-static arch-test e2fsprogs openssh-client procps

.PHONY: help peers web-servers deps deps-node deps-cross deps-system build console demo test test-console gallery test-system lint deny bench bench-console schema fuzz fuzz-keep fmt deb deb-console

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

deps: ## install what building and testing need (package manager, sudo)
	@missing=; for p in $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q '^install ok' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing:$$missing"; \
	  $(SUDO) apt-get update -q && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -q --no-install-recommends $$missing; fi
	@fits() { [ "$$(printf '%s\n' $(RUST_VERSION) "$$(rustc --version 2>/dev/null | cut -d' ' -f2)" | sort -V | head -n 1)" = $(RUST_VERSION) ]; }; \
	if ! fits; then echo "installing a Rust toolchain ($(RUST_VERSION) or later)"; \
	  if apt-cache show rustc-web >/dev/null 2>&1; then $(SUDO) apt-get install -y -q cargo-web rustc-web; \
	  else $(SUDO) apt-get install -y -q rustup && rustup default stable; fi; \
	  hash -r; fits || { echo "no Rust $(RUST_VERSION) here: install one from https://rustup.rs"; exit 1; }; fi

deps-node:
	@command -v npm >/dev/null || { echo "installing: $(NODE_PACKAGES)"; $(SUDO) apt-get update -q && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -q --no-install-recommends $(NODE_PACKAGES); }

# What the lock file names, and nothing newer; its install scripts are not run.
console/node_modules/.package-lock.json: console/package-lock.json | deps-node
	cd console && npm ci --no-fund --no-audit --ignore-scripts && touch node_modules/.package-lock.json

deps-cross: ## what packages for other machines need beside that
	DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -q --no-install-recommends $(CROSS_PACKAGES)

# One version for all of qemu: a newer qemu-utils refuses the distribution's qemu-system-arm.
deps-system: deps-cross ## what the system test needs beside that
	version=$$(apt-cache madison qemu-system-arm | awk 'NR == 1 {print $$3}'); \
	DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -q --no-install-recommends --allow-downgrades $(SYSTEM_PACKAGES) \
	  qemu-system-arm=$$version qemu-system-common=$$version qemu-utils=$$version

build: deps ## build the program
	cargo build --release --locked

console: console/node_modules/.package-lock.json ## the console, one page: console/index.html in cargo's target folder
	cd console && node build.mjs "$(TARGET)/console"

demo: build $(if $(CONSOLE),console) ## the main job on this machine: a broker, a host, two guests (KEEP=1 stays up, CONSOLE=1 with the console)
	cargo run --quiet --release --locked --bin coguestd -- demo --pictures "$(TARGET)/demo" $(if $(KEEP),--keep) $(if $(CONSOLE),--console "$(TARGET)/console")

# Peers that Debian does not have yet, for the tests: aiortc that takes nothing but ECDSA.
peers: deps ## peers that the tests talk to, in cargo's target folder
	@peers="$(TARGET)/peers"; [ -f "$$peers/complete" ] || { rm -rf "$$peers" && \
	  python3 -m venv "$$peers" && "$$peers/bin/pip" install -q 'aiortc>=1.9' paho-mqtt numpy && touch "$$peers/complete"; } || { rm -rf "$$peers"; exit 1; }

test: deps peers ## run every test
	cargo test --locked --lib --bins --tests --example documents
	$(MAKE) test-console

# Web servers that the console's tests start themselves: unpacked, for an installed one would be started, too.
web-servers: deps
	@servers="$(TARGET)/web-servers"; [ -f "$$servers/complete" ] || { rm -rf "$$servers" && mkdir -p "$$servers" && cd "$$servers" && \
	  { apt-get download -q nginx caddy || { $(SUDO) apt-get update -q && apt-get download -q nginx caddy; }; } && \
	  for package in *.deb; do dpkg -x "$$package" . || exit 1; done && touch complete; } || { rm -rf "$$servers"; exit 1; }

test-console: deps web-servers console ## the console's tests: its pure parts, and Chromium with a broker, a host and guests (ONLY="name": one of them)
	cargo build --locked
	cd console && npx tsc && COGUESTD="$(TARGET)/debug/coguestd" WEB_SERVERS="$(TARGET)/web-servers" node test/run.mjs all $(if $(ONLY),"$(ONLY)")

gallery: deps console ## pictures of the console's pages, into console/gallery in cargo's target folder
	cargo build --locked
	cd console && COGUESTD="$(TARGET)/debug/coguestd" GALLERY="$(TARGET)/console/gallery" node test/run.mjs gallery

bench-console: build console ## measure the console with nine moving tiles: pictures a second, time to the first, memory (MINUTES=30)
	cd console && COGUESTD="$(TARGET)/release/coguestd" MINUTES="$(or $(MINUTES),30)" node test/run.mjs bench

lint: deps ## formatting, clippy, rustdoc
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

# An exact version, kept beside what packaging keeps, so that it is compiled once on a machine.
CARGO_DENY := 0.20.2
CARGO_DENY_ROOT = $${CROSS_CACHE:-$$HOME/.cache/coguestd-cross}/cargo-deny-$(CARGO_DENY)

deny: ## licences, sources and banned crates (and known vulnerabilities with DENY="check advisories", from the network)
	@[ -x "$(CARGO_DENY_ROOT)/bin/cargo-deny" ] || CARGO_PROFILE_DEV_DEBUG=false cargo install --quiet --locked --debug --root "$(CARGO_DENY_ROOT)" cargo-deny@$(CARGO_DENY)
	"$(CARGO_DENY_ROOT)/bin/cargo-deny" --locked $(or $(DENY),check bans licenses sources)

schema: ## write docs/asyncapi.json anew
	cargo run --locked -q -- schema > docs/asyncapi.json

bench: build peers ## measure: CPU, memory, start-up, idling, stays, full rooms, what is heard and seen; a table and bench.json in cargo's target folder (15 minutes)
	cargo build --release --locked --examples
	cargo run --quiet --release --locked --example bench -- $(GROUPS)

# Coverage for libFuzzer by a stable compiler: what cargo-fuzz asks of a nightly one, but for the sanitizers.
SANCOV := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
	-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing
FUZZ ?= -max_total_time=60
FUZZ_RUN = RUSTFLAGS="$(SANCOV)" cargo run --release --locked --target $$(rustc -vV | sed -n 's/^host: //p') --bin

fuzz: ## any bytes to the wire, to the readers of descriptions and to both machines, guided by coverage, a minute each (FUZZ="-max_total_time=600": longer)
	@command -v c++ >/dev/null || $(SUDO) apt-get install -y -q g++
	mkdir -p fuzz/corpus/descriptions && tar -xJf fuzz/corpus.tar.xz -C fuzz/corpus
	cd fuzz && $(FUZZ_RUN) wire -- -max_len=8192 $(FUZZ) corpus/wire ../tests/golden/*/ && \
	  $(FUZZ_RUN) descriptions -- -max_len=8192 $(FUZZ) corpus/descriptions sdp && \
	  $(FUZZ_RUN) machines -- -max_len=1024 $(FUZZ) corpus/machines seeds

fuzz-keep: ## keep what the fuzzers found: the fewest inputs with the same coverage, in fuzz/corpus.tar.xz
	rm -rf fuzz/kept && mkdir -p fuzz/kept/wire fuzz/kept/descriptions fuzz/kept/machines
	cd fuzz && $(FUZZ_RUN) wire -- -set_cover_merge=1 -max_len=8192 kept/wire corpus/wire && \
	  $(FUZZ_RUN) descriptions -- -set_cover_merge=1 -max_len=8192 kept/descriptions corpus/descriptions && \
	  $(FUZZ_RUN) machines -- -set_cover_merge=1 -max_len=1024 kept/machines corpus/machines && \
	  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cJf corpus.tar.xz -C kept wire descriptions machines
	rm -rf fuzz/kept

fmt: ## format the sources
	cargo fmt

deb-console: console ## the console as a package of its own
	console/debian/build "$(TARGET)/console/index.html" "$(TARGET)/debian"

deb: deps deps-cross ## the package; ARCH=arm64, armhf or amd64, SUITE=bookworm or trixie (default: this machine's)
	cross/deb $(ARCH) $(SUITE)

test-system: deps deps-system ## the arm64 package on a virtual machine with a camera (STEPS="install main"; root)
	cross/deb arm64 bookworm
	cargo build --locked --release --bin coguestd
	tests/system/run "$(TARGET)"/debian/coguestd_*_arm64.deb "$(TARGET)/release/coguestd" $(STEPS)
