"""usage: bytewax_job.py A|B|C INPUT ROWS

The same job for Bytewax, a stream engine for Python: event-time tumbling windows by (model, tenant) with five seconds of grace. Its
watermark also follows the wall clock, so what is late depends on how fast the machine is; rows can differ from run to run.
"""
import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.files import FileSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulLogic
from bytewax.operators.windowing import EventClock, TumblingWindower, fold_window
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

job, source, rows = sys.argv[1:]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SIZE = timedelta(seconds=10)
TTL = timedelta(minutes=10)
NAMES = ("requests", "tokens_in", "tokens_out", "latency_avg", "latency_min", "latency_max", "cost")


def parse(line):
    event = json.loads(line)
    return (event["id"], datetime.fromisoformat(event["time"]), event["model"], event["tenant"], event["input_tokens"],
            event["output_tokens"], event["duration_ms"], event["cost_usd"])


class First(StatefulLogic):
    """The first event of an id. It is forgotten by the wall clock: a stateful step of Bytewax knows no event time."""

    def __init__(self, seen):
        self.seen = seen

    def on_item(self, event):
        if self.seen is not None:
            return [], StatefulLogic.RETAIN
        self.seen = datetime.now(timezone.utc)
        return [event], StatefulLogic.RETAIN

    def on_notify(self):
        return [], StatefulLogic.DISCARD

    def on_eof(self):
        return [], StatefulLogic.RETAIN

    def notify_at(self):
        return self.seen and self.seen + TTL

    def snapshot(self):
        return self.seen


def take(state, event):
    _, _, _, _, tokens_in, tokens_out, duration, cost = event
    state[0] += 1
    state[1] += tokens_in
    state[2] += tokens_out
    state[3] += duration
    state[4] = min(state[4], duration)
    state[5] = max(state[5], duration)
    state[6] += cost
    if job == "B":
        state[7].append(duration)
    return state


def merged(left, right):
    return [left[0] + right[0], left[1] + right[1], left[2] + right[2], left[3] + right[3], min(left[4], right[4]),
            max(left[5], right[5]), left[6] + right[6], left[7] + right[7]]


def render(item):
    key, (window, state) = item
    model, tenant = key.split("\0")
    values = dict(zip(NAMES, state))
    values["latency_avg"] = state[3] / state[0]
    if job == "B":
        durations = sorted(state[7])
        values |= {f"p{percent}": durations[(len(durations) * percent + 99) // 100 - 1] for percent in (50, 95, 99)}
    start = EPOCH + window * SIZE
    shown = lambda instant: instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")  # noqa: E731
    return json.dumps({"window": "by_model", "start": shown(start), "end": shown(start + SIZE),
                       "key": {"model": model, "tenant": tenant}, "values": values, "revision": 0})


class Rows(DynamicSink, StatelessSinkPartition):
    def build(self, _step, _worker, _count):
        self.out = open(rows, "w", encoding="utf-8")
        return self

    def write_batch(self, items):
        self.out.writelines(f"{item}\n" for item in items)

    def close(self):
        self.out.close()


flow = Dataflow("job")
events = op.map("parse", op.input("lines", flow, FileSource(Path(source), batch_size=1000)), parse)
if job == "C":
    by_id = op.key_on("by_id", events, lambda event: event[0])
    events = op.map("no_id", op.stateful("first", by_id, First), lambda item: item[1])
keyed = op.key_on("key", events, lambda event: f"{event[2]}\0{event[3]}")
clock = EventClock(lambda event: event[1], wait_for_system_duration=timedelta(seconds=5))
windows = fold_window("windows", keyed, clock, TumblingWindower(length=SIZE, align_to=EPOCH),
                      lambda: [0, 0, 0, 0.0, float("inf"), float("-inf"), 0.0, []], take, merged)
op.output("rows", op.map("render", windows.down, render), Rows())
run_main(flow)
