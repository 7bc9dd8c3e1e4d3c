"""Every exposition format, judged by Prometheus' own parser, the Python client's two, promtool, and a real Prometheus that is told to use it."""
import gzip
import json
import subprocess
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from feed import EVENTS, feed
from program import EXPORT
from scrape import CONTENT_TYPE
from server import scraped_by

# What Prometheus asks for, by the name of the protocol, and what it must get.
PROTOCOLS = {
    "PrometheusText0.0.4": ("text/plain;version=0.0.4", CONTENT_TYPE),
    "PrometheusText1.0.0": ("text/plain;version=1.0.0;escaping=allow-utf-8",
                            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
    "OpenMetricsText0.0.1": ("application/openmetrics-text;version=0.0.1",
                             "application/openmetrics-text; version=0.0.1; charset=utf-8"),
    "OpenMetricsText1.0.0": ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
                             "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
    "PrometheusProto": ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
                        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited;"
                        " escaping=underscores"),
}


# What changes between two scrapes of a run that waits for its input.
RESTLESS = ("process_", "metrics_", "stream_processor_stage_time_ms", "stream_processor_watermark_lag_ms",
            "stream_processor_oldest_open_window_age_ms")


def judged(textparse, page, content_type):
    """The families of a page, as Prometheus reads them; fails on what it refuses and on what it should."""
    verdict = subprocess.run([textparse, content_type], input=page, capture_output=True, timeout=30)
    told = json.loads(verdict.stdout)
    assert verdict.returncode == 0, f"{content_type}: {told['error']} {told['problems']}"
    return told["families"]


def series(families):
    """{(sample name, labels): value as text}; the bounds of buckets and the quantiles by their value."""
    def place(sample):
        labels = {name: float(value) if name in ("le", "quantile") else value for name, value in sample["labels"].items()}
        return sample["name"], frozenset(labels.items())
    return {place(sample): str(float(sample["value"])) for family in families for sample in family["samples"]}


@pytest.fixture(scope="module")
def hostile(pages, tmp_path_factory):
    """{name of a format: (page, content type, families left out)} of a registry that is hostile where it may be."""
    folder = tmp_path_factory.mktemp("pages")
    subprocess.run([pages, folder], check=True, timeout=30)
    lines = [line.split("\t") for line in (folder / "index.tsv").read_text().splitlines()]
    return {name: ((folder / name).read_bytes(), content_type, dropped) for name, content_type, dropped in lines}


def test_prometheus_reads_a_hostile_registry_in_every_format_and_the_same_of_all(hostile, textparse):
    assert len(hostile) == 14
    by_escaping = {}
    for name, (page, content_type, dropped) in hostile.items():
        protocol, escaping = name.split("-", 1)
        read = series(judged(textparse, page, content_type))
        # Sums that can fall and negative quantiles are not for OpenMetrics, and one of what is no number is none where there are native buckets.
        read = {place: value for place, value in read.items() if place[0] not in ("drift_sum", "drift_count", "far_sum", "change_sum", "change")}
        by_escaping.setdefault((escaping, dropped), []).append((protocol, read))
    assert {escaping: dropped for escaping, dropped in by_escaping} == {
        "underscores": "a-b,a.b", "allow-utf-8": "", "dots": "", "values": ""}
    for (escaping, _), read in by_escaping.items():
        assert len(read) == (5 if escaping == "underscores" else 3)
        for protocol, found in read[1:]:
            assert found == read[0][1], f"{protocol} and {read[0][0]} differ with {escaping}"


