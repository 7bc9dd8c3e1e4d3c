"""Events of every fate, fed to a run that stays open: what its metrics must say is known."""
import json
import subprocess

from program import EXPORT
from rows import SECOND, stamp
from scrape import received

EVENTS = {
    "observability": EXPORT,
    "source": {"file": {"paths": ["-"], "format": "ndjson"}},
    "event": {"id": "/id", "type": "/type", "time": {"from": "/time", "format": "rfc3339"},
              "strings": {"model": "/model", "status": "/status"}, "numbers": {"tokens": "/tokens"}},
    "filter": {"status": ["ok", "error"]},
    "deduplicate": {"enabled": True, "ttl": "10m"},
    "watermark": {"max_out_of_orderness": "5s"},
    "windows": [{"name": "ten", "type": "tumbling", "size": "10s", "key": ["model"],
                 "aggregates": {"n": "count", "tokens": "sum(tokens)"}}],
    "sink": {"file": {"path": "rows.ndjson"}},
    "dead_letter": {"file": {"path": "dead.ndjson"}},
}
BASE = 1_700_000_000 * SECOND


def event(number, seconds, **fields):
    return {"id": f"e{number}", "type": "llm.request", "time": stamp(BASE + int(seconds * SECOND)), "model": f"m{number % 3}",
            "status": "ok", "tokens": number, **fields}


def mixed_feed():
    """Lines of every fate, and how many there are of each."""
    lines = [json.dumps(event(number, number / 10)) for number in range(5000)]  # 500 s of event time
    lines += [json.dumps(event(number, 499)) for number in range(300)]
    lines += [json.dumps(event(10_000 + number, 499, status="timeout")) for number in range(70)]
    lines += [json.dumps(event(20_000 + number, 10)) for number in range(40)]
    lines += ["not json"] * 5 + ['{"id":"x","type":"t"}'] * 6 + [json.dumps(event(30_000, 499, tokens="many"))] * 7
    lines += [json.dumps(event(40_000, 499, time="yesterday"))] * 8 + [json.dumps(event(50_000, 499, time="2200-01-01T00:00:00Z"))] * 9
    fates = {"processed": 5000, "duplicates": 300, "filtered": 70, "late": 40, "dead_letters": 35}
    reasons = {"invalid_json": 5, "missing_field": 6, "invalid_field": 7, "invalid_timestamp": 8, "future_timestamp": 9}
    return "".join(line + "\n" for line in lines).encode(), fates, reasons


def feed(start, config=EVENTS):
    """A run whose stdin stays open after everything was fed; the program, the body that shows all of it, and the known numbers."""
    lines, fates, reasons = mixed_feed()
    program = start(config, stdin=subprocess.PIPE)
    program.process.stdin.write(lines)
    program.process.stdin.flush()
    body = program.wait_for(lambda body: received(body) >= sum(fates.values()))
    return program, body, fates, reasons
