#!/usr/bin/env bash
# Readies what `make test` needs beside Rust: Python's venv with the pinned oracles, promtool and prometheus, and the judge of pages,
# which is built from Prometheus' own parser.
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

# Version 3 is the first one that scrapes in every format.
works() { "$1/promtool" --version >/dev/null 2>&1 && "$1/prometheus" --version 2>/dev/null | grep -q '^prometheus, version 3\.'; }

# Unpacks Debian's package of a suite without installing it: no service is started, nothing outside the cache is touched, and the
# machine's own package lists stay as they are.
unpack_prometheus() (
  suite=$1
  mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | grep -v '^ *#' | grep -oE 'https?://[^ ]+' | head -n 1)
  mkdir -p "$tools"
  work=$(mktemp -d "$tools/unpack.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
  apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none)
  "${apt[@]}" update && (cd "$work/debs" && "${apt[@]}" download prometheus promtool) || exit 1
  for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/root"; done
  works "$work/root/usr/bin" || exit 1
  rm -rf "$tools/prometheus"
  mv "$work/root/usr/bin" "$tools/prometheus"
)

fetch_prometheus() {
  local suite
  if command -v apt-get >/dev/null && command -v dpkg >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
    for suite in testing sid stable; do
      if unpack_prometheus "$suite" 2>/dev/null; then return; fi
    done
  fi
  echo "promtool and prometheus 3 are missing. Put both on PATH (https://prometheus.io/download) and run make test again." >&2
  exit 1
}

find_prometheus() {
  if ! works "$tools/prometheus"; then
    local own
    own=$(dirname "$(command -v prometheus || echo none)")
    if works "$own"; then
      rm -rf "$tools/prometheus"
      mkdir -p "$tools/prometheus"
      ln -sf "$own/promtool" "$own/prometheus" "$tools/prometheus/"
    else
      fetch_prometheus
    fi
  fi
  ln -sf "$tools/prometheus/promtool" "$tools/prometheus/prometheus" .venv/bin/
}

# From 1.21 on Go fetches the version that a module asks for.
go_is_new_enough() { go version 2>/dev/null | grep -qE 'go1\.(2[1-9]|[3-9][0-9])'; }

build_judge() {
  local source=tests/oracle/textparse built=$tools/textparse
  if ! { cat "$source"/*.go "$source"/go.* | cmp -s - "$built/source"; } || [ ! -x "$built/textparse" ]; then
    go_is_new_enough || install "Go 1.21 or newer" golang-go
    go_is_new_enough || { echo "Go 1.21 or newer is missing (https://go.dev/dl). Put it on PATH and run make test again." >&2; exit 1; }
    mkdir -p "$built"
    (cd "$source" && CGO_ENABLED=0 go build -o "$built/textparse" .)
    cat "$source"/*.go "$source"/go.* >"$built/source"
  fi
  ln -sf "$built/textparse" .venv/bin/
}

set_up_venv
find_prometheus
build_judge
echo "test tools: $(.venv/bin/python --version), $(.venv/bin/promtool --version 2>&1 | head -n 1)"
