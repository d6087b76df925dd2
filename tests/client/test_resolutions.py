"""What an option of a doubt or of a failed step is called for people."""

from typing import Any

import pytest

from tests.cli.boards import ask
from watchfloor.client.resolutions import name_option, say_option


@pytest.mark.parametrize(
    ("kind", "option", "said", "named"),
    [
        ("doubt", "happened", "it got there: count it as done", "happened (it got there: count it as done)"),
        ("failed", "give_up", "give up", "give_up"),
        ("decide", "happened", "happened", "happened"),
        ("decide", "send_it_back", "send it back", "send_it_back"),
    ],
)
def test_only_the_engines_own_options_get_other_words(kind: str, option: str, said: str, named: str) -> None:
    given: Any = ask(kind=kind)
    assert (say_option(given, option), name_option(given, option)) == (said, named)
