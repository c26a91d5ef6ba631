"""docs/evidence.md matches the schemas."""

from domain.evidence_paths import DOCUMENTS, FOLDERS
from ops.evidence_docs import EVIDENCE, FILE, markdown


def test_the_page_is_that_of_the_schemas():
    assert FILE.read_text() == markdown(), "run: .venv/bin/python -m ops.evidence_docs"


def test_the_page_has_every_document_of_evidence():
    assert {*DOCUMENTS.values(), *FOLDERS.values()} <= set(EVIDENCE)
