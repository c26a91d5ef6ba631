"""The least that scans an upload: fetches the zip, unpacks it, runs Bandit, stores its SARIF.

``python least_scan.py FOLDER BUCKET KEY TO COMMAND...``: the scanner's command is for the files in
FOLDER/source, and writes FOLDER/out.sarif, which becomes the object TO. The baseline of ``scan/``.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import boto3


def main() -> None:
    """Scan once."""
    folder, bucket, key, to, *command = sys.argv[1:]
    archive, sarif = Path(folder) / "upload.zip", Path(folder) / "out.sarif"
    s3 = boto3.client("s3")
    s3.download_file(bucket, key, str(archive))
    with zipfile.ZipFile(archive) as upload:
        upload.extractall(Path(folder) / "source")
    subprocess.run(command, check=False, capture_output=True)
    s3.put_object(Bucket=bucket, Key=to, Body=sarif.read_bytes())


if __name__ == "__main__":
    main()
