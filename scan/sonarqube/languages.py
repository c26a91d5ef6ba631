"""SonarQube's keys of languages, and the tags of ``scan.language`` for the same."""

from collections.abc import Iterable

# Keys of ``api/languages/list``. Other keys are used as tags themselves, so that languages which
# SonarQube adds later count as known.
TAGS = {
    "azureresourcemanager": {"bicep"},
    "c": {"c"},
    "cpp": {"c++"},
    "cs": {"c#"},
    "docker": {"dockerfile"},
    "flex": {"actionscript"},
    "ipynb": {"jupyter"},
    "js": {"javascript", "jsx", "vue"},
    "objc": {"objective-c"},
    "plsql": {"sql"},
    "py": {"python"},
    "ts": {"ts", "tsx"},
    "tsql": {"sql"},
    "vbnet": {"vb", "vb.net"},
    "web": {"html", "xhtml"},
}
DATA = {
    "ansible", "cloudformation", "css", "githubactions", "ini", "json", "kubernetes", "less",
    "secrets", "text", "xml", "yaml",
}  # fmt: skip


def tags(keys: Iterable[str]) -> frozenset[str]:
    """The tags of the languages with these ``keys``."""
    return frozenset(tag for key in keys for tag in of(key))


def of(key: str) -> set[str]:
    """The tags of one language; none for data, or for an empty key."""
    return TAGS.get(key, set[str]() if key in DATA or not key else {key})
