import pytest

from tests.components.recording import Built, program


@pytest.fixture(scope="session")
def dev() -> Built:
    """The whole program with the settings of Pulumi.dev.yaml."""
    return program("dev")


@pytest.fixture(scope="session")
def prod() -> Built:
    """The whole program with the settings of Pulumi.prod.yaml."""
    return program("prod")
