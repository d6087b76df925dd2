"""Reading policy files. They are hostile until this module is through with them: sizes, counts and nesting are capped
before Cedar's parser sees a byte, because it ends the process on deep nesting.

Each policy carries `@id`, `@wants` (what it asks for, in words) and `@fix` (what a refused person can do);
`@refusal`, the type of the refusal, may be left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cedarpy

SHIPPED = Path(__file__).with_name("policies")
SCHEMA = Path(__file__).with_name("schema.cedar")

MAX_FILES = 50
MAX_FILE = 64 * 1024
MAX_POLICY = 8 * 1024
MAX_POLICIES = 200
MAX_DEPTH = 24
MAX_OPERATORS = 64
"""`&&`, `||`, `if`, `!` and `.` together count towards four times this."""

_ANNOTATIONS = ("id", "wants", "fix")
_ID = re.compile(r"[a-z][a-z0-9]*([.-][a-z0-9]+)*")
_MARK = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|&&|\|\||\bif\b|[()\[\]{}!.;]|"')
_ANNOTATION = re.compile(r'@(\w+)\(\s*"((?:\\.|[^"\\])*)"\s*\)')


@dataclass(frozen=True, slots=True, order=True)
class PolicyFault:
    """One thing wrong with a policy file, with its place."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class PoliciesRefused(ValueError):
    """The policies cannot be used; nothing is permitted until they are put right."""

    def __init__(self, faults: Sequence[PolicyFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy with its place. `text` holds the policy alone, with its annotations."""

    id: str
    file: str
    line: int
    text: str
    wants: str
    fix: str
    refusal: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def read_policies(*folders: Path) -> list[Policy]:
    """Read and validate every `*.cedar` of these folders, in the order of folders and names. A missing folder has none.

    Raises:
        PoliciesRefused: with every fault that was found.
    """
    policies: list[Policy] = []
    faults: list[PolicyFault] = []
    schema = cedarpy.Schema.from_str(SCHEMA.read_text(encoding="utf-8"))
    for file in _files(folders, faults):
        for line, text in _statements(file, faults):
            policy = _policy(file.name, line, text, schema, faults)
            if policy is not None:
                policies.append(policy)
    known: dict[str, Policy] = {}
    for policy in policies:
        first = known.setdefault(policy.id, policy)
        if first is not policy:
            message = f"the id `{policy.id}` is taken by {first.place}; give each policy its own"
            faults.append(PolicyFault(policy.file, policy.line, message))
    if len(policies) > MAX_POLICIES:
        last = policies[MAX_POLICIES]
        faults.append(PolicyFault(last.file, last.line, f"found more than {MAX_POLICIES} policies; split the region"))
    if faults:
        raise PoliciesRefused(sorted(faults))
    return policies


def _files(folders: Sequence[Path], faults: list[PolicyFault]) -> list[Path]:
    found = [file for folder in folders for file in sorted(folder.glob("*.cedar"))]
    if len(found) > MAX_FILES:
        faults.append(PolicyFault(found[MAX_FILES].name, 1, f"found more than {MAX_FILES} files of policies"))
    return found[:MAX_FILES]


def _statements(file: Path, faults: list[PolicyFault]) -> Iterator[tuple[int, str]]:
    """The policies of a file, each with its line; nothing of a file that goes beyond a cap."""
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE + 1)
        text = raw.decode("utf-8")
    except OSError as error:
        faults.append(PolicyFault(file.name, 1, f"cannot be read: {error.strerror}"))
        return
    except UnicodeDecodeError:
        faults.append(PolicyFault(file.name, 1, "is not UTF-8"))
        return
    if len(raw) > MAX_FILE:
        faults.append(PolicyFault(file.name, 1, f"has more than {MAX_FILE} bytes; split it"))
        return
    start, depth, operators = 0, 0, 0
    for found in _MARK.finditer(text):
        mark, line = found[0], text.count("\n", 0, found.start()) + 1
        if mark == '"':
            faults.append(PolicyFault(file.name, line, "a text is not closed"))
            return
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif mark == ";" and depth == 0:
            yield _where(text, start), text[start : found.end()]
            start, operators = found.end(), 0
        elif not mark.startswith(("//", '"')):
            operators += 1 if mark in {"!", "."} else 4
        if depth > MAX_DEPTH or depth < 0 or operators > 4 * MAX_OPERATORS or found.end() - start > MAX_POLICY:
            limits = f"{MAX_POLICY} bytes, nesting of {MAX_DEPTH}, {MAX_OPERATORS} operators"
            faults.append(PolicyFault(file.name, line, f"the policy is too large or too deep; at most {limits}"))
            return
    rest = re.sub(r"//[^\n]*", "", text[start:])
    if rest.strip():
        faults.append(PolicyFault(file.name, _where(text, start), "the last policy does not end with `;`"))


def _where(text: str, start: int) -> int:
    """The line on which a policy really begins, past blank lines and comments."""
    skipped = re.compile(r"(\s+|//[^\n]*)*").match(text, start)
    return text.count("\n", 0, skipped.end() if skipped else start) + 1


def _policy(file: str, line: int, text: str, schema: cedarpy.Schema, faults: list[PolicyFault]) -> Policy | None:
    checked = cedarpy.validate_policies(text, schema)
    if not checked.validation_passed:
        faults.extend(PolicyFault(file, line, _plain(error.error)) for error in checked.errors)
        return None
    notes = dict(_ANNOTATION.findall(text))
    missing = [name for name in _ANNOTATIONS if not notes.get(name)]
    if missing:
        faults.append(PolicyFault(file, line, f"the policy lacks {', '.join(f'@{name}' for name in missing)}"))
        return None
    if not _ID.fullmatch(notes["id"]) or len(notes["id"]) > 80:
        faults.append(PolicyFault(file, line, f"`{notes['id'][:80]}` is no id; expected words such as `run.steer`"))
        return None
    return Policy(notes["id"], file, line, text, notes["wants"], notes["fix"], notes.get("refusal", ""))


def _plain(message: str) -> str:
    return message.replace("for policy `policy0`, ", "").replace("Policy parse error: ", "")
