"""The company's sign-in, an OpenID Connect provider, as the gateway speaks to it.

ProviderError
├── ProviderDown     it does not answer, or not as a provider does; nobody is to blame who wants to sign in
└── TokenRefused     what came back proves nothing; `why` is a stable code
"""

from watchfloor.gateway.provider.errors import ProviderDown, ProviderError, TokenRefused
from watchfloor.gateway.provider.provider import RETURN, Provider, open_provider

__all__ = ["RETURN", "Provider", "ProviderDown", "ProviderError", "TokenRefused", "open_provider"]
