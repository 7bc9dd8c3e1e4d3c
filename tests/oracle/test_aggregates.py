"""DuckDB computes the same windows from the same input; every row and every value is compared."""
import json
import random
import subprocess

import duckdb
import pytest

from program import SILENT, accounted, azure
from rows import DEVIATION, ESTIMATE, ROUNDED, SECOND, SKETCH, assert_same_rows, stamp

AGGREGATES = {
    "requests": "count",
    "in_sum": "sum(input_tokens)", "in_avg": "avg(input_tokens)", "in_min": "min(input_tokens)", "in_max": "max(input_tokens)",
    "in_dev": "stddev(input_tokens)", "in_p50": "percentile(input_tokens, 0.5)", "in_p99": "percentile(input_tokens, 0.99)",
    "out_sum": "sum(output_tokens)", "out_avg": "avg(output_tokens)", "out_min": "min(output_tokens)", "out_max": "max(output_tokens)",
    "out_dev": "stddev(output_tokens)", "out_p7": "percentile(output_tokens, 0.07)", "out_p95": "percentile(output_tokens, 0.95)",
}
PERCENTILES = ["in_p50", "in_p99", "out_p7", "out_p95"]
TRACE_ERRORS = {"in_avg": ROUNDED, "out_avg": ROUNDED, "in_dev": DEVIATION, "out_dev": DEVIATION, **dict.fromkeys(PERCENTILES, SKETCH)}
# Size, slide and offset; side by side where the slide is the size. 60 by 7 cuts time at the windows' ends, too.
SHAPES = {"ten_seconds": (10, 10, 0), "minute_from_seven": (60, 60, 7), "minute_before": (60, 60, -13), "hour": (3600, 3600, 0),
          "minute_by_15": (60, 15, 0), "minute_by_7": (60, 7, -1), "quarter_by_second": (15, 1, 0)}


def window(name):
    size, slide, offset = SHAPES[name]
    kind = {"type": "tumbling"} if slide == size else {"type": "sliding", "slide": f"{slide}s"}
    return {"name": name, **kind, "size": f"{size}s", "offset": f"{offset}s", "key": [], "aggregates": AGGREGATES}


def duckdb_hour(trace, name):
    size, slide, offset = (seconds * SECOND for seconds in SHAPES[name])
    found = duckdb.sql(f"""
        with event as (
            select epoch_ns(TIMESTAMP::TIMESTAMP_NS) as moment, ContextTokens::BIGINT as i, GeneratedTokens::BIGINT as o
            from read_csv('{trace}', header = true, all_varchar = true)),
        held as (
            select *, (moment - ({offset})) // {slide} * {slide} + ({offset}) - {slide} * unnest(range({-(-size // slide)})) as start
            from event)
        select start, count(*),
               sum(i), avg(i), min(i), max(i), stddev_samp(i), quantile_disc(i, 0.5), quantile_disc(i, 0.99),
               sum(o), avg(o), min(o), max(o), stddev_samp(o), quantile_disc(o, 0.07), quantile_disc(o, 0.95)
        from held where start + {size} > moment group by start order by start""").fetchall()
    return [(start + size, {"window": name, "start": stamp(start), "end": stamp(start + size), "key": {},
                            "values": dict(zip(AGGREGATES, values)), "revision": 0}) for start, *values in found]


@pytest.mark.parametrize("names", [[name] for name in SHAPES] + [list(SHAPES)], ids=lambda names: "+".join(names))
def test_every_row_of_the_real_hour_equals_what_duckdb_computes(run, trace, tmp_path, names):
    report = run(azure(trace, [window(name) for name in names]))
    want = sorted((row for name in names for row in duckdb_hour(trace, name)), key=lambda row: (row[0], row[1]["window"]))
    got = [json.loads(line) for line in (tmp_path / "rows.ndjson").read_text().splitlines()]
    assert_same_rows(got, [row for _, row in want], inexact=TRACE_ERRORS)
    for mine, (_, theirs) in zip(got, want):
        if theirs["values"]["requests"] <= 64:
            assert [mine["values"][name] for name in PERCENTILES] == [theirs["values"][name] for name in PERCENTILES], mine
    assert report["received"] == report["processed"] == 19366
    assert report["rows"] == len(want) and report["bytes_in"] == trace.stat().st_size
    assert accounted(report)


