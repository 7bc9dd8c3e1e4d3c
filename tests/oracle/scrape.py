"""Reading a scrape with the Python client's parser, plus what that parser does not look at."""
from prometheus_client.parser import text_string_to_metric_families

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CUMULATIVE = ("_bucket", "_count", "_sum")


def parse(body):
    """{(sample name, labels): (value, type of its family)}; fails on a series that stands there twice."""
    assert body.endswith("\n"), "a scrape ends with a line end"
    series = {}
    for family in text_string_to_metric_families(body):
        assert family.type != "unknown", f"{family.name} has no TYPE"
        assert family.documentation, f"{family.name} has no HELP"
        for sample in family.samples:
            place = (sample.name, frozenset(sample.labels.items()))
            assert place not in series, f"series twice in one scrape: {sample.name}{sample.labels}"
            series[place] = (sample.value, family.type)
    return series


def families_stand_once_and_together(body):
    """Every family has one HELP and one TYPE line, and no family is taken up again."""
    heads = [line.split(" ", 3)[1:3] for line in body.splitlines() if line.startswith("# ")]
    assert len(heads) == len({tuple(head) for head in heads}), "HELP or TYPE twice for one name"


def only_grows(series):
    """The part of a scrape that may never decrease."""
    return {place: value for place, (value, kind) in series.items()
            if kind == "counter" or (kind in ("histogram", "summary") and place[0].endswith(CUMULATIVE))}


def total(body_or_series, name, **labels):
    """The sum over all series of that name which carry these labels."""
    series = parse(body_or_series) if isinstance(body_or_series, str) else body_or_series
    wanted = set(labels.items())
    return sum(value for (found, has), (value, _) in series.items() if found == name and wanted <= has)


def received(body):
    return total(body, "stream_processor_events_received_total")
