r"""What reaches a terminal: text from data or a model is shown letter by letter.

A control character could clear the screen, set the window's title or hide a line, and one of direction could turn
around what stands beside it. All that commands and stages print passes through here: as a stream (`shown`), as a table
or tree of Rich (`console`), or as a message (`complain`). Within JSON the written form is JSON's own, so that a program
reads what the data has.

Sample: an escape sign and `[31m` -> `\x1b[31m`; a zero-width space -> `\u200b`
"""

import json
import re
import sys
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

UNSPACED = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Signs of scripts that set no spaces between words (Chinese, Japanese), as a pattern has them in its brackets: each
counts as a word, and a line may break between two of them."""


def visible(text: str) -> str:
    """Text with control and direction characters written out; lines, tabs and the joiners of Persian are kept."""

    def written(match: re.Match[str]) -> str:
        # JSON escapes the first 32 itself; of the others it knows one form alone.
        return f"\\x{ord(match[0]):02x}" if match[0] < " " else json.dumps(match[0])[1:-1]

    return _UNSEEN.sub(written, text)


class _Shown:
    """A stream that writes text letter by letter; all else is the stream's own."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(visible(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def shown(stream: IO[str]) -> TextIO:
    """A stream to which any text may be written."""
    return cast(TextIO, stream if isinstance(stream, _Shown) else _Shown(stream))


def faithful(stream: TextIO) -> TextIO:
    """The stream for programs, which gets text as it is; a terminal gets it letter by letter all the same."""
    return stream if stream.isatty() else _behind(stream)


def _behind(stream: TextIO) -> TextIO:
    return cast(TextIO, stream.stream if isinstance(stream, _Shown) else stream)


def complain(message: str) -> None:
    """A message to people who may have sent the output elsewhere."""
    print(message, file=shown(sys.stderr))


def width(out: TextIO | None = None) -> int:
    """Cells of a line of the terminal; 80 where the output goes elsewhere, and COLUMNS of the environment over both."""
    return console(out).width


def console(out: TextIO | None = None, **settings: Any) -> "Console":
    """A console of Rich for the output, whose colours are its own and whose texts are shown letter by letter."""
    from rich.console import Console, ConsoleOptions, RenderHook, RenderResult
    from rich.segment import Segment

    class Letters:
        def __init__(self, renderable: Any) -> None:
            self.renderable = renderable

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for segment in console.render(self.renderable, options):
                yield segment if segment.control else Segment(visible(segment.text), segment.style)

    class Hook(RenderHook):
        def process_renderables(self, renderables: list[Any]) -> list[Any]:
            return [Letters(renderable) for renderable in renderables]

    made = Console(file=_behind(out or sys.stdout), highlight=False, **settings)
    made.push_render_hook(Hook())
    return made
