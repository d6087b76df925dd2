"""The guide to an outage: its contact list loads and stands on the sheet, and every key of it is explained."""

import re
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from watchfloor.cli.main import app
from watchfloor.client.library import plan_for_start
from watchfloor.client.outside import fill_outputs, find_doable, find_paths
from watchfloor.identity.contact_list import _Authority, _Contact, _Document, load_contacts
from watchfloor.paper.record import DecidedLine, Document, DoneLine, FactLine, read_record

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "outage.md").read_text()


def block(first: str) -> str:
    found = re.search(rf"^```yaml\n({re.escape(first)}.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_contact_list_in_the_guide_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "contacts.yaml"
    file.write_text(block("# contacts.yaml"))
    done = CliRunner().invoke(app, ["--home", str(tmp_path), "print", "eu-tco-removal-order"])
    assert done.exit_code == 0
    for contact in load_contacts(file).contacts:
        assert contact.how in done.stdout
    assert "+353 20 910 0199" in done.stdout


def test_every_key_of_the_contact_list_is_in_the_guide() -> None:
    for model in (_Document, _Contact, _Authority):
        keys = [field.alias or name for name, field in model.model_fields.items()]
        assert [key for key in keys if f"`{key}`" not in GUIDE and f"{key}:" not in GUIDE] == []


def test_the_record_in_the_guide_fits_the_runbook(tmp_path: Path) -> None:
    """Taken in for real by `tests/e2e/test_by_hand.py`."""
    file = tmp_path / "record.yaml"
    file.write_text(block("# record.yaml"))
    now = datetime(2026, 11, 28, 6, tzinfo=UTC)
    document = read_record(file, now=now).document
    plan, _ = plan_for_start(document.runbook)
    for line in document.done:
        step = find_doable(plan, line.step)
        assert find_paths(plan, step, line.items)
        fill_outputs(step, {name: _plain(value) for name, value in line.outputs.items()}, line.at, now)


def _plain(value: object) -> object:
    return {"true": True, "false": False, "0": 0}.get(value, value) if isinstance(value, str) else value


def test_every_key_of_a_record_is_in_the_guide() -> None:
    for model in (Document, FactLine, DoneLine, DecidedLine):
        keys = [field.alias or name for name, field in model.model_fields.items()]
        assert [key for key in keys if f"`{key}`" not in GUIDE and f"{key}:" not in GUIDE] == []
