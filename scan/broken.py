"""What ends a scan without a gate."""


class Broken(Exception):
    """The scan says nothing about the code; ``mend`` is what a person can do about that.

    ``code`` stands in ``report.json`` under ``error``, for programs that read it. All of them:

        Broken
        ├── the zip
        │   ├── what it is: NotAZip, DamagedZip, AmbiguousZip, UnsupportedZip, EmptyUpload,
        │   │   OnlyArchives
        │   ├── what is in it: UnsafeEntry, EncryptedEntry, TooManyFiles, ZipBomb, UploadTooLarge
        │   └── where it lies: UploadGone, UploadUnreadable
        ├── the SonarQube server
        │   ├── settings: NoServer, NoOrganization, NotSonarQube, ServerTooOld, TlsFailed
        │   ├── token: BadToken, TokenMayNot
        │   └── trouble: ServerUnreachable, ServerNotUp, ServerSlow, ServerRefused,
        │       ProcessingFailed, Overtaken
        ├── the scanner: ScannerNotFound, ScannerFailed, NoSarif, BrokenSarif
        ├── a gate that judged nothing: NothingAnalysed, NotAllAnalysed, NothingJudged
        └── the build itself: BuildMisconfigured, Unexpected
    """

    def __init__(self, code: str, message: str, mend: str) -> None:
        super().__init__(message)
        self.code, self.message, self.mend = code, message, mend
