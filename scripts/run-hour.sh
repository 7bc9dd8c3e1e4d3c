#!/usr/bin/env bash
# usage: run-hour.sh BINARY      environment: SPEED (60), PORT (9090)
# Plays examples/azure-hour.yaml and shows the last rows and the account.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${1:?the built program}
speed=${SPEED:-60}
wanted=${PORT:-9090}

port=$(scripts/free-port.sh "$wanted")
if [ "$port" = 0 ]; then
  echo "Port $wanted is busy: taking a free one (the line \"listening on\" below names it)."
fi
mkdir -p out
trap : INT TERM # Ctrl-C ends the program in good order; what it counted is still shown
code=0
"$binary" run --config examples/azure-hour.yaml --report out/report.json \
  --set "source.file.speed=$speed" --set "observability.prometheus.endpoint.port=$port" || code=$?
if [ "$code" -ne 0 ]; then
  echo "streamgauge ended with exit $code" >&2
  exit "$code"
fi
scripts/show.sh out/rows.ndjson out/report.json
