"""What a request may ask for: a closed grammar of named choices, turned into conditions with bound parameters.

No part of a request becomes part of a statement: a name must be one of those below and selects a condition written
here; a value must be one of the run's own labels, a whole number, an id, or words to look for, and is bound.

    round=2&kind=rollout&verdict=WRONG&agree=rule_only&subject=angles&level=3&mix=2&sort=-characters&q="angle B" 40
    -> step = ? and kind = ? and status = ? and ..., [2, 2, 2, ...], words ["angle", "b", "40"], phrases ["angle b"]
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from mathse.errors import UserError
from mathse.tables.schemas import Tag
from mathse.view.index import KINDS, STATUSES

MAX_QUERY = 200
MAX_NUMBER = 2**31 - 1
NONE, ANY = "none", "any"
COLUMN = "column"
LETTERS = r"[0-9\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}\p{Devanagari}]"
"""A word is a run of these. Other scripts set no spaces between words: their characters are found wherever they are."""
AGREE = {
    "differ": "status > 0 and rule > 0 and status <> rule",
    "orm_only": "status = 1 and rule > 1",
    "rule_only": "status > 1 and rule = 1",
    "same": "status > 0 and status = rule",
}
"""Where the ORM and the rule grader disagree: in any way; only the ORM says CORRECT; only the rule does; not at all."""
CHANGES = {
    "gained": "not a.solved and b.solved",
    "lost": "a.solved and not b.solved",
    "both": "a.solved and b.solved",
    "neither": "not a.solved and not b.solved",
}
"""What became of a problem from one step or model (a) to another (b)."""
SORTS = {
    "characters": ("characters", 0), "tokens": ("tokens", 0), "confidence": ("confidence", 2), "step": ("step", 0),
    "kind": ("kind", 0), "verdict": ("status", 0), "rule": ("rule", 0), "subject": ("subject", -1),
    "level": ("level", -1), "source": ("source", -1),
}  # fmt: skip
"""What rows can be sorted by; with a minus before it, the largest come first: column, and what null counts as."""
_COLUMNS = {
    "round": "step", "kind": "kind", "verdict": "status", "rule": "rule", "subject": "subject", "level": "level",
    "source": "source", "split": "split", "language": "language",
}  # fmt: skip
"""The index's column behind each choice of a label."""
_FIXED = {"agree": AGREE, "change": CHANGES}
_LISTED = {"layout": ("cards", "table")}
"""How the rows are shown: no condition on them."""
_DIGITS = re.compile(r"[0-9a-f]{4,32}")
_ITEM = re.compile(r"[\w.-]{1,64}/[^\x00-\x1f\x7f]{1,120}", re.ASCII)
_ID = re.compile(r"[0-9A-Za-z_.-]{1,64}(?:/[^\x00-\x1f\x7f]{1,256})?")
"""A hash, or a benchmark's name and an id of its own, which may be any text."""
_NUMBER = re.compile(r"[0-9]{1,10}")
_PIECE = re.compile(r'"([^"]+)"|([^\s"]+)')

Connection = duckdb.DuckDBPyConnection


class BadFilter(UserError):
    """A request asks for something that the grammar does not have; says what it could have asked for."""


