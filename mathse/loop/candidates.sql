-- What the mixes of students share: views of a step, beside problems, paths, verdicts, previous (the mix before) and
-- remaining (what that left unsolved, with the wrong paths). They take nothing where a mix does not name them.
--
-- candidates     one row per path that a mix decides on: each of `previous`, and each of `paths` that it does not have
--     path_id, problem_id, kind, round
--     is_new          false: it is of `previous`
--     subject, level  of its problem; null if `problems` does not have it
--     characters      how long it is
--     folded          its text, white space and case folded
--   and of a new path, else null:
--     finish_reason, text_hash, status (the judge's), rule_status (the rule grader's)
--     paths_before    how many paths to its problem the mix before has
--     is_known        whether one of those has the same text
--     unfit           why nobody should learn from it, right or wrong: not a training problem, failed request, truncated
--     reason          that, or why it is not taken for right: not judged, judged WRONG, judged UNDECIDED
--
-- by_length      one row per new path of `candidates`, with its columns and
--     copy            1 for the shortest of the paths to its problem with the same text, 2 for the next, ...
--     place           among the first copies to its problem that are taken for right: 1 for the shortest, ...
--   Of equal lengths the path_id decides.
--
-- wrong_paths    one row per path that a judge called WRONG and that says something: this step's, and those of earlier
--                steps to problems that were unsolved before this one
--     path_id, problem_id, step (null: this one), round, sample_idx, text, error_step, error_analysis
--     age             0: this step's; else counted from 1 per problem, the newest first
--
-- folded(text)   white space and case folded, as texts are compared

create or replace macro folded(text) as lower(trim(regexp_replace(text, '\s+', ' ', 'g')));

create or replace view candidates as
with

counted_before as (
    select problem_id, count(*) as paths_before from previous group by problem_id
),

texts_before as (
    select distinct problem_id, folded(completion[-1].content) as folded_before, true as is_known from previous
),

-- Texts are long: what is needed of them is taken before any large join. Of new ones few are compared with old ones.
new_paths as (
    select
        path_id,
        paths.problem_id,
        kind,
        round,
        true as is_new,
        length(text) as characters,
        folded(text) as folded,
        finish_reason,
        text_hash::uuid as text_hash,
        coalesce(paths_before, 0) as paths_before,
        coalesce(is_known, false) as is_known
    from paths
    anti join previous using (path_id)
    left join counted_before using (problem_id)
    left join texts_before
        on paths.problem_id = texts_before.problem_id
        and folded_before = case when paths_before > 0 then folded(text) end
),

old_paths as (
    select
        path_id,
        problem_id,
        kind,
        round,
        false as is_new,
        length(completion[-1].content) as characters,
        folded(completion[-1].content) as folded
    from previous
),

judged as (
    select path_id, status, rule_status from verdicts
),

described as (
    select problem_id, subject, level, split = 'train' as is_training from problems
),

joined as (
    select
        *,
        case
            when not is_new then null
            when is_training is not true then 'not a training problem'
            when finish_reason = 'error' then 'failed request'
            when finish_reason = 'length' then 'truncated'
        end as unfit
    from (from new_paths union all by name from old_paths)
    left join judged using (path_id)
    left join described using (problem_id)
)

select
    * exclude (is_training),
    case
        when not is_new then null
        when unfit is not null then unfit
        when status is null then 'not judged'
        when status != 'CORRECT' then 'judged ' || status
    end as reason
from joined;

create or replace view by_length as
with

single as (
    select
        *,
        row_number() over (partition by problem_id, text_hash, reason is null order by characters, path_id) as copy
    from candidates
    where is_new
)

select
    *,
    row_number() over (partition by problem_id, reason is null and copy = 1 order by characters, path_id) as place
from single;

create or replace view wrong_paths as
with

judged as (
    select path_id, error_step, error_analysis from verdicts where status = 'WRONG'
),

carried as (
    select problem_id, unnest(wrong, recursive := true), generate_subscripts(wrong, 1) as age from remaining
)

select path_id, problem_id, null as step, round, sample_idx, text, error_step, error_analysis, 0 as age
from paths
join judged using (path_id)
where text != ''
union all by name
select * from carried anti join paths using (path_id);
