#!/usr/bin/env bash
# Rewrites the golden files of the packages whose tests have an -update flag.
set -euo pipefail
cd "$(dirname "$0")/.."

files="$(grep -rlE 'flag\.Bool\("update"' --include='*_test.go' --exclude-dir=bench . || true)"
if [ -z "$files" ]; then
	echo "golden: no package has golden files" >&2
	exit 1
fi
mapfile -t packages < <(xargs -n1 dirname <<<"$files" | sort -u)
exec "${GO:-go}" test "${packages[@]}" -update
