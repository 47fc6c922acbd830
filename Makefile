# The two commands of the README are `make lab` and `make test`. What needs a program that is not
# there brings it first, by setup/setup.sh.
.DEFAULT_GOAL := help
.PHONY: help setup lab test check system scenarios interop interop-table fidelity test-docker test-kind bench bench-page golden record-bgp clean

LAB ?= rack-spine

# What `make test-kind` runs: the tests, the lab that LAB names on the command line, or one after the other those of
# LABS: `all`, which writes docs/kind-labs.md, or names with commas.
ifeq ($(origin LAB),command line)
ON_KIND := bin/spinelab.mjs run $(LAB) --runtime docker
else ifneq ($(LABS),)
ON_KIND := test/docker/kind-labs.ts $(LABS)
else
ON_KIND := node_modules/vitest/vitest.mjs run --project kind
endif

# Network namespaces need root.
AS_ROOT := setup/as-root.sh

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-13s %s\n' "$$name" "$$what"; done

setup: ## install what is missing: system packages and npm packages
	@setup/setup.sh

lab: setup ## deploy a lab, play its scenario, report, destroy (LAB=rack-spine)
	@$(AS_ROOT) bin/spinelab.mjs $(LAB)

test: setup ## every test: check, then system, then interop
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory system
	@$(MAKE) --no-print-directory interop

check: setup ## types, lint, format, dead code, unit tests: nothing of the machine is touched
	@npm run --silent check

system: ## tests that build labs in network namespaces with real FRR (root)
	@setup/setup.sh test
	@$(AS_ROOT) npm run --silent system

scenarios: ## play every scenario of scenarios/LAB/ on its lab (root)
	@setup/setup.sh test
	@$(AS_ROOT) npm run --silent system -- test/system/scenarios/

interop: ## the speaker against FRR, BIRD, GoBGP, ExaBGP and OpenBGPD in namespaces (root)
	@setup/setup.sh speakers
	@$(AS_ROOT) npm run --silent interop

interop-table: ## write docs/interop.md anew from such a run: read the difference before you commit it
	@setup/setup.sh speakers
	@$(AS_ROOT) node_modules/.bin/node test/interop/run.ts --write

fidelity: ## every lab simulated and on real FRR, compared: writes docs/fidelity.md (root, 20 minutes)
	@setup/setup.sh test
	@$(AS_ROOT) node_modules/.bin/node test/fidelity/run.ts --write --runs 3

test-docker: setup ## tests on Docker, with an engine of their own that is gone afterwards (root)
	@$(AS_ROOT) setup/test-engine.sh run node_modules/.bin/vitest run --project docker

test-kind: setup ## rack-spine on real Kubernetes by kind, or labs (LAB=services, LABS=all); the first time compiles it (root)
	@$(AS_ROOT) setup/test-engine.sh run sh -c 'set -a; settings=$$(setup/test-kind.sh) && eval "$$settings" && node_modules/.bin/node $(ON_KIND)'

bench: ## measure: against a lab built by hand, against every other speaker, fuzz, Docker (root)
	@setup/setup.sh speakers
	@$(AS_ROOT) npm run --silent bench

bench-page: ## the same on a machine that does nothing else, written into docs/performance.md: read the difference
	@setup/setup.sh speakers
	@$(AS_ROOT) npm run --silent bench -- --write

golden: setup ## write the expected outputs of tests anew: read the difference before you commit it
	@UPDATE_GOLDEN=1 npm run --silent unit

record-bgp: ## record anew what other BGP daemons send, into test/data/bgp (root; their Debian packages)
	@$(AS_ROOT) test/bgp-captures/record.sh

clean: ## take down every lab, and remove reports and caches
	@if [ -e node_modules/.package-lock.json ]; then $(AS_ROOT) bin/spinelab.mjs down --all; fi
	@rm -rf reports node_modules/.cache
