"""Errors that end a scan without a gate result."""

# Errors in the uploaded bytes themselves: another scan of them would fail in the same way.
IN_THE_BYTES = frozenset(
    {
        "NotAZip",
        "DamagedZip",
        "AmbiguousZip",
        "UnsupportedZip",
        "EmptyUpload",
        "OnlyArchives",
        "UnsafeEntry",
        "EncryptedEntry",
        "UploadGone",
    }
)


class ScanError(Exception):
    """The scan has no gate result; ``remediation`` is what a person can do about it.

    ``code`` is in ``report.json`` under ``error``, for programs. All codes:

        ScanError
        ├── the zip
        │   ├── what it is: NotAZip, DamagedZip, AmbiguousZip, UnsupportedZip, EmptyUpload,
        │   │   OnlyArchives, UnsafeEntry, EncryptedEntry, UploadGone
        │   ├── how large it is: TooManyFiles, ZipBomb, UploadTooLarge
        │   └── where it lies: UploadUnreadable, UploadUnreachable
        ├── the SonarQube server
        │   ├── settings: NoServer, NoOrganization, NotSonarQube, ServerTooOld, TlsFailed
        │   ├── token: BadToken, TokenMayNot
        │   └── error: ServerUnreachable, ServerNotUp, ServerSlow, ServerRefused,
        │       ProcessingFailed, Overtaken
        ├── the scanner: ScannerNotFound, ScannerFailed, ScannerSlow, NoSarif, InvalidSarif
        ├── the machine: OutOfMemory, DiskFull
        ├── a gate that evaluated nothing: NothingAnalysed, NothingEvaluated
        └── the build itself: BuildMisconfigured, Unexpected
    """

    def __init__(self, code: str, message: str, remediation: str) -> None:
        super().__init__(message)
        self.code, self.message, self.remediation = code, message, remediation

    @property
    def retryable(self) -> bool:
        """Whether another scan of the same bytes could succeed, later or with other settings."""
        return self.code not in IN_THE_BYTES
