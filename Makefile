# Two commands are all a user needs: make demo, make test. Each sets up what it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: help deps build demo test lab test-asan fuzz lint format generate install clean bench

JOBS ?= $(shell nproc)
# What one clone has compiled serves all others: paths count from the clone.
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= true
PREFIX ?= /usr/local

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

deps:  ## install what building, testing and linting need (Debian, Ubuntu)
	@deploy/deps.sh build lint demo test

build:  ## build/bin/chaos-controller and build/bin/chaosctl
	@deploy/deps.sh build
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS) --target chaos-controller chaosctl

demo: build  ## a real run on a small application, in under a minute once built
	@deploy/deps.sh demo
	@deploy/demo/demo.sh

test:  ## every test
	@deploy/deps.sh build test
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@test/run.sh build
	@test/lab/run.sh build

LAB ?=
lab:  ## the tests that need the kernel of the lab, a virtual machine; LAB="--shell", LAB="PROGRAM ARGUMENT…"
	@deploy/deps.sh build test
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@test/lab/run.sh build $(LAB)

test-asan:  ## every test again under AddressSanitizer and UndefinedBehaviorSanitizer
	@deploy/deps.sh build test
	@cmake --preset asan >/dev/null
	@cmake --build --preset asan -j $(JOBS) --target unit-tests integration-tests
	@test/run.sh build/asan

FUZZ_SECONDS ?= 600
fuzz:  ## fuzz what reads foreign bytes, FUZZ_SECONDS each ("smoke": a short run, always the same)
	@deploy/deps.sh build lint
	@test/fuzz/run.sh $(FUZZ_SECONDS)

lint:  ## formatting, static analysis, shell scripts
	@deploy/deps.sh build lint
	@test/lint.sh

format:  ## rewrite the sources in the project's format
	@git ls-files '*.cpp' '*.h' | xargs clang-format-19 -i

generate: build  ## the files made from crd-schemas/
	@build/bin/chaosctl schema >crd-schemas/chaosexperiment.schema.json
	@build/bin/chaosctl schema config >crd-schemas/chaosconfig.schema.json
	@build/bin/chaosctl schema --markdown >docs/reference.md

bench:  ## the figures of speed, measured on this machine against a real engine
	@deploy/deps.sh build test
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@test/run.sh build build/bin/bench --json build/bench.json

install: build  ## into PREFIX (/usr/local)
	install -D -m 755 build/bin/chaos-controller $(DESTDIR)$(PREFIX)/sbin/chaos-controller
	install -D -m 755 build/bin/chaos-stressor $(DESTDIR)$(PREFIX)/sbin/chaos-stressor
	install -D -m 755 build/bin/chaosctl $(DESTDIR)$(PREFIX)/bin/chaosctl

clean:  ## remove build/
	@rm -rf build
