"""What an upload claims of its origin is read, bounded and linked, whatever it says."""

import string
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import origin
from domain.origin import Origin
from domain.sanitize import line, size
from tests.support.hostile_texts import NASTY

SHA = "1a2b3c4d5e6f7081920a1b2c3d4e5f6071829304"
FULL = Origin(
    repository="https://github.com/acme/payments",
    commit=SHA,
    branch="feature/grün, 100% done",
    pull_request="17",
    author="Ada Lovelace <ada@example.com>",
    build_url="https://ci.example.com/job/payments/12/?page=1#log",
)
HOSTILE = st.one_of(st.text(max_size=600), st.sampled_from(sorted(NASTY.values())))


def test_plain_metadata_is_read_as_people_write_it():
    written = {
        "repository": "https://github.com/acme/payments.git",
        "commit": SHA.upper(),
        "branch": "main",
        "pull-request": "#17",
        "author": "Ada Lovelace",
        "build-url": "https://ci.example.com/12",
        "uploader": "ada@example.com",
    }

    assert origin.of_metadata(written) == Origin(
        "https://github.com/acme/payments", SHA, "main", "17", "Ada Lovelace",
        "https://ci.example.com/12",
    )  # fmt: skip


def test_an_upload_without_metadata_claims_nothing():
    assert origin.of_metadata({}) == origin.of_document(None) == Origin()
    assert not any(Origin())
    assert origin.metadata(Origin()) == origin.document(Origin()) == {}


def test_metadata_is_ascii_and_reads_as_it_was_written():
    encoded = origin.metadata(FULL)

    assert encoded["branch"] == "feature/gr%C3%BCn,%20100%25%20done"
    assert encoded["repository"] == FULL.repository
    assert origin.of_metadata(encoded) == FULL


def test_the_report_has_it_in_the_names_of_its_schema():
    document = origin.document(FULL)

    assert set(document) == {
        "repository", "commit", "branch", "pullRequest", "author", "buildUrl",
    }  # fmt: skip
    assert origin.of_document(document) == FULL


@given(st.dictionaries(st.sampled_from(sorted(origin.METADATA_NAMES.values())), HOSTILE))
@example({"branch": "\ud800%ff%00", "author": "%0d%0aBcc:%20eve@evil.example"})
def test_hostile_metadata_becomes_bounded_lines_that_survive_every_step(metadata: dict[str, str]):
    claimed = origin.of_metadata(metadata)

    for value in claimed:
        assert size(value) <= 400
        assert value == line(value, 400)
        assert value.encode().decode() == value
    encoded = origin.metadata(claimed)
    assert all(set(value) <= set(string.printable[:94]) for value in encoded.values())
    assert origin.of_metadata(encoded) == claimed
    assert origin.of_document(origin.document(claimed)) == claimed


@given(HOSTILE, HOSTILE)
def test_links_lead_to_the_claimed_host_only(path: str, number: str):
    claimed = Origin(*(
        origin.valid(field, value)
        for field, value in (
            ("repository", f"https://github.com/{path}"), ("commit", SHA), ("branch", path),
            ("pull_request", number), ("author", ""), ("build_url", f"https://ci.example.com{path}"),
        )
    ))  # fmt: skip

    for url in filter(None, (claimed.commit_url, claimed.pull_request_url)):
        assert urlsplit(url)[:2] == ("https", "github.com")
    if claimed.build_url:
        assert urlsplit(claimed.build_url).hostname == claimed.build_host


@pytest.mark.parametrize(
    ("repository", "commit", "pull_request"),
    [
        ("https://github.com/a/b", "/commit/", "/pull/"),
        ("https://GitHub.com/a/b", "/commit/", "/pull/"),
        ("https://github.example.com:8443/a/b", "/commit/", "/pull/"),
        ("https://gitlab.com/a/group/b", "/-/commit/", "/-/merge_requests/"),
        ("https://gitlab.example.com/a/b", "/-/commit/", "/-/merge_requests/"),
        ("https://bitbucket.org/a/b", "/commits/", "/pull-requests/"),
        ("https://dev.azure.com/org/My%20Project/_git/b", "/commit/", "/pullrequest/"),
        ("https://org.visualstudio.com/p/_git/b", "/commit/", "/pullrequest/"),
    ],
)
def test_commit_and_pull_request_are_linked_where_the_host_is_known(
    repository, commit, pull_request
):
    claimed = Origin(repository=repository, commit=SHA, pull_request="17")

    assert claimed.commit_url == f"{repository}{commit}{SHA}"
    assert claimed.pull_request_url == f"{repository}{pull_request}17"


@pytest.mark.parametrize(
    "repository",
    [
        "https://git.example.com/a/b",
        "https://notgithub.com/a/b",
        "https://github/a/b",
        "https://azure.example.com/a/b",
        "https://evil.example/github.com/b",
        "",
    ],
)
def test_nothing_is_linked_where_the_host_is_unknown(repository):
    claimed = Origin(repository=repository, commit=SHA, pull_request="17")

    assert (claimed.commit_url, claimed.pull_request_url) == (None, None)


def test_only_a_numbered_pull_request_is_linked():
    assert FULL._replace(pull_request="refs.1").pull_request_url is None
    assert FULL._replace(commit="").commit_url is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("repository", "http://github.com/a/b"),
        ("repository", "https://ada:secret@github.com/a/b"),
        ("repository", "https://github.com@evil.example/a"),
        ("repository", "https://gith\u0443b.com/a/b"),
        ("repository", "https://github.com/a/b?x=1"),
        ("repository", "https://github.com/a b"),
        ("repository", "git@github.com:a/b.git"),
        ("repository", "javascript:alert(1)"),
        ("repository", "https://github.com/" + "a" * 300),
        ("build_url", "http://ci.example.com/1"),
        ("build_url", "https://ci.example.com/1\nBcc: eve@evil.example"),
        ("build_url", "https://ci.example.com/>x|<https://evil.example"),
        ("build_url", "https://ci.example.com/" + "a" * 400),
        ("commit", "1a2b3c"),
        ("commit", "g" * 40),
        ("commit", "1" * 65),
        ("commit", None),
        ("pull_request", "17/../../evil"),
        ("pull_request", 17),
        ("pull_request", ""),
        ("branch", {"a": "b"}),
    ],
)
def test_what_is_no_such_value_is_dropped(field, value):
    assert origin.valid(field, value) == ""


def test_a_long_branch_is_cut_and_says_so():
    assert origin.valid("branch", "b" * 300) == "b" * 199 + "…"
