"""The review of an incident, drafted from its ledger: an account, times, a story with citations, a page, a timeline.

`draft` is the one way in. Everything here is pure: the same entries give the same bytes.
"""

from watchfloor.postmortem.draft import Draft, draft
from watchfloor.postmortem.reading import find_related

__all__ = ["Draft", "draft", "find_related"]
