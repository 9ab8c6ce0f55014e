"""Stage base: fetch the base model that params name, by default the tiny one of models/tiny."""

from mathse import layout, params, stage
from mathse.loop.ask.engines.local.fetch import fetch


def main() -> str:
    """Make models/base."""
    return fetch(params.load().base, layout.model("base"))


if __name__ == "__main__":
    stage.run("base", main)
