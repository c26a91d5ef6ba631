"""The properties that a scan gives SonarSource's scanner."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from scan.job import Job
from scan.sonarqube import names

# SonarJS's default exclusions, without dist, external, contrib and *.d.ts, which can be any code.
# Folders of dependencies count as opaque (``scan.ledger``).
DEPENDENCIES = "**/.git/**,**/node_modules/**,**/bower_components/**,**/vendor/**"
# In KB; the same as the scanner's limit for other languages (sonar.filesize.limit, 20 MB).
LARGEST_JAVASCRIPT = "20000"
# Fractions of the machine's memory: for the scanner's JVM, and for Node.js, which it starts.
JAVA_PART, NODE_PART = 0.6, 0.25
MIB = 1024**2


def project_key(job: Job) -> str:
    """The key of the app's project, which the first scan creates.

    Its prefix avoids overwriting a team's own project. It has the environment, since environments
    may share a server; their names have no colon, so keys are unambiguous. On SonarQube Cloud keys
    must be unique across organizations.
    """
    owner = job.sonar.organization or "chatops-slack"
    return f"{owner}_{job.environment}:{job.app}" if job.environment else f"{owner}_{job.app}"


def proxy(url: str) -> dict[str, str]:
    """The properties of the proxy for ``url``; Java ignores the variables of the environment."""
    chosen = select_proxy(url, get_environ_proxies(url))
    if not chosen:
        return {}
    parts = urlsplit(chosen)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"sonar.scanner.proxyHost": parts.hostname or "", "sonar.scanner.proxyPort": str(port)}


def properties(
    job: Job,
    *,
    source: Path,
    work: Path,
    followed: Mapping[str, str],
    server: Mapping[str, object],
) -> dict[str, str]:
    """All properties for a scanner that runs in the folder ``work``.

    ``followed`` are the upload's own properties that are allowed; most of ours override them. What
    a team has set on the ``server`` about exclusions and file names is not changed.
    """
    compiled = work / "compiled"
    compiled.mkdir()
    memory = memory_bytes()
    scanner_properties = {
        "sonar.sources": ".",
        "sonar.sourceEncoding": "UTF-8",
        # Required for Java; an empty folder means that there are no compiled classes.
        "sonar.java.binaries": str(compiled),
        **followed,
        "sonar.host.url": job.sonar.url,
        "sonar.token": job.sonar.token,
        "sonar.projectKey": project_key(job),
        "sonar.projectName": f"{job.app} ({job.environment})" if job.environment else job.app,
        "sonar.projectBaseDir": str(source),
        "sonar.working.directory": str(work / "scanner"),
        "sonar.scanner.metadataFilePath": str(work / "report-task.txt"),
        # The report says which files were analysed.
        "sonar.scanner.keepReport": "true",
        # Java ignores TMPDIR; the machine's own /tmp may be small.
        "sonar.scanner.javaOpts": f"-Xmx{int(memory * JAVA_PART / MIB)}m"
        f" -Djava.io.tmpdir={work / 'tmp'}",
        "sonar.javascript.node.maxspace": str(int(memory * NODE_PART / MIB)),
        # With a .git folder in the zip, .gitignore could hide files.
        "sonar.scm.disabled": "true",
        # Clippy runs cargo, which executes code of the upload. The other Rust rules do not.
        "sonar.rust.clippy.enabled": "false",
        # Otherwise fewer rules apply to code in folders that are named like tests.
        "sonar.python.testFileHeuristic.disabled": "true",
        # Otherwise files that look generated, bundled or too large are left out.
        "sonar.javascript.detectBundles": "false",
        "sonar.javascript.detectGeneratedCode": "false",
        "sonar.javascript.maxFileSize": LARGEST_JAVASCRIPT,
    }
    scanner_properties |= names.properties(server) | proxy(job.sonar.url)
    # One is enough: setting either removes the defaults of both.
    if not server.keys() & {"sonar.javascript.exclusions", "sonar.typescript.exclusions"}:
        scanner_properties["sonar.javascript.exclusions"] = DEPENDENCIES
    if job.sonar.organization:
        scanner_properties["sonar.organization"] = job.sonar.organization
    return scanner_properties


def memory_bytes(
    meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup/memory.max")
) -> int:
    """The memory of the machine, or of the container if that has less; 2 GiB if unknown."""
    limits = list[int]()
    if meminfo.is_file():
        total = next(line for line in meminfo.read_text().splitlines() if "MemTotal" in line)
        limits.append(int(total.split()[1]) * 1024)
    if cgroup.is_file() and (most := cgroup.read_text().strip()).isdigit():
        limits.append(int(most))
    return min(limits, default=2 * 1024**3)
