"""What the scrape endpoint says while a run plays, judged by promtool, by the Python client and by a real Prometheus."""
import json
import re
import subprocess
import time
import urllib.error
import urllib.request

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from feed import feed, mixed_feed
from program import EXPORT, accounted, azure
from scrape import CONTENT_TYPE, families_stand_once_and_together, only_grows, parse, received, total
from server import scraped_by

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


def test_the_process_has_the_metrics_that_the_python_client_gives_a_process(start):
    program, body, *_ = feed(start)
    ours = {family.name: family.type for family in text_string_to_metric_families(body)}
    theirs = {family.name: family.type for family in ProcessCollector(registry=CollectorRegistry()).collect()}
    assert len(theirs) == 6 and {name: ours.get(name) for name in theirs} == theirs
    began = total(body, "process_start_time_seconds")
    assert time.time() - 600 < began < time.time()
    program.finish()


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


def test_a_real_prometheus_scrapes_the_running_program(start, prometheus, tmp_path):
    program, _, fates, _ = feed(start)
    with scraped_by(prometheus, tmp_path, program) as server:
        for name, value in (("received", sum(fates.values())), ("processed", fates["processed"])):
            assert server.awaited(f"sum by (job) (stream_processor_events_{name}_total)") == {"streamgauge": value}
        # What scrapes tell about themselves is new with the first of them.
        served = lambda: {"streamgauge": len(parse(program.scrape()[0]))}
        assert server.agrees("scrape_samples_scraped", served), "Prometheus keeps another number of series than are served"
    program.finish()