@dataclass(frozen=True)
class Vocabulary:
    """The names a run uses, in the order in which people meet them.

    By what they name (round, kind, verdict, subject, ...): what a request may say, and what is bound for it.
    """

    names: Mapping[str, Mapping[str, int | str]]
    decided: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The rows that people decided on, by tag."""

    def options(self, name: str) -> list[str]:
        """What may be said for `name`."""
        return list(self.names[name])

    def label(self, name: str, code: int | None) -> str:
        """The name behind a number; empty if there is none."""
        return next((label for label, value in self.names[name].items() if value == code and label != NONE), "")


@dataclass(frozen=True)
class Query:
    """What a request asks for.

    Attributes:
        choices: As they came, to show them and to make links.
        conditions: SQL with question marks, from this module's constants alone, and what is bound to each.
        words: What must occur in the text as words, folded.
        phrases: What must occur in it as it stands.
        after: Rows behind this cursor only.
        before: Rows before it only.
        sort: What was asked for as their order, and whether the largest come first; none: the loop's.
    """

    choices: Mapping[str, str]
    conditions: tuple[tuple[str, tuple[int | str, ...]], ...] = ()
    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    after: int | None = None
    before: int | None = None
    sort: tuple[str, bool] | None = None

    @property
    def sorted_by(self) -> tuple[str, bool] | None:
        """What the rows come sorted by; what a search finds comes in the loop's order, as it is found."""
        return None if self.words or self.phrases else self.sort

    @property
    def where(self) -> str:
        """The conditions as one; `true` if there are none."""
        return " and ".join(f"({condition})" for condition, _ in self.conditions) or "true"

    @property
    def values(self) -> list[int | str]:
        """What is bound to them, in order."""
        return [value for _, values in self.conditions for value in values]

    def of_any_change(self) -> "Query":
        """The same request for any change between two sides."""
        others = tuple(pair for pair in self.conditions if pair[0] not in CHANGES.values())
        return replace(self, conditions=others)

    def in_texts(self) -> "Query":
        """The same request with its words and phrases as conditions on a path's text and its analysis."""
        sought: list[tuple[str, tuple[str, ...]]] = []
        for phrase in self.phrases:
            sought.append(("contains(lower(text), lower(?)) or contains(lower(analysis), lower(?))", (phrase,) * 2))
        for word in self.words:
            # `contains` is an order of magnitude faster, and leaves few texts for the pattern.
            pattern = f"(^|[^{LETTERS[1:-1]}]){word}([^{LETTERS[1:-1]}]|$)"
            of_one = "contains(lower({0}), ?) and regexp_matches(lower({0}), ?)"
            sought.append((f"{of_one.format('text')} or {of_one.format('analysis')}", (word, pattern) * 2))
        return replace(self, conditions=(*self.conditions, *sought), words=(), phrases=())


def vocabulary(connection: Connection) -> Vocabulary:
    """The names that an index uses."""
    labels: dict[str, dict[str, int | str]] = {
        kind: {} for kind in ("step", "model", "mix", "subject", "source", "damage")
    }
    for kind, code, name in connection.execute("select kind, code, name from labels order by kind, code").fetchall():
        labels[kind][name] = code
    labels["round"] = labels.pop("step")
    for column in ("level", "split", "language"):
        rows = connection.execute(f"select distinct {column} from problems where {column} is not null order by 1")
        labels[column] = {str(value): value for (value,) in rows.fetchall()}
    statuses: dict[str, int | str] = {**{name: code for code, name in enumerate(STATUSES, 1)}, NONE: 0}
    kinds: dict[str, int | str] = {name: code for code, name in enumerate(KINDS, 1)}
    fixed: dict[str, dict[str, int | str]] = {name: dict.fromkeys(choices, 0) for name, choices in _FIXED.items()}
    tags: dict[str, int | str] = dict.fromkeys([ANY, *(tag.value for tag in Tag), NONE], 0)
    return Vocabulary({**labels, "kind": kinds, "verdict": statuses, "rule": statuses, "tag": tags, **fixed})


def parse(pairs: Iterable[tuple[str, str]], allowed: Sequence[str], known: Vocabulary, connection: Connection) -> Query:
    """Read a request's choices, of which empty ones are none; the connection cuts what is searched for into words.

    Raises:
        BadFilter: A name or a value is none of the grammar's.
    """
    choices: dict[str, str] = {}
    for name, value in _joined(pairs):
        if name not in allowed:
            raise BadFilter(f"unknown filter {name[:40]!r}; this page knows {', '.join(allowed)}")
        if choices.get(name):
            raise BadFilter(f"{name} is given twice")
        if value.strip():
            choices[name] = value.strip()
    words, phrases = _search(choices.get("q", ""), connection)
    cursors: dict[str, int] = {}
    for name in ("after", "before"):
        if value := choices.pop(name, ""):
            if not _NUMBER.fullmatch(value) or int(value) > MAX_NUMBER:
                raise BadFilter(f"{name} must be a whole number; found {value[:40]!r}")
            cursors[name] = int(value)
    if len(cursors) > 1:
        raise BadFilter("after and before exclude each other")
    conditions = tuple(pair for name, value in choices.items() if (pair := _condition(name, value, known)))
    return Query(choices, conditions, words, phrases, **cursors, sort=_sort(choices.get("sort", "")))


