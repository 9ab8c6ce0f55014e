"""What git says of a project, as text.

Sample: `git(root, "rev-parse", "HEAD")`  ->  `"5e8e11f0c2..."`
"""

import subprocess
from pathlib import Path

SECONDS = 60


def git(folder: Path, *arguments: str) -> str:
    """What a git command prints; empty where it fails, and where there is no git."""
    try:
        ran = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""
