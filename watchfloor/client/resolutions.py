"""What is said of a doubtful effect or a failed step, in words that a person can answer by. Pure."""

from schemas.decision import OpenAsk

WORDS = {
    "happened": "it got there: count it as done",
    "resend": "it did not get there: send it again",
    "give_up": "give up",
    "retry": "try it again",
    "skip": "leave it out and go on",
}


def say_option(ask: OpenAsk, option: str) -> str:
    """An option of a question in words; the runbook's own are its words already."""
    words = WORDS.get(option) if ask["kind"] in {"doubt", "failed"} else None
    return words or option.replace("_", " ")


def name_option(ask: OpenAsk, option: str) -> str:
    """An option as it is typed, with what it says where its name alone does not."""
    words = say_option(ask, option)
    return option if words == option.replace("_", " ") else f"{option} ({words})"
