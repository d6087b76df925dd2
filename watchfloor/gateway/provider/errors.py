"""What can go wrong between the gateway and a provider of sign-in. No text of the provider goes into a message."""


class ProviderError(Exception):
    """Nobody was signed in. The message is complete in itself and quotes nothing that was received."""


class ProviderDown(ProviderError):
    """The provider does not answer, or not as one. Worth trying again; who is signed in stays so."""


class TokenRefused(ProviderError):
    """What the provider, or whoever spoke in its name, sent back does not prove who somebody is.

    `why` is for logs and tests: `shape`, `algorithm`, `key`, `signature`, `issuer`, `audience`, `expired`, `clock`,
    `nonce`, `age`, `subject`, `code`.
    """

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why