def test_prometheus_reads_the_values_that_are_there(hostile, textparse):
    page, content_type, _ = hostile["PrometheusProto-allow-utf-8"]
    families = {family["name"]: family for family in judged(textparse, page, content_type)}
    read = series(families.values())
    for name, labels, value in [
        ("sent_bytes_total", {"topic": 'a\\b"c\nd'}, 1.0),
        ("sent_bytes_total", {"topic": '日本, {x="y"}'}, 2.0 ** 53),
        ("cost_total", {}, 0.1 + 0.2),
        ("level", {"of": "tiny"}, 5e-324),
        ("level", {"of": "down"}, float("-inf")),
        ("wait_ms_bucket", {"le": 2.5}, 3.0),
        ("breaker", {"breaker": "open"}, 1.0),
        ("latest_ms", {"topic": 'a"b\\\n', "quantile": 0.0}, 0.0),
        ("latest_ms", {"topic": 'a"b\\\n', "quantile": 1.0}, 1000.0),
        ("latest_ms_sum", {"topic": 'a"b\\\n'}, 500500.0),
        ("latest_ms_count", {"topic": "none"}, 0.0),
        ("latest_ms", {"topic": "none", "quantile": 0.5}, float("nan")),
        ("change_count", {}, 3.0),
        ("http.requests_total", {"http.method": "GET", "größe": "klein"}, 3.0),
        ("温度 {°C}_bucket", {"le": float("inf")}, 1.0),
    ]:
        assert read[name, frozenset(labels.items())] == str(value), (name, labels)
    assert families["sent_bytes_total"]["help"] == 'Sent "bytes" \\ and\na line feed.'
    assert {name: families[name]["unit"] for name in ("sent_bytes_total", "wait_ms")} == {"sent_bytes_total": "bytes", "wait_ms": "ms"}


def test_prometheus_reads_native_buckets_and_finds_every_observation_in_its_own(hostile, textparse):
    page, content_type, _ = hostile["PrometheusProto-allow-utf-8"]
    natives = {family["name"]: family["natives"] for family in judged(textparse, page, content_type)}
    assert {name for name, all in natives.items() if all} == {"fine", "few", "far", "none"}
    fine, few, far, none = (natives[name][0] for name in ("fine", "few", "far", "none"))
    assert (fine["schema"], far["schema"], none["schema"], none["count"]) == (8, 0, 3, 0)
    assert few["schema"] < 3 and len(few["buckets"]) <= 8, "the resolution fell until there were few"
    for native, values in [(fine, [1 + nth / 1e5 for nth in range(1, 1001)]), (few, [nth / 10 for nth in range(1, 1001)])]:
        assert native["count"] == 1000
        assert [count for *_, count in native["buckets"]] == [
            sum(lower < value <= upper for value in values) for lower, upper, _ in native["buckets"]]
    assert (far["count"], far["zero_count"], far["sum"]) == (7, 2, "NaN"), "what is no number is in the count only"
    assert sum(count for *_, count in far["buckets"]) == 6


def test_prometheus_reads_exemplars_in_the_formats_that_have_them(hostile, textparse):
    for name, (page, content_type, _) in hostile.items():
        families = {family["name"]: family for family in judged(textparse, page, content_type)}
        cost = families["cost" if name.startswith("OpenMetrics") else "cost_total"]["samples"][0]["exemplars"]
        few = [exemplar for sample in families["few"]["samples"] for exemplar in sample["exemplars"]]
        if name.startswith("PrometheusText"):
            assert cost == few == []
            continue
        assert [(one["labels"], one["value"]) for one in cost] == [({"order": "A-17, {日本}"}, 0.1 + 0.2)], name
        assert len(few) == 7 and all(one["labels"]["span_id"] == "0000000000000007" for one in few), name
        assert all(int(one["labels"]["trace_id"], 16) == round(one["value"] * 10) for one in few), name
        assert all(abs(one["time"] / 1000 - time.time()) < 3600 for one in few), name
        native = [exemplar for native in families["few"]["natives"] for exemplar in native["exemplars"]]
        assert len(native) == (7 if name.startswith("PrometheusProto") else 0), name


def test_the_python_client_reads_every_text_format(hostile):
    for name, (page, *_) in hostile.items():
        if name.startswith("PrometheusProto"):
            continue
        read = read_open_metrics if name.startswith("OpenMetrics") else read_text
        samples = [sample for family in read(page.decode()) for sample in family.samples]
        assert len(samples) > 40, name
        values = {sample.value for sample in samples if sample.name == "sent_bytes_total"}
        assert values == {1, 7, 2 ** 53}, name


