"""Decide: exactly what will happen, and every word that may be said to it. What was shown is what is signed.

The ask stays as it was when the screen opened. If it changes meanwhile nothing can be signed here before one has looked
again; the run would refuse it too, for the digest would be another.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static

from schemas.decision import RefusalType
from schemas.json_value import Json
from watchfloor.cli.board_view import View
from watchfloor.client.asks import AskAt
from watchfloor.client.errors import ClientError, Refused
from watchfloor.client.statements import Sent
from watchfloor.drawing.words import show_controls
from watchfloor.signing.standing import ABSTAIN, DELEGATE, NARROW, QUESTION, WITHDRAW
from watchfloor.signing.tasks import find_claim, ticks_of
from watchfloor.terminal.pane import Pane, Row, Rows
from watchfloor.terminal.pane_clock import Moment
from watchfloor.terminal.prompts import Field, FieldsPrompt, LastLook, Words
from watchfloor.terminal.telling import is_destructive, tell_ask, tell_signing

REASON = Field("reason", "Why, in a sentence (kept in this region, for the record)")
_FORM = "form-"
"""Before the name of a field of the form, so that none is taken for the reason."""
_TASK_WORDS = {"claim": "claim it: others see that you have it", "hand_back": "hand it back; nobody asks why"}
_MOTIONS: dict[str, tuple[str, tuple[Field, ...]]] = {
    NARROW: (
        "narrow: approve less than is asked",
        (
            Field("to", "What is left, INPUT=VALUE", "scope=DE", needed=False),
            Field("leave_out", "Or which item is left out", "https://…", needed=False),
        ),
    ),
    DELEGATE: ("delegate: give your seat to somebody", (Field("to", "To whom, an id of the directory", "counsel-2"),)),
    ABSTAIN: ("abstain: you will not decide this", ()),
    QUESTION: ("ask a question back; the deadline stays", ()),
    WITHDRAW: ("withdraw your own answer", ()),
}


class DecidePane(Pane):
    """One ask, and the answers to it."""

    NAME = "Decide"
    KEYS = "↑↓ choose a word, Enter says it  PgUp PgDn read on  r look again  Esc back  ? help"
    BINDINGS: ClassVar = [
        ("escape", "dismiss", "back"),
        ("r", "again", "look again"),
        ("pageup", "page(-1)", "up"),
        ("pagedown", "page(1)", "down"),
    ]

    def __init__(self, region: str, incident: str, at: AskAt) -> None:
        super().__init__()
        self._region, self._incident, self._at = region, incident, at
        self._view: View | None = None
        self._state = ""
        """Empty while what is shown is what is asked; else why nothing can be signed."""
        self._busy = False

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="scroll"):
            yield Static("reading …", id="ask")
        yield Static("", id="changed")
        yield Rows(id="words")

    async def load(self) -> None:
        """See `Pane.load`."""
        self._view = await self.console_app.feed.read(self._region, self._incident)
        now = self._find()
        if now is None:
            self._state = "ANSWERED OR OVER: it does not wait any more. Esc goes back."
        elif now.ask["ask"] != self._at.ask["ask"]:
            self._state = "CHANGED since you were shown it: nothing can be signed. r shows it as it is now."
        else:
            self._state = ""
            self._at = now  # the same question; others may have answered meanwhile

    def _find(self) -> AskAt | None:
        asks = self._view.found.asks if self._view else []
        return next(
            (one for one in asks if one.workflow == self._at.workflow and one.ask["path"] == self._at.ask["path"]), None
        )

    def draw(self) -> None:
        app = self.console_app
        plan = self._view.plan if self._view else None
        texts = self._view.texts if self._view else {}
        place = (self._at.workflow, self._at.ask["path"])
        attempt = self._view.attempts.get(place) if self._view else None
        what = (self._at, plan, texts, attempt)
        told = tell_ask(*app.harmless(what), Moment(app.now, app.local))
        self.query_one("#ask", Static).update(told)
        changed = self.query_one("#changed", Static)
        changed.update(Text(self._state or self._why_not(), style="bold red"))
        changed.display = bool(self._state or self._why_not())
        words = self.query_one("#words", Rows)
        words.fill(self._list_words())
        hidden = not words.display
        words.display = not (self._state or self._why_not())
        if hidden and words.display:
            words.focus()

    def _why_not(self) -> str:
        """Why this person cannot say anything here."""
        app = self.console_app
        if not app.feed.person:
            return "You look as nobody. Start again with --as PERSON to decide."
        return ""

    def _list_words(self) -> list[Row]:
        ask = self._at.ask
        plan = self._view.plan if self._view else None
        rows = [Row("", Text("SAY", style="bold underline"))]
        for option in ask["options"]:
            final = "  (cannot be taken back)" if is_destructive(plan, ask, option) else ""
            # development sign-in is asked for no key
            keyed = option in ask.get("keyed", ()) and "DEVELOPMENT" not in self.console_app.feed.signed_in
            touch = "  (needs your security key: in a browser)" if keyed else ""
            rows.append(Row(f"option {option}", Text(f"  {show_controls(option)}{final}{touch}", style="bold")))
        if ask["kind"] == "task":
            claim, person = find_claim(ask, self.console_app.now), self.console_app.feed.person
            own = claim is not None and claim["person"] == person
            rows += [
                Row(f"work {verb}", Text(f"  {said}")) for verb, said in _TASK_WORDS.items() if (verb != "claim") == own
            ]
            ticked = ticks_of(ask)
            for item in ask.get("checklist", ()):
                if item["id"] not in ticked:
                    rows.append(Row(f"tick {item['id']}", Text(f"  tick {item['id']}: {show_controls(item['do'])}")))
        answered = any(one["body"]["person"] == self.console_app.feed.person for one in ask["answers"])
        for verb, (said, _) in _MOTIONS.items():
            if (verb == NARROW and "narrows" not in ask) or (verb == WITHDRAW and not answered):
                continue
            rows.append(Row(f"motion {verb}", Text(f"  {said}")))
        return rows

    def action_page(self, pages: int) -> None:
        """Read on, wherever the focus is."""
        scroll = self.query_one("#scroll", VerticalScroll)
        scroll.scroll_relative(y=pages * max(1, scroll.size.height - 1), animate=False)

    def action_again(self) -> None:
        """Show the ask as it is now; only from here on can it be signed."""
        found = self._find()
        if found is not None:
            self._at, self._state = found, ""
            self.query_one("#scroll", VerticalScroll).scroll_home(animate=False)
        self.console_app.look()
        self.redraw()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        kind, _, word = (event.option.id or "").partition(" ")
        if not self._busy and not self._state:
            self.converse(kind, word)

    @work(exclusive=True, group="say")
    async def converse(self, kind: str, word: str) -> None:
        """From the word that was chosen to the receipt; Esc at any window says nothing."""
        at, feed = self._at, self.console_app.feed
        if kind == "option":
            await self._answer(at, word)
        elif kind == "motion":
            title, fields = _MOTIONS[word]
            question = Field("reason", "What must you know before you decide?") if word == QUESTION else REASON
            said = await self.app.push_screen_wait(FieldsPrompt(title, [*fields, question]))
            if said is not None:
                reason = said.pop("reason")
                await self._send(
                    f"`{word}`", lambda: feed.say(self._region, at, word, reason=reason, about=_about(word, said))
                )
        else:
            verb, item = ("tick", word) if kind == "tick" else (word, "")
            await self._send(f"`{verb}`", lambda: feed.work(self._region, at, verb, item=item))

    async def _answer(self, at: AskAt, option: str) -> None:
        form = at.ask["form"]
        fields = [_field_of(name, spec) for name, spec in form.items()]
        said = await self.app.push_screen_wait(
            FieldsPrompt(f"{option}: {at.ask['title'] or at.ask['step']}", [*fields, REASON])
        )
        if said is None:
            return
        plan = self._view.plan if self._view else None
        word = option if is_destructive(plan, at.ask, option) else ""
        told = tell_signing(self.console_app.harmless(at), option, self.console_app.harmless(plan), datetime.now(UTC))
        if not await self.app.push_screen_wait(LastLook(told, word)):
            return
        if self._state:
            await self.app.push_screen_wait(Words(Text(f"Nothing was sent. {self._state}", style="bold red")))
            return
        reason = said.pop("reason")
        filled = {name.removeprefix(_FORM): value for name, value in said.items() if value}
        files = {name: _place_of(value) for name, value in filled.items() if _is_file(form[name])}
        given: dict[str, Json] = {name: value for name, value in filled.items() if name not in files}
        await self._send(
            f"`{option}`",
            lambda: self.console_app.feed.decide(self._region, at, option, reason=reason, form=given, attach=files),
        )

    async def _send(self, what: str, send: Callable[[], Awaitable[Sent]]) -> None:
        """Send once and show the receipt, or why it does not count; a change means looking again."""
        self._busy = True
        try:
            sent = await send()
        except ClientError as error:
            if isinstance(error, Refused) and error.type in {RefusalType.CHANGED, RefusalType.NOT_WAITING}:
                self._state = "CHANGED since you were shown it: nothing can be signed. r shows it as it is now."
            kind = f" ({error.type})" if isinstance(error, Refused) else ""
            await self.app.push_screen_wait(
                Words(Text().append("DOES NOT COUNT", style="bold red").append(f"{kind}: {show_controls(str(error))}"))
            )
            return
        finally:
            self._busy = False
        await self.app.push_screen_wait(Words(tell_receipt(sent, what)))
        self.console_app.look()
        if self.is_current:
            self.dismiss(None)


def tell_receipt(sent: Sent, what: str) -> Text:
    """What became of a statement, in words that promise no more than is so."""
    if sent.state == "kept":
        told = Text().append("KEPT, not yet with the run", style="bold yellow")
        told.append(
            f": {what}\nOn disk, and delivered until the ledger shows it (watchfloor inbox list).", style="not bold"
        )
    elif not sent.recorded:
        told = Text().append("SENT, not yet recorded", style="bold yellow")
        told.append(f": {what}\nNo worker answered; the run will judge it when one is back.")
    else:
        told = Text().append("RECORDED", style="bold green").append(f": {what} at {show_controls(sent.path)}")
    if sent.note:
        told.append(f"\n{show_controls(sent.note)}", style="bold yellow")
    if sent.waiting_for:
        told.append(f"\nstill needed: {', '.join(sent.waiting_for)}", style="bold")
    return told.append(f"\n\nstatement {sent.digest}")


def _field_of(name: str, spec: object) -> Field:
    kind, optional = "text", False
    if isinstance(spec, dict):
        kind = "a file's path" if _is_file(spec) else str(spec.get("type", "text"))
        optional = bool(spec.get("optional")) or "default" in spec
        if isinstance(spec.get("enum"), list):
            kind = " | ".join(str(one) for one in spec["enum"])
    hint = {"timestamp": "now, -5m or 2026-11-28T03:10Z", "bool": "true | false"}.get(kind, kind)
    return Field(f"{_FORM}{name}", f"{name.replace('_', ' ')} ({kind})", show_controls(hint), needed=not optional)


def _place_of(written: str) -> Path:
    return Path(written).expanduser()


def _is_file(spec: object) -> bool:
    return isinstance(spec, dict) and bool(spec.get("attachment"))


def _about(verb: str, said: dict[str, str]) -> dict[str, Json]:
    if verb != NARROW:
        return dict(said)
    name, sign, value = said["to"].partition("=")
    to: dict[str, Json] = {name.strip(): [value.strip()]} if sign else {}
    left_out: list[Json] = [said["leave_out"]] if said["leave_out"] else []
    return {"to": to, "leave_out": left_out}
