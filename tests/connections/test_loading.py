"""Bindings files: everything wrong is found before anything is called, and its place is named."""

from pathlib import Path

import pytest

from activities.catalog import CATALOG, INTERNAL
from watchfloor.connections.bindings import Bindings
from watchfloor.connections.loading import SHIPPED, BindingsRefused, load_bindings, read_secrets
from watchfloor.connections.port import IN_STORE, THROUGH_CHANNELS

VARIABLES = {
    "SANDBOX_URL": "http://127.0.0.1:8090",
    "SANDBOX_SMTP_HOST": "127.0.0.1",
    "SANDBOX_SMTP_PORT": "2525",
}
CONTRACTS = {**CATALOG, **INTERNAL}

GOOD = """\
version: 1
base: https://api.example.com
allow_hosts: [api.example.com]
actions:
  content.disable:
    method: POST
    path: /items/{url}/disable
    body: {scope: "{scope}", ground: "{ground?}"}
    idempotency: header
    outputs: {disabled_at: at}
"""


def load(tmp_path: Path, text: str) -> Bindings:
    file = tmp_path / "bindings.yaml"
    file.write_text(text)
    return load_bindings(file, variables=VARIABLES, catalog=CONTRACTS)


def refuse(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    with pytest.raises(BindingsRefused) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "bindings.yaml") in str(caught.value)
    return [(problem.line, problem.message) for problem in caught.value.problems]


KINDS = {"webhook", "pager", "email", "slack", "pagerduty"}


def test_the_shipped_sandbox_bindings_bind_every_action() -> None:
    document = load_bindings(SHIPPED, variables=VARIABLES, catalog=CONTRACTS)
    assert set(document.actions) | THROUGH_CHANNELS | IN_STORE == set(CONTRACTS)
    assert document.sandbox
    assert {channel.kind for channel in document.channels.values()} == KINDS


def test_the_shipped_destinations_are_those_of_the_examples() -> None:
    document = load_bindings(SHIPPED, variables=VARIABLES, catalog=CONTRACTS)
    assert document.channels["ops_room"].kind == "webhook"
    assert document.channels["mail_desk"].kind == "email"


def test_a_good_file_is_read_as_written(tmp_path: Path) -> None:
    binding = load(tmp_path, GOOD).actions["content.disable"]
    assert (binding.method, binding.idempotency, binding.enabled) == ("POST", "header", True)


