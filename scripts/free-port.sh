#!/usr/bin/env bash
# usage: free-port.sh PORT
# Prints PORT when nobody answers on it, else 0 (the program then picks a free one).
set -euo pipefail
port=${1:?port}
for host in 127.0.0.1 ::1; do
  if (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; then
    echo 0
    exit
  fi
done
echo "$port"
