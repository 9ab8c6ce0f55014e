"""What the pickles of GeoQA+ and UniGeo have in common: numbered placeholders, numeric options, images as arrays.

Sample row: `{"id": 5, "subject": "...∠1=N_0...", "numbers": ["60"], "choice_nums": [30.0, 60.0], "label": 1, ...}`
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mathse.sources.pickles import PickledArray, PickleError, load
from mathse.sources.reading import files, root, unreadable
from mathse.sources.rows import fields, questions
from mathse.sources.rows.raw import Damaged, Faulty, Pixels, SourceRow

ENDINGS = (".pk", ".pkl", ".pickle")
_NUMBER = re.compile(r"N_(\d{1,3})(?!\d)")


def pickled_rows(location: Path) -> Iterator[SourceRow | Damaged]:
    """The rows of a pickle, or of all pickles of a folder: each a list of rows, or rows by key.

    Raises:
        SourceError: There is no such file or folder.
    """
    for file in files(location, lambda name: name.endswith(ENDINGS)):
        name = file.relative_to(root(location)).as_posix()
        try:
            content = load(file)
        except PickleError as error:
            yield Damaged(name, "refused pickle", str(error).removeprefix(f"{file}: "))
            continue
        except OSError as error:
            yield unreadable(name, error)
            continue
        if not isinstance(content, list | tuple | dict):
            yield Damaged(name, "no rows", f"the pickle holds {type(content).__name__}")
            continue
        if isinstance(content, dict) and not any(isinstance(item, dict) for item in content.values()):
            kinds = ", ".join(sorted({type(item).__name__ for item in content.values()})) or "nothing"
            yield Damaged(name, "no rows", f"the pickle holds {kinds} by key")
            continue
        items = content.items() if isinstance(content, dict) else ((None, item) for item in content)
        for position, (key, item) in enumerate(items):
            place = f"{name}:{position}"
            if not isinstance(item, dict) or not all(isinstance(field, str) for field in item):
                yield Damaged(place, "row is not an object", type(item).__name__)
                continue
            # `choice_nums` is a list in some files, an array in others.
            values = {
                field: value.numbers.tolist() if isinstance(value, PickledArray) and value.numbers.ndim == 1 else value
                for field, value in item.items()
            }
            yield SourceRow(place, values, key=key if isinstance(key, str) else None)


def question_text(row: SourceRow, *names: str) -> str:
    """The question with its placeholders `N_0, N_1, ...` replaced by the row's numbers.

    Raises:
        Faulty: Fields are missing or wrong, or a placeholder has no number.
    """
    numbers = fields.values(row, "numbers")

    def number(placeholder: re.Match[str]) -> str:
        if int(placeholder[1]) >= len(numbers):
            raise Faulty("placeholder without number", placeholder[0])
        return numbers[int(placeholder[1])]

    return _NUMBER.sub(number, fields.text(row, *names))


def options(row: SourceRow) -> tuple[tuple[str, ...], str]:
    """The options' values and the gold one's letter.

    Raises:
        Faulty: Fields are missing or wrong, or the label is none of the options'.
    """
    choices = fields.values(row, "choice_nums")
    return choices, questions.letter_at(fields.whole(row, "label"), choices, "label")


def picture(row: SourceRow, name: str) -> Pixels:
    """The image as pixels.

    Raises:
        Faulty: It is missing or no array of grey or coloured bytes.
    """
    value = row.fields.get(name)
    if not isinstance(value, PickledArray):
        raise Faulty("missing field" if value is None else "wrong type", f"{name}: {type(value).__name__}")
    array = value.numbers
    if array.dtype != "uint8" or array.ndim not in (2, 3) or not array.size or array.shape[2:] not in ((), (3,)):
        raise Faulty("unreadable image", f"{name}: array of {array.dtype}, shape {array.shape}")
    height, width = array.shape[:2]
    if array.ndim == 2:
        return Pixels(width, height, "L", array.tobytes())
    # They were read with OpenCV: blue first.
    return Pixels(width, height, "RGB", array[..., ::-1].tobytes())
