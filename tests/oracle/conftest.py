"""Fixtures of the oracle tests: judged is the release binary named by STREAMGAUGE_BIN, from outside only."""
import sys
from pathlib import Path

import pytest

from program import BINARY, Program

TOOLS = Path(sys.executable).parent


def pytest_configure(config):
    missing = [path for path in (BINARY, TOOLS / "promtool", TOOLS / "prometheus") if not path.exists()]
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
