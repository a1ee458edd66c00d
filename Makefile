# One-word verbs; each is a line or two of what can be typed by hand. Options of a verb go into ARGS:
#   make up ARGS='--slaves 2'    make conform ONLY=mesos.task STACK=mine.toml

# The first build takes minutes, and shows itself; later ones are silent.
PROGRAM := $(or $(CARGO_TARGET_DIR),target)/debug/harness
QUIET   := $(if $(wildcard $(PROGRAM)),--quiet)
HARNESS := cargo run $(QUIET) --package harness --
# A stack file: told to the verbs that take one, and to tests, which run in other folders.
STACK_OPTION = $(if $(STACK),--stack '$(STACK)')
ifdef STACK
export HARNESS_STACK := $(abspath $(STACK))
endif

.PHONY: help conform test compile check lint doc bench soak setup doctor images up status down sweep clean

help: ## Show these verbs.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

conform: compile ## Boot clusters, run every scenario, print the verdict and write target/conformance/latest/.
	@$(PROGRAM) conform $(STACK_OPTION) $(foreach id,$(ONLY),--only '$(id)') $(ARGS)

test: compile ## Run everything: documentation examples, unit tests, the harness's own tests, scenarios.
	@$(PROGRAM) setup $(STACK_OPTION)
	cargo test --workspace --doc --quiet
	cargo nextest run --workspace --profile ci $(ARGS)

# As `cargo nextest run` builds it. `--package harness` alone would build half of the dependencies a second time, with
# other features.
compile: ## Build the harness and every test.
	@cargo test --workspace --no-run $(QUIET)

check: lint doc ## Everything that needs no engine and no test run: lint and doc.

lint: ## Check format, clippy and shell scripts.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings
	@command -v shellcheck >/dev/null || { echo 'shellcheck is not installed: shell scripts are not checked'; exit 0; }; \
	    git grep -lIE '^#!.*[/ ](ba)?sh$$' -- ':!*.rs' ':!*.md' | xargs shellcheck

doc: ## Build the documentation; a warning is an error.
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --quiet

# The program as people run it, which `compile` has built: it waits for the engine and for Mesos, and computes little.
bench: compile ## Measure against floors of the same run; writes target/bench/latest.json.
	@$(PROGRAM) setup
	@cargo bench $(QUIET) --workspace --profile dev --bench cluster -- $(ARGS)

# RUNS=3 ARGS='--within 20m --filter "test(/readme/)"' says how often, how long, and what.
soak: compile ## Run all scenarios RUNS times, 20 unless said; writes the table of the runs to target/soak/latest.txt.
	@$(PROGRAM) setup $(STACK_OPTION)
	@cargo bench $(QUIET) --workspace --profile dev --bench soak -- --runs $(or $(RUNS),20) $(ARGS)

setup: ## Install what the project needs on this machine; says nothing where nothing is to do.
	@$(HARNESS) setup $(STACK_OPTION) $(ARGS)

doctor: ## Check every prerequisite, with its remedy.
	@$(HARNESS) doctor $(ARGS)

images: ## Build the images that are not there.
	@$(HARNESS) images build $(ARGS)

up: ## Boot a cluster and leave it running.
	@$(HARNESS) up $(STACK_OPTION) $(ARGS)

status: ## Show the nodes and components of the cluster.
	@$(HARNESS) status $(ARGS)

down: ## Remove the cluster.
	@$(HARNESS) down $(ARGS)

sweep: ## Remove what dead runs left behind.
	@$(HARNESS) sweep $(ARGS)

clean: ## Remove what was built here; images and clusters stay (`harness images prune`, `make down`).
	cargo clean