# (what to replace, by what, line, part of the message)
MISTAKES = {
    "unknown key": ("    method: POST\n", "    methd: POST\n", 6, "unknown key `methd`"),
    "missing key": ("    method: POST\n", "", 5, "`method` is missing"),
    "duplicate key": ("    method: POST\n", "    method: POST\n    method: PUT\n", 7, "twice"),
    "unknown action": ("content.disable:", "content.disble:", 5, "did you mean `content.disable`"),
    "channel action": ("content.disable:", "notify.email:", 5, "goes through `channels`"),
    "unknown input": ('"{scope}"', '"{scoop}"', 8, "`{scoop}` is no input"),
    "optional input as required": ('"{ground?}"', '"{ground}"', 8, "write `{ground?}`"),
    "unknown output": ("{disabled_at: at}", "{disabled_at: at, x: y}", 10, "unknown output `x`"),
    "output not taken": ("{disabled_at: at}", "{}", 10, "`disabled_at` is not taken"),
    "idempotency not said": ("    idempotency: header\n", "", 5, "say how its target deduplicates"),
    "idempotency unknown": ("idempotency: header", "idempotency: yes", 9, "idempotency"),
    "GET for an effect": ("    method: POST\n", "    method: GET\n", 5, "GET"),
    "lookup missing": ("idempotency: header", "idempotency: lookup", 5, "belong together"),
    "body without key": ("idempotency: header", "idempotency: body", 5, "needs `{key}` in the body"),
    "wrong type": ("outputs: {disabled_at: at}", "outputs: {disabled_at: at}\n    cap: many", 11, "`cap`"),
    "wrong duration": ("outputs: {disabled_at: at}", "outputs: {disabled_at: at}\n    timeout: 10", 11, "duration"),
    "enabled as text": ("outputs: {disabled_at: at}", "outputs: {disabled_at: at}\n    enabled: 'no'", 11, "enabled"),
    "base not listed": ("base: https://api.example.com", "base: https://other.example.com", 2, "not on the list"),
    "base over http": ("base: https://api.example.com", "base: http://api.example.com", 2, "not on the list"),
    "list with http": ("[api.example.com]", "['http://api.example.com']", 3, "not https"),
    "list with loopback": ("[api.example.com]", "['127.0.0.1']", 3, "not a public address"),
    "list with a wildcard": ("[api.example.com]", "['*.example.com']", 3, "host name"),
    "unknown variable": ("base: https://api.example.com", "base: ${PLATFORM}", 2, "`${PLATFORM}` is not a variable"),
    "sandbox with a real host": ("version: 1\n", "version: 1\nsandbox: true\n", 4, "loopback"),
    "other version": ("version: 1", "version: 2", 1, "version"),
    "header of the connection": ("    method: POST\n", "    method: POST\n    headers: {Host: x}\n", 7, "Host"),
    "header with a line break": (
        "    method: POST\n",
        '    method: POST\n    headers: {X-A: "a\\r\\nX-B: b"}\n',
        7,
        "control character",
    ),
    "header beyond ASCII": ("    method: POST\n", "    method: POST\n    headers: {X-A: ü}\n", 7, "printable"),
    "alias": ("    method: POST\n", "    method: &m POST\n", 6, "anchor"),
    "tag": ("    method: POST\n", "    method: !!python/object:x POST\n", 6, "tag"),
    "not YAML": ("actions:", "actions: [", 6, "not YAML"),
    "secret in the file": (
        "    method: POST\n",
        "    method: POST\n    auth: {secret: {sandbox: letmein}}\n",
        7,
        "a secret stands in the file",
    ),
    "secret twice": (
        "    method: POST\n",
        "    method: POST\n    auth: {secret: {env: A, file: b}}\n",
        7,
        "exactly one",
    ),
    "secret not used": (
        "    method: POST\n",
        "    method: POST\n    auth: {value: Bearer, secret: {env: A}}\n",
        7,
        "would not be sent",
    ),
}


