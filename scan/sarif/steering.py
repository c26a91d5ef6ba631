"""Files in an upload by which it would tell a scanner what not to find."""

from pathlib import Path

from scan.finding import IgnoredSetting

# What the tools leave out because the code says so.
EXCLUSIONS = {
    ".bandit",
    ".semgrepignore",
    ".trivyignore",
    ".trivyignore.yaml",
    ".gitleaksignore",
    ".snyk",
}
# These also load plugins or rules from the code, or send results elsewhere.
SETTINGS = {
    ".checkov.yaml",
    ".checkov.yml",
    ".semgrep.yml",
    ".semgrep.yaml",
    ".gitleaks.toml",
    ".tflint.hcl",
    "trivy.yaml",
}


def set_aside(source: Path, *, exclusions_too: bool) -> list[IgnoredSetting]:
    """Remove those files from ``source``, at any depth, and say which they were."""
    names = SETTINGS | EXCLUSIONS if exclusions_too else SETTINGS
    found = sorted(path for path in source.rglob("*") if path.name.lower() in names)
    settings = []
    for path in (each for each in found if each.is_file()):
        with path.open(encoding="utf-8", errors="replace") as file:
            value = file.read(200)
        name = path.relative_to(source).as_posix()
        settings.append(IgnoredSetting(file=name, key=path.name, value=value, weakens=True))
        path.unlink()
    return settings
