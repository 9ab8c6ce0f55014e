"""The clock that the API engine's budgets and retries go by; tests have one that does not wait."""

import asyncio
import time


class Clock:
    """Real time."""

    def now(self) -> float:
        """Seconds that never go backwards, from no particular start."""
        return time.monotonic()

    def date(self) -> float:
        """Seconds since 1970, for dates that a server names."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait without holding anybody up."""
        await asyncio.sleep(seconds)
