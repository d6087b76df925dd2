"""The one table of findings: code, severity, title. Each has a page in `docs/findings/`."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding. The number is stable; a retired one is never used again."""

    number: str
    severity: Severity
    title: str


# WF1xx: form
NOT_UTF8 = Code("WF101", "error", "the file is not UTF-8")
FORBIDDEN_CHARACTER = Code("WF102", "error", "a character that a runbook may not contain")
TOO_LARGE = Code("WF103", "error", "the file is too large")
TOO_DEEP = Code("WF104", "error", "blocks are nested too deeply")
NOT_YAML = Code("WF105", "error", "the YAML cannot be read")
ALIAS = Code("WF106", "error", "anchors and aliases are not part of the language")
TAG = Code("WF107", "error", "tags are not part of the language")
DUPLICATE_KEY = Code("WF108", "error", "a key stands twice")
MERGE_KEY = Code("WF109", "error", "merge keys are not part of the language")
SEVERAL_DOCUMENTS = Code("WF110", "error", "one file holds one document")
KEY_NOT_TEXT = Code("WF111", "error", "a key must be plain text")
CUT_BY_YAML = Code("WF112", "error", "YAML reads this expression otherwise than it was meant")
EMPTY = Code("WF113", "error", "the document holds no runbook")
UNKNOWN_KEY = Code("WF120", "error", "a key that has no meaning here")
MISSING_KEY = Code("WF121", "error", "a key is missing")
WRONG_SHAPE = Code("WF122", "error", "a value of the wrong kind")
BAD_VALUE = Code("WF123", "error", "a value that is not allowed here")
BAD_NAME = Code("WF124", "error", "not a name")
BAD_DURATION = Code("WF125", "error", "not a duration")
STEP_KIND = Code("WF126", "error", "a step has exactly one kind")
DUPLICATE_ID = Code("WF127", "error", "an id stands twice")
NOT_CARRIED_OUT = Code("WF128", "error", "this engine does not carry it out yet")
CONTRADICTION = Code("WF129", "error", "two keys exclude each other")
TEMPLATE_PLACE = Code("WF130", "error", "`${{ }}` stands where it has no meaning")
TEMPLATE_BROKEN = Code("WF131", "error", "`${{` without its `}}`")
ID_TAKEN = Code("WF132", "error", "a name that means something else already")

# WF2xx: names and types
SYNTAX = Code("WF201", "error", "not an expression")
UNKNOWN_NAME = Code("WF202", "error", "an undefined reference")
NOT_VISIBLE = Code("WF203", "error", "a step that cannot be seen from here")
UNKNOWN_OUTPUT = Code("WF204", "error", "a step has no such output")
TYPES = Code("WF205", "error", "types that do not fit")
WRONG_RESULT = Code("WF206", "error", "an expression of the wrong type")
MAY_BE_ABSENT = Code("WF207", "error", "a value that may be absent")
UNKNOWN_ACTION = Code("WF208", "error", "an unknown action")
UNKNOWN_INPUT = Code("WF209", "error", "an action has no such input")
MISSING_INPUT = Code("WF210", "error", "an action's input is missing")
INPUT_TYPE = Code("WF211", "error", "an input of the wrong type")
UNKNOWN_ROLE = Code("WF212", "error", "an unknown role")
UNKNOWN_LAW = Code("WF213", "error", "not in the clock register")
LAW_KIND = Code("WF214", "error", "a clock of the wrong kind")
UNKNOWN_FACT = Code("WF215", "error", "an undeclared fact")
RECORD = Code("WF216", "error", "a step records what it may not")
UNKNOWN_REGION = Code("WF217", "error", "a region that is not allowed")
NEVER_EQUAL = Code("WF218", "error", "a comparison that never holds")
BUSINESS_DAYS = Code("WF219", "error", "business days cannot be counted here")
UNKNOWN_CLOCK = Code("WF220", "error", "an undeclared clock")
BAD_DEFAULT = Code("WF221", "error", "a default that does not fit its type")
BAD_SOURCE = Code("WF222", "error", "a fact's source that does not exist")
UNKNOWN_RUNBOOK = Code("WF223", "error", "a runbook that the library does not have")
ROUND = Code("WF224", "error", "runs or fragments that go round in a circle")
CHILD_WRONG = Code("WF225", "error", "a runbook that cannot be run")
UNKNOWN_FRAGMENT = Code("WF226", "error", "an unknown fragment")
NO_UNDO = Code("WF227", "error", "nothing that could be taken back")
NOT_IN_LAW = Code("WF240", "error", "a pause or a renewal that the law does not know")

