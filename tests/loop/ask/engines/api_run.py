"""A step that asks a server, as a process that can be killed: settings, journal, number of requests."""

import json
import sys
from pathlib import Path

from mathse.loop.ask.engines.any_role.api import ApiEngine
from mathse.loop.ask.generate import generate
from mathse.loop.ask.protocol import Completion
from mathse.params import Api
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Image
from tests.loop.ask.engines.chat_server import FastClock, request


def main(settings: str, journal: str, count: str) -> None:
    images = Path(journal).with_name("images.parquet")
    store.write(images, Image, [])
    engine = ApiEngine(Api.model_validate_json(settings), ImageStore(images, 1), clock=FastClock())
    done = generate(engine, (request(n) for n in range(int(count))), Path(journal), "test")
    print(json.dumps([outcome.text for _, outcome in done if isinstance(outcome, Completion)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
