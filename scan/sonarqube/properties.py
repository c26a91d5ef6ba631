"""The properties that a scan gives SonarSource's scanner."""

from collections.abc import Mapping
from pathlib import Path

from scan.job import Job
from scan.sonarqube import names

# SonarJS leaves these out, and dist, external, contrib and *.d.ts besides. Folders of dependencies
# are opaque (``scan.ledger``); the others may hold any code.
DEPENDENCIES = "**/.git/**,**/node_modules/**,**/bower_components/**,**/vendor/**"
# In KB: as much as the scanner takes of other languages (sonar.filesize.limit, 20 MB).
LARGEST_JAVASCRIPT = "20000"
# Parts of the machine's memory: for the scanner itself, and for Node.js, which it starts.
JAVA_PART, NODE_PART = 0.6, 0.25
MIB = 1024**2


def project_key(job: Job) -> str:
    """The key of the app's project, which the first scan creates.

    It is this system's own, so that no project of the same name is written over, and holds the
    environment, since two may share a server. No name of an environment has a colon, so no two
    pairs have the same key. On SonarQube Cloud keys are unique across organizations.
    """
    owner = job.sonar.organization or "chatops-slack"
    return f"{owner}_{job.environment}:{job.app}" if job.environment else f"{owner}_{job.app}"


def properties(
    job: Job,
    *,
    source: Path,
    work: Path,
    followed: Mapping[str, str],
    server: Mapping[str, object],
) -> dict[str, str]:
    """All that the scanner is told, in the folder ``work``.

    ``followed`` is what is followed of the upload; ours overrule what it says about the same.
    What a team has set on the ``server`` about exclusions and names of files is left as it is.
    """
    compiled = work / "compiled"
    compiled.mkdir()
    memory = memory_bytes()
    scanner_properties = {
        "sonar.sources": ".",
        "sonar.sourceEncoding": "UTF-8",
        # Java is analysed without its compiled classes where there are none.
        "sonar.java.binaries": str(compiled),
        **followed,
        "sonar.host.url": job.sonar.url,
        "sonar.token": job.sonar.token,
        "sonar.projectKey": project_key(job),
        "sonar.projectName": f"{job.app} ({job.environment})" if job.environment else job.app,
        "sonar.projectBaseDir": str(source),
        "sonar.working.directory": str(work / "scanner"),
        "sonar.scanner.metadataFilePath": str(work / "report-task.txt"),
        # Says which files were analysed.
        "sonar.scanner.keepReport": "true",
        # Java takes no TMPDIR; the machine's own /tmp may be small.
        "sonar.scanner.javaOpts": f"-Xmx{int(memory * JAVA_PART / MIB)}m"
        f" -Djava.io.tmpdir={work / 'tmp'}",
        "sonar.javascript.node.maxspace": str(int(memory * NODE_PART / MIB)),
        # A .git in the zip could hide files by .gitignore.
        "sonar.scm.disabled": "true",
        # It runs cargo in the upload, which runs what the upload says. Other rules read Rust too.
        "sonar.rust.clippy.enabled": "false",
        # Else code in a folder named like tests is looked at less closely.
        "sonar.python.testFileHeuristic.disabled": "true",
        # Else code passes for what a tool made, and large files for data.
        "sonar.javascript.detectBundles": "false",
        "sonar.javascript.detectGeneratedCode": "false",
        "sonar.javascript.maxFileSize": LARGEST_JAVASCRIPT,
    }
    scanner_properties |= names.properties(server)
    # The one is enough: the defaults of both go when either is set.
    if not server.keys() & {"sonar.javascript.exclusions", "sonar.typescript.exclusions"}:
        scanner_properties["sonar.javascript.exclusions"] = DEPENDENCIES
    if job.sonar.organization:
        scanner_properties["sonar.organization"] = job.sonar.organization
    return scanner_properties


def memory_bytes(
    meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup/memory.max")
) -> int:
    """The memory of the machine, or of the container where that has less; 2 GiB if unknown."""
    limits = list[int]()
    if meminfo.is_file():
        total = next(line for line in meminfo.read_text().splitlines() if "MemTotal" in line)
        limits.append(int(total.split()[1]) * 1024)
    if cgroup.is_file() and (most := cgroup.read_text().strip()).isdigit():
        limits.append(int(most))
    return min(limits, default=2 * 1024**3)
