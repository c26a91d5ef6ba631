"""How builds reach the network: a proxy, private certificate authorities."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components import urls

# Never through a proxy: the build itself, and the addresses of its credentials and metadata.
LOCAL = ("localhost", "127.0.0.1", "169.254.169.254", "169.254.170.2")
# Where ``scan/`` reads the certificate authorities, relative to the source of a build.
PACKAGED_CA = "scan/ca.pem"


@dataclass(frozen=True, kw_only=True)
class Network:
    """What a build needs where it has no direct way to the internet.

    ``ca_bundle`` is the path of a PEM file: a variable of CodeBuild is too short for a bundle.
    ``no_proxy`` are hosts and domains besides ``LOCAL``.
    """

    ca_bundle: str = ""
    proxy_url: str = ""
    no_proxy: Sequence[str] = ()

    @property
    def variables(self) -> dict[str, str]:
        """The build's variables; those of the proxy have the names that CodeBuild follows, too.

        https://docs.aws.amazon.com/codebuild/latest/userguide/use-proxy-server.html
        """
        proxy = {
            "HTTP_PROXY": self.proxy_url,
            "HTTPS_PROXY": self.proxy_url,
            "NO_PROXY": ",".join((*LOCAL, *self.no_proxy)),
        }
        return {
            **(proxy if self.proxy_url else {}),
            **({"CA_BUNDLE": PACKAGED_CA} if self.ca_bundle else {}),
        }

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong, by the name of the field; the texts contain no value."""
        wrong = {
            "ca_bundle": self.ca_bundle and ca_problem(Path(self.ca_bundle)),
            "proxy_url": self.proxy_url and urls.problem(self.proxy_url),
            "no_proxy": "does nothing without a proxy"
            if self.no_proxy and not self.proxy_url
            else "",
        }
        return {name: problem for name, problem in wrong.items() if problem}


def ca_problem(path: Path) -> str:
    """Return what is wrong with the file of certificates, empty if nothing is."""
    try:
        if b"PRIVATE KEY-----" in path.read_bytes():
            return "holds a private key, which builds must not have"
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "is not a file of certificates in PEM"
    except OSError as error:
        return f"can't be read: {error.strerror}"
    return ""
