"""How this program was called: from a checkout of it, or as the installed command ``chatops``."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
# Where the Pulumi program is, with its settings and samples; an installed package has none of them.
IN_CHECKOUT = (ROOT / "Pulumi.yaml").is_file()
# The words that call this program, for commands that the output suggests.
CHATOPS = ".venv/bin/python -m ops" if IN_CHECKOUT else "chatops"


def version() -> str:
    """The version of this program."""
    if IN_CHECKOUT:
        import tomllib

        return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    from importlib import metadata

    return metadata.version("chatops-slack")
