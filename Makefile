# The commands of this project. `make help` lists them; the work is done by CMake and scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help deps build cluster demo stop test test-clients check tidy format asan tsan fuzz planted sim bench ycsb clean

SEED ?= 1
OPS ?= 2000
SEEDS ?= 1..300
FUZZ_SECONDS ?= 30

help:    ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps:    ## Install the Debian packages that are missing
	@scripts/lib/deps.sh

build:   ## Build the programs into build/bin and the tests
	@scripts/build.sh

demo:    ## Build, start a gateway, SET and GET a key, say what to type next
	@scripts/dev/demo.sh

cluster: ## Build and start a cluster on this machine; Ctrl+C stops it
	@scripts/dev/cluster.sh

stop:    ## Stop the gateway that `make demo` started
	@scripts/dev/demo.sh stop

test:    ## Build and run the tests
	@scripts/test.sh

test-clients: ## Run redis-cli, redis-py, node-redis, ioredis, valkey-glide and whole stacks
	@scripts/test_clients.sh

check:   ## Run every check of format, layers, sizes, locking, docs and scripts
	@scripts/check.sh

tidy:    ## Run clang-tidy on the files changed lately
	@scripts/check.sh tidy

format:  ## Format every C++ file in place
	@scripts/lint/format.py --write

asan:    ## Unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/sanitize.sh asan

tsan:    ## Unit tests under ThreadSanitizer
	@scripts/sanitize.sh tsan

fuzz:    ## Run each fuzzer for FUZZ_SECONDS=30 seconds
	@scripts/fuzz.sh $(FUZZ_SECONDS)

planted: ## Plant every bug of tests/planted/bugs.txt and check that the tests find it
	@scripts/dev/planted_bugs.py

sim:     ## Cut a workload at every disk operation, and break groups of machines: SEED=1 OPS=2000 SEEDS=1..300
	@scripts/build.sh nokv-sim && build/bin/nokv-sim crash --seed $(SEED) --ops $(OPS) \
	  && build/bin/nokv-sim many --scenario replicated-log --seeds $(SEEDS) --jobs $$(nproc) \
	  && build/bin/nokv-sim many --scenario control-plane --seeds $(SEEDS) --jobs $$(nproc)

bench:   ## Compare the gateway with redis-server in one run
	@scripts/build.sh nokv-bench nokv-redis && build/bin/nokv-bench redis

ycsb:    ## Compare the engine with RocksDB, LevelDB and LMDB in one run; settings: YCSB_RECORDS=…
	@scripts/run_benchmarks.sh

clean:   ## Remove everything that was built
	@rm -rf build
