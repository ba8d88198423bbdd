# What a contributor runs. `make test` is what the continuous integration runs (.ci/run).

GO          ?= go
FUZZTIME    ?= 10s
BENCHTIME   ?= 1s
SEED        ?= 1
# The packages with properties that are tried on drawn examples, which make test draws from one seed, so that two runs are the same.
DRAWN        = $(GO) list $$(grep -rl --include='*_test.go' --exclude-dir=bench '"pgregory.net/rapid"' . | xargs -n1 dirname | sort -u)
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: test nightly lint bench bench-peers fuzz golden

# What runs under the race detector too: what many do at a time at the endpoint.
TWINRACE     = Hundred|Slow|Forged|Reader|Path|Connections|Restart|GoSDK
ARMRACE      = Contract|UnderWay|Wait|WhileTheyChange|Revoked|Operation(s|Goes|IsC)|Faults|GroupGoes|PeeringsOf|CircuitsLife|InUse

# Install what the tests need from Debian (as root, where there is an apt-get), then vet and test everything. The laboratory of real
# routers has the machine to itself, because their clocks are real.
test:
	./scripts/setup-test.sh
	$(GO) vet ./...
	$(GO) test $$($(GO) list ./... | grep -v -e '/speaker$$' | grep -v -x -F "$$($(DRAWN))")
	$(GO) test $$($(DRAWN)) -rapid.seed=$(SEED)
	$(GO) test ./speaker
	$(GO) test -race ./twin -run '$(TWINRACE)'
	$(GO) test -race ./arm -run '$(ARMRACE)'

# What make test draws from its one seed, drawn from a new one, which a failure prints; and ten times as many random estates in the
# simulator: 2,000 through every single failure.
nightly:
	$(GO) test $$($(DRAWN) | grep -v -x onramp/sim) -timeout 1h
	$(GO) test ./sim -timeout 2h -rapid.checks=1000

# Formatting, vet and staticcheck, at the version named above.
lint:
	@bad="$$(gofmt -l .)"; if [ -n "$$bad" ]; then echo "not gofmt-clean:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	cd bench && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...

# Every benchmark, with allocations. BENCHMARKS.md says how to read them.
bench:
	GO="$(GO)" BENCHTIME="$(BENCHTIME)" ./scripts/bench.sh

# BGP beside BIRD and GoBGP, with the tests of that module first: bench/README.md.
bench-peers:
	cd bench && $(GO) test -bench . -benchtime "$(BENCHTIME)" -timeout 30m ./...

# Every fuzz target, FUZZTIME each.
fuzz:
	GO="$(GO)" FUZZTIME="$(FUZZTIME)" ./scripts/fuzz.sh

# Rewrite the golden files. Read the diff before you commit it.
golden:
	GO="$(GO)" ./scripts/golden.sh
