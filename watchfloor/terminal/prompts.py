"""Small windows that ask for words before anything is signed, and the one that asks for the last time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static


@dataclass(frozen=True, slots=True)
class Field:
    """One line to fill in. `hint` is shown while it is empty."""

    name: str
    label: str
    hint: str = ""
    needed: bool = True


class FieldsPrompt(ModalScreen[dict[str, str] | None]):
    """Asks for lines; Enter goes to the next and, at the last, hands them on. Esc says nothing."""

    BINDINGS: ClassVar = [("escape", "dismiss(None)", "back")]

    def __init__(self, title: str, fields: Sequence[Field]) -> None:
        super().__init__()
        self._title, self._fields = title, fields

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="window"):
            yield Static(Text(self._title, style="bold"))
            for field in self._fields:
                yield Label(Text(f"{field.label}{'' if field.needed else ' (may be left empty)'}"))
                yield Input(placeholder=field.hint, id=f"field-{field.name}", max_length=4000)
            yield Static("", id="missing")
            yield Static(Text("Enter next, at the last line: go on · Tab and Shift-Tab move · Esc back", style="dim"))

    def on_mount(self) -> None:
        self.query(Input).first().focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        inputs = list(self.query(Input))
        place = inputs.index(event.input)
        if place + 1 < len(inputs):
            inputs[place + 1].focus()
            return
        values = {field.name: self.query_one(f"#field-{field.name}", Input).value.strip() for field in self._fields}
        missing = [field for field in self._fields if field.needed and not values[field.name]]
        if missing:
            self.query_one("#missing", Static).update(Text(f"still needed: {missing[0].label}", style="bold red"))
            self.query_one(f"#field-{missing[0].name}", Input).focus()
            return
        self.dismiss(values)


class LastLook(ModalScreen[bool]):
    """What is about to be signed. Enter signs; where nothing takes it back, the option is typed once more first."""

    BINDINGS: ClassVar = [("escape", "dismiss(False)", "back"), ("enter", "sign", "sign")]

    def __init__(self, told: Text, word: str) -> None:
        super().__init__()
        self._told, self._word = told, word

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="window"):
            yield Static(self._told)
            if self._word:
                yield Static(
                    Text(f"\nThis cannot be taken back by itself. Type `{self._word}` to sign it.", style="bold")
                )
                yield Input(placeholder=self._word, id="word")
                yield Static("", id="missing")
            yield Static(Text("\nEnter signs · Esc goes back, nothing is sent", style="bold"))

    def on_mount(self) -> None:
        if self._word:
            self.query_one("#word", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_sign()

    def action_sign(self) -> None:
        """Sign, if the word is there where one is wanted."""
        if self._word and self.query_one("#word", Input).value.strip() != self._word:
            found = self.query_one("#word", Input).value.strip()
            said = f"found `{found}`; nothing was sent" if found else "nothing was typed; nothing was sent"
            self.query_one("#missing", Static).update(Text(said, style="bold red"))
            return
        self.dismiss(True)


class Words(ModalScreen[None]):
    """Something to read: a receipt, a refusal, the help. Esc or Enter closes it."""

    BINDINGS: ClassVar = [("escape", "dismiss", "back"), ("enter", "dismiss", "back"), ("q", "dismiss", "back")]

    def __init__(self, told: Text) -> None:
        super().__init__()
        self._told = told

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="window"):
            yield Static(self._told)
            yield Static(Text("\nEsc or Enter closes this", style="dim"))

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
