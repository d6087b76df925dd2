"""Reading a bindings file: strict YAML, located errors, every promise checked before anything is called.

Read with the parser of the runbook language, so the same things are refused and the same places named. Kept apart
from the calls: the activities never see this module.
"""

import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from schemas.actions import ActionContract
from watchfloor.connections.bindings import Binding, Bindings, Secret
from watchfloor.connections.egress import Egress, EgressRefused
from watchfloor.connections.port import IN_STORE, THROUGH_CHANNELS
from watchfloor.connections.templates import CALL_NAMES, names_in
from watchfloor.language import nodes
from watchfloor.language.findings import nearest
from watchfloor.language.source import MAX_BYTES, parse

Place: TypeAlias = tuple[str | int, ...]

SHIPPED = Path(__file__).with_name("sandbox.yaml")
COMPUTED = frozenset({"evidence.snapshot"})
"""Actions whose outputs the activity makes itself from the whole answer."""

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}", re.ASCII)
_BRACES = re.compile(r"\{[^{}]*\}")
_NAMED = re.compile(r"\{[a-z][a-z0-9_]*\??\}", re.ASCII)
_REQUIRED = re.compile(r"\{([a-z][a-z0-9_]*)\}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a bindings file."""

    line: int
    column: int
    message: str


class BindingsRefused(ValueError):
    """A bindings file cannot be used. `problems` has them all, in the order of the file."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(f"{path}:{item.line}:{item.column}: {item.message}" for item in self.problems))


def load_bindings(path: Path, *, variables: Mapping[str, str], catalog: Mapping[str, ActionContract]) -> Bindings:
    """Read and check a bindings file.

    Args:
        path: the file.
        variables: what `${NAME}` stands for; nothing else is looked up, the process's environment neither.
        catalog: the contracts of all actions that may be bound, internal ones included.

    Raises:
        BindingsRefused: with the place of everything that is wrong.
    """
    try:
        with path.open("rb") as opened:
            raw = opened.read(16 * MAX_BYTES)  # more is refused anyway, whatever its size
    except OSError as error:
        raise BindingsRefused(path, [Problem(1, 1, f"cannot be read: {error.strerror}")]) from error
    source = parse(raw, path=str(path))
    errors = [Problem(item.line, item.column, item.message) for item in source.findings if item.is_error]
    if errors or source.root is None:
        raise BindingsRefused(path, errors or [Problem(1, 1, "is empty")])
    places: dict[Place, tuple[int, int]] = {}
    unknown: list[Problem] = []
    tree = _plain(source.root, (), places, variables, unknown)
    if unknown:
        raise BindingsRefused(path, unknown)

    def located(place: Place, message: str) -> Problem:
        while place and place not in places:
            place = place[:-1]
        return Problem(*places.get(place, (1, 1)), message)

    try:
        document = Bindings.model_validate(tree)
    except ValidationError as error:
        problems = [located(_place(item["loc"], tree), _message(item)) for item in error.errors(include_url=False)]
        raise BindingsRefused(path, problems) from error
    problems = [located(place, message) for place, message in _refusals(document, catalog)]
    if problems:
        raise BindingsRefused(path, problems)
    return document


def read_secrets(
    document: Bindings,
    *,
    folder: Path,
    environ: Mapping[str, str],
    of: Mapping[Place, Secret] | None = None,
) -> Callable[[Secret], str]:
    """Read every secret of a document once and give the function that knows them.

    Args:
        of: the secrets to read, where it is not those that a worker needs.

    Raises:
        BindingsRefused: a variable is not set, or a file is missing or readable by others.
    """
    values: dict[Secret, str] = {}
    problems = []
    for place, secret in (document.secrets() if of is None else of).items():
        try:
            values[secret] = read_secret(secret, folder, environ)
        except ValueError as error:
            problems.append(Problem(1, 1, f"`{'.'.join(map(str, place))}`: {error}"))
    if problems:
        raise BindingsRefused(folder, problems)
    return values.__getitem__


def read_secret(secret: Secret, folder: Path, environ: Mapping[str, str]) -> str:
    """The value of one secret.

    Raises:
        ValueError: the variable is not set, or the file is missing or readable by others.
    """
    if secret.sandbox is not None:
        return secret.sandbox
    if secret.env is not None:
        value = environ.get(secret.env, "").strip()
        if not value:
            raise ValueError(f"the environment variable {secret.env} is not set; set it or use `file`")
        return value
    file = folder / str(secret.file)
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        text = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file {file} cannot be read; put the secret there with mode 0600") from error
    if mode & 0o077:
        raise ValueError(f"the file {file} has mode {mode:04o}, expected 0600; run `chmod 600 {file}`")
    return text


def _plain(
    node: nodes.Node,
    place: Place,
    places: dict[Place, tuple[int, int]],
    variables: Mapping[str, str],
    unknown: list[Problem],
) -> Any:
    places.setdefault(place, (node.span.line, node.span.column))
    if isinstance(node, nodes.Mapping):
        tree = {}
        for key, value in node.entries:
            places[(*place, key.value)] = (key.span.line, key.span.column)
            tree[key.value] = _plain(value, (*place, key.value), places, variables, unknown)
        return tree
    if isinstance(node, nodes.Sequence):
        return [_plain(item, (*place, index), places, variables, unknown) for index, item in enumerate(node.items)]
    text = node.core
    if not isinstance(text, str) or "${" not in text:
        return text
    for match in _VARIABLE.finditer(text):
        if match[1] not in variables:
            known = ", ".join(sorted(variables)) or "none"
            message = f"`${{{match[1]}}}` is not a variable of this region; known: {known}"
            unknown.append(Problem(node.span.line, node.span.column, message))
    return _VARIABLE.sub(lambda match: variables.get(match[1], ""), text)


def _place(loc: tuple[int | str, ...], tree: Any) -> Place:
    """The place of a validation error; what pydantic adds to a location (`[key]`, a validator's name) is dropped."""
    place: list[str | int] = []
    for part in loc:
        inside = (isinstance(tree, dict) and part in tree) or (
            isinstance(tree, list) and isinstance(part, int) and part < len(tree)
        )
        if not inside:
            continue  # the tag of a union, a validator's name
        place.append(part)
        tree = tree[part]
    return tuple(place)


def _message(item: Any) -> str:
    name = str(item["loc"][-1]) if item["loc"] else ""
    if item["type"] == "extra_forbidden":
        return f"unknown key `{name}`"
    if item["type"] == "missing":
        return f"`{name}` is missing"
    if item["type"] == "union_tag_invalid":
        return f"`kind`: `{str(item['ctx']['tag'])[:40]}` is none; expected one of {item['ctx']['expected_tags']}"
    if item["type"] == "union_tag_not_found":
        return "`kind` is missing"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"`{name}`: {message[:1].lower()}{message[1:]}"


def _refusals(document: Bindings, catalog: Mapping[str, ActionContract]) -> Iterator[tuple[Place, str]]:
    try:
        Egress([], networks=document.allow_networks)
    except EgressRefused as error:
        yield ("allow_networks",), str(error)
        return
    if document.sandbox and document.allow_networks:
        yield ("allow_networks",), "a sandbox file reaches loopback only; leave it out"
    try:
        egress = Egress(document.allow_hosts, sandbox=document.sandbox, networks=document.allow_networks)
    except EgressRefused as error:
        yield ("allow_hosts",), str(error)
        return
    bases: dict[Place, str] = {("base",): document.base}
    bases |= {("actions", name, "base"): item.base for name, item in document.actions.items() if item.base}
    for name, channel in document.channels.items():
        base_of_channel = getattr(channel, "base", None)
        if base_of_channel:
            bases["channels", name, "base"] = base_of_channel
    bases |= {("subscriptions", name, "url"): one.url for name, one in document.subscriptions.items()}
    for place, base in bases.items():
        try:
            egress.admit(base)
        except EgressRefused as error:
            yield place, str(error)
    for name, binding in document.actions.items():
        contract = catalog.get(name)
        if name in THROUGH_CHANNELS:
            yield ("actions", name), f"`{name}` goes through `channels`; it is not bound to a call"
        elif name in IN_STORE:
            yield ("actions", name), f"`{name}` acts on the region's own evidence store; it is not bound to a call"
        elif contract is None:
            near = nearest(name, catalog)
            yield ("actions", name), f"no action is called `{name}`" + (f"; did you mean `{near}`?" if near else "")
        else:
            for place, message in _disagreements(document, name, binding, contract):
                yield ("actions", name, *place), message
    yield from _shared_receivers(document)
    yield from _unsafe(document, egress)


def _shared_receivers(document: Bindings) -> Iterator[tuple[Place, str]]:
    """One receiver for two regions would put together what the regions keep apart."""
    regions: dict[str, str] = {}
    for name, one in document.subscriptions.items():
        other = regions.setdefault(one.url, one.region)
        if other != one.region:
            yield (
                ("subscriptions", name, "url"),
                f"this address hears of region `{other}` already; give each region a receiver of its own",
            )


def _unsafe(document: Bindings, egress: Egress) -> Iterator[tuple[Place, str]]:
    if not document.sandbox:
        for place, secret in {**document.secrets(), **document.subscription_secrets()}.items():
            if secret.sandbox is not None:
                yield place, "a secret stands in the file; use `env` or `file`"
    smtp = document.smtp
    if smtp is None:
        for name, channel in document.channels.items():
            if channel.kind == "email":
                yield ("channels", name), "an `email` channel needs `smtp:`, the mail server"
        return
    if not document.sandbox and not smtp.starttls:
        yield ("smtp", "starttls"), "mail in clear text is allowed only with `sandbox: true`"
    try:
        egress.beside(smtp.host, smtp.port)
    except EgressRefused as error:
        yield ("smtp", "host"), str(error)


def _disagreements(
    document: Bindings, name: str, binding: Binding, contract: ActionContract
) -> Iterator[tuple[Place, str]]:
    known = {*contract["inputs"], *CALL_NAMES}
    optional = {key for key, spec in contract["inputs"].items() if spec.get("optional")}
    templates: dict[Place, Any] = {
        ("path",): binding.path,
        ("query",): binding.query,
        ("headers",): binding.headers,
        ("body",): binding.body,
    }
    if binding.lookup is not None:
        templates["lookup", "path"] = [binding.lookup.path, binding.lookup.query, binding.lookup.body]
    for place, template in templates.items():
        for piece in sorted(_strange_in(template)):
            yield place, f"`{piece}` is no input's name; write `{{name}}` or `{{name?}}`, of {', '.join(sorted(known))}"
        for used in sorted(names_in(template) - known):
            yield place, f"`{{{used}}}` is no input of `{name}`; it has {', '.join(sorted(contract['inputs']))}"
        for used in sorted(_required_in(template) & optional):
            yield place, f"`{used}` is optional; write `{{{used}?}}`"
    needed = {key for key, spec in contract["outputs"].items() if not spec.get("optional")}
    if name not in COMPUTED:
        yield from _wrong_outputs(("outputs",), binding.outputs, needed, set(contract["outputs"]))
    if binding.lookup is not None:
        yield from _wrong_outputs(("lookup", "outputs"), binding.lookup.outputs, needed, set(contract["outputs"]))
        least = 2 * document.timeout_of(binding)
        if binding.lookup.settle < least:
            message = f"`settle` of {binding.lookup.settle:g}s is shorter than a request can be under way ({least:g}s)"
            yield ("lookup", "settle"), message
    if contract["effect"] != "reads":
        if "idempotency" not in binding.model_fields_set:
            yield (), f"`{name}` {contract['effect']}; say how its target deduplicates: `idempotency: header`, ..."
        if binding.method == "GET":
            yield ("method",), f"`{name}` {contract['effect']}; a GET changes nothing and may be repeated by anybody"


def _wrong_outputs(
    place: Place, outputs: Mapping[str, str], needed: set[str], known: set[str]
) -> Iterator[tuple[Place, str]]:
    for name in sorted(set(outputs) - known):
        yield (*place, name), f"unknown output `{name}`; known are {', '.join(sorted(known))}"
    for name in sorted(needed - set(outputs)):
        yield place, f"output `{name}` is not taken from the answer"


def _strange_in(template: Any) -> set[str]:
    """Pieces in braces that would be sent as they stand, because they name nothing."""
    if isinstance(template, str):
        return {piece for piece in _BRACES.findall(template) if not _NAMED.fullmatch(piece)}
    inner = template.values() if isinstance(template, Mapping) else template if isinstance(template, list) else ()
    return {piece for item in inner for piece in _strange_in(item)}


def _required_in(template: Any) -> set[str]:
    if isinstance(template, str):
        return {match[1] for match in _REQUIRED.finditer(template)}
    inner = template.values() if isinstance(template, Mapping) else template if isinstance(template, list) else ()
    return {name for item in inner for name in _required_in(item)}
