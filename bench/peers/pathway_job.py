"""usage: pathway_job.py A|B|C INPUT ROWS

The same job for Pathway, a stream engine with a Python face, on one worker. The file is read in static mode, the only one that ends.
Which of two events of an id is the first is not told by the order of lines, so rows of C can differ.
"""
import os
import sys

os.environ["PATHWAY_THREADS"] = "1"
import pathway as pw  # noqa: E402 (reads the number of threads when it is imported)

job, source, rows = sys.argv[1:]


class Request(pw.Schema):
    request: str  # `id` is a word of Pathway's own
    time: str
    model: str
    tenant: str
    input_tokens: int
    output_tokens: int
    duration_ms: float
    cost_usd: float


def nearest_rank(percent):
    return pw.apply_with_type(lambda durations: durations[(len(durations) * percent + 99) // 100 - 1], float, pw.this.durations)


requests = pw.io.jsonlines.read(source, schema=Request, mode="static", json_field_paths={"request": "/id"})
events = requests.with_columns(at=pw.this.time.dt.strptime("%Y-%m-%dT%H:%M:%S.%fZ"))
if job == "C":
    events = events.groupby(pw.this.request).reduce(
        pw.this.request,
        **{name: pw.reducers.earliest(events[name]) for name in
           ("at", "model", "tenant", "input_tokens", "output_tokens", "duration_ms", "cost_usd")},
    )
windowed = events.windowby(
    pw.this.at, window=pw.temporal.tumbling(duration=pw.Duration(seconds=10)),
    behavior=None if job == "C" else pw.temporal.common_behavior(pw.Duration(seconds=5), pw.Duration(seconds=5)),
    instance=(pw.this.model, pw.this.tenant),
)
duration = pw.this.duration_ms
values = {
    "requests": pw.reducers.count(), "tokens_in": pw.reducers.sum(pw.this.input_tokens), "tokens_out": pw.reducers.sum(pw.this.output_tokens),
    "latency_avg": pw.reducers.avg(duration), "latency_min": pw.reducers.min(duration), "latency_max": pw.reducers.max(duration),
    "cost": pw.reducers.sum(pw.this.cost_usd),
}
if job == "B":
    values["durations"] = pw.reducers.sorted_tuple(duration)
table = windowed.reduce(
    start=pw.this._pw_window_start, model=pw.this._pw_instance.get(0), tenant=pw.this._pw_instance.get(1), **values
)
if job == "B":
    table = table.with_columns(p50=nearest_rank(50), p95=nearest_rank(95), p99=nearest_rank(99)).without(pw.this.durations)
names = [name for name in (*values, *(("p50", "p95", "p99") if job == "B" else ())) if name != "durations"]


class Rows(pw.io.python.ConnectorObserver):
    """Keeps the last row of each window, as they can be corrected, and writes all at the end."""

    def __init__(self):
        self.rows = {}

    def on_change(self, key, row, time, is_addition):
        if is_addition:
            self.rows[key] = row
        elif self.rows.get(key) == row:
            del self.rows[key]

    def on_end(self):
        import json
        from datetime import timedelta

        shown = lambda instant: instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")  # noqa: E731
        with open(rows, "w", encoding="utf-8") as out:
            for row in self.rows.values():
                told = {"window": "by_model", "start": shown(row["start"]), "end": shown(row["start"] + timedelta(seconds=10)),
                        "key": {"model": row["model"], "tenant": row["tenant"]},
                        "values": {name: row[name] for name in names}, "revision": 0}
                out.write(json.dumps(told) + "\n")


pw.io.python.write(table, Rows())
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
