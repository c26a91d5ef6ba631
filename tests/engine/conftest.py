import shutil

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if "tests/engine/" in item.nodeid]
    for item in here:
        item.add_marker(pytest.mark.engine)
        item.add_marker(pytest.mark.slow)  # the CLI takes a second for each step
        if not (shutil.which("pulumi") and shutil.which("pulumi-language-python")):
            reason = "the Pulumi CLI is not on PATH (https://www.pulumi.com/docs/install/)"
            item.add_marker(pytest.mark.skip(reason=reason))
