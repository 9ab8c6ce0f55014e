"""An engine that says what a test tells it to, and remembers what it was asked."""

from collections.abc import Callable, Sequence

from mathse.loop.ask.protocol import BatchEngine, Completion, Failure, Outcome, Request

Script = Callable[[Request], str | Failure]


class Scripted(BatchEngine):
    """Answers each request with what the script says of it; counts words as tokens."""

    def __init__(self, script: Script, name: str = "scripted", batch_size: int = 3) -> None:
        self.name = name
        self.fingerprint = f"{name}'s rules"
        self.batch_size = batch_size
        self.asked: list[Request] = []
        self._script = script

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        self.asked += requests
        return [self._outcome(request) for request in requests]

    def _outcome(self, request: Request) -> Outcome:
        said = self._script(request)
        if isinstance(said, Failure):
            return said
        cut = said.endswith("[cut]")
        return Completion(said, "length" if cut else "stop", len(request.prompt_id), len(said.split()), cost=0.5)
