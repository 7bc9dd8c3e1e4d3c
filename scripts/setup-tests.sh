#!/usr/bin/env bash
# Readies what `make test` needs beside Rust: Python's venv with the pinned oracles, promtool and prometheus.
# As root it installs what is missing; otherwise it prints the one line to run and stops. A second call changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="${XDG_CACHE_HOME:-$HOME/.cache}/streamgauge-tools"

# install PURPOSE PACKAGE...
install() {
  local purpose=$1
  shift
  if ! command -v apt-get >/dev/null; then
    echo "$purpose is missing. Install it with your package manager (on Debian: $*) and run make test again." >&2
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "$purpose is missing. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends $*" >&2
    exit 1
  fi
  refresh_lists
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

lists_are_there() { [ -n "$(apt-cache policy prometheus 2>/dev/null | sed -n 's/^ *Candidate: *//p' | grep -v '(none)')" ]; }

refresh_lists() { lists_are_there || apt-get -qq update; }

python_is_whole() { python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

set_up_venv() {
  python_is_whole || install "Python 3.10 or newer with venv" python3 python3-venv
  if ! .venv/bin/python -c '' 2>/dev/null; then
    rm -rf .venv
    python3 -m venv .venv
  fi
  if ! cmp -s tests/oracle/requirements.txt .venv/installed.txt; then
    .venv/bin/python -m pip install -q --disable-pip-version-check -r tests/oracle/requirements.txt
    cp tests/oracle/requirements.txt .venv/installed.txt
  fi
}

works() { "$1/promtool" --version >/dev/null 2>&1 && "$1/prometheus" --version >/dev/null 2>&1; }

# Unpacks Debian's package without installing it: no service is started, nothing outside the cache is touched.
unpack_prometheus() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    echo "promtool and prometheus are missing. Put both on PATH (https://prometheus.io/download) and run make test again." >&2
    exit 1
  fi
  if ! lists_are_there && [ "$(id -u)" -ne 0 ]; then
    echo "The package lists are empty. Run: sudo apt-get update" >&2
    exit 1
  fi
  refresh_lists
  mkdir -p "$tools"
  local work
  work=$(mktemp -d "$tools/unpack.XXXXXX")
  # shellcheck disable=SC2064 # the folder is known now
  trap "rm -rf '$work'" EXIT
  local packages=(prometheus)
  if apt-cache show promtool >/dev/null 2>&1; then packages+=(promtool); fi # newer Debian ships it apart
  (cd "$work" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "${packages[@]}")
  local package
  for package in "$work"/*.deb; do dpkg -x "$package" "$work/root"; done
  works "$work/root/usr/bin" || { echo "the unpacked promtool or prometheus does not start" >&2; exit 1; }
  rm -rf "$tools/prometheus"
  mv "$work/root/usr/bin" "$tools/prometheus"
}

find_prometheus() {
  if ! works "$tools/prometheus"; then
    if command -v promtool >/dev/null && command -v prometheus >/dev/null; then
      mkdir -p "$tools/prometheus"
      ln -sf "$(command -v promtool)" "$(command -v prometheus)" "$tools/prometheus/"
    else
      unpack_prometheus
    fi
  fi
  ln -sf "$tools/prometheus/promtool" "$tools/prometheus/prometheus" .venv/bin/
}

set_up_venv
find_prometheus
echo "test tools: $(.venv/bin/python --version), $(.venv/bin/promtool --version 2>&1 | head -n 1)"
