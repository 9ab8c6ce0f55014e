"""Ids by content: the same content has the same id on every machine and in every run.

Sample: `content_id("problem", "Find x.", [], "4", [])`  ->  `"9f86d081884c7d659a2feaa0c55ad015"`
"""

import hashlib
import json
import re

DIGEST_BYTES = 16
_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def content_id(*parts: object) -> str:
    """Hash `parts` into 32 hex digits; equal parts give equal ids on every machine and run.

    Args:
        parts: JSON-serialisable values; their order matters.

    Returns:
        A blake2b digest of the parts' canonical JSON.
    """
    return hashlib.blake2b(_CANONICAL.encode(parts).encode(), digest_size=DIGEST_BYTES).hexdigest()


def folded(text: str) -> str:
    """Fold white space and case, so that two texts that differ in nothing else compare equal."""
    return re.sub(r"\s+", " ", text).strip().casefold()
