"""What the pickles of GeoQA+ and UniGeo have in common: numbered placeholders, numeric options, images as arrays.

Sample row: `{"id": 5, "subject": "...∠1=N_0...", "numbers": ["60"], "choice_nums": [30.0, 60.0], "label": 1, ...}`
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mathse.sources import fields, questions
from mathse.sources.pickles import PickledArray, PickleError, load
from mathse.sources.raw import Damaged, Faulty, Pixels, Row
from mathse.sources.reading import files, root

ENDINGS = (".pk", ".pkl", ".pickle")
_NUMBER = re.compile(r"N_(\d{1,3})(?!\d)")


def pickled_rows(location: Path) -> Iterator[Row | Damaged]:
    """The rows of a pickle, or of all pickles of a folder: each a list of rows, or rows by key.

    Raises:
        SourceError: There is no such file or folder.
    """
    for file in files(location, lambda name: name.endswith(ENDINGS)):
        place = file.relative_to(root(location)).as_posix()
        try:
            found = load(file)
        except PickleError as error:
            yield Damaged(place, "refused pickle", str(error).removeprefix(f"{file}: "))
            continue
        except OSError as error:
            yield Damaged(place, "unreadable file", f"{type(error).__name__}: {error.strerror}")
            continue
        yield from _rows(found, place)


def question_text(row: Row, *names: str) -> str:
    """The question with its placeholders `N_0, N_1, ...` replaced by the row's numbers.

    Raises:
        Faulty: Fields are missing or wrong, or a placeholder has no number.
    """
    numbers = fields.values(row, "numbers")

    def number(found: re.Match[str]) -> str:
        if int(found[1]) >= len(numbers):
            raise Faulty("placeholder without number", found[0])
        return numbers[int(found[1])]

    return _NUMBER.sub(number, fields.text(row, *names))


def options(row: Row) -> tuple[tuple[str, ...], str]:
    """The options' values and the gold one's letter.

    Raises:
        Faulty: Fields are missing or wrong, or the label is none of the options'.
    """
    choices = fields.values(row, "choice_nums")
    label = fields.whole(row, "label")
    if not 0 <= label < min(len(choices), len(questions.LETTERS)):
        raise Faulty("gold is not among the choices", f"label {label} of {len(choices)}")
    return choices, questions.LETTERS[label]


def picture(row: Row, name: str) -> Pixels:
    """The image as pixels.

    Raises:
        Faulty: It is missing or no array of grey or coloured bytes.
    """
    found = row.fields.get(name)
    if not isinstance(found, PickledArray):
        raise Faulty("missing field" if found is None else "wrong type", f"{name}: {type(found).__name__}")
    array = found.numbers
    if array.dtype != "uint8" or array.ndim not in (2, 3) or not array.size or array.shape[2:] not in ((), (3,)):
        raise Faulty("unreadable image", f"{name}: array of {array.dtype}, shape {array.shape}")
    height, width = array.shape[:2]
    if array.ndim == 2:
        return Pixels(width, height, "L", array.tobytes())
    # They were read with OpenCV: blue first.
    return Pixels(width, height, "RGB", array[..., ::-1].tobytes())


def _rows(found: Any, place: str) -> Iterator[Row | Damaged]:
    if not isinstance(found, list | tuple | dict):
        yield Damaged(place, "no rows", f"the pickle holds {type(found).__name__}")
        return
    items = found.items() if isinstance(found, dict) else ((None, item) for item in found)
    for position, (key, item) in enumerate(items):
        where = f"{place}:{position}"
        if not isinstance(item, dict) or not all(isinstance(name, str) for name in item):
            yield Damaged(where, "row is not an object", type(item).__name__)
        else:
            yield Row(where, _plain(item), key=key if isinstance(key, str) else None)


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """The row with one-dimensional arrays as lists: `choice_nums` comes as either."""
    return {
        name: value.numbers.tolist() if isinstance(value, PickledArray) and value.numbers.ndim == 1 else value
        for name, value in item.items()
    }
