"""More than two hundred megabytes of nonsense on standard input: every line is accounted for, memory stays flat."""
import json
import random
import subprocess
from collections import Counter

from program import EXPORT, accounted
from rows import SECOND, stamp
from scrape import parse, received, total

MIB = 1 << 20
CONFIG = {
    "observability": EXPORT,
    "source": {"file": {"paths": ["-"], "format": "ndjson"}},
    "event": {"id": "/id", "type": "/type", "time": {"from": "/time", "format": "rfc3339"},
              "strings": {"model": "/model"}, "numbers": {"tokens": "/tokens"}},
    "watermark": {"max_out_of_orderness": "5s"},
    "windows": [{"name": "ten", "type": "tumbling", "size": "10s", "key": ["model"], "aggregates": {"n": "count", "tokens": "sum(tokens)"}}],
    "sink": {"file": {"path": "rows.ndjson"}},
}
BASE = 1_704_067_200 * SECOND
NOW = "2024-01-01T00:00:00Z"  # in the lines below: replaced by the time that the stream has reached
OPEN = '{"id":"a","type":"t","time":"' + NOW + '","model":"m",'

# One line each, with its fate: "processed" or the reason of its dead letter.
ODDITIES = [
    (OPEN + '"tokens":NaN}', "invalid_json"),
    (OPEN + '"tokens":-Infinity}', "invalid_json"),
    (OPEN + '"tokens":01}', "invalid_json"),
    (OPEN + '"tokens":1,}', "invalid_json"),
    (OPEN + '"tokens":1e400}', "invalid_field"),
    (OPEN + '"tokens":"7"}', "invalid_field"),
    (OPEN + '"tokens":[1]}', "invalid_field"),
    (OPEN + '"unmapped":1e400}', "processed"),
    (OPEN + '"unmapped":"\\ud800"}', "processed"),
    (OPEN + '"model":"\\ud800"}', "invalid_field"),
    (OPEN + '"model":"\\ud83d\\ude00"}', "processed"),
    (OPEN + '"model":"n\\u0000l"}', "processed"),
    (OPEN + '"model":"raw \0 nul"}', "invalid_json"),
    (OPEN + '"tokens":1,"tokens":2}', "processed"),
    (OPEN + '"tokens":"x","tokens":2}', "processed"),
    (OPEN + '"tokens":null}', "processed"),
    (OPEN + '"tokens":5} {}', "invalid_json"),
    (OPEN + '"deep":' + "[" * 127 + "]" * 127 + "}", "processed"),
    (OPEN + '"deep":' + "[" * 128 + "]" * 128 + "}", "invalid_json"),
    (OPEN[:30], "invalid_json"),
    (OPEN + '"model":"cut', "invalid_json"),
    ('{"id":"","type":"t","time":"2024-01-01T00:00:00Z"}', "missing_field"),
    ('{"id":"a","type":"t","time":"2024-02-30T00:00:00Z"}', "invalid_timestamp"),
    ('{"id":"a","type":"t","time":"2200-01-01T00:00:00Z"}', "future_timestamp"),
    ("null", "invalid_json"), ("[]", "invalid_json"), ('"text"', "invalid_json"), ("{", "invalid_json"), ("}" * 50, "invalid_json"),
    ("[" * 100_000, "invalid_json"), ('{"a":' * 100_000, "invalid_json"), ('{"a":' * 100_000 + "1" + "}" * 100_000, "invalid_json"),
]
BAD_BYTES = [(b"\xff\xfe{}", "invalid_utf8"), (OPEN.encode() + b'"unmapped":"\xc3("}', "invalid_utf8"), (b"\xed\xa0\x80", "invalid_utf8")]


def random_block(draw):
    """A mebibyte of random bytes with far more line ends than chance would give; its lines' fates beside it."""
    raw = bytearray(draw.randbytes(MIB - 1))
    for _ in range(2000):
        raw[draw.randrange(len(raw))] = 10
    raw += b"\n"
    return bytes(raw), Counter(fate_of_noise(line) for line in raw.split(b"\n") if line not in (b"", b"\r"))


def fate_of_noise(line):
    try:
        line.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    return "invalid_json"


def time_of(number):
    return stamp(BASE + number * SECOND // 1000)


def valid_lines(numbers):
    return b"".join(json.dumps({"id": f"v{number}", "type": "t", "time": time_of(number),
                                "model": "valid", "tokens": number}).encode() + b"\n" for number in numbers)


def garbage():
    """Yields (bytes, fates of the lines that end in them) until more than 200 MB are out."""
    draw = random.Random(99)
    noise = [random_block(draw) for _ in range(8)]
    oddities = [(line.encode(), fate) for line, fate in ODDITIES] + BAD_BYTES
    for fill in (b"x", b'"', b"\xf0", b"\0"):  # lines of 50 MB, of which only one could be JSON
        if fill == b"x":
            yield OPEN.encode() + b'"pad":"', Counter()
        for _ in range(50):
            yield fill * 1_000_000, Counter()
        yield b'"}\n', Counter(["line_too_long"])
    for number in range(96):
        yield noise[number % len(noise)]
        yield valid_lines(range(number * 500, number * 500 + 500)), Counter(processed=500)
        line, fate = oddities[number % len(oddities)]
        yield line.replace(NOW.encode(), time_of(number * 500).encode()) + b"\n\r\n\n", Counter([fate])


def memory(pid, entry):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(entry + ":"))


def test_garbage_is_accounted_for_line_by_line_and_memory_stays_flat(start):
    program = start(CONFIG, stdin=subprocess.PIPE)
    pid = program.process.pid
    _ = program.url  # it listens: the start is over
    at_start = memory(pid, "VmRSS")
    fates, fed = Counter(), 0
    for chunk, ended in garbage():
        program.process.stdin.write(chunk)
        fates += ended
        fed += len(chunk)
    program.process.stdin.flush()
    body = program.wait_for(lambda body: received(body) >= fates.total())
    grown = memory(pid, "VmHWM") - at_start
    assert fed > 200_000_000
    series = parse(body)
    assert {reason: total(series, "stream_processor_errors_total", error_type=reason) for reason in fates if reason != "processed"} \
        == {reason: count for reason, count in fates.items() if reason != "processed"}
    report = program.finish()
    assert (report["received"], report["processed"]) == (fates.total(), fates["processed"])
    assert report["dead_letters"] == fates.total() - fates["processed"] and accounted(report)
    assert report["bytes_in"] == fed
    counted = [row for row in program.rows() if row["key"]["model"] == "valid"]
    assert sum(row["values"]["n"] for row in counted) == 96 * 500
    assert sum(row["values"]["tokens"] for row in counted) == sum(range(96 * 500))
    assert grown < 64 * MIB, f"peak memory rose by {grown / MIB:.1f} MiB"
