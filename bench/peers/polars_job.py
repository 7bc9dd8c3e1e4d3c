"""usage: polars_job.py A|B|C INPUT ROWS

The same job for Polars, on one thread: a batch engine, as DuckDB is.
"""
import os
import sys

os.environ["POLARS_MAX_THREADS"] = "1"
import polars as pl  # noqa: E402 (reads the number of threads when it is imported)

job, source, rows = sys.argv[1:]
text, whole, double = pl.String, pl.Int64, pl.Float64
schema = {"id": text, "time": text, "model": text, "tenant": text, "input_tokens": whole, "output_tokens": whole,
          "duration_ms": double, "cost_usd": double}
events = pl.scan_ndjson(source, schema=schema)
if job == "C":
    events = events.unique("id", keep="first", maintain_order=True)
duration = pl.col("duration_ms")
values = {
    "requests": pl.len(), "tokens_in": pl.sum("input_tokens"), "tokens_out": pl.sum("output_tokens"), "latency_avg": duration.mean(),
    "latency_min": duration.min(), "latency_max": duration.max(), "cost": pl.sum("cost_usd"),
}
if job == "B":
    # Nearest rank: the first number that is not below the share.
    rank = lambda percent: (pl.len() * percent + 99) // 100 - 1  # noqa: E731
    values |= {f"p{percent}": duration.sort().get(rank(percent)) for percent in (50, 95, 99)}
start = pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us").dt.truncate("10s").alias("start")
shown = lambda instant: instant.dt.strftime("%Y-%m-%dT%H:%M:%S.000Z")  # noqa: E731
grouped = events.group_by(start, "model", "tenant").agg(**values).sort("start", "model", "tenant")
grouped.select(
    pl.lit("by_model").alias("window"), shown(pl.col("start")), shown(pl.col("start").dt.offset_by("10s")).alias("end"),
    pl.struct("model", "tenant").alias("key"), pl.struct(*values).alias("values"), pl.lit(0).alias("revision"),
).collect().write_ndjson(rows)
