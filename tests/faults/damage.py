"""Tables of every kind, damaged as disks and transfers damage files: the same rows, or an error that names the file."""

import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from mathse.curation.decisions import Decision
from mathse.tables import store, views
from mathse.tables.schemas import Row, Tag
from mathse.tables.store import StoreError
from mathse.tables.views import QueryError

MODELS: Sequence[type[Row]] = Row.__subclasses__()
ROWS = 60


def example(model: type[BaseModel], number: int) -> Any:
    """A row with something in every column, another for every number."""
    if model is Decision:  # whose columns depend on each other
        return Decision(
            path_id=f"path {number}", problem_id=f"problem {number}", step="1", round=1, tag=Tag.FIXED, who="Ada",
            note=f"note {number}", text=f"text {number}", at="2026-11-27T08:00:00.000+00:00",
        )  # fmt: skip
    return model.model_validate(
        {name: _value(name, info.annotation, number) for name, info in model.model_fields.items()}
    )


def _value(name: str, annotation: Any, number: int) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        return None if number % 5 == 0 else _value(name, kinds[0], number)
    if get_origin(annotation) is tuple:
        return tuple(_value(name, get_args(annotation)[0], number + place) for place in range(number % 3))
    if get_origin(annotation) is Literal:
        return get_args(annotation)[number % len(get_args(annotation))]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return example(annotation, number)
    if annotation is bytes:
        return random.Random(number).randbytes(200)
    if annotation is int:
        return number + 1
    if annotation is float:
        return (number + 1) / ROWS  # some are shares
    if annotation is bool:
        return bool(number % 2)
    if annotation is str:
        return f"{name} {number:04} " + "word " * (number % 7)
    return list(annotation)[number % len(list(annotation))]


def damaged(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A file's bytes damaged in one way, and which way."""
    place = rng.randrange(len(content))
    length = min(rng.choice((1, 8, 64, 512)), len(content) - place)
    other = rng.randrange(len(content) - length + 1)
    block = content[place : place + length]
    way = rng.choice(("bit", "byte", "zeros", "noise", "cut", "gone", "twice", "moved", "longer"))
    return f"{way} at {place}, {length}", {
        "bit": lambda: content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :],
        "byte": lambda: content[:place] + rng.randbytes(1) + content[place + 1 :],
        "zeros": lambda: content[:place] + bytes(length) + content[place + length :],
        "noise": lambda: content[:place] + rng.randbytes(length) + content[place + length :],
        "cut": lambda: content[:place],
        "gone": lambda: content[:place] + content[place + length :],
        "twice": lambda: content[:place] + block + content[place:],
        "moved": lambda: content[:other] + block + content[other + length :],
        "longer": lambda: content + rng.randbytes(length),
    }[way]()


def failures(folder: Path, model: type[Row], cases: int) -> Iterator[str]:
    """What is wrong with how damaged tables of a kind are read, by Arrow and by DuckDB."""
    file, rng = folder / f"{model.__name__}.parquet", random.Random(model.__name__)
    store.write(file, model, (example(model, number) for number in range(ROWS)))
    content, rows = file.read_bytes(), store.read(file, model, verify=True)
    asked = _asked(file)
    for _ in range(cases):
        way, changed = damaged(content, rng)
        file.write_bytes(changed)
        for read, right, error_type in ((_read(model), rows, StoreError), (_asked, asked, QueryError)):
            try:
                result = read(file)
            except error_type as error:
                if str(file) not in str(error) or "dvc repro" not in str(error):
                    yield f"{model.__name__}, {way}: an error without file or remedy: {error}"
            except Exception as error:
                yield f"{model.__name__}, {way}: {type(error).__name__}: {error}"
            else:
                if result != right:
                    yield f"{model.__name__}, {way}: other rows"


def _read(model: type[Row]) -> Any:
    return lambda file: store.read(file, model)


def _asked(file: Path) -> list[Any]:
    with views.opened({"rows": file}) as connection:
        return list(views.query(connection, "select * from rows order by all").rows)


def main(cases: int) -> int:
    """Damage tables of every kind so often each; print what is wrong, and return how much."""
    with tempfile.TemporaryDirectory() as folder:
        wrong = [line for model in MODELS for line in failures(Path(folder), model, cases)]
    print(*wrong, f"{cases * len(MODELS)} damaged tables of {len(MODELS)} kinds, {len(wrong)} wrong", sep="\n")
    return len(wrong)
