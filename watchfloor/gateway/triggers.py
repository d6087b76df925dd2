"""Which runbooks of the library listen to which source, compiled and ready to start."""

import re
import threading
from dataclasses import dataclass

from schemas.plan import Plan
from watchfloor.client.errors import NotFound, RunbookRefused
from watchfloor.client.library import find_runbook, library_ids, plan_for_start


class Plans:
    """Compiled plans of the shipped library, by id; compiled again when the file has changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int], tuple[Plan, str] | RunbookRefused]] = {}
        self._lock = threading.Lock()

    def ids(self) -> list[str]:
        """The ids of all runbooks, sorted."""
        return library_ids()

    def find(self, runbook: str) -> tuple[Plan, str]:
        """The plan and its digest. Compiles what is new, so it may take a second; safe in several threads.

        Raises:
            NotFound: no runbook of the library has this id. A path is none.
            RunbookRefused: it does not compile.
        """
        if runbook not in library_ids():
            raise NotFound(f"no runbook `{runbook[:80]}` in the library")
        stat = find_runbook(runbook).stat()
        mark = (stat.st_mtime_ns, stat.st_size)
        with self._lock:
            known = self._known.get(runbook)
            if known is None or known[0] != mark:
                known = self._known[runbook] = (mark, _compile(runbook))
        if isinstance(known[1], RunbookRefused):
            raise known[1]
        return known[1]

    def text(self, runbook: str) -> str:
        """The source of a runbook, for what one that does not compile may still tell."""
        return find_runbook(runbook).read_text(errors="replace")


@dataclass(frozen=True, slots=True)
class Listener:
    """A runbook with a webhook trigger of some source. Without a plan it does not compile, and nobody knows more than
    that its text names the source."""

    runbook: str
    plan: Plan | None = None
    digest: str = ""


def list_listeners(plans: Plans, source: str) -> list[Listener]:
    """The runbooks that listen to a source, in the order of their ids.

    One that does not compile cannot say what starts it; its text is searched for the name, so that an event that it
    was meant for is not mistaken for one that concerns nobody.
    """
    named = re.compile(rf"\bwebhook:\s*[\"']?{re.escape(source)}\b")
    found: list[Listener] = []
    for runbook in plans.ids():
        try:
            plan, digest = plans.find(runbook)
        except NotFound:
            continue  # it was there a moment ago
        except RunbookRefused:
            if named.search(plans.text(runbook)):
                found.append(Listener(runbook))
            continue
        if any(each["kind"] == "webhook" and each["source"] == source for each in plan.get("triggers", [])):
            found.append(Listener(runbook, plan, digest))
    return found


def _compile(runbook: str) -> tuple[Plan, str] | RunbookRefused:
    try:
        return plan_for_start(runbook)
    except RunbookRefused as error:
        return error