def test_promtool_reads_the_text_format(hostile, promtool):
    page = hostile["PrometheusText0.0.4-underscores"][0]
    verdict = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, timeout=30)
    # 3 is advice on names, of which some are odd on purpose; 1 would be a page that cannot be read.
    assert verdict.returncode in (0, 3), verdict.stderr.decode()


def test_promtool_reads_what_a_batch_job_leaves_for_the_node_exporter(batch_job, promtool, tmp_path):
    path = tmp_path / "backup.prom"
    subprocess.run([batch_job, path], check=True, timeout=30)
    verdict = subprocess.run([promtool, "check", "metrics"], input=path.read_bytes(), capture_output=True, timeout=30)
    assert (verdict.returncode, verdict.stdout, verdict.stderr) == (0, b"", b"")
    assert [one.name for one in tmp_path.iterdir()] == ["backup.prom"]


def test_each_protocol_is_served_as_prometheus_wants_it_and_says_what_was_fed(start, textparse):
    program, _, fates, _ = feed(start)
    known = None
    for accept, content_type in PROTOCOLS.values():
        page, headers = program.fetch(Accept=accept + ";q=0.2,*/*;q=0.1")
        assert headers["Content-Type"] == content_type
        read = series(judged(textparse, page, content_type))
        received = [float(value) for (name, _), value in read.items() if name == "stream_processor_events_received_total"]
        assert sum(received) == sum(fates.values())
        still = {place: value for place, value in read.items() if not place[0].startswith(RESTLESS)}
        known = known or still
        assert still == known, f"{content_type} says something else"
        if content_type.startswith("application/openmetrics-text"):
            assert list(read_open_metrics(page.decode())), "the strict parser reads it, too"
    page, headers = program.fetch("?name[]=stream_processor_events_received_total", **{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"
    families = judged(textparse, gzip.decompress(page), headers["Content-Type"])
    assert [family["name"] for family in families] == ["stream_processor_events_received_total"]
    program.finish()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_real_prometheus_scrapes_by_each_protocol_and_knows_what_the_program_knows(protocol, start, prometheus, tmp_path):
    program, _, fates, _ = feed(start)
    with scraped_by(prometheus, tmp_path, program, scrape_protocols=[protocol]) as server:
        received = server.awaited("sum by (job) (stream_processor_events_received_total)")
        assert received == {"streamgauge": sum(fates.values())}
        below = server.awaited('sum by (job) (stream_processor_processing_duration_ms_bucket{le="+Inf"})')
        assert below == {"streamgauge": fates["processed"]}
        # The program says so, too: it was asked for this and for nothing else by Prometheus.
        asked = server.awaited(f'sum by (job) (metrics_scrape_requests_total{{format="{protocol}",code="200"}})')
        assert asked["streamgauge"] > 0
        others = server.answer(f'sum by (job) (metrics_scrape_requests_total{{format!~"{protocol}|PrometheusText0.0.4"}})')
        assert others == {}, "the program was asked for another format"
    program.finish()


def test_a_real_prometheus_keeps_native_buckets_and_knows_how_many_events_and_which_quantile(start, prometheus, tmp_path):
    name = "stream_processor_processing_duration_ms"
    native = {**EVENTS, "observability": {"prometheus": {**EXPORT["prometheus"], "histograms": {"native": [name]}}}}
    program, body, fates, _ = feed(start, native)
    with scraped_by(prometheus, tmp_path, program, native=True, scrape_protocols=["PrometheusProto"]) as server:
        assert server.awaited(f"sum by (job) (histogram_count({name}))") == {"streamgauge": fates["processed"]}
        total = sum(float(line.rsplit(" ", 1)[1]) for line in body.splitlines() if line.startswith(name + "_sum"))
        assert abs(server.answer(f"sum by (job) (histogram_sum({name}))")["streamgauge"] - total) < 1e-6
        half = server.answer(f"histogram_quantile(0.5, sum by (job) ({name}))")["streamgauge"]
        assert 0 < half < 10_000
        assert server.answer(f"histogram_fraction(0, +Inf, sum by (job) ({name}))") == {"streamgauge": 1}
    program.finish()
