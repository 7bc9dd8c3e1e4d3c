"""What the scrape endpoint says while a run plays, judged by promtool, by the Python client and by a real Prometheus."""
import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from program import EXPORT, accounted, azure
from rows import SECOND, stamp
from scrape import CONTENT_TYPE, families_stand_once_and_together, only_grows, parse, received, total

TEN_SECONDS = {"name": "ten", "type": "tumbling", "size": "10s", "key": [], "aggregates": {"n": "count"}}

# The catalogue's names are a contract, units in milliseconds included; promtool's advice against them is the one accepted complaint.
ACCEPTED_ADVICE = re.compile(
    r"\S+_ms(_total)? (metric names should not contain abbreviated units|use base unit \"seconds\" instead of \"(ms|milliseconds)\")")


def judged_by_promtool(promtool, body):
    verdict = subprocess.run([promtool, "check", "metrics"], input=body.encode(), capture_output=True, timeout=30)
    said = (verdict.stdout + verdict.stderr).decode().splitlines()
    complaints = [line for line in said if line.strip() and not ACCEPTED_ADVICE.fullmatch(line.strip())]
    assert verdict.returncode in (0, 3) and not complaints, f"promtool exit {verdict.returncode}: {complaints or said}"


def test_every_scrape_of_a_paced_run_is_valid_and_its_counters_only_grow(start, trace, promtool):
    config = azure(trace, [TEN_SECONDS], speed=600)
    config["observability"] = EXPORT
    program = start(config)
    before, bodies, seen = {}, [], []
    while program.process.poll() is None:
        try:
            body, content_type = program.scrape()
        except urllib.error.HTTPError:
            raise
        except OSError:
            break  # the run has just ended
        assert content_type == CONTENT_TYPE
        families_stand_once_and_together(body)
        series = parse(body)
        now = only_grows(series)
        for place, value in before.items():
            assert now.get(place, -1) >= value, f"{place} fell from {value} to {now.get(place)}"
        assert_conserved(series)
        before = now
        bodies.append(body)
        seen.append(received(series))
        time.sleep(0.1)
    report = program.finish()
    assert report["received"] == 19366 and accounted(report)
    assert len(bodies) > 20, f"only {len(bodies)} scrapes in {report['elapsed_ms']} ms"
    assert seen[0] < seen[len(seen) // 2] < seen[-1] <= 19366, f"the counter did not follow the run: {seen}"
    for body in bodies:
        judged_by_promtool(promtool, body)


def assert_conserved(series):
    """Also in the middle of a run: what was received has been processed or dropped."""
    parts = {name: total(series, f"stream_processor_events_{name}_total") for name in ("received", "processed", "dropped")}
    assert parts["received"] == parts["processed"] + parts["dropped"], f"one scrape contradicts itself: {parts}"


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


def feed(start):
    """A run whose stdin stays open after everything was fed; the program, the body that shows all of it, and the known numbers."""
    lines, fates, reasons = mixed_feed()
    program = start(EVENTS, stdin=subprocess.PIPE)
    program.process.stdin.write(lines)
    program.process.stdin.flush()
    body = program.wait_for(lambda body: received(body) >= sum(fates.values()))
    return program, body, fates, reasons


def test_the_counters_equal_what_was_fed_and_then_the_report(start, tmp_path):
    program, body, fates, reasons = feed(start)
    series = parse(body)
    assert received(series) == sum(fates.values())
    assert total(series, "stream_processor_events_processed_total") == fates["processed"]
    assert total(series, "stream_processor_events_processed_total", event_type="llm.request") == fates["processed"]
    assert total(series, "stream_processor_events_dropped_total") == sum(fates.values()) - fates["processed"]
    assert total(series, "stream_processor_deduplication_hits_total") == fates["duplicates"]
    for reason, count in reasons.items():
        assert total(series, "stream_processor_errors_total", error_type=reason) == count, reason
    assert_conserved(series)
    report = program.finish()
    assert {fate: report[fate] for fate in fates} == fates
    assert report["received"] == sum(fates.values()) and report["bytes_in"] == len(mixed_feed()[0])
    dead = [json.loads(line)["reason"] for line in (tmp_path / "dead.ndjson").read_text().splitlines()]
    assert {reason: dead.count(reason) for reason in reasons} == reasons and len(dead) == sum(reasons.values())
    assert sum(row["values"]["n"] for row in program.rows()) == fates["processed"]
    assert report["rows"] == len(program.rows())


def test_health_and_readiness_answer_and_unknown_paths_are_refused(start):
    program, *_ = feed(start)
    assert [status(program.url + path) for path in ("/health", "/ready", "/metrics", "/nothing")] == [200, 200, 200, 404]
    assert status(program.url + "/metrics", method="HEAD") == 200
    assert status(program.url + "/metrics", method="POST") == 405
    program.finish()


def status(url, method="GET"):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


# Without more it asks for OpenMetrics; with native histograms on, for protobuf.
@pytest.mark.parametrize("features", [[], ["--enable-feature=native-histograms"]])
def test_a_real_prometheus_scrapes_the_running_program(start, prometheus, tmp_path, features):
    program, _, fates, _ = feed(start)
    target = program.url.removeprefix("http://")
    (tmp_path / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"},
        "scrape_configs": [{"job_name": "streamgauge", "static_configs": [{"targets": [target]}]}]}))
    port = free_port()
    with open(tmp_path / "prometheus.log", "wb") as log:
        server = subprocess.Popen(
            [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", f"--web.listen-address=127.0.0.1:{port}", *features],
            cwd=tmp_path, stdout=log, stderr=log)
    try:
        assert awaited(port, "up", seconds=30) == {"streamgauge": 1}, (tmp_path / "prometheus.log").read_text()[-2000:]
        for name, value in (("received", sum(fates.values())), ("processed", fates["processed"])):
            assert awaited(port, f"sum by (job) (stream_processor_events_{name}_total)") == {"streamgauge": value}
        # A scrape is counted by the next one, in series of its format: the two agree once both formats are known.
        end = time.monotonic() + 15
        while awaited(port, "scrape_samples_scraped")["streamgauge"] != (served := len(parse(program.scrape()[0]))):
            assert time.monotonic() < end, f"Prometheus keeps another number of series than the {served} that are served"
            time.sleep(0.2)
    finally:
        server.terminate()
        server.wait(timeout=20)
    program.finish()


def awaited(port, query, seconds=15):
    """The first non-empty answer of the query API, value by job; `up` must be 1 to count."""
    end = time.monotonic() + seconds
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                found = {one["metric"]["job"]: float(one["value"][1]) for one in json.load(answer)["data"]["result"]}
        except OSError:
            found = {}
        if found and (query != "up" or all(found.values())):
            return found
        time.sleep(0.2)
    return {}


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]
