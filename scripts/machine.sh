#!/usr/bin/env bash
# One line that says what a benchmark ran on, and how busy it was.
set -euo pipefail
processor=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)
read -r load _ </proc/loadavg
echo "$(date -u +%Y-%m-%d), $(git rev-parse --short HEAD), $(nproc) cores of ${processor:-an unknown processor}, $memory GiB, load before it began: $load"
