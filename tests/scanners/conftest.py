"""Each scanner as it is packed for this machine."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import scan.packs
from packs.platforms import of_this_machine
from packs.store import of


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory) -> Path:
    """The folder of unpacked packs."""
    return tmp_path_factory.mktemp("packs")


@pytest.fixture
def packed(unpacked, monkeypatch) -> Callable[[str], Path]:
    """Unpacks the pack of a scanner for this machine, which is made unless it is stored."""
    monkeypatch.setattr(scan.packs, "FOLDER", unpacked)

    def pack(name: str) -> Path:
        folder = unpacked / name
        if not folder.is_dir():
            with zipfile.ZipFile(of(name, of_this_machine()).make()) as archive:
                archive.extractall(folder)
        return folder

    return pack
