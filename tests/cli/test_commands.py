"""Every command explains itself, its examples parse, and the guide has a heading for it."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from watchfloor.cli.main import app
from watchfloor.cli.teaching import examples_in

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "commands.md"
ROOT: Any = typer.main.get_command(app)


def commands(group: Any = ROOT, above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*above, name))
        else:
            yield " ".join((*above, name)), command


ALL = dict(commands())
EXAMPLES = [(name, example) for name, command in ALL.items() for example in examples_in(command.help)]


def parse(words: list[str]) -> Any:
    """Parse as the command line does, down to the last option, and carry nothing out."""
    context = ROOT.make_context("watchfloor", words)
    while hasattr(context.command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, found, rest = context.command.resolve_command(context, rest)
        context = found.make_context(name, rest, parent=context)
    return context


def test_the_commands_are_those_promised() -> None:
    promised = (
        "up demo start list show watch decide fact pause resume abort lint explain diff lsp graph timing test "
        " simulate postmortem doctor"
    )
    assert set(ALL) == {
        *promised.split(),
        "ack",
        "print",
        "outside",
        "import-by-hand",
        "notify test",
        "watchdog",
        *(f"webhooks {name}" for name in ("list", "log", "redrive", "enable", "test")),
        "retention explain",
        "retention rulings",
        "claim",
        "next",
        "hand-back",
        *("severity", "dismiss", "declare"),
        "status",
        *("abstain", "withdraw", "delegate", "narrow", "ask", "answer"),
        "ledger verify",
        "hold renew",
        *("clocks list", "clocks due", "clocks explain"),
        "ledger export",
        "can",
        *(f"machines {name}" for name in ("make", "list", "revoke")),
        *(f"deliveries {name}" for name in ("list", "show", "redrive", "discard")),
        *(f"sign-in {name}" for name in ("check", "keys", "log", "unbind")),
        "policies check",
        "policies test",
        "tick",
        "panic",
        *(f"wellness {name}" for name in ("me", "optin", "optout", "caps", "show", "checkins")),
        "inbox list",
        "inbox deliver",
        "oncall",
        *(f"people {name}" for name in ("list", "import", "from-claims")),
        "rota override",
        "rota swap",
        "rota import",
        "recuse",
        "unrecuse",
        *(f"command {name}" for name in ("take", "offer", "accept", "decline", "withdraw")),
        *(f"keys {name}" for name in ("list", "rotate", "revoke", "decisions")),
    }


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_guide_has_a_heading_for_each_command(name: str) -> None:
    assert f"\n### {name}\n" in GUIDE.read_text()


def test_the_guide_has_no_heading_for_a_command_that_is_not_there() -> None:
    headings = {line.removeprefix("### ") for line in GUIDE.read_text().splitlines() if line.startswith("### ")}
    assert headings == set(ALL)


@pytest.mark.parametrize("name", sorted(ALL))
def test_help_teaches_with_an_example(name: str) -> None:
    answer = CliRunner().invoke(app, [*name.split(), "--help"])
    assert answer.exit_code == 0
    assert examples_in(ALL[name].help), "no example"
    if name == "lsp":
        return  # speaks a protocol of its own
    assert "--json" in answer.output
    options = {option for parameter in ALL[name].params for option in parameter.opts}
    assert all((parameter.help or "").strip() for parameter in ALL[name].params if parameter.opts[0] != "--help")
    assert "--json" in options


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_an_example_of_the_help_parses(name: str, example: str) -> None:
    words = shlex.split(example)
    assert parse(words[1:]).command_path == f"watchfloor {name}"


def test_help_fits_eighty_columns() -> None:
    for name in ALL:
        output = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80"}).output
        assert max(len(line.rstrip()) for line in output.splitlines()) <= 80, name


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nonsense"], 2),
        (["decide", "inc-1"], 2),
        (["graph", "eu-tco-removal-order", "--svg", "--mermaid"], 2),
        (["graph", "no-such-runbook"], 2),
        (["explain", "WF999999"], 2),
        (["lint", "no-such-file.yaml"], 2),
        (["test", "no-such-folder"], 2),
    ],
)
def test_wrong_usage_is_exit_code_two(words: list[str], code: int) -> None:
    assert CliRunner().invoke(app, words).exit_code == code


def test_without_a_stack_the_commands_say_how_to_get_one(tmp_path: Path) -> None:
    for words in (["list"], ["show"], ["decide", "inc-1", "s", "approve", "--as", "p-1", "--reason", "r"]):
        answer = CliRunner().invoke(app, ["--home", str(tmp_path), *words])
        assert answer.exit_code == 3
        assert "watchfloor up" in " ".join(answer.stderr.split())


def test_an_error_is_json_when_json_was_asked_for(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["--home", str(tmp_path), "list", "--json"])
    assert answer.exit_code == 3
    assert json.loads(answer.stdout)["error"]["type"] == "SettingsRefused"


def test_records_say_where_they_looked(tmp_path: Path) -> None:
    for words in (["ledger", "verify"], ["postmortem"], ["ledger", "export", "inc-1"]):
        answer = CliRunner().invoke(app, ["--home", str(tmp_path), *words])
        assert answer.exit_code == 2
        assert str(tmp_path) in "".join(answer.stderr.split())
