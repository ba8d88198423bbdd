#!/usr/bin/env bash
# Runs every benchmark of the packages that have one, and those beside other programs (bench/) where BIRD and the modules are.
set -euo pipefail
cd "$(dirname "$0")/.."

files="$(grep -rlE '^func Benchmark[A-Z_]' --include='*_test.go' --exclude-dir=bench . || true)"
if [ -z "$files" ]; then
	echo "bench: no package has a benchmark" >&2
	exit 1
fi
mapfile -t packages < <(xargs -n1 dirname <<<"$files" | sort -u)
"${GO:-go}" test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-1s}" "${packages[@]}"

cd bench
if ! command -v bird >/dev/null && [ ! -x /usr/sbin/bird ]; then
	echo "bench: BIRD is not installed (Debian's bird2), so nothing is measured beside it: see bench/README.md" >&2
elif ! GOPROXY=off "${GO:-go}" list -deps -test ./... >/dev/null 2>&1; then
	echo "bench: bench/'s modules are not there (cd bench && go mod download), so nothing is measured beside them" >&2
else
	exec "${GO:-go}" test -run '^$' -bench . -benchtime "${BENCHTIME:-1s}" -timeout 30m ./...
fi
