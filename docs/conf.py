"""The documentation site: `make site`. The pages are those of the repository, as they stand."""

import re
from pathlib import Path

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bridge import __version__
from bridge.cli import cli

project = "PolyAI bridge"
author = "the PolyAI bridge's authors"
version = release = __version__

# The source directory is the repository's root: links between its pages are links here too.
root_doc = "docs/index"
include_patterns = [
    *("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md"),
    *("docs/**.md", "adapters/*/README.md", "tests/sample_adapter/README.md"),
]
exclude_patterns = [".*", "**/__pycache__"]
extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 6
autodoc_member_order = "bysource"
autodoc_typehints = "signature"

html_theme = "furo"
html_title = f"PolyAI bridge {__version__}"
html_show_sourcelink = False
html_copy_source = False


_ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"\[([^\]]+)\]\(([^)#:\s]+)\)")


class CommandLine(SphinxDirective):
    """Every command with its own help, as the installed program prints it."""

    def run(self) -> list[nodes.Node]:
        """A section each."""
        return [_section(path, command) for path, command in _commands(cli, "polyai-bridge")]


def _commands(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            found += _commands(command.commands[name], f"{path} {name}")
    return found


def _section(path: str, command: click.Command) -> nodes.section:
    section = nodes.section(ids=[nodes.make_id(path)], names=[path])
    section += nodes.title(text=path)
    with click.Context(command, info_name=path, max_content_width=90) as context:
        help_text = command.get_help(context)
    section += nodes.literal_block(text=help_text, language="text")
    return section


def _without_folders(_app: Sphinx, name: str, source: list[str]) -> None:
    """A link to a folder of the repository leads nowhere here: its words stay."""
    folder = (_ROOT / name).parent
    source[0] = _LINK.sub(
        lambda link: link[1] if (folder / link[2]).is_dir() else link[0], source[0]
    )


def _as_markup(*given: object) -> None:
    """Docstrings are plain: one backtick is code, and what is indented stands as it is."""
    lines = given[-1]
    assert isinstance(lines, list)  # noqa: S101 - Sphinx's own signature
    text = re.sub(r"(?<![`:])`([^`]+)`(?!`)", r"``\1``", "\n".join(lines))
    text = re.sub(r"([^:\n])\n\n(?=    \S)", r"\1\n\n::\n\n", text)
    lines[:] = text.split("\n")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _without_folders)
    app.connect("autodoc-process-docstring", _as_markup)
    app.add_directive("command-line", CommandLine)
