"""Where an upload has reports of tools that ran elsewhere, and how many."""

# In the zip, each named <anything>.sarif.
FOLDER = ".chatops/reports"
MOST_REPORTS = 10
MOST_BYTES = 32 * 1024**2
