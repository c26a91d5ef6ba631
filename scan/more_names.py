"""File names of code that identify and Pygments do not know, or not as the right language.

From ``lib/linguist/languages.yml`` of https://github.com/github-linguist/linguist, without names
that text or data files have, too.
"""

# Suffixes with a dot, whole names without one or of hidden files; all in lower case.
# fmt: off
_LANGUAGES = {
    "apex": ".apex .trigger",
    "aspx-cs": ".asp .asa .cshtml .vbhtml .razor",
    "ballerina": ".bal",
    "bash": ".command .tmux .zsh-theme .xinitrc .xsession .login apkbuild .sbatch .slurm",
    "bicep": ".bicep .bicepparam",
    "c": ".opencl .xc",
    "c#": ".cake .linq",
    "c++": ".h++ .cp .mxx .tcc .txx .hip",
    "cairo": ".cairo",
    "circom": ".circom",
    "clojure": ".cl2 .cljx .hic",
    "cobol": ".cobol .ccp",
    "coffeescript": "._coffee .cjsx .iced cakefile .litcoffee",
    "dhall": ".dhall",
    "dockerfile": ".docker .containerfile",
    "elvish": ".elv",
    "emacs-lisp": ".emacs .spacemacs .gnus",
    "fortran": ".f77 .for",
    "gdb": ".gdb .gdbinit",
    "groovy": ".grt .gtpl .gvy",
    "hack": ".hack .hhi",
    "html": ".hta",
    "java": ".jav .jsh",
    "javascript": "._js .bones .es .es6 .gs .gjs .jake .javascript .jsb .jscad .jsfl .jslib .jspre"
                  " .jss .njs .pac .sjs .ssjs .xsjs .xsjslib jakefile",
    "jsp": ".jspx",
    "just": ".just justfile",
    "kotlin": ".ktm",
    "lua": ".nse .rockspec .luacheckrc .pd_lua",
    "makefile": ".mkfile mkfile bsdmakefile",
    "mako": ".mako",
    "move": ".move",
    "perl": ".t .plx .psgi .latexmkrc latexmkrc cpanfile rexfile",
    "php": ".php7 .php8 .inc .aw .ctp .phps .phpt .phar .php_cs phakefile",
    "plpgsql": ".pgsql .plsql .pkb .pks .pck",
    "processing": ".pde",
    "python": ".py2 .py3 .pyde .pyp .xpy .ipy .gclient .pythonrc .pythonstartup sconstruct"
              " sconscript",
    "r": ".rsx .rprofile",
    "renpy": ".rpy",
    "rpgle": ".rpgle .sqlrpgle",
    "ruby": ".builder .eye .god .jbuilder .mspec .pluginspec .podspec .prawn .rabl .rbi .ruby"
            " .thor .watchr config.ru .irbrc .pryrc .simplecov appraisals berksfile capfile"
            " dangerfile deliverfile guardfile podfile puppetfile snapfile steepfile thorfile"
            " appfile",
    "script": ".cgi .fcgi procfile",
    "snakemake": ".smk .snakefile snakefile",
    "starlark": ".star buck",
    "terraform": ".nomad .tofu",
    "ts": ".cts .mts .gts",
    "vb.net": ".frm .vba",
    "vim": ".vimrc .nvimrc .vmb",
    "xonsh": ".xsh .xonshrc",
    "yara": ".yara",
    "zig": ".zig.zon",
}
# Programs in ``#!`` lines, by file name without a version.
_INTERPRETERS = {
    "python": "py pypy pythonw ipython jython graalpy micropython circuitpython xonsh uv uvx pipx"
              " pdm poetry hatch pytest coverage sage",
    "javascript": "bun deno gjs d8 qjs rhino js v8 zx npx",
    "ts": "bun deno ts-node tsx",
    "ruby": "jruby rbx macruby rake",
    "shell": "busybox mksh pdksh rc",
    "fish": "fish",
    "perl": "cperl",
    "lua": "lua luajit",
    "groovy": "groovy",
    "kotlin": "kotlin kscript",
    "java": "java jbang",
    "scala": "scala amm",
    "r": "rscript",
    "powershell": "pwsh powershell",
    "tcl": "tclsh wish",
    "makefile": "make gmake",
    "haskell": "runhaskell runghc stack",
    "swift": "swift",
    "julia": "julia",
}
# fmt: on


def _turned(names: dict[str, str]) -> dict[str, frozenset[str]]:
    tags: dict[str, frozenset[str]] = {}
    for tag, words in names.items():
        for word in words.split():
            tags[word] = tags.get(word, frozenset()) | {tag}
    return tags


LANGUAGES, INTERPRETERS = _turned(_LANGUAGES), _turned(_INTERPRETERS)
