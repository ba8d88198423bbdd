#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME (go test can fuzz only one target at a time).
set -euo pipefail
cd "$(dirname "$0")/.."

targets="$(grep -rHoE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' --exclude-dir=bench . | sort || true)"
if [ -z "$targets" ]; then
	echo "fuzz: no package has a fuzz target" >&2
	exit 1
fi
while IFS=: read -r file declaration; do
	package="$(dirname "$file")"
	name="${declaration#func }"
	echo "== $package $name"
	"${GO:-go}" test "$package" -run '^$' -fuzz "^${name}\$" -fuzztime "${FUZZTIME:-10s}" -fuzzminimizetime 1s
done <<<"$targets"