@pytest.mark.parametrize(("old", "new", "line", "part"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, part: str) -> None:
    assert old in GOOD
    problems = refuse(tmp_path, GOOD.replace(old, new, 1))
    assert any(part in message and at == line for at, message in problems), problems


def test_a_look_up_that_could_come_too_early_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace("idempotency: header", "idempotency: lookup\n    timeout: 10s").replace(
        "outputs: {disabled_at: at}",
        "outputs: {disabled_at: at}\n    lookup: {path: '/e/{key}', settle: 19s, outputs: {disabled_at: at}}",
    )
    assert any("settle" in message and at == 12 for at, message in refuse(tmp_path, text))
    load(tmp_path, text.replace("19s", "20s"))


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("{scope}", "{scoop}").replace("disabled_at: at", "disabled: at")
    assert len(refuse(tmp_path, text)) >= 3


def test_mail_needs_a_server_and_encryption(tmp_path: Path) -> None:
    text = GOOD + "channels:\n  desk: {kind: email, to: desk@example.com}\n"
    assert any("needs `smtp:`" in message for _, message in refuse(tmp_path, text))
    clear = text + "smtp: {host: mail.example.com, port: 587, sender: w@example.com, starttls: false}\n"
    assert any("clear text" in message for _, message in refuse(tmp_path, clear))
    load(tmp_path, clear.replace("starttls: false", "starttls: true"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BindingsRefused, match=r"nowhere.*cannot be read"):
        load_bindings(tmp_path / "nowhere.yaml", variables={}, catalog=CONTRACTS)


def test_secrets_come_from_variables_and_private_files_and_never_from_the_document(tmp_path: Path) -> None:
    text = GOOD + (
        "channels:\n"
        "  a: {kind: webhook, path: /a, secret: {env: HOOK_SECRET}}\n"
        "  b: {kind: webhook, path: /b, secret: {file: hook.secret}}\n"
    )
    document = load(tmp_path, text)
    file = tmp_path / "hook.secret"
    file.write_text("from-file\n")
    file.chmod(0o644)
    with pytest.raises(BindingsRefused, match="HOOK_SECRET") as caught:
        read_secrets(document, folder=tmp_path, environ={})
    assert "0600" in str(caught.value)
    file.chmod(0o600)
    secret = read_secrets(document, folder=tmp_path, environ={"HOOK_SECRET": "from-env"})
    secrets = [getattr(channel, "secret", None) for channel in document.channels.values()]
    found = [secret(one) for one in secrets if one is not None]
    assert found == ["from-env", "from-file"]


CHANNEL = """
version: 1
base: https://api.example.com
allow_hosts: [api.example.com, slack.com, events.pagerduty.com]
actions: {}
channels:
  room:
    kind: slack
    channel: C024BE91L
    token: {env: SLACK_TOKEN}
  oncall:
    kind: pagerduty
    routing_key: {file: key}
"""


def test_a_slack_and_a_pagerduty_channel_reach_their_own_hosts(tmp_path: Path) -> None:
    document = load(tmp_path, CHANNEL)
    assert [getattr(channel, "base", None) for channel in document.channels.values()] == [
        "https://slack.com",
        "https://events.pagerduty.com",
    ]
    assert {place[1:] for place in document.secrets()} == {("room", "token"), ("oncall", "routing_key")}


@pytest.mark.parametrize(
    ("found", "put", "line", "words"),
    [
        ("kind: slack", "kind: slak", 7, "`kind`: `slak` is none; expected one of"),
        ("    kind: slack\n", "", 7, "`kind` is missing"),
        ("channel: C024BE91L", "channel: '#ops'", 9, "`channel`"),
        ("    channel: C024BE91L\n", "", 7, "`channel` is missing"),
        ("{env: SLACK_TOKEN}", "xoxb-1", 10, "`token`"),
        ("{env: SLACK_TOKEN}", "{sandbox: xoxb-1}", 10, "a secret stands in the file"),
        ("    channel: C024BE91L", "    channel: C024BE91L\n    path: /x", 10, "unknown key `path`"),
        ("slack.com, events", "events", 7, "`https://slack.com:443` is not on the list of allowed hosts"),
        (
            "    routing_key: {file: key}",
            "    routing_key: {file: key}\n    base: http://pd.example",
            14,
            "not on the list",
        ),
        ("    channel: C024BE91L", "    channel: C024BE91L\n    rate: {per_second: 0, burst: 1}", 10, "per_second"),
    ],
)
def test_a_mistake_in_a_channel_is_named_at_its_place(
    tmp_path: Path, found: str, put: str, line: int, words: str
) -> None:
    assert found in CHANNEL
    problems = refuse(tmp_path, CHANNEL.replace(found, put, 1))
    assert [where for where, _ in problems] == [line]
    assert words in problems[0][1]


@pytest.mark.parametrize("network", ["0.0.0.0/0", "169.254.0.0/16", "10.0.0.1/8", "nonsense", "8.8.8.0/24"])
def test_a_network_that_cannot_be_ones_own_is_refused_at_its_place(tmp_path: Path, network: str) -> None:
    ((line, message),) = refuse(tmp_path, GOOD.replace("actions:", f"allow_networks: ['{network}']\nactions:", 1))
    assert line == 4
    assert "network" in message


def test_a_listed_address_inside_needs_its_network_named(tmp_path: Path) -> None:
    inside = GOOD.replace("api.example.com", "10.20.0.5")
    assert "allow_networks" in refuse(tmp_path, inside)[0][1]
    load(tmp_path, inside.replace("actions:", "allow_networks: [10.20.0.0/16]\nactions:", 1))


def test_a_sandbox_file_names_no_network(tmp_path: Path) -> None:
    text = 'version: 1\nsandbox: true\nbase: http://127.0.0.1:1\nallow_hosts: ["http://127.0.0.1:1"]\nactions: {}\n'
    ((_, message),) = refuse(tmp_path, text + "allow_networks: [10.0.0.0/8]\n")
    assert "loopback only" in message
