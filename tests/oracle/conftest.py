"""Fixtures of the oracle tests: judged is the release binary named by STREAMGAUGE_BIN, from outside only, and what the example named by
STREAMGAUGE_PAGES and the one beside it write."""
import os
import sys
from pathlib import Path

import pytest

from program import BINARY, ROOT, Program

TOOLS = Path(sys.executable).parent
PAGES = Path(os.environ.get("STREAMGAUGE_PAGES", ROOT / "target/debug/examples/pages")).absolute()
BATCH_JOB = PAGES.with_name("batch_job")


def pytest_configure(config):
    tools = [TOOLS / name for name in ("promtool", "prometheus", "textparse")]
    missing = [path for path in (BINARY, PAGES, BATCH_JOB, *tools) if not path.exists()]
    if missing:
        pytest.exit(f"missing: {', '.join(map(str, missing))}; run make test, which builds and fetches them", returncode=1)


@pytest.fixture
def start(tmp_path):
    """Starts streamgauge in this test's folder; whatever still runs at the end is ended by its own handle."""
    running = []

    def begin(config, **options):
        running.append(Program(tmp_path, config, **options))
        return running[-1]

    yield begin
    for program in running:
        program.end()


@pytest.fixture
def run(start):
    """Runs streamgauge to its end and gives back its report; anything but exit 0 fails the test."""
    return lambda config, **options: start(config, **options).finish()


@pytest.fixture(scope="session")
def trace():
    return Path(__file__).resolve().parents[2] / "data" / "azure-llm-conv-2023.csv"


@pytest.fixture(scope="session")
def promtool():
    return str(TOOLS / "promtool")


@pytest.fixture(scope="session")
def prometheus():
    return str(TOOLS / "prometheus")


@pytest.fixture(scope="session")
def textparse():
    return str(TOOLS / "textparse")


@pytest.fixture(scope="session")
def pages():
    return str(PAGES)


@pytest.fixture(scope="session")
def batch_job():
    return str(BATCH_JOB)