# WF3xx: safety
GATE = Code("WF301", "error", "an effect without its approval")
SILENCE = Code("WF302", "error", "silence would act")
NO_DENY = Code("WF303", "error", "a no without a path")
NOT_PRESERVED = Code("WF304", "error", "destroyed before it is preserved")
SEATS = Code("WF305", "error", "seats that different people cannot fill")
NEVER_UNDONE = Code("WF306", "error", "`undo: never` without a reason")
PROTECTED = Code("WF307", "error", "protected data would leave the region")
HOLD_RELEASE = Code("WF308", "error", "a hold that one person could release")
HANDOFF_FORBIDDEN = Code("WF309", "error", "a handoff that the runbook forbids")
NO_WINDOW = Code("WF310", "error", "a person is asked without a deadline")
LIFE_FIRST = Code("WF311", "error", "something comes before telling that life is at risk")
NO_ATTEMPT = Code("WF312", "warning", "restricted without an attempt to preserve it")
NO_REASON = Code("WF313", "warning", "a restriction without a statement of its ground")
EXPOSED = Code("WF315", "error", "an exposure outside the specialist role")
LASTING = Code("WF314", "warning", "a restriction that does not say whether it ends")
FLEETING = Code("WF316", "error", "an approval over what changes by itself")
DRIFTING = Code("WF317", "error", "an effect whose key changes by itself")

# WF4xx: time and size
UNBOUNDED = Code("WF401", "error", "a loop over a list without a bound")
TOO_WIDE = Code("WF402", "error", "more than the engine takes")
NEVER_RUNS = Code("WF403", "error", "a step that can never run")
NO_BREACH = Code("WF404", "error", "a clock whose breach nobody hears of")
CLOCK_LEFT = Code("WF405", "warning", "the run may close while a clock runs")
WARN_LATE = Code("WF406", "error", "a warning after the deadline")
NO_LENGTH = Code("WF407", "error", "a clock without a length of its own")
REGISTER_ROW = Code("WF408", "error", "a row of the register contradicts itself")
REVIEW_OVERDUE = Code("WF409", "warning", "a row of the register is past its review")
GOES_ON_WITHOUT = Code("WF410", "warning", "the run goes on without a fact that others wait for")
IN_TIME = Code("WF411", "warning", "the work does not fit the clock")
OVER_BUDGET = Code("WF412", "warning", "more history than a run should make")
CALENDAR_ENDS = Code("WF413", "warning", "a calendar that ends soon")
CONFLICT = Code("WF420", "error", "a conflict of the register that is not named from both sides")

# WF5xx: style
AMBIGUOUS = Code("WF501", "warning", "text that other YAML readers take for something else")
LOOKS_LIKE_REFERENCE = Code("WF502", "warning", "text that looks like a reference")
UNUSED_SOURCE = Code("WF503", "warning", "a step is a fact's source but does not record it")
SECRET = Code("WF504", "warning", "text that looks like a secret")
UNUSED_FRAGMENT = Code("WF505", "warning", "a fragment that no step uses")
UNUSED_RESULT = Code("WF506", "warning", "a result that nothing uses")
BAD_SUPPRESSION = Code("WF510", "error", "a suppression without a reason")
UNUSED_SUPPRESSION = Code("WF511", "warning", "a suppression that suppresses nothing")
NOT_SUPPRESSIBLE = Code("WF512", "error", "a finding that cannot be suppressed")

TABLE: dict[str, Code] = {code.number: code for code in list(globals().values()) if isinstance(code, Code)}
