"""Names of files that SonarQube's analysers can read, and by default do not know."""

from collections.abc import Container

# Setting: what it has by default (25.9), and what comes to that. A team's own value stays.
SUFFIXES = {
    "sonar.docker.file.patterns": (
        "Dockerfile,*.dockerfile",
        "Dockerfile.*,Containerfile,Containerfile.*,*.containerfile",
    ),
    "sonar.html.file.suffixes": (
        ".html,.xhtml,.cshtml,.vbhtml,.aspx,.ascx,.rhtml,.erb,.shtm,.shtml,.cmp,.twig",
        ".htm",
    ),
    "sonar.javascript.file.suffixes": (".js,.jsx,.cjs,.mjs,.vue", ".jsm"),
    "sonar.php.file.suffixes": (".php,.php3,.php4,.php5,.phtml,.inc", ".php7,.php8,.phps"),
    "sonar.python.file.suffixes": (".py", ".pyw,.wsgi,.tac"),
    "sonar.scala.file.suffixes": (".scala", ".sbt,.sc"),
    "sonar.terraform.file.suffixes": (".tf", ".tfvars"),
}
RUBY_SUFFIXES = ("rb", "rbw", "rake", "gemspec", "ru", "jbuilder")
RUBY_NAMES = ("Rakefile", "Gemfile", "Brewfile", "Fastfile", "Vagrantfile")
# Whole names are no suffixes. Patterns of a language are followed instead of its suffixes.
PATTERNS = {
    "sonar.lang.patterns.ruby": [
        *(f"**/*.{suffix}" for suffix in RUBY_SUFFIXES),
        *(f"**/{name}" for name in RUBY_NAMES),
    ],
}
# Each setting with its other one: a team may use either.
OTHERS = {
    key: f"sonar.lang.patterns.{languages_key}"
    for key, languages_key in (
        ("sonar.docker.file.patterns", "docker"),
        ("sonar.html.file.suffixes", "web"),
        ("sonar.javascript.file.suffixes", "js"),
        ("sonar.php.file.suffixes", "php"),
        ("sonar.python.file.suffixes", "py"),
        ("sonar.scala.file.suffixes", "scala"),
        ("sonar.terraform.file.suffixes", "terraform"),
    )
} | {"sonar.lang.patterns.ruby": "sonar.ruby.file.suffixes"}
SETTINGS = (*OTHERS, *OTHERS.values())


def properties(taken: Container[str]) -> dict[str, str]:
    """The settings for the scanner, without those that are ``taken`` by the team."""
    values = {key: ",".join(both) for key, both in SUFFIXES.items()}
    values |= {key: ",".join(patterns) for key, patterns in PATTERNS.items()}
    return {
        key: value for key, value in values.items() if key not in taken and OTHERS[key] not in taken
    }
