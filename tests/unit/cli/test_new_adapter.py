"""What `adapters new` writes, and what it will not."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import cli, new_adapter
from bridge.cli.new_adapter import NotWritten, renamed, usual_directory, write

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "tests" / "sample_adapter"


def files(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_text("utf-8")
        for path in directory.rglob("*")
        if path.is_file() and not {".pytest_cache", "__pycache__"} & set(path.parts)
    }


def test_the_package_is_the_sample_under_another_name(tmp_path: Path) -> None:
    write("my_chat", tmp_path / "new")
    written = files(tmp_path / "new")

    assert written == {
        renamed(k, "my_chat"): renamed(v, "my_chat") for k, v in files(SAMPLE).items()
    }
    assert not any("pinboard" in text.lower() for text in written.values())
    assert "src/polyai_bridge_my_chat/adapter.py" in written
    assert "class MyChat:" in written["src/polyai_bridge_my_chat/adapter.py"]
    assert "ADAPTERS__MY_CHAT__TOKEN" in written["README.md"]
    project = tomllib.loads(written["pyproject.toml"])["project"]
    assert project["name"] == "polyai-bridge-my-chat"
    assert project["entry-points"] == {
        "polyai_bridge.adapters": {"my_chat": "polyai_bridge_my_chat:PLUGIN"},
        "polyai_bridge.stand_ins": {"my_chat": "polyai_bridge_my_chat.stand_in:stand_in"},
    }


def test_each_module_says_what_is_to_be_replaced_in_it() -> None:
    package = SAMPLE / "src" / "polyai_bridge_pinboard"
    marked = {path.stem for path in package.glob("*.py") if "# YOURS: " in path.read_text("utf-8")}

    assert marked == {"adapter", "calls", "events", "board"}


def test_a_name_that_holds_the_samples_own_is_put_in_once() -> None:
    assert renamed("polyai-bridge-pinboard pinboard PINBOARD Pinboard", "my_pinboard") == (
        "polyai-bridge-my-pinboard my_pinboard MY_PINBOARD MyPinboard"
    )
    assert usual_directory("my_pinboard") == Path("polyai-bridge-my-pinboard")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Chat",
        "my-chat",
        "my chat",
        "../chat",
        "1chat",
        "_chat",
        "chat_",
        "a__b",
        "ch\n",
        "é",
        "a" * 31,
    ],
)
def test_a_name_that_could_not_be_configured_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="cannot be the name of an adapter"):
        write(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_name_of_an_installed_plug_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match='there is a plug-in "console" already'):
        write("console", tmp_path / "new")


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="is there already"):
        write("my_chat", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(NotWritten, match="cannot be written"):
        write("my_chat", tmp_path / "file" / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_installed_bridge_has_every_file_of_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    inside = {"tests/sample_adapter/" + path.partition("/")[0] for path in files(SAMPLE)}

    assert {old for old in shipped if old.startswith("tests/")} == inside
    for old in inside:
        assert shipped[old] == old.replace("tests/sample_adapter", "bridge/cli/template")
    assert new_adapter.__file__ == str(ROOT / "bridge" / "cli" / "new_adapter.py")


def test_bare_it_lists_still(tmp_path: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(cli, ["adapters"])
    assert listed.exit_code == 0
    assert listed.output.startswith("NAME")
    told = runner.invoke(cli, ["adapters", "new", "my_chat", "--directory", str(tmp_path / "new")])
    assert (told.exit_code, "is written" in told.output) == (0, True)
