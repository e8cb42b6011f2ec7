"""What do several commands share? Their options, and the configuration that those name."""

import os
from pathlib import Path

import click

from bridge import config

CONFIG = click.option(
    "--config",
    "config_path",
    # Whether it can be read is for the configuration to say, with its own exit code.
    type=click.Path(path_type=Path, readable=False),
    default="bridge.toml",
    show_default=True,
    help="The configuration file.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")


def settings(path: Path) -> config.Settings:
    """The whole configuration."""
    return config.load(path, os.environ)


def database(path: Path) -> config.DatabaseSettings:
    """Where the database is, whatever else is configured."""
    return config.load_database(path, os.environ)
