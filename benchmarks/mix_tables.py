"""The tables of `benchmarks/mix.py`: as many paths as are asked for, with the columns that the loop's own tables have.

Eight paths per problem on average, of some 130 characters; of twelve texts that a problem has, some are written twice,
with other white space or case. Ids are 32 hex digits, in order in `paths.parquet` and shuffled in `shuffled.parquet`.
"""

from pathlib import Path

import duckdb

PATHS_A_PROBLEM = 8
SHUFFLE = 7_368_787
"""A prime that divides no number of paths in use: multiples of it, modulo that number, are all of its remainders."""

_NUMBERED = "printf('%08x', (i * 4294967295 // $paths)::bigint) || md5('path ' || i)[:24]"
_DRAWN = f"""
    select
        {_NUMBERED} as path_id,
        md5('problem ' || (hash(i) % $problems)) as problem_id,
        hash('text' || i) % 12 as variant,
        i
    from (select (j * $step) % $paths as i from range($paths) t(j))
"""
_WORDED = f"""
    select
        path_id,
        problem_id,
        'Step 1: angle A is ' || (variant * 7) || ', angle B is ' || problem_id[:4] || ', by the figure. Step 2: '
            || repeat('the sum of both is 110. ', 1 + variant::int % 4) || 'Answer ' || (variant * 11) || '.' as said,
        if(hash('space' || i) % 10 = 0, upper(said), if(hash('case', i) % 10 = 0, '  ' || said, said)) as text,
        i
    from ({_DRAWN})
"""
_PATHS = f"""
    select
        path_id, problem_id, 'rollout' as kind, 1::bigint as round, (i % 8)::bigint as sample_idx,
        md5('weights') as model, 'solve-brief@1' as prompt, (hash('seed' || i) >> 1)::bigint as seed, text,
        (i % 180)::varchar as answer,
        case hash('end' || i) % 50 when 0 then 'length' when 1 then 'error' else 'stop' end as finish_reason,
        null::varchar as error, 120::bigint as tokens_in, 60::bigint as tokens_out, 0::double as cost,
        null::varchar as parent_path_id, md5(problem_id || i) as row_hash,
        md5(lower(trim(regexp_replace(text, '\\s+', ' ', 'g')))) as text_hash
    from ({_WORDED})
"""
_VERDICTS = f"""
    select
        path_id, problem_id, md5('orm') as judge, 'judge-brief@1' as prompt,
        case when draw < 55 then 'CORRECT' when draw < 95 then 'WRONG' else 'UNDECIDED' end as status,
        if(draw < 55, null, 'Step 2') as error_step,
        if(draw < 55, null, 'vision: B is not asked for') as error_analysis,
        '{{"status": "' || status || '"}}' as raw, null::varchar as undecided_reason, status as rule_status,
        'equal' as rule_reason, 150::bigint as tokens_in, 30::bigint as tokens_out, 0::double as cost,
        md5('verdict ' || i) as row_hash
    from (select *, hash('verdict' || i) % 100 as draw from ({_DRAWN}))
"""
_PROBLEMS = """
    select
        md5('problem ' || i) as problem_id, 'drawn' as source, i::varchar as source_id, 'Apache-2.0' as licence,
        case i % 20 when 0 then 'test' when 1 then 'orm' else 'train' end as split,
        'As shown in the figure, angle A is ' || (i % 90) || '. Find angle C.' as question, []::varchar[] as choices,
        (i % 180)::varchar as answer, null::varchar as solution, [md5('image ' || i)] as image_ids,
        'subject ' || (i % 7) as subject, (i % 5)::bigint as level, 'en' as language, md5('row ' || i) as row_hash
    from range($problems) t(i)
"""
_PREVIOUS = """
    select
        md5('before ' || i) as path_id, problem_id, 'distilled' as kind, 0::bigint as round, image_ids,
        [{'role': 'user', 'content': question}] as prompt,
        [{'role': 'assistant', 'content': 'Step 1: angle A is 0. Answer ' || i || '.'}] as completion, row_hash
    from (from problems where split = 'train' and source_id::bigint % 20 = 2) join range($problems) t(i)
        on source_id = i::varchar
"""
_REMAINING = """
    select problem_id, []::struct(
        path_id varchar, step varchar, round bigint, sample_idx bigint, text varchar, error_step varchar,
        error_analysis varchar
    )[] as wrong, row_hash
    from problems where split = 'train' limit 0
"""
FILES = ("paths", "shuffled", "verdicts", "problems", "previous", "remaining")


def make(folder: Path, paths: int) -> None:
    """Write those tables that are not there yet.

    Args:
        folder: Where they go.
        paths: How many paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {"paths": paths, "problems": max(1, paths // PATHS_A_PROBLEM)}
    with duckdb.connect(
        config={"threads": 2, "memory_limit": "1GB", "temp_directory": str(folder / "spill")}
    ) as opened:
        opened.execute("set preserve_insertion_order = true")
        for name, sql, step in (
            ("paths", _PATHS, 1), ("shuffled", _PATHS, SHUFFLE), ("verdicts", _VERDICTS, 1),
            ("problems", _PROBLEMS, 0), ("previous", _PREVIOUS, 0), ("remaining", _REMAINING, 0),
        ):  # fmt: skip
            file = folder / f"{name}.parquet"
            if not file.exists():
                _write(opened, file, sql, {**numbers, **({"step": step} if step else {})})
            opened.execute(f"create view {name} as from read_parquet('{file}')")


def _write(opened: duckdb.DuckDBPyConnection, file: Path, sql: str, numbers: dict[str, int]) -> None:
    for name, number in numbers.items():
        sql = sql.replace(f"${name}", str(number))
    fresh = file.with_suffix(".new")
    opened.execute(f"copy ({sql}) to '{fresh}' (format parquet, compression zstd, row_group_size 8192)")
    fresh.rename(file)
