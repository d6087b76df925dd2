"""Who is told: the subscriptions of one region, each with what signs its events."""

import binascii
from collections.abc import Callable, Mapping
from pathlib import Path

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from watchfloor.connections.bindings import Bindings, Secret
from watchfloor.connections.loading import BindingsRefused, Problem, read_secrets
from watchfloor.outgoing.courier import Receiver

LEAST = 24
"""Bytes of a secret at least (Standard Webhooks asks for 24 to 64)."""


def open_receivers(
    document: Bindings, region: str, *, folder: Path, environ: Mapping[str, str], name: str = ""
) -> dict[str, Receiver]:
    """The receivers of one region, or one of them by name. Secrets of other regions are not looked at.

    Args:
        folder: of the bindings file; `file:` secrets are relative to it.
        environ: where `env:` secrets are.

    Raises:
        BindingsRefused: a secret is not there or is none.
    """
    places = {
        place: secret for place, secret in document.subscription_secrets(region).items() if name in {"", place[1]}
    }
    value = read_secrets(document, folder=folder, environ=environ, of=places)
    found: dict[str, Receiver] = {}
    for each, one in document.subscriptions.items():
        if one.region == region and name in {"", each}:
            secrets = [one.secret, *([one.old_secret] if one.old_secret is not None else [])]
            found[each] = Receiver(each, one, tuple(_signing(folder, each, secret, value) for secret in secrets))
    return found


def _signing(folder: Path, name: str, secret: Secret, value: Callable[[Secret], str]) -> Webhook:
    text = value(secret)
    try:
        webhook = Webhook(text)
        if len(binascii.a2b_base64(text.removeprefix("whsec_") + "==")) >= LEAST:
            return webhook
    except (ValueError, EmptyWebhookSecretError):
        pass
    message = (
        f"`subscriptions.{name}`: its secret is no Standard Webhooks secret; expected `whsec_` and at least {LEAST} "
        "random bytes in base64; `echo whsec_$(openssl rand -base64 32)` makes one"
    )
    raise BindingsRefused(folder, [Problem(1, 1, message)])
