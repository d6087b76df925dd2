"""The catalogue of actions: pure data, importable without Temporal, HTTP or a store.

`CATALOG` is what authors may call; `INTERNAL` is what the engine's own processes call (the legal hold). The compiler
takes the catalogue as a mapping, the activities check every call against it again, the docs are made from it.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from schemas.actions import ActionContract, FieldSpec

_URL: FieldSpec = {"type": "url", "doc": "where the item stands on the platform"}
_SCOPE: FieldSpec = {"type": "string", "doc": "where the restriction applies: `eu`, `global`, a country code"}
_TERRITORIES: dict[str, list[str]] = {
    "global": ["eu"],
    "eu": [
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    ],
}
"""Which scopes lie directly inside which: the union inside the world, its member states (ISO 3166) inside the union."""
_GROUND: FieldSpec = {"type": "string", "doc": "code of the legal or policy ground, for the statement of reasons"}
_SENT: FieldSpec = {"type": "timestamp", "doc": "when the receiver took the message"}
_ABOUT: FieldSpec = {
    "type": "string",
    "pattern": "[a-z0-9][a-z0-9_.-]{0,63}",
    "doc": "a short code of what it is about; never a title, a name or a text",
}
_HOLD: FieldSpec = {"type": "string", "doc": "id of the hold"}
_SOURCE: FieldSpec = {"type": "string", "doc": "the custodian: which system keeps the data"}


def _optional(spec: FieldSpec) -> FieldSpec:
    return {**spec, "optional": True}


def _list_of(of: str, doc: str) -> FieldSpec:
    return {"type": "list", "of": of, "doc": doc}


def _instant(doc: str) -> FieldSpec:
    return {"type": "timestamp", "doc": doc}


_READS: tuple[ActionContract, ...] = (
    {
        "name": "screen.imminent_threat",
        "doc": "Ask the platform's screening service whether the items show an imminent threat to somebody's life.",
        "effect": "reads",
        "irreversible": False,
        "tier": "0",
        "inputs": {"urls": _list_of("url", "the items to screen")},
        "outputs": {
            "imminent": {
                "type": "bool",
                "doc": "true when at least one item shows an imminent threat",
                "sample": False,
            },
            "threat_seen_at": _optional(_instant("when the service first saw the threat; absent when it saw none")),
        },
        "undo": None,
        "example": "id: screen\naction: screen.imminent_threat\nwith: {urls: '${{ inputs.urls }}'}\n",
        "attempt_timeout": 30.0,
    },
    {
        "name": "order.authenticate",
        "doc": "Check an authority's order against the register of authorities: is it genuine, is it complete?",
        "effect": "reads",
        "irreversible": False,
        "tier": "0",
        "inputs": {
            "order_id": {"type": "string", "doc": "the order's own number"},
            "issuing_state": {"type": "string", "doc": "ISO 3166 code of the state that issued it"},
        },
        "outputs": {
            "authentic": {"type": "bool", "doc": "the issuing authority is known and confirms the order"},
            "complete": {"type": "bool", "doc": "everything the law asks of such an order is there"},
            "failures": _list_of("string", "codes of the checks that failed, empty when none did"),
        },
        "undo": None,
        "example": (
            "id: authenticate\naction: order.authenticate\n"
            "with: {order_id: '${{ inputs.order_id }}', issuing_state: '${{ inputs.issuing_state }}'}\n"
        ),
        "attempt_timeout": 30.0,
    },
    {
        "name": "evidence.snapshot",
        "doc": "Fetch an item's record, hash it and keep it in the evidence store. Preserves; changes nothing.",
        "effect": "reads",
        "irreversible": False,
        "tier": "0",
        "inputs": {"url": _URL},
        "outputs": {
            "ref": {"type": "ref", "doc": "content address of the preserved record"},
            "size": {"type": "int", "doc": "bytes preserved"},
            "taken_at": _instant("when the record was fetched"),
        },
        "undo": None,
        "example": "id: snapshot\naction: evidence.snapshot\nwith: {url: '${{ inputs.url }}'}\n",
        "attempt_timeout": 30.0,
    },
    {
        "name": "content.probe",
        "doc": "Look from the outside, from each country, whether the items can still be seen.",
        "effect": "reads",
        "irreversible": False,
        "tier": "0",
        "inputs": {
            "urls": _list_of("url", "the items to look for"),
            "countries": _list_of("string", "ISO 3166 codes of the countries to look from"),
        },
        "outputs": {
            "all_gone": {"type": "bool", "doc": "no item is visible from any of the countries"},
            "seen_at": _instant("when the last look was taken"),
            "remaining": {"type": "int", "doc": "items still visible somewhere"},
        },
        "undo": None,
        "example": ("id: look\naction: content.probe\nwith: {urls: '${{ inputs.urls }}', countries: [DE, FR, PL]}\n"),
        "attempt_timeout": 60.0,
    },
    {
        "name": "notify.webhook",
        "doc": "Send a signed webhook to a configured destination. It carries ids, codes and instants only.",
        "effect": "reads",
        "irreversible": False,
        "tier": "0",
        "inputs": {
            "to": {
                "type": "string",
                "names": "destination",
                "doc": "the destination's configured name, never an address",
            },
            "about": _ABOUT,
            "due_at": _optional(_instant("by when the receiver has to act")),
        },
        "outputs": {"sent_at": _SENT},
        "undo": None,
        "example": "id: tell_room\naction: notify.webhook\nwith: {to: ops_room, about: removal_started}\n",
        "attempt_timeout": 30.0,
    },
    {
        "name": "notify.email",
        "doc": "Send a mail to a configured destination. It carries ids, codes and instants only.",
        "effect": "reads",
        "irreversible": False,
        "tier": "0",
        "inputs": {
            "to": {
                "type": "string",
                "names": "destination",
                "doc": "the destination's configured name, never an address",
            },
            "about": _ABOUT,
            "due_at": _optional(_instant("by when the receiver has to act")),
        },
        "outputs": {"sent_at": _SENT},
        "undo": None,
        "example": "id: tell_desk\naction: notify.email\nwith: {to: mail_desk, about: removal_started}\n",
        "attempt_timeout": 30.0,
    },
    {
        "name": "page",
        "doc": "Page whoever holds a role in this region, on every channel they have.",
        "effect": "reads",
        "irreversible": False,
        "tier": "0",
        "inputs": {"role": {"type": "string", "names": "role", "doc": "the role to wake"}, "about": _ABOUT},
        "outputs": {"sent_at": _SENT},
        "undo": None,
        "example": "id: wake_sponsor\naction: page\nwith: {role: exec_sponsor, about: clock_at_risk}\n",
        "attempt_timeout": 30.0,
    },
)

_RESTRICTS: tuple[ActionContract, ...] = (
    {
        "name": "content.disable",
        "doc": "Make an item invisible in a scope. Can be taken back by `content.restore`.",
        "effect": "restricts",
        "irreversible": False,
        "tier": "0",
        "inputs": {
            "url": _URL,
            "scope": {**_SCOPE, "narrows": {"by": "scope", "inside": _TERRITORIES}},
            "ground": _optional(_GROUND),
        },
        "outputs": {"disabled_at": _instant("when the platform made it invisible")},
        "undo": "content.restore",
        "example": (
            "id: disable\naction: content.disable\nwith: {url: '${{ inputs.url }}', scope: eu}\n"
            "undo: {action: content.restore, on: [order_annulled]}\n"
        ),
        "attempt_timeout": 30.0,
    },
    {
        "name": "content.restore",
        "doc": "Make an item visible again in a scope.",
        "effect": "restricts",
        "irreversible": False,
        "tier": "1",
        "inputs": {"url": _URL, "scope": _SCOPE},
        "outputs": {"restored_at": _instant("when the platform made it visible again")},
        "undo": "content.disable",
        "example": "id: put_back\naction: content.restore\nwith: {url: '${{ inputs.url }}', scope: eu}\n",
        "attempt_timeout": 30.0,
    },
    {
        "name": "account.suspend",
        "doc": "Suspend one account. Can be taken back by `account.restore`.",
        "effect": "restricts",
        "irreversible": False,
        "tier": "1",
        "inputs": {"account": {"type": "ref", "doc": "the account's opaque reference"}, "ground": _GROUND},
        "outputs": {"suspended_at": _instant("when the platform suspended it")},
        "undo": "account.restore",
        "example": (
            "id: suspend\naction: account.suspend\nwith: {account: '${{ inputs.account }}', ground: tco.order}\n"
            "undo: {action: account.restore, on: [order_annulled]}\n"
        ),
        "attempt_timeout": 30.0,
    },
    {
        "name": "account.restore",
        "doc": "Lift the suspension of one account.",
        "effect": "restricts",
        "irreversible": False,
        "tier": "1",
        "inputs": {"account": {"type": "ref", "doc": "the account's opaque reference"}},
        "outputs": {"restored_at": _instant("when the platform lifted the suspension")},
        "undo": None,
        "example": "id: lift\naction: account.restore\nwith: {account: '${{ inputs.account }}'}\n",
        "attempt_timeout": 30.0,
    },
    {
        "name": "live.end",
        "doc": "End a live stream for its audience. The recording stays where it is.",
        "effect": "restricts",
        "irreversible": False,
        "tier": "0",
        "inputs": {"stream": {"type": "ref", "doc": "the stream's opaque reference"}},
        "outputs": {"ended_at": _instant("when the platform ended it")},
        "undo": None,
        "example": "id: end_stream\naction: live.end\nwith: {stream: '${{ inputs.stream }}'}\n",
        "attempt_timeout": 20.0,
    },
)

_FINAL: tuple[ActionContract, ...] = (
    {
        "name": "authority.clarify",
        "doc": "Ask the issuing authority to complete or explain its order.",
        "effect": "discloses",
        "irreversible": False,
        "tier": "0",
        "inputs": {
            "order_id": {"type": "string", "doc": "the order's own number"},
            "failures": {**_list_of("string", "codes of the checks that failed"), "narrows": {"by": "items"}},
        },
        "outputs": {"sent_at": _SENT},
        "undo": None,
        "example": (
            "id: ask_authority\naction: authority.clarify\n"
            "with: {order_id: '${{ inputs.order_id }}', failures: [signature_page_missing]}\n"
        ),
        "attempt_timeout": 30.0,
    },
    {
        "name": "authority.reply",
        "doc": "Report to the issuing authority what was done and when. What is sent cannot be called back.",
        "effect": "discloses",
        "irreversible": True,
        "tier": "0",
        "inputs": {
            "order_id": {"type": "string", "doc": "the order's own number"},
            "effect_at": _instant("when the removal was verified"),
            "removed": {"type": "int", "doc": "items removed"},
        },
        "outputs": {"sent_at": _SENT, "receipt": {"type": "ref", "doc": "the authority's reference of the reply"}},
        "undo": None,
        "example": (
            "id: reply\naction: authority.reply\n"
            "with: {order_id: '${{ inputs.order_id }}', effect_at: '${{ steps.snapshot.at }}', removed: 40}\n"
        ),
        "attempt_timeout": 30.0,
    },
    {
        "name": "content.delete",
        "doc": "Delete an item for good. Refused without its snapshot in the evidence store and its approval.",
        "effect": "destroys",
        "irreversible": True,
        "tier": "2",
        "inputs": {"url": _URL, "snapshot": {"type": "ref", "doc": "what `evidence.snapshot` gave for this item"}},
        "outputs": {"deleted_at": _instant("when the platform deleted it")},
        "undo": None,
        "needs_grant": True,
        "example": (
            "id: erase\naction: content.delete\n"
            "with: {url: '${{ inputs.url }}', snapshot: '${{ steps.snapshot.ref }}'}\n"
            "approval:\n  from: [incident_commander, legal_counsel]\n  within: 1h\n"
            "  on_deny: fail\n  on_silence: {escalate: [exec_sponsor], then: fail}\n"
        ),
        "attempt_timeout": 30.0,
    },
)

_EXHIBITS: dict[str, FieldSpec] = {
    "exhibits": _list_of("ref", "the copies, by what `evidence.snapshot` gave for them"),
    "material": {
        "type": "string",
        "doc": "`csam` for apparent child sexual abuse material; nothing else is destroyed so",
    },
    "authority": {"type": "string", "doc": "reference of the lawful request to destroy"},
    "requested_at": _instant("when the request was received"),
}
_EVIDENCE: tuple[ActionContract, ...] = (
    {
        "name": "retention.rule",
        "doc": "Ask the conflict order what becomes of preserved copies, if counsel signs the request to destroy.",
        "effect": "reads",
        "irreversible": False,
        "tier": "0",
        "inputs": _EXHIBITS,
        "outputs": {
            "ruling": {"type": "ref", "doc": "digest of the ruling and of every hold it rests on"},
            "destroys": {
                "type": "bool",
                "doc": "every copy is to be destroyed, by step 1 of the order",
                "sample": True,
            },
            "kept": {"type": "int", "doc": "copies that are not"},
            "held_by": _list_of("string", "the claims of holds that lie on the copies"),
        },
        "undo": None,
        "acts_on": "evidence",
        "example": (
            "id: rule\naction: retention.rule\n"
            "with: {exhibits: '${{ [steps.snapshot.ref] }}', material: csam, authority: LE-2026-17,"
            " requested_at: '2026-11-22T03:10:00Z'}\n"
        ),
        "attempt_timeout": 30.0,
    },
    {
        "name": "evidence.destroy",
        "doc": "Destroy preserved copies on a lawful request; hashes and a receipt stay. Counsel and one more approve.",
        "effect": "destroys",
        "irreversible": True,
        "tier": "L",
        "inputs": {
            **_EXHIBITS,
            "ruling": {"type": "ref", "doc": "what `retention.rule` gave for exactly these copies"},
        },
        "outputs": {
            "destroyed": {"type": "int", "doc": "copies destroyed"},
            "receipt": {"type": "ref", "doc": "content address of the receipt in the evidence store"},
            "destroyed_at": _instant("when the last copy was destroyed"),
        },
        "undo": None,
        "needs_grant": True,
        "signed_by": "legal_counsel",
        "acts_on": "evidence",
        "example": (
            "id: destroy\naction: evidence.destroy\n"
            "with: {exhibits: '${{ [steps.snapshot.ref] }}', material: csam, authority: LE-2026-17,"
            " requested_at: '2026-11-22T03:10:00Z', ruling: '${{ steps.rule.ruling }}'}\n"
            "approval:\n  from: [legal_counsel, records_custodian]\n  within: 1d\n"
            "  on_deny: fail\n  on_silence: {escalate: [exec_sponsor], then: fail}\n"
        ),
        "attempt_timeout": 60.0,
    },
)

_HOLDS: tuple[ActionContract, ...] = (
    {
        "name": "hold.freeze",
        "doc": "Make a custodian refuse every deletion inside the scope of a hold.",
        "effect": "restricts",
        "irreversible": False,
        "tier": "L",
        "inputs": {
            "source": _SOURCE,
            "basis": {"type": "string", "doc": "row of the clock register that the hold rests on"},
            "scope": {"type": "map", "doc": "what is held: lists of ids, URLs or hashes by name"},
            "terms": _optional({"type": "map", "doc": "what it claims: kind, title, law, since, until"}),
            "hold": _HOLD,
        },
        "outputs": {
            "reference": {"type": "string", "doc": "the custodian's own id of the freeze"},
            "frozen_at": _instant("when the custodian froze deletion"),
        },
        "undo": "hold.unfreeze",
        "example": "",
        "attempt_timeout": 60.0,
    },
    {
        "name": "hold.canary",
        "doc": "Ask a custodian to delete a marked object inside the scope: the request must be refused.",
        "effect": "reads",
        "irreversible": False,
        "tier": "L",
        "inputs": {"source": _SOURCE, "hold": _HOLD},
        "outputs": {
            "refused": {"type": "bool", "doc": "the custodian refused: the freeze works"},
            "checked_at": _instant("when the custodian answered"),
        },
        "undo": None,
        "example": "",
        "attempt_timeout": 30.0,
    },
    {
        "name": "hold.unfreeze",
        "doc": "Let a custodian delete again what a hold had frozen. Refused without the grant of the release.",
        "effect": "restricts",
        "irreversible": False,
        "tier": "L",
        "inputs": {
            "source": _SOURCE,
            "reference": {"type": "string", "doc": "the custodian's own id of the freeze"},
            "hold": _HOLD,
        },
        "outputs": {"released_at": _instant("when the custodian lifted the freeze")},
        "undo": None,
        "needs_grant": True,
        "example": "",
        "attempt_timeout": 60.0,
    },
)


def _by_name(contracts: Iterable[ActionContract]) -> Mapping[str, ActionContract]:
    return MappingProxyType({contract["name"]: contract for contract in contracts})


CATALOG: Mapping[str, ActionContract] = _by_name((*_READS, *_RESTRICTS, *_FINAL, *_EVIDENCE))
"""What a runbook may call."""

INTERNAL: Mapping[str, ActionContract] = _by_name(_HOLDS)
"""What only the engine's own processes call; a runbook that names one of these is refused."""
