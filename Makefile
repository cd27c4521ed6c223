# Two commands for a fresh machine with Rust: `make demo` and `make test`.
# Each installs or downloads what it needs, says what, and asks nothing.

.PHONY: help demo test test-engines fmt bench

help:
	@echo "make demo           watch it work: a real Elasticsearch, an alert, an escalation, a recovery"
	@echo "make test           format, clippy, docs, and every test, with a real Elasticsearch 8.19"
	@echo "make test-engines   the engine tests on Elasticsearch 7.17 and 9.2 and on OpenSearch 2.19"
	@echo "make bench          speed, side by side with something real"
	@echo "make fmt            format the source"

demo:
	@scripts/demo

test:
	@scripts/test main

test-engines:
	@scripts/test engines

fmt:
	@cargo fmt

bench:
	@bench/run
