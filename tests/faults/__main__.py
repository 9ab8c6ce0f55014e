"""Every fault: kills and failing system calls at each place, and damaged tables, some thousand cases in all.

    python -m tests.faults              all of it, about an hour on two cores
    python -m tests.faults store mix    these scenarios alone

`make test` runs a sample of it (`test_faults.py`).
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults import damage
from tests.faults.campaign import preloaded

if __name__ == "__main__":
    wrong = damage.main(400) if not sys.argv[1:] else 0
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.faults.campaign", *sys.argv[1:]]
        wrong += subprocess.run(command, env=preloaded(Path(folder))).returncode
    sys.exit(int(bool(wrong)))
