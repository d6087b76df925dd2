"""A scenario file: strict reading, with a located finding for everything that is not understood.

A file holds one scenario (a mapping) or a list of them. What can be checked without the runbook is checked here; what
names a step, a fact, a clock or an option is checked against the plan by `watchfloor.scenarios.references`.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from schemas.actions import ActionContract
from schemas.decision import RefusalType
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.language.codes import BAD_VALUE, CONTRADICTION, DUPLICATE_ID, UNKNOWN_ACTION
from watchfloor.language.findings import Finding, nearest
from watchfloor.language.nodes import Node, Sequence
from watchfloor.language.source import parse
from watchfloor.scenarios.model import (
    FAILURES,
    Answer,
    Control,
    Expectation,
    Person,
    Scenario,
    Statement,
    Stub,
)
from watchfloor.scenarios.reader import Misfit, Reader, plain
from watchfloor.signing.motions import VERBS as MOTIONS

_SCENARIO = {"scenario", "runbook", "inputs", "requester", "actions", "people", "facts", "controls", "until", "expect"}
_ANSWER = {"when", "after", "step", "choose", "say", "to", "for", "as", "reason", "form", "refused"}
_EXPECT = {
    "outcome",
    "order",
    "never",
    "clocks",
    "facts",
    "set",
    "unset",
    "undone",
    "asked",
    "paged",
    "ledger",
    "severity",
    "calls",
}
_CLOCKS = {"waiting", "running", "paused", "met", "breached", "late", "assigned"}
_VERBS = {"pause", "resume", "abort"}
_TASK_VERBS = {"claim", "hand_back", "tick"}
_LEVEL_VERBS = {"raise_severity", "propose_severity"}
SEVERITIES = {"S0", "S1", "S2", "S3", "S4"}
_INCIDENT_VERBS = {"propose_dismissal", "declare_incident"}
_STATEMENT = {"at", "from", "as", "refused"}
KEYS = _SCENARIO | _ANSWER | _EXPECT | _STATEMENT | {"returns", "fails", "for", "times", "verb", "level"}
"""Every key that has a meaning somewhere in a scenario."""
REFUSALS = {value for name, value in vars(RefusalType).items() if name.isupper()}
KINDS = {value for name, value in vars(EntryKind).items() if name.isupper()}

T = TypeVar("T")


def parse_scenarios(
    content: bytes, *, path: str, catalog: Mapping[str, ActionContract]
) -> tuple[list[Scenario], list[Finding]]:
    """Read a scenario file.

    Args:
        content: the file; hostile until this returns.
        path: what findings call it.
        catalog: every action that may be stubbed.

    Returns:
        The scenarios that could be read, and all findings; with an error among them nothing should be run.
    """
    source = parse(content, path=path)
    if source.root is None:
        return [], list(source.findings)
    parser = _Parser(path, source.lines, catalog)
    scenarios = parser.file(source.root)
    return scenarios, [*source.findings, *parser.report.findings()]


class _Parser(Reader):
    def __init__(self, path: str, lines: list[str], catalog: Mapping[str, ActionContract]) -> None:
        super().__init__(path, lines)
        self._catalog = catalog

    def file(self, root: Node) -> list[Scenario]:
        items = root.items if isinstance(root, Sequence) else (root,)
        scenarios: list[Scenario] = []
        for item in items:
            read = self._try(lambda item=item: self._scenario(item))  # type: ignore[misc]
            if read is None:
                continue
            if any(other.name == read.name for other in scenarios):
                self.note(DUPLICATE_ID, item.span, f"two scenarios are called `{read.name}`", help="rename one")
            scenarios.append(read)
        return scenarios

    def _try(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Misfit:
            return None

    def _each(self, node: Node | None, what: str, read: Callable[[Node], T]) -> tuple[T, ...]:
        if node is None:
            return ()
        found = [self._try(lambda item=item: read(item)) for item in self.items(node, what)]  # type: ignore[misc]
        return tuple(one for one in found if one is not None)

    def _scenario(self, node: Node) -> Scenario:
        fields = self.fields(node, "a scenario", known=_SCENARIO, needed=("scenario", "runbook", "expect"))
        if not {"scenario", "runbook", "expect"} <= set(fields):
            raise Misfit
        inputs = fields.get("inputs")
        until = fields.get("until")
        return Scenario(
            name=self.text(fields["scenario"], "`scenario`"),
            path=self.path,
            line=node.span.line,
            runbook=self.text(fields["runbook"], "`runbook`"),
            inputs={}
            if inputs is None
            else {key: plain(value) for key, value in self.mapping(inputs, "`inputs`").items()},
            requester=self.text(fields["requester"], "`requester`") if "requester" in fields else "",
            actions=self._actions(fields.get("actions")),
            people=self._each(fields.get("people"), "`people`", self._answer),
            facts=self._each(fields.get("facts"), "`facts`", self._statement),
            controls=self._each(fields.get("controls"), "`controls`", self._control),
            until=None if until is None else self.duration(until, "`until`"),
            expect=self._expect(fields["expect"]),
        )

    def _actions(self, node: Node | None) -> dict[str, tuple[Stub, ...]]:
        if node is None:
            return {}
        stubs: dict[str, tuple[Stub, ...]] = {}
        for name, value in self.mapping(node, "`actions`").items():
            if name not in self._catalog:
                near = nearest(name, self._catalog)
                span = self.key_span(node, name) or value.span
                help_ = f"did you mean `{near}`?" if near else ""
                self.note(UNKNOWN_ACTION, span, f"there is no action `{name}`", found=name, help=help_)
                continue
            if isinstance(value, Sequence):
                stubs[name] = self._each(value, f"`{name}`", lambda item, name=name: self._stub(item, name))  # type: ignore[misc]
            else:
                one = self._try(lambda value=value, name=name: self._stub(value, name))  # type: ignore[misc]
                stubs[name] = (one,) if one is not None else ()
        return stubs

    def _stub(self, node: Node, name: str) -> Stub:
        contract = self._catalog[name]
        fields = self.fields(node, f"a stub of `{name}`", known={"returns", "fails", "for", "times"})
        if ("returns" in fields) == ("fails" in fields):
            self.note(
                CONTRADICTION, node.span, f"a stub of `{name}` either `returns` or `fails`", expected="one of the two"
            )
            raise Misfit
        returns: dict[str, Json] | None = None
        if "returns" in fields:
            given = self.fields(fields["returns"], f"the outputs of `{name}`", known=contract["outputs"].keys())
            returns = {key: plain(value) for key, value in given.items()}
        matching = fields.get("for")
        for_ = (
            {}
            if matching is None
            else self.fields(matching, f"the inputs of `{name}`", known=contract["inputs"].keys())
        )
        return Stub(
            returns=returns,
            fails=self.word(fields["fails"], "`fails`", FAILURES) if "fails" in fields else None,
            matching={key: plain(value) for key, value in for_.items()},
            times=self.whole(fields["times"], "`times`", least=1) if "times" in fields else 1,
        )

    def _person(self, node: Node) -> Person:
        fields = self.fields(node, "`as`", known={"person", "role"}, needed=("person", "role"))
        if len(fields) != 2:
            raise Misfit
        return Person(self.text(fields["person"], "`person`"), self.text(fields["role"], "`role`"))

    def _refused(self, fields: Mapping[str, Node]) -> str | None:
        return self.word(fields["refused"], "`refused`", REFUSALS) if "refused" in fields else None

    def _answer(self, node: Node) -> Answer:
        needed: tuple[str, ...] = ("when", "step", "as")
        said = "say" in self.mapping(node, "an answer")
        if not said:
            needed = ("when", "step", "choose", "as")
        fields = self.fields(node, "an answer", known=_ANSWER, needed=needed)
        if said and "choose" in fields:
            message = "a person either chooses an option (`choose`) or says something else (`say`)"
            self.note(CONTRADICTION, node.span, message, expected="one of the two")
            raise Misfit
        if not set(needed) <= set(fields):
            raise Misfit
        when = fields["when"]
        asked = self.text(when, "`when`") == "asked"
        if "after" in fields and not asked:
            self.note(
                CONTRADICTION, fields["after"].span, "`after` goes with `when: asked` only", help="remove `after`"
            )
        form = fields.get("form")
        return Answer(
            step=self.text(fields["step"], "`step`"),
            choose=self.text(fields["choose"], "`choose`") if "choose" in fields else "",
            say=self.word(fields["say"], "`say`", MOTIONS) if said else "",
            about=self._about(node, fields),
            behalf=self.text(fields["for"], "`for`") if "for" in fields else "",
            person=self._person(fields["as"]),
            reason=self.text(fields["reason"], "`reason`") if "reason" in fields else "as the scenario says",
            form={} if form is None else {key: plain(value) for key, value in self.mapping(form, "`form`").items()},
            at=None if asked else self.duration(when, "`when`"),
            after=self.duration(fields["after"], "`after`") if "after" in fields else timedelta(0),
            refused=self._refused(fields),
            line=node.span.line,
        )

    def _about(self, node: Node, fields: Mapping[str, Node]) -> dict[str, Json]:
        """What a motion speaks of; each key goes with one verb, and `for` with a choice."""
        said = self.text(fields["say"], "`say`") if "say" in fields else "choose"
        for key, verbs in (("to", ("delegate", "narrow")), ("for", ("choose",))):
            if key in fields and said not in verbs:
                span, known = self.key_span(node, key) or node.span, " and ".join(f"`{verb}`" for verb in verbs)
                self.note(CONTRADICTION, span, f"`{key}` goes with {known} only", help=f"remove `{key}`")
                raise Misfit
        if said == "narrow":
            if "to" not in fields:
                self.note(
                    BAD_VALUE, node.span, "what is left?", expected="`to: {input: what is left}`", found="no `to`"
                )
                raise Misfit
            left = self.mapping(fields["to"], "`to` of a narrowing")
            return {"inputs": {name: plain(value) for name, value in left.items()}}
        if said == "delegate" and "to" not in fields:
            self.note(BAD_VALUE, node.span, "who gets the seat?", expected="`to: <person>`", found="no `to`")
            raise Misfit
        return {"to": self.text(fields["to"], "`to`")} if "to" in fields else {}

    def _statement(self, node: Node) -> Statement:
        fields = self.mapping(node, "a fact")
        names = [key for key in fields if key not in _STATEMENT]
        if "at" not in fields or len(names) != 1:
            found = ", ".join(fields) or "nothing"
            self.note(
                BAD_VALUE,
                node.span,
                "a fact is said as `{at: 3h, fact_name: value}`",
                expected="`at` and exactly one fact, and perhaps `from`, `as`, `refused`",
                found=found,
            )
            raise Misfit
        return Statement(
            fact=names[0],
            value=plain(fields[names[0]]),
            at=self.duration(fields["at"], "`at`"),
            source=self.text(fields["from"], "`from`") if "from" in fields else None,
            person=self._person(fields["as"]) if "as" in fields else None,
            refused=self._refused(fields),
            line=node.span.line,
        )

    def _control(self, node: Node) -> Control:
        needed = ("at", "verb", "as")
        fields = self.fields(
            node, "a control", known={*needed, "step", "item", "level", "reason", "refused"}, needed=needed
        )
        if not set(needed) <= set(fields):
            raise Misfit
        verb = self.word(fields["verb"], "`verb`", _VERBS | _TASK_VERBS | _LEVEL_VERBS | _INCIDENT_VERBS)
        if ("step" in fields) != (verb in _TASK_VERBS):
            message = f"`{verb}` is said {'to a task' if verb in _TASK_VERBS else 'to the whole run'}"
            expected = "`step: <id of the task>`" if verb in _TASK_VERBS else "no `step`"
            self.note(CONTRADICTION, node.span, message, expected=expected)
            raise Misfit
        if ("level" in fields) != (verb in _LEVEL_VERBS):
            message = (
                f"`{verb}` {'needs' if verb in _LEVEL_VERBS else 'has'} {'a' if verb in _LEVEL_VERBS else 'no'} level"
            )
            expected = "`level: S0` to `S4`" if verb in _LEVEL_VERBS else "no `level`"
            self.note(CONTRADICTION, node.span, message, expected=expected)
            raise Misfit
        if ("item" in fields) != (verb == "tick"):
            expected = "`item: <id of the item>`" if verb == "tick" else "no `item`"
            self.note(CONTRADICTION, node.span, f"`{verb}` and `item` do not go together so", expected=expected)
            raise Misfit
        return Control(
            verb=verb,
            level=self.word(fields["level"], "`level`", SEVERITIES) if "level" in fields else "",
            step=self.text(fields["step"], "`step`") if "step" in fields else "",
            item=self.text(fields["item"], "`item`") if "item" in fields else "",
            person=self._person(fields["as"]),
            reason=self.text(fields["reason"], "`reason`") if "reason" in fields else "as the scenario says",
            at=self.duration(fields["at"], "`at`"),
            refused=self._refused(fields),
            line=node.span.line,
        )

    def _expect(self, node: Node) -> Expectation:
        fields = self.fields(node, "`expect`", known=_EXPECT)
        if not fields:
            self.note(BAD_VALUE, node.span, "`expect` expects nothing", expected="at least `outcome`")
            raise Misfit
        clocks = self.mapping(fields["clocks"], "`clocks`") if "clocks" in fields else {}
        facts = self.mapping(fields["facts"], "`facts`") if "facts" in fields else {}
        calls = self.mapping(fields["calls"], "`calls`") if "calls" in fields else {}
        listed = {
            key: self.words(fields[key], f"`{key}`")
            for key in ("order", "set", "unset", "asked", "paged", "undone")
            if key in fields
        }
        actions = self._catalog.keys()
        return Expectation(
            outcome=self.text(fields["outcome"], "`outcome`") if "outcome" in fields else None,
            order=listed.get("order", ()),
            never=self.words(fields["never"], "`never`", actions) if "never" in fields else (),
            clocks={key: self.word(value, f"clock `{key}`", _CLOCKS) for key, value in clocks.items()},
            facts={key: plain(value) for key, value in facts.items()},
            set=listed.get("set", ()),
            unset=listed.get("unset", ()),
            undone=listed.get("undone"),
            asked=listed.get("asked"),
            paged=listed.get("paged", ()),
            ledger=self.words(fields["ledger"], "`ledger`", KINDS) if "ledger" in fields else (),
            severity=self.text(fields["severity"], "`severity`") if "severity" in fields else None,
            calls={
                self.word_key(fields["calls"], key): self.whole(value, f"calls of `{key}`")
                for key, value in calls.items()
            },
        )

    def word_key(self, node: Node, key: str) -> str:
        if key not in self._catalog:
            self.note(UNKNOWN_ACTION, self.key_span(node, key) or node.span, f"there is no action `{key}`", found=key)
        return key
