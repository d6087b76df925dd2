"""`python -m tests.replay.record [NAME ...]`: play the stories and write their histories anew.

Only for a change of the engine that no running incident needs to survive; every other change keeps the files and lets
the tests say what it breaks.
"""

import asyncio
import json
import sys

from temporalio.client import Client, WorkflowHistory

from schemas.incident import Board
from schemas.json_value import Json
from tests.replay.histories import FOLDER, STORIES, Story, replay
from watchfloor.client.library import compile_runbook
from watchfloor.scenarios.document import parse_scenarios
from watchfloor.scenarios.files import CONTRACTS
from watchfloor.scenarios.play import LIMITS, play


async def record(story: Story) -> None:
    scenarios, _ = parse_scenarios(
        (story.runbook / "scenarios.yaml").read_bytes(), path="scenarios.yaml", catalog=CONTRACTS
    )
    (scenario,) = [one for one in scenarios if one.name.startswith(story.scenario)]
    compiled = compile_runbook(story.runbook / "runbook.yaml")
    assert compiled.plan is not None
    histories: list[tuple[str, WorkflowHistory]] = []

    async def keep(client: Client, board: Board) -> None:
        histories.extend([("", one) for one in await chain(client, board["workflow"])])
        for child in board["children"] if story.children else []:
            suffix = child["workflow"].split("-", 1)[1]
            for workflow in [child["workflow"], *([f"in-{suffix}"] if child["kind"] == "handoff" else [])]:
                histories.extend([(workflow.split("-", 1)[0], one) for one in await chain(client, workflow)])

    limits = {**LIMITS, "continue_after_events": story.continue_after}
    outcome = await play(scenario, compiled.plan, compiled.digest, CONTRACTS, limits=limits, witness=keep)  # type: ignore[arg-type]
    assert outcome.passed, outcome.deviations
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.glob(f"{story.name}.*json"):
        stale.unlink()
    for number, (kind, history) in enumerate(histories):
        name = ".".join(part for part in (story.name, kind, str(number)) if part)
        document = {
            "workflow": history.workflow_id,
            "story": scenario.name,
            "state": await replay(history),
            "history": scrubbed(json.loads(history.to_json())),
        }
        (FOLDER / f"{name}.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
        print(f"{name}: {len(history.events)} events")


def scrubbed(value: Json) -> Json:
    """Without stack traces: they name files of the machine that recorded, and no replay reads them."""
    if isinstance(value, dict):
        return {key: scrubbed(inner) for key, inner in value.items() if key != "stackTrace"}
    return [scrubbed(item) for item in value] if isinstance(value, list) else value


async def chain(client: Client, workflow: str) -> list[WorkflowHistory]:
    """The histories of a workflow from its first execution to its last."""
    found: list[WorkflowHistory] = []
    run: str | None = None
    while True:
        history = await client.get_workflow_handle(workflow, run_id=run).fetch_history()
        found.insert(0, history)
        run = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        if not run:
            return found


async def main() -> None:
    wanted = sys.argv[1:]
    for story in STORIES:
        if not wanted or story.name in wanted:
            await record(story)


if __name__ == "__main__":
    asyncio.run(main())
