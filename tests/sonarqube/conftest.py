from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from local.sonarqube import NoDownload, Server, missing, running_server


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A real server, for all tests that ask for one; they run only with ``-m sonarqube``."""
    if "sonarqube" not in str(request.config.getoption("-m")):
        pytest.skip("a real SonarQube takes minutes: pytest -m sonarqube")
    if lacking := missing():
        pytest.skip(lacking)
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, flush=True)

    with ExitStack() as stack:
        try:
            running = stack.enter_context(running_server(say))
        except NoDownload as why:
            pytest.skip(str(why))
        yield running
