"""One run of streamgauge, driven as a user would: configuration file, standard streams, scrape endpoint, report, exit code."""
import json
import os
import re
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("STREAMGAUGE_BIN", ROOT / "target/release/streamgauge")).absolute()
LISTENING = re.compile(r"listening on (https?://[^\s/\"]+)")

EXPORT = {"prometheus": {"enabled": True, "endpoint": {"host": "127.0.0.1", "port": 0}}}
SILENT = {"prometheus": {"enabled": False}}


def azure(trace, windows, **source):
    """The configuration for the packaged hour: sorted by time, without identities."""
    return {
        "observability": SILENT,
        "source": {"file": {"paths": [str(trace)], "format": "csv", **source}},
        "event": {"id": "none", "type": {"value": "llm.request"},
                  "time": {"from": "/TIMESTAMP", "format": "%Y-%m-%d %H:%M:%S%.f"},
                  "numbers": {"input_tokens": "/ContextTokens", "output_tokens": "/GeneratedTokens"}},
        "watermark": {"max_out_of_orderness": "0s"},
        "windows": windows,
        "sink": {"file": {"path": "rows.ndjson"}},
    }


class Program:
    def __init__(self, folder, config, stdin=subprocess.DEVNULL):
        self.folder = Path(folder)
        (self.folder / "config.yaml").write_text(json.dumps(config, indent=1))  # JSON is YAML
        self.errors = []
        self._url = None
        self._spoken = threading.Event()
        self.process = subprocess.Popen(
            [BINARY, "run", "--config", "config.yaml", "--report", "report.json"],
            cwd=self.folder, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self):
        for line in self.process.stderr:
            self.errors.append(line.decode(errors="replace"))
            if self._url is None and (found := LISTENING.search(self.errors[-1])):
                self._url = found[1]
                self._spoken.set()
        self._spoken.set()

    @property
    def url(self):
        """Where the endpoint listens, as the log says."""
        assert self._spoken.wait(10) and self._url, f"no line `listening on http://…` in: {self.said()}"
        return self._url

    def said(self):
        return "".join(self.errors)[-2000:]

    def fetch(self, query="", **headers):
        """One GET /metrics: (bytes, headers)."""
        with urllib.request.urlopen(urllib.request.Request(self.url + "/metrics" + query, headers=headers), timeout=10) as answer:
            return answer.read(), answer.headers

    def scrape(self):
        """One GET /metrics for someone who takes anything: (body, content type)."""
        body, headers = self.fetch()
        return body.decode(), headers["Content-Type"]

    def wait_for(self, reached, seconds=30):
        """Scrapes until reached(body) holds; the body for which it held."""
        end = time.monotonic() + seconds
        while True:
            body, _ = self.scrape()
            if reached(body):
                return body
            assert time.monotonic() < end, f"not reached in {seconds} s; last scrape:\n{body[:4000]}\n{self.said()}"
            time.sleep(0.05)

    def finish(self, seconds=60):
        """Waits for the end (closing stdin first); the report."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        code = self.process.wait(timeout=seconds)
        self._reader.join(timeout=10)
        assert code == 0, f"exit {code}: {self.said()}"
        return json.loads((self.folder / "report.json").read_text())

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdin and not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        self._reader.join(timeout=10)
        self.process.stderr.close()

    def rows(self):
        return [json.loads(line) for line in (self.folder / "rows.ndjson").read_text().splitlines()]


def accounted(report):
    """The law of conservation, from the report alone."""
    return report["received"] == sum(report[part] for part in ("processed", "duplicates", "late", "dead_letters", "filtered"))
