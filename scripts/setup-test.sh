#!/usr/bin/env bash
# Installs the Debian packages that the tests need (test-packages.txt). Without root or without apt-get it only says
# which ones are missing: the tests that need them then fail by name, they are not skipped.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
while read -r package _; do
	case "$package" in '' | '#'*) continue ;; esac
	if command -v dpkg-query >/dev/null && dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
		continue
	fi
	missing+=("$package")
done <test-packages.txt

if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "setup-test: the tests need these Debian packages; install them as root: ${missing[*]}" >&2
	exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"
