"""File names that SonarQube's analysers can read, but do not analyse by default."""

from collections.abc import Container

# A setting, an alternative setting for the same, and the value if the team has set neither:
# SonarQube's defaults (of 26.2), then further names.
NAMES = (
    (
        "sonar.docker.file.patterns",
        "sonar.lang.patterns.docker",
        "Dockerfile,dockerfile,*.dockerfile,Dockerfile.*,Containerfile,Containerfile.*,"
        "*.containerfile",
    ),
    (
        "sonar.html.file.suffixes",
        "sonar.lang.patterns.web",
        ".html,.xhtml,.cshtml,.vbhtml,.aspx,.ascx,.rhtml,.erb,.shtm,.shtml,.cmp,.twig,.htm",
    ),
    (
        "sonar.javascript.file.suffixes",
        "sonar.lang.patterns.js",
        ".js,.jsx,.cjs,.mjs,.vue,.jsm",
    ),
    (
        "sonar.php.file.suffixes",
        "sonar.lang.patterns.php",
        ".php,.php3,.php4,.php5,.phtml,.inc,.php7,.php8,.phps",
    ),
    ("sonar.python.file.suffixes", "sonar.lang.patterns.py", ".py,.pyw,.wsgi,.tac"),
    ("sonar.scala.file.suffixes", "sonar.lang.patterns.scala", ".scala,.sbt,.sc"),
    ("sonar.terraform.file.suffixes", "sonar.lang.patterns.terraform", ".tf,.tfvars"),
    # Patterns, since whole names cannot be suffixes. If there are patterns, suffixes are ignored.
    (
        "sonar.lang.patterns.ruby",
        "sonar.ruby.file.suffixes",
        "**/*.rb,**/*.rbw,**/*.rake,**/*.gemspec,**/*.ru,**/*.jbuilder,"
        "**/Rakefile,**/Gemfile,**/Brewfile,**/Fastfile,**/Vagrantfile",
    ),
)
SETTINGS = (*(key for key, _, _ in NAMES), *(other for _, other, _ in NAMES))


def properties(taken: Container[str]) -> dict[str, str]:
    """The settings for the scanner, without those that the team has set (``taken``)."""
    return {key: value for key, other, value in NAMES if key not in taken and other not in taken}
