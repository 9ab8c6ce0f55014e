"""The SQL that builds the index: its tables, and what fills each of them from the run's own.

Every value is bound; what stands in braces is chosen from constants of this package.
"""

import hashlib

import duckdb

KINDS = ["distilled", "rollout", "reflection"]
STATUSES = ["CORRECT", "WRONG", "UNDECIDED"]
"""A row has a name's place in its list, from 1; 0 stands for none."""
TOKEN = r"[0-9\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}\p{Devanagari}]+|[\p{L}\p{N}]"
"""A word: a run of letters and digits, or one sign of a script that sets no spaces between words."""

SCHEMA = """
create table labels (kind varchar, code integer, name varchar);
create table problems (
    pid integer, problem_id varchar, source integer, source_id varchar, licence varchar, split varchar,
    question varchar, choices varchar[], answer varchar, solution varchar, image_ids varchar[], subject integer,
    level integer, language varchar
);
create table rows (
    rid integer, step usmallint, kind utinyint, status utinyint, rule utinyint, subject integer, level integer,
    source integer, pid integer, path_id varchar, problem_id varchar, round integer, sample integer, author varchar,
    text varchar, answer varchar, finish varchar, error varchar, parent varchar, error_step varchar,
    analysis varchar, undecided varchar, rule_reason varchar
);
create table parts (part usmallint, first integer, last integer);
create table words (part usmallint, word varchar, hits integer, rids integer[]);
create table outcomes (step usmallint, pid integer, paths integer, correct integer);
create table summary (step usmallint, kind utinyint, status utinyint, rule utinyint, paths integer);
create table answers (
    model usmallint, pid integer, sample integer, status utinyint, subject integer, level integer, source integer,
    problem_id varchar, text varchar, answer varchar, reason varchar
);
"""
RAW = """
create temp table raw (
    problem_id varchar, source varchar, source_id varchar, licence varchar, split varchar, question varchar,
    choices varchar[], answer varchar, solution varchar, image_ids varchar[], subject varchar, level integer,
    language varchar
)
"""
OWN = """
insert into raw select problem_id, source, source_id, licence, split, question, choices, answer, solution, image_ids,
    subject, level, language from read_parquet($file)
"""
ITEMS = """
insert into raw select benchmark || '/' || item_id, benchmark, item_id, licence, 'benchmark', question, choices, answer,
    null, image_ids, subject, level, language from read_parquet($file)
"""
NAMES = """
insert into labels select 'source', row_number() over (order by source) - 1, source
    from (select distinct source from raw);
insert into labels select 'subject', row_number() over (order by subject) - 1, subject
    from (select distinct subject from raw)
"""
PROBLEMS = """
insert into problems
select row_number() over (order by problem_id) - 1, problem_id, s.code, source_id, licence, split, question, choices,
    answer, solution, image_ids, t.code, level, language
from raw p
join labels s on s.kind = 'source' and s.name = p.source
join labels t on t.kind = 'subject' and t.name = p.subject
order by problem_id;
drop table raw
"""
NO_VERDICTS = (
    "select null::varchar as path_id, null::varchar as status, null::varchar as error_step, "
    "null::varchar as error_analysis, null::varchar as undecided_reason, null::varchar as rule_status, "
    "null::varchar as rule_reason where false"
)
ROWS = """
insert into rows
select $first + row_number() over (order by p.path_id) - 1, $step,
    coalesce(list_position($kinds, p.kind), 0), coalesce(list_position($statuses, v.status), 0),
    coalesce(list_position($statuses, v.rule_status), 0),
    q.subject, q.level, q.source, q.pid, p.path_id, p.problem_id, p.round, p.sample_idx, p.author, p.text, p.answer,
    p.finish_reason, p.error, p.parent_path_id, v.error_step, v.error_analysis, v.undecided_reason, v.rule_reason
from (from read_parquet($paths) where path_id >= $low and ($high is null or path_id < $high)) p
left join (from ({verdicts}) where path_id >= $low and ($high is null or path_id < $high)) v using (path_id)
left join problems q on q.problem_id = p.problem_id
order by p.path_id
"""
WORDS = """
insert into words
select $part, word, count(*), list(rid) from (
    select rid, unnest(list_distinct(regexp_extract_all(lower(concat_ws(' ', text, analysis)), $token))) as word
    from rows where rid between $first and $last
) group by word order by word
"""
OUTCOMES = """
insert into outcomes
select step, pid, count(*), count(*) filter (status = 1) from rows where pid is not null
group by step, pid order by step, pid
"""
VOCABULARY = """
create table vocabulary as select word, part, hits, rowid as place from words order by word, part
"""
SUMMARY = """
insert into summary select step, kind, status, rule, count(*) from rows group by all order by all
"""
ANSWERS = """
insert into answers
select $model, q.pid, {sample}, coalesce(list_position($statuses, p.status), 0), q.subject, q.level, q.source,
    p.problem_id, p.text, p.answer, p.reason
from read_parquet($file) p left join problems q on q.problem_id = p.problem_id
order by 2, 3
"""


def version() -> str:
    """Changes when the index would be built otherwise."""
    problems = (SCHEMA, RAW, OWN, ITEMS, NAMES, PROBLEMS)
    rows = (TOKEN, NO_VERDICTS, ROWS, WORDS, VOCABULARY, OUTCOMES, SUMMARY, ANSWERS)
    parts = (duckdb.__version__, *problems, *rows)
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=4).hexdigest()
