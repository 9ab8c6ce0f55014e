"""`mathse view` at ten million paths: seconds that pages, filters and decisions take, beside bounds and a plain peer.

    python -m benchmarks.view [--rows 10000000] [--folder .mathse/bench_view] [--without-peer]

Makes a run of that many paths with verdicts (ten steps, a problem for every twenty paths, texts of about 240 signs, one
in ten with LaTeX) and a mix per step (what is correct up to it: 2,500,000 rows in the last), builds the index, starts
the server as a user does and asks it for pages as a browser does, each several times with other values, so that nothing
is answered from memory of the last. The peer is what a page without an index does: the same rows by one DuckDB query
over the Parquet files (two threads) for each request.

The slowest answer of each page is held to a bound: 0.5 seconds for a page, 1 second where its rows are filtered, sorted
or searched (a search stops after 0.8 and goes on at a click), 0.2 seconds for a decision. Status 1: one is missed.
"""

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import duckdb

from mathse import layout

STEPS = (*map(str, range(9)), "final")
PER_PROBLEM = 20
REPEATS = 5
_META = "(format parquet, compression zstd, row_group_size 8192, kv_metadata {{%s}})"
_ABOUT = "'mathse.table': '{}', 'mathse.version': '1', 'mathse.inputs': '{{}}'"


def _some(salt: int, most: int) -> str:
    """SQL of a whole number below `most` that looks as if drawn for row `i`."""
    return f"(hash(i + {salt}000000000000) % {most})::bigint"


def _id(number: str) -> str:
    """SQL of an id of 32 digits that grows with a number."""
    return f"lpad(lower(to_hex(({number})::bigint * 1000003)), 16, '0') || left(md5(({number})::varchar), 16)"


def _problems(problems: int) -> str:
    return f"""
        select {_id("i")} as problem_id, 'figures' || i % 3 as source, i::varchar as source_id,
            'Apache-2.0' as licence, case when i % 10 = 0 then 'test' else 'train' end as split,
            'What is angle ' || i % 977 || ' of figure ' || i || '?' as question, ['60', '70'] as choices,
            'B' as answer, null::varchar as solution, ['0'] as image_ids, 'subject ' || {_some(1, 12)} as subject,
            1 + {_some(2, 5)} as level, 'en' as language
        from range({problems}) r(i) order by 1
    """


def _paths(problems: int, first: int, last: int, kind: str, place: int) -> str:
    return f"""
        select {_id("i")} as path_id, {_id(_some(2, problems))} as problem_id, '{kind}' as kind,
            {place}::bigint as round, (i % 4)::bigint as sample_idx, 'm{place}' as author, 'solve@1' as prompt_id,
            i as seed,
            'Step 1: angle A' || {_some(3, 50)} || ' is ' || {_some(4, 180)} || '. Step 2: angle B is '
            || {_some(5, 180)} || '. Step 3: ' || {_some(6, 99)} || ' + ' || {_some(7, 99)} || ' = ' || {_some(8, 180)}
            || case when i % 10 = 0 then '. So $\\frac{{' || {_some(9, 99)} || '}}{{2}}$' else '. Then subtract it' end
            || ' from the straight line, as the picture shows near vertex v' || {_some(10, 200000)} || '. Step 4: the '
            || ['left', 'right', 'upper', 'lower', 'middle'][1 + {_some(11, 5)}]
            || ' side follows. The answer to this problem is ' || {_some(12, 180)} || '.' as text,
            ({_some(12, 180)})::varchar as answer, 'stop' as finish_reason, null::varchar as error,
            120::bigint as tokens_in, 60::bigint as tokens_out, 0.0 as cost, null::varchar as parent_path_id
        from range({first}, {last}) r(i) order by 1
    """


def _verdicts(problems: int, first: int, last: int) -> str:
    return f"""
        select {_id("i")} as path_id, {_id(_some(2, problems))} as problem_id, 'orm' as author, 'judge@1' as prompt_id,
            case when {_some(13, 4)} = 0 then 'CORRECT' when {_some(14, 997)} = 0 then 'UNDECIDED' else 'WRONG' end
            as status, 'Step ' || 1 + {_some(15, 4)} as error_step,
            'calculation: ' || {_some(6, 99)} || ' is wrong' as error_analysis, {_some(18, 1000)} / 1000 as confidence,
            '{{}}' as raw,
            null::varchar as undecided_reason,
            case when {_some(16, 20)} = 0 then 'UNDECIDED' when {_some(13, 4)} = 0 or {_some(17, 50)} = 0 then 'CORRECT'
            else 'WRONG' end as rule_status, 'different quantity' as rule_reason
        from range({first}, {last}) r(i) order by 1
    """


def _mix(last: int, kind: str, place: int) -> str:
    return f"""
        select {_id("i")} as path_id, '{kind}' as kind, {place}::bigint as round from range({last}) r(i)
        where {_some(13, 4)} = 0 order by 1
    """


