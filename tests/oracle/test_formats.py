"""Every format of the scrape endpoint, read by parsers that others wrote, says the same."""
import gzip
import struct
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from scrape import CONTENT_TYPE, parse
from test_telemetry import feed

PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
# What changes between two scrapes of a run that waits for its input.
RESTLESS = ("process_", "metrics_", "stream_processor_stage_time_ms", "stream_processor_watermark_lag_ms",
            "stream_processor_oldest_open_window_age_ms")


def fetch(url, **headers):
    request = urllib.request.Request(url + "/metrics", headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read(), {name.lower(): value for name, value in answer.headers.items()}


def still(series):
    return {place: value for place, value in series.items() if not place[0].startswith(RESTLESS)}


def plain(url):
    body, headers = fetch(url)
    assert headers["content-type"] == CONTENT_TYPE
    return still({place: value for place, (value, _) in parse(body.decode()).items()})


@pytest.fixture
def program(start):
    program, *_ = feed(start)
    yield program
    program.finish()


def test_openmetrics_is_read_by_the_strict_parser_and_says_the_same(program):
    body, headers = fetch(program.url, Accept="application/openmetrics-text;version=1.0.0")
    assert headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
    text = body.decode()
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1
    series = {}
    for family in openmetrics(text):
        for sample in family.samples:
            place = (sample.name, frozenset(sample.labels.items()))
            assert place not in series, f"series twice: {place}"
            series[place] = sample.value
    known = {(name, frozenset((k, str(float(v)) if k == "le" and v != "+Inf" else v) for k, v in labels)): value
             for (name, labels), value in plain(program.url).items()}
    same = {(name, frozenset((k, str(float(v)) if k == "le" and v != "+Inf" else v) for k, v in labels)): value
            for (name, labels), value in still(series).items()}
    assert same == known


def test_text_of_version_1_is_read_like_that_of_0(program):
    body, headers = fetch(program.url, Accept="text/plain;version=1.0.0;escaping=allow-utf-8")
    assert headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    assert still({place: value for place, (value, _) in parse(body.decode()).items()}) == plain(program.url)


@pytest.mark.parametrize("accept, coding, unpack", [("gzip", "gzip", gzip.decompress), ("identity", None, bytes), ("br", None, bytes)])
def test_a_body_is_packed_as_asked_for_and_said_to_be_only_then(program, accept, coding, unpack):
    body, headers = fetch(program.url, Accept_Encoding=accept)
    assert headers.get("content-encoding") == coding
    assert int(headers["content-length"]) == len(body)
    assert still({place: value for place, (value, _) in parse(unpack(body).decode()).items()}) == plain(program.url)


def test_protobuf_says_the_same(program):
    body, headers = fetch(program.url, Accept=PROTOBUF)
    assert headers["content-type"] == PROTOBUF + "; escaping=underscores"
    series = {}
    for family in messages(body):
        name = family[1][0].decode()
        for metric in map(fields, family[4]):
            labels = frozenset((pair[1][0].decode(), pair.get(2, [b""])[0].decode()) for pair in map(fields, metric.get(1, [])))
            for kind in (2, 3):
                for value in metric.get(kind, []):
                    series[name, labels] = fields(value)[1][0]
            for histogram in map(fields, metric.get(7, [])):
                series[name + "_count", labels] = histogram[1][0]
                series[name + "_sum", labels] = histogram[2][0]
                for bucket in map(fields, histogram.get(3, [])):
                    series[name + "_bucket", labels | {("le", bucket[2][0])}] = bucket[1][0]
    known = {(name, frozenset((k, float(v) if k == "le" else v) for k, v in labels)): value
             for (name, labels), value in plain(program.url).items()}
    assert still(series) == known


def messages(body):
    at = 0
    while at < len(body):
        length, at = varint(body, at)
        yield fields(body[at:at + length])
        at += length


def fields(message):
    """{number: values} of a protobuf message; numbers, doubles and bytes."""
    found, at = {}, 0
    while at < len(message):
        key, at = varint(message, at)
        match key & 7:
            case 0:
                value, at = varint(message, at)
            case 1:
                value, at = struct.unpack_from("<d", message, at)[0], at + 8
            case 2:
                length, at = varint(message, at)
                value, at = message[at:at + length], at + length
                assert len(value) == length, "a message that ends too early"
            case other:
                raise AssertionError(f"wire type {other}")
        found.setdefault(key >> 3, []).append(value)
    return found


def varint(message, at):
    number = shift = 0
    while True:
        byte = message[at]
        number, shift, at = number | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return number, at
