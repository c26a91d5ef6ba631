"""docs/evidence.md matches the schemas."""

from ops.evidence_docs import FILE, markdown


def test_the_page_is_that_of_the_schemas():
    assert FILE.read_text() == markdown(), "run: .venv/bin/python -m ops.evidence_docs"
