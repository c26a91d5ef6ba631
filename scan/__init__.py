"""What CodeBuild runs: one upload is fetched, unpacked under limits, scanned and reported on."""
