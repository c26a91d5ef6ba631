"""TLS in front of a server that has none, with a certificate of an own CA."""

import datetime
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certified(folder: Path, host: str = "localhost") -> tuple[Path, Path]:
    """Make a CA and a certificate for 127.0.0.1 and ``host`` in ``folder``; returns both as PEM
    files, the second with its key."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name.from_rfc4514_string("CN=Own CA")
    now = datetime.datetime.now(datetime.UTC)

    def signed(name: x509.Name, public: ec.EllipticCurvePublicKey, *, is_ca: bool) -> bytes:
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(ca_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName(host)]
                ),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        if is_ca:
            use = x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            )
            built = built.add_extension(use, critical=True)
        return built.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    ca, certificate = folder / "ca.pem", folder / "server.pem"
    ca.write_bytes(signed(ca_name, ca_key.public_key(), is_ca=True))
    name = x509.Name.from_rfc4514_string("CN=127.0.0.1")
    certificate.write_bytes(
        signed(name, key.public_key(), is_ca=False)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return ca, certificate


@contextmanager
def tls_front(url: str, certificate: Path) -> Iterator[str]:
    """An https URL behind which ``url`` answers."""
    to = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    class Tunnel(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as near,
                socket.create_connection((to.hostname, to.port)) as far,
            ):
                tunnel(near, far)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as front:
        front.daemon_threads = True
        threading.Thread(target=front.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{front.server_address[1]}"
        front.shutdown()


def tunnel(near: socket.socket, far: socket.socket) -> None:
    """Copy what either sends to the other, until both have ended."""
    back = threading.Thread(target=_copy, args=(far, near), daemon=True)
    back.start()
    _copy(near, far)
    back.join()


def _copy(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while chunk := near.recv(65536):
            far.sendall(chunk)
        far.shutdown(socket.SHUT_WR)