def make(root: Path, rows: int) -> None:
    """Write the tables of a run of so many paths."""
    problems = max(1, rows // PER_PROBLEM)
    with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
        _copy(connection, "Problem", _problems(problems), root / layout.PROBLEMS)
        for place, step in enumerate(STEPS):
            first, last = (rows * turn // len(STEPS) for turn in (place, place + 1))
            kind = {"0": "distilled", "final": "reflection"}.get(step, "rollout")
            paths = _paths(problems, first, last, kind, place)
            _copy(connection, "Path", paths, root / layout.paths(step))
            _copy(connection, "Verdict", _verdicts(problems, first, last), root / layout.verdicts(step))
            _copy(connection, "MixRow", _mix(last, kind, place), root / layout.mix(step))
            print(f"made {step}: {last:,} of {rows:,} paths", flush=True)


def _copy(connection: duckdb.DuckDBPyConnection, table: str, sql: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    written = _META.replace("{{", "{").replace("}}", "}") % _ABOUT.format(table)
    connection.execute(f"copy ({sql}) to '{file}' {written}")


LIST, FILTER, DECISION = 0.5, 1.0, 0.2
"""Seconds that an answer may take: a page; rows that are filtered, sorted or searched; a decision."""

Choices = Callable[[int], dict[str, str]]


class Page(NamedTuple):
    """A page: seconds that it may take, its address, what is chosen at each turn, and the peer's condition."""

    bound: float
    address: str
    choices: Choices
    peer: str = ""


class Timing(NamedTuple):
    """What it took: seconds of every turn, and the peer's, if it has one."""

    name: str
    bound: float
    seconds: list[float]
    peer: float | None = None

    @property
    def is_missed(self) -> bool:
        """Whether the slowest answer took longer than it may."""
        return max(self.seconds) >= self.bound


_RARE = {"verdict": "UNDECIDED", "rule": "CORRECT", "kind": "rollout", "level": "3"}
_SIDES = ("left", "right", "upper", "lower", "middle")
PAGES = {
    "overview": Page(LIST, "/", lambda turn: {}),
    "first page of paths": Page(LIST, "/paths", lambda turn: {}, "true"),
    "page from the middle": Page(LIST, "/paths", lambda turn: {"after": str(5_000_000 + 777 * turn)}),
    "first page as a table": Page(LIST, "/paths", lambda turn: {"layout": "table"}),
    "problems": Page(LIST, "/problems", lambda turn: {"after": str(777 * turn + 1)}),
    "mixes": Page(LIST, "/mixes", lambda turn: {}),
    "page of a mix": Page(LIST, "/mix/{name}", lambda turn: {"name": str(turn + 3)}),
    "round": Page(FILTER, "/paths", lambda turn: {"round": str(1 + turn)}, "p.round = {round}"),
    "round and verdict": Page(
        FILTER, "/paths", lambda turn: {"round": str(1 + turn), "verdict": "UNDECIDED"},
        "p.round = {round} and v.status = 'UNDECIDED'",
    ),
    "only the rule says correct": Page(
        FILTER, "/paths", lambda turn: {"agree": "rule_only", "level": str(1 + turn)},
        "v.status = 'WRONG' and v.rule_status = 'CORRECT' and q.level = {level}",
    ),
    "five filters, few rows": Page(
        FILTER, "/paths", lambda turn: {**_RARE, "subject": f"subject {turn}"},
        "v.status = 'UNDECIDED' and v.rule_status = 'CORRECT' and p.kind = 'rollout' and q.level = 3 "
        "and q.subject = '{subject}'",
    ),
    "page of a mix, filtered": Page(
        FILTER, "/mix/{name}", lambda turn: {"name": "final", "agree": "orm_only", "subject": f"subject {turn}"},
    ),
    "sorted by length": Page(FILTER, "/paths", lambda turn: {"sort": "-characters", "round": str(1 + turn)}),
    "all sorted by confidence": Page(
        FILTER, "/paths", lambda turn: {"sort": "confidence", "after": str(777 * turn + 5)},
    ),
    "a mix sorted by length": Page(FILTER, "/mix/{name}", lambda turn: {"name": str(turn + 4), "sort": "characters"}),
    "mix and verdict of the rule": Page(FILTER, "/paths", lambda turn: {"mix": str(turn + 2), "rule": "WRONG"}),
    "decided on": Page(FILTER, "/paths", lambda turn: {"tag": ("bad", "good", "any", "fixed", "none")[turn]}),
    "count of a filter": Page(
        FILTER, "/paths/count", lambda turn: {"subject": f"subject {turn}", "verdict": "CORRECT"},
    ),
    "two steps compared": Page(FILTER, "/compare", lambda turn: {"a": str(1 + turn), "b": "8", "change": "gained"}),
    "an id by its digits": Page(FILTER, "/paths", lambda turn: {"q": f"{777_777 * 1000003 * (turn + 1):016x}"}),
    "problems by words": Page(FILTER, "/problems", lambda turn: {"q": f"figure {100_000 + turn}"}),
    "common word": Page(FILTER, "/paths", lambda turn: {"q": _SIDES[turn]}, "contains(lower(p.text), '{q}')"),
    "rare word": Page(
        FILTER, "/paths", lambda turn: {"q": f"v{777 * turn + 1}"}, "regexp_matches(lower(p.text), '\\b{q}\\b')",
    ),
    "word that is nowhere": Page(
        FILTER, "/paths", lambda turn: {"q": f"nowhere{turn}"}, "contains(lower(p.text), '{q}')",
    ),
    "rare word, common word, verdict": Page(
        FILTER, "/paths", lambda turn: {"q": f"v{333 * turn + 2} upper", "verdict": "CORRECT"},
    ),
    "phrase, frequent": Page(
        FILTER, "/paths", lambda turn: {"q": f'"angle b is {100 + turn}"'},
        "contains(lower(p.text), 'angle b is {phrase}')",
    ),
    "phrase, nowhere": Page(FILTER, "/paths", lambda turn: {"q": f'"is angle {100 + turn}"'}),
}  # fmt: skip
_PEER = """
    select p.*, v.*, q.question from read_parquet('{root}/data/paths/*.parquet') p
    join read_parquet('{root}/data/verdicts/*.parquet') v using (path_id)
    join read_parquet('{root}/data/problems/problems.parquet') q on q.problem_id = p.problem_id
    where {where} order by p.round, p.path_id limit 26
"""


def decisions(root: Path, port: int, cookie: str, token: str) -> Timing:
    """How long a decision takes: written, on the disk, and shown."""
    with duckdb.connect() as connection:
        files = f"read_parquet('{root / layout.paths('7')}')"
        paths = [path for (path,) in connection.execute(f"select path_id from {files} using sample 20 rows").fetchall()]
    origin = f"http://127.0.0.1:{port}"
    headers = {"Cookie": cookie, "Origin": origin, "X-MathSE-Edit": token, "Content-Type": "application/json"}
    seconds = []
    for turn, path in enumerate(paths):
        content = json.dumps({"tag": ("bad", "good")[turn % 2], "note": "as a reader found"})
        seconds.append(_ask(port, f"/edit/decide/{path}", headers, content))
    return Timing("a decision", DECISION, seconds)


def timings(root: Path, port: int, cookie: str, with_peer: bool) -> Iterator[Timing]:
    """How long every page takes, several times, and its peer once."""
    for name, page in PAGES.items():
        seconds = []
        for turn in range(REPEATS):
            choices = page.choices(turn)
            address = page.address.format(**choices)
            query = urlencode({name: value for name, value in choices.items() if name != "name"})
            seconds.append(_ask(port, f"{address}?{query}" if query else address, {"Cookie": cookie}))
        yield Timing(
            name, page.bound, seconds, _peer(root, page.peer, page.choices(1)) if page.peer and with_peer else None
        )


def line(timing: Timing) -> str:
    """A row of the table: median and slowest answer, the bound, the peer and how many times longer it takes."""
    middle = statistics.median(timing.seconds)
    peer = f"{timing.peer:8.2f}{timing.peer / middle:8.0f}" if timing.peer else ""
    verdict = "  MISSED" if timing.is_missed else ""
    return f"{timing.name:34}{middle:8.3f}{max(timing.seconds):9.3f}{timing.bound:8.1f}{peer}{verdict}"


def _ask(port: int, address: str, headers: dict[str, str], content: str | None = None) -> float:
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        start = time.perf_counter()
        connection.request("GET" if content is None else "POST", address, content, headers)
        answer = connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - start
    assert answer.status == 200, body[:500]
    return seconds


def _peer(root: Path, where: str, choices: dict[str, str]) -> float:
    filled = where.format(**choices, phrase=re.sub(r"\D", "", choices.get("q", "")))
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as connection:
        start = time.perf_counter()
        connection.execute(_PEER.format(root=root, where=filled)).fetchall()
        return time.perf_counter() - start


def main() -> int:
    """Make, build, serve, measure; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path(".mathse/bench_view"))
    parser.add_argument("--without-peer", action="store_true", help="the check alone: the peer takes most of the time")
    arguments = parser.parse_args()
    root = arguments.folder / str(arguments.rows)
    if not (root / layout.verdicts("final")).is_file():
        make(root, arguments.rows)
    command = [sys.executable, "-m", "mathse.cli", "-C", str(root), "view", "--edit", "--who", "Ada", "--no-browser"]
    command += ["--port", "0"]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            match = re.search(r":(\d+)/\?token=([\w-]+)#edit=([\w-]+)", server.stdout.readline())
            assert match, "the server did not start"
            size = sum(file.stat().st_size for file in (root / ".mathse/view").glob("*.duckdb"))
            print(f"started after {time.perf_counter() - start:.1f} s; index {size / 2**30:.2f} GiB")
            port, cookie = int(match[1]), f"mathse-view-{match[1]}={match[2]}"
            print(f"{'seconds':34}{'median':>8}{'slowest':>9}{'bound':>8}{'peer':>8}{'ratio':>8}")
            missed = 0
            for timing in chain(
                [decisions(root, port, cookie, match[3])], timings(root, port, cookie, not arguments.without_peer)
            ):
                print(line(timing), flush=True)
                missed += timing.is_missed
        finally:
            server.terminate()
    if missed:
        print(f"{missed} of {len(PAGES) + 1} bounds missed", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