def test_the_real_hour_gives_the_same_bytes_whatever_the_reading(run, trace, tmp_path):
    zipped = tmp_path / "hour.csv.gz"
    zipped.write_bytes(subprocess.run(["gzip", "-nc", str(trace)], check=True, capture_output=True).stdout)
    outputs = []
    for number, source in enumerate([{}, {"speed": 20000}, {"paths": [str(zipped)]}]):
        config = azure(trace, [window(name) for name in SHAPES])
        config["source"]["file"].update(source)
        config["sink"]["file"]["path"] = f"rows-{number}.ndjson"
        run(config)
        outputs.append((tmp_path / f"rows-{number}.ndjson").read_bytes())
    assert outputs[1] == outputs[0], "pacing changed the rows"
    assert outputs[2] == outputs[0], "compression changed the rows"


START = 1_700_000_003 * SECOND
MODELS = ["gpt", "claude", "", "größe", "модель", "a\"b\\c\n", "z" * 300]
TENANTS = [f"t{number}" for number in range(40)] + [None, "", "\U0001f600"]
DOUBLES = {**dict.fromkeys(["cost", "slow_avg", "big_avg", "tokens_avg"], ROUNDED), "slow_dev": DEVIATION}


def keyed_stream(path, count):
    """Arrival in order of a clock, times up to 5 s behind it, every 40th an earlier id again with other contents."""
    draw = random.Random(20240607)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for number in range(count):
            at = START + number * 300 * SECOND // count - draw.randrange(5_000_000) * 1000
            event = {"seq": number, "id": f"e{number}" if number % 40 else f"e{draw.randrange(number + 1)}", "type": "llm.request",
                     "time": stamp(at), "model": draw.choice(MODELS), "tenant": draw.choice(TENANTS), "user": f"u{draw.randrange(5000)}",
                     "tokens": draw.choice([0, 1, 4096, draw.randrange(10**6)]), "big": draw.randrange(2**61, 2**62),
                     "slow_ms": round(draw.expovariate(1 / 300), 3), "cost_usd": round(draw.random() / 100, 6)}
            if draw.random() < 0.03:
                del event["slow_ms"]
            if draw.random() < 0.03:
                event["tenant"] = None
            out.write(json.dumps(event, ensure_ascii=draw.random() < 0.5) + "\n")


KEYED = {
    "observability": SILENT,
    "source": {"file": {"paths": ["in.ndjson"], "format": "ndjson"}},
    "event": {"id": "/id", "type": "/type", "time": {"from": "/time", "format": "rfc3339"},
              "strings": {"model": "/model", "tenant": "/tenant", "user": "/user"},
              "numbers": {"tokens": "/tokens", "big": "/big", "slow_ms": "/slow_ms", "cost_usd": "/cost_usd"}},
    "deduplicate": {"enabled": True, "ttl": "10m"},
    "watermark": {"max_out_of_orderness": "5s"},
    "windows": [{"name": "keyed", "type": "tumbling", "size": "10s", "key": ["model", "tenant"],
                 "aggregates": {"requests": "count", "tokens": "sum(tokens)", "tokens_avg": "avg(tokens)", "big": "sum(big)",
                                "big_avg": "avg(big)", "big_max": "max(big)", "slow_avg": "avg(slow_ms)", "slow_min": "min(slow_ms)",
                                "slow_max": "max(slow_ms)", "slow_dev": "stddev(slow_ms)", "slow_p90": "percentile(slow_ms, 0.9)",
                                "cost": "sum(cost_usd)", "users": "distinct(user)"}}],
    "sink": {"file": {"path": "rows.ndjson"}},
}


