#!/usr/bin/env bash
# usage: show.sh ROWS REPORT [COUNT]
# The last rows as a table and the account of the run, with nothing but awk. Rows are one object a line, fields in a known order.
set -euo pipefail
rows=${1:?rows} report=${2:?report} count=${3:-12}

printf '\nThe last windows of %s\n\n' "$rows"
tail -n "$count" "$rows" | awk '
  # "name":value pairs of a flat object; a comma or colon inside a string stays in the string
  function pairs(text, names, values,    n, part, rest) {
    n = 0; rest = text
    while (match(rest, /"([^"\\]|\\.)*":("([^"\\]|\\.)*"|[^,"]+)/)) {
      part = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH); n++
      match(part, /^"([^"\\]|\\.)*":/)
      names[n] = substr(part, 2, RLENGTH - 3); values[n] = substr(part, RLENGTH + 1)
      gsub(/^"|"$/, "", values[n])
    }
    return n
  }
  function inside(line, field,    at) {
    at = index(line, "\"" field "\":{"); if (!at) return ""
    line = substr(line, at + length(field) + 4); sub(/}.*/, "", line)
    return line
  }
  function clock(line, field,    at) {
    at = index(line, "\"" field "\":\""); line = substr(line, at + length(field) + 4)
    sub(/".*/, "", line); sub(/.*T/, "", line); sub(/\.000Z$/, "", line)
    return line
  }
  function short(value) { return value ~ /^-?[0-9]+\.[0-9]+(e-?[0-9]+)?$/ ? sprintf("%.2f", value) : value }
  function put(column, text) { cell[NR, column] = text; if (length(text) > width[column]) width[column] = length(text) }
  {
    put(1, clock($0, "start")); columns = 1
    n = pairs(inside($0, "key") "," inside($0, "values"), names, values)
    for (i = 1; i <= n; i++) { columns++; head[columns] = names[i]; put(columns, short(values[i])) }
    if (columns > most) most = columns
  }
  END {
    head[1] = "start"
    for (r = 0; r <= NR; r++) {
      line = ""
      for (c = 1; c <= most; c++) {
        if (length(head[c]) > width[c]) width[c] = length(head[c])
        text = r ? cell[r, c] : head[c]
        line = line (c == 1 ? sprintf("  %-" width[c] "s", text) : sprintf("  %" width[c] "s", text))
      }
      print line
    }
  }'

printf '\nThe account (%s)\n\n' "$report"
tr -d '{}\n "' <"$report" | tr ',' '\n' | awk -F: '{ printf "  %-18s %14s\n", $1, $2 }'