def prefix(text: str) -> str | None:
    """What is searched for, if a row's id may begin so: four digits at least, or a benchmark and its item."""
    text = text.strip()
    if _DIGITS.fullmatch(text.lower()):
        return text.lower()
    return text if _ITEM.fullmatch(text) else None


def identifier(name: str, value: str) -> str:
    """A row's id as a request may give it.

    Raises:
        BadFilter: It has other characters than ids have.
    """
    if not _ID.fullmatch(value):
        raise BadFilter(f"{name} must be an id: letters, digits, dots, dashes; found {value[:40]!r}")
    return value


def code(kind: str, value: str, known: Vocabulary) -> int | str:
    """What stands for one of the run's names.

    Raises:
        BadFilter: The run has no such name.
    """
    if value not in known.names[kind]:
        raise BadFilter(f"unknown {kind} {value[:40]!r}; there are {', '.join(known.options(kind)[:20]) or 'none'}")
    return known.names[kind][value]


def _condition(name: str, value: str, known: Vocabulary) -> tuple[str, tuple[int | str, ...]] | None:
    bound = code(name, value, known) if name in known.names else ""
    if name in _COLUMNS:
        return f"{_COLUMNS[name]} = ?", (bound,)
    if name in _FIXED:
        return _FIXED[name][value], ()
    if name in _LISTED and value not in _LISTED[name]:
        raise BadFilter(f"unknown {name} {value[:40]!r}; there are {', '.join(_LISTED[name])}")
    if name == "tag":
        rids = [rid for tag, rids in known.decided.items() if value in (tag, ANY, NONE) for rid in rids]
        return f"rid {'not ' if value == NONE else ''}in (select unnest(string_split(?, ',')::integer[]))", (
            ",".join(map(str, rids or [-1])),
        )
    if name == "mix":
        return "get_bit(mixes, ?) = 1", (int(bound),)
    if name == "problem":
        return "pid = (select pid from problems where problem_id = ?)", (identifier(name, value),)
    return None


def _joined(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same with all boxes that are ticked for columns as one choice."""
    pairs = list(pairs)
    boxes = ",".join(value for name, value in pairs if name == COLUMN)
    return [pair for pair in pairs if pair[0] != COLUMN] + ([(COLUMN, boxes)] if boxes else [])


def _sort(value: str) -> tuple[str, bool] | None:
    name = value.removeprefix("-")
    if value and name not in SORTS:
        raise BadFilter(f"unknown sort {value[:40]!r}; there are {', '.join(SORTS)}, each also with a - before it")
    return (name, value.startswith("-")) if value else None


def sort_key(name: str, table: str = "") -> str:
    """SQL of what rows are sorted by, of the columns of a table such as `r.`."""
    column, null = SORTS[name]
    return f"coalesce({table}{column}, {null})"


def _search(text: str, connection: Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words and phrases of what is searched for; what is not just one word is also looked for as it stands."""
    if len(text) > MAX_QUERY:
        raise BadFilter(f"at most {MAX_QUERY} characters can be searched for, found {len(text)}")
    words: dict[str, None] = {}
    phrases: dict[str, None] = {}
    for quoted, plain in _PIECE.findall(text):
        piece = (quoted or plain).strip()
        tokens = connection.execute("select regexp_extract_all(lower(?), ?)", [piece, f"{LETTERS}+"]).fetchall()[0][0]
        words |= dict.fromkeys(tokens)
        if piece and [piece.lower()] != tokens:
            phrases[piece] = None
    return tuple(words), tuple(phrases)
