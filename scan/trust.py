"""The certificate authorities that a build trusts; to import it needs no package."""

import os
from collections.abc import Mapping
from pathlib import Path

# Read by OpenSSL (so by most tools), and by Python's requests.
NAMES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def own(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the PEM file of private authorities that the settings name, None if there is none."""
    path = environment.get("CA_BUNDLE")
    return Path(path).resolve() if path else None


def bundle(private: Path | None, folder: Path, public: Path | None = None) -> Path | None:
    """Write the ``public`` authorities and then the ``private`` ones to a file in ``folder``.

    The public ones are by default those of certifi. Returns None if there are no private ones: then
    each program trusts what it does by default.
    """
    if not private:
        return None
    if not public:
        import certifi

        public = Path(certifi.where())
    both = folder / "ca.pem"
    both.write_bytes(public.read_bytes() + b"\n" + private.read_bytes() + b"\n")
    return both


def variables(both: Path | None) -> dict[str, str]:
    """Return the variables that make a program trust the bundle."""
    return dict.fromkeys(NAMES, str(both)) if both else {}
