"""Public benchmarks: one file each, real field names in, items with their official fields out.

Nothing of a benchmark is ever trained on: its items go to a table of their own, which `evaluate` and the leakage check
read.
"""

from collections.abc import Mapping

from mathse.sources.benchmarks import chartqa, mathverse, mathvision, mathvista, mathvl_test
from mathse.sources.benchmarks.form import Form

BENCHMARKS: Mapping[str, Form] = {
    "chartqa": chartqa.FORM,
    "mathverse": mathverse.FORM,
    "mathvision": mathvision.FORM,
    "mathvista": mathvista.FORM,
    "mathvl_test": mathvl_test.FORM,
}
"""Every benchmark by its name, which is also its name in `licences.yaml`."""
