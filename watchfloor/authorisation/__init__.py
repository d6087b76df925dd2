"""Who may do what through a face, by Cedar policies that are files under review.

Everything that nobody permits is refused; a `forbid` counts more than any `permit`. Policies narrow what the engine
allows and never widen it: the run checks seats, requester, exclusions and deadlines itself, whatever a policy says.
"""

from watchfloor.authorisation.authority import Authority, Objection, Verdict, load_authority
from watchfloor.authorisation.policies_file import PoliciesRefused, Policy, PolicyFault, read_policies
from watchfloor.authorisation.questions import VERBS, Question, Resource
from watchfloor.authorisation.remembering import RememberingAuthority

__all__ = [
    "VERBS",
    "Authority",
    "Objection",
    "PoliciesRefused",
    "Policy",
    "PolicyFault",
    "Question",
    "RememberingAuthority",
    "Resource",
    "Verdict",
    "load_authority",
    "read_policies",
]