def first_sightings(path):
    """The events of the stream without its duplicates, as a table to select from."""
    return f"""(
        select * from read_json('{path}', format = 'newline_delimited', columns = {{
            seq: 'BIGINT', id: 'VARCHAR', time: 'VARCHAR', model: 'VARCHAR', tenant: 'VARCHAR', user: 'VARCHAR',
            tokens: 'BIGINT', big: 'BIGINT', slow_ms: 'DOUBLE', cost_usd: 'DOUBLE'}})
        qualify row_number() over (partition by id order by seq) = 1)"""


def duckdb_keyed(path):
    found = duckdb.sql(f"""
        select epoch_ns(replace(time, 'Z', '')::TIMESTAMP_NS) // {10 * SECOND} * {10 * SECOND} as start,
               coalesce(model, '') as m, coalesce(tenant, '') as t,
               count(*), sum(tokens), avg(tokens), sum(big), avg(big), max(big),
               avg(slow_ms), min(slow_ms), max(slow_ms), stddev_samp(slow_ms), quantile_disc(slow_ms, 0.9),
               fsum(cost_usd), count(distinct "user")
        from {first_sightings(path)} group by all order by start, m, t""").fetchall()
    names = KEYED["windows"][0]["aggregates"]
    return [{"window": "keyed", "start": stamp(start), "end": stamp(start + 10 * SECOND), "key": {"model": model, "tenant": tenant},
             "values": dict(zip(names, values)), "revision": 0} for start, model, tenant, *values in found]


def test_keyed_aggregates_of_a_jittered_stream_with_duplicates_equal_duckdbs_group_by(run, tmp_path):
    count = 30_000
    keyed_stream(tmp_path / "in.ndjson", count)
    report = run(KEYED)
    want = duckdb_keyed(tmp_path / "in.ndjson")
    got = [json.loads(line) for line in (tmp_path / "rows.ndjson").read_text().splitlines()]
    assert_same_rows(got, want, inexact=DOUBLES)
    firsts = sum(row["values"]["requests"] for row in want)
    assert (report["received"], report["processed"], report["late"], report["dead_letters"]) == (count, firsts, 0, 0)
    assert report["duplicates"] == count - firsts > 500
    assert report["bytes_in"] == (tmp_path / "in.ndjson").stat().st_size
    assert accounted(report)


def test_a_window_with_thousands_of_values_knows_about_how_many_and_where_they_lie(run, tmp_path):
    keyed_stream(tmp_path / "in.ndjson", 30_000)
    names = ["users", "tenants", "slow_p50", "slow_p999", "cost_p1", "cost_dev"]
    calls = ["distinct(user)", "distinct(tenant)", "percentile(slow_ms, 0.5)", "percentile(slow_ms, 0.999)", "percentile(cost_usd, 0.01)",
             "stddev(cost_usd)"]
    run({**KEYED, "windows": [{"name": "minutes", "type": "tumbling", "size": "2m", "aggregates": dict(zip(names, calls))}]})
    size = 120 * SECOND
    found = duckdb.sql(f"""
        select epoch_ns(replace(time, 'Z', '')::TIMESTAMP_NS) // {size} * {size} as start, count(distinct "user"),
               count(distinct coalesce(tenant, '')), quantile_disc(slow_ms, 0.5), quantile_disc(slow_ms, 0.999),
               quantile_disc(cost_usd, 0.01), stddev_samp(cost_usd)
        from {first_sightings(tmp_path / "in.ndjson")} group by start order by start""").fetchall()
    want = [{"window": "minutes", "start": stamp(start), "end": stamp(start + size), "key": {}, "values": dict(zip(names, values)),
             "revision": 0} for start, *values in found]
    assert max(row["values"]["users"] for row in want) > 4000, "so many that they are estimated"
    got = [json.loads(line) for line in (tmp_path / "rows.ndjson").read_text().splitlines()]
    percentiles = dict.fromkeys(["slow_p50", "slow_p999", "cost_p1"], SKETCH)
    assert_same_rows(got, want, inexact={"users": ESTIMATE, "cost_dev": DEVIATION, **percentiles})
