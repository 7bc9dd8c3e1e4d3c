"""A real Prometheus that scrapes one program."""
import contextlib
import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request


@contextlib.contextmanager
def scraped_by(prometheus, folder, program, native=False, **scraping):
    """Scrapes the program four times a second, and has done so once when this is entered; `scraping` is added to the configuration."""
    target = program.url.partition("://")[2]
    (folder / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"},
        "scrape_configs": [{"job_name": "streamgauge", "static_configs": [{"targets": [target]}], **scraping}]}))
    port = free_port()
    features = ["--enable-feature=native-histograms"] if native else []
    with open(folder / "prometheus.log", "wb") as log:
        process = subprocess.Popen(
            [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", f"--web.listen-address=127.0.0.1:{port}", *features],
            cwd=folder, stdout=log, stderr=log)
    server = Server(port)
    try:
        assert server.agrees("up", lambda: {"streamgauge": 1}, seconds=30), (folder / "prometheus.log").read_text()[-2000:]
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


class Server:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/api/v1/query?"

    def answer(self, query):
        """What the query API says now, value by job."""
        try:
            with urllib.request.urlopen(self.url + urllib.parse.urlencode({"query": query}), timeout=5) as answer:
                return {one["metric"]["job"]: float(one["value"][1]) for one in json.load(answer)["data"]["result"]}
        except OSError:
            return {}

    def awaited(self, query, seconds=15):
        """The first answer that is not empty."""
        self.agrees(query, lambda: None, seconds, lambda found, _: bool(found))
        return self.answer(query)

    def agrees(self, query, expected, seconds=15, agree=lambda found, wanted: found == wanted):
        """Whether the answer becomes what is expected."""
        end = time.monotonic() + seconds
        while not agree(self.answer(query), expected()):
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]
