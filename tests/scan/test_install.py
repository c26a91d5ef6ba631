"""What pip gets to install the scanner; tests/local/test_build_network.py has it install."""

from pathlib import Path

import pytest

from scan import install

INDEX = "https://packages.example.com/simple"


@pytest.mark.parametrize(
    ("credentials", "url"),
    [
        ("", INDEX),
        ("ada:hunter2", "https://ada:hunter2@packages.example.com/simple"),
        ("ada@example.com:p@ss:w/rd", "https://ada%40example.com:p%40ss%3Aw%2Frd@"),
        ("__token__:x", "https://__token__:x@"),
    ],
)
def test_credentials_are_quoted_into_the_url(credentials, url):
    assert install.with_credentials(INDEX, credentials).startswith(url)


def test_pip_keeps_its_own_index_and_authorities_unless_the_settings_name_others():
    given = {"PATH": "/bin", "PIP_INDEX_URL": "https://mirror.example.com/simple"}

    assert install.environment(given, None) == given


def test_pip_gets_the_index_and_the_authorities_of_the_settings():
    given = {"PACKAGE_INDEX_URL": INDEX, "PACKAGE_INDEX_CREDENTIALS": "ada:hunter2\n"}

    assert install.environment(given, Path("/tmp/ca.pem")) == {
        "PACKAGE_INDEX_URL": INDEX,
        "PIP_INDEX_URL": "https://ada:hunter2@packages.example.com/simple",
        "PIP_CERT": "/tmp/ca.pem",
    }
