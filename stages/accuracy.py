"""Stage accuracy: what every model and ORM scored, in one file, the last model first: the columns of `dvc exp show`."""

import json

from mathse import layout, params, stage
from mathse.tables.files import write


def main() -> str:
    """Write reports/accuracy.json."""
    settings = params.load()
    groups = {"accuracy": reversed(settings.measured), "orm": settings.orms}
    shares = {group: {name: _accuracy(name) for name in names} for group, names in groups.items()}
    write(layout.ACCURACY, json.dumps(shares, indent=2) + "\n")
    return ", ".join(f"{name} {100 * share:.1f} %" for group in shares.values() for name, share in group.items())


def _accuracy(name: str) -> float:
    share: float = json.loads(layout.metrics(name).read_bytes())["accuracy"]
    return share


if __name__ == "__main__":
    stage.run("accuracy", main)
