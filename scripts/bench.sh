#!/usr/bin/env bash
# Runs every benchmark of the packages that have one.
set -euo pipefail
cd "$(dirname "$0")/.."

files="$(grep -rlE '^func Benchmark[A-Z_]' --include='*_test.go' . || true)"
if [ -z "$files" ]; then
	echo "bench: no package has a benchmark" >&2
	exit 1
fi
mapfile -t packages < <(xargs -n1 dirname <<<"$files" | sort -u)
exec "${GO:-go}" test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-1s}" "${packages[@]}"
