"""Evidence: content-addressed objects under holds.

EvidenceError
├── EvidenceUnavailable   could not be reached or written; may succeed later
├── EvidenceMissing       nothing is kept under the reference
├── EvidenceAltered       the content is no longer what the address names
├── EvidenceTooLarge      larger than the store takes
├── EvidenceHeld          under a hold, so not deleted
└── BadReference          no reference, or no hold's id
"""

from watchfloor.evidence.port import (
    MAX_OBJECT,
    BadReference,
    Evidence,
    EvidenceAltered,
    EvidenceError,
    EvidenceHeld,
    EvidenceMissing,
    EvidenceTooLarge,
    EvidenceUnavailable,
)
from watchfloor.evidence.store import EvidenceStore

__all__ = [
    "MAX_OBJECT",
    "BadReference",
    "Evidence",
    "EvidenceAltered",
    "EvidenceError",
    "EvidenceHeld",
    "EvidenceMissing",
    "EvidenceStore",
    "EvidenceTooLarge",
    "EvidenceUnavailable",
]
