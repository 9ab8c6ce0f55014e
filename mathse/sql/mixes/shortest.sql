-- The shortest correct paths to each problem, of the mix before and the new ones together: a shorter one replaces a
-- longer one of an earlier round.
--
-- Grain: one row a candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many paths a problem may have in the mix.
--
-- Of paths of the same length the one of `previous` comes first, then the path_id decides.

with

kept_before as (
    select path_id, problem_id, completion[-1].content as text, null as reason, 0 as is_new from previous
),

judged as (
    select path_id, status from verdicts
),

training_problems as (
    select problem_id, true as is_training from problems where split = 'train'
),

new_paths as (
    select
        path_id,
        problem_id,
        text,
        case
            when is_training is null then 'not a training problem'
            when finish_reason = 'error' then 'failed request'
            when finish_reason = 'length' then 'truncated'
            when status is null then 'not judged'
            when status != 'CORRECT' then 'judged ' || status
        end as reason,
        1 as is_new
    from paths
    anti join previous using (path_id)
    left join training_problems using (problem_id)
    left join judged using (path_id)
),

screened as (
    select
        * exclude (text),
        length(text) as characters,
        lower(trim(regexp_replace(text, '\s+', ' ', 'g'))) as folded
    from (from kept_before union all by name from new_paths)
),

single as (
    select
        *,
        row_number() over (
            partition by problem_id, folded, reason is null order by characters, is_new, path_id
        ) as copy
    from screened
),

placed as (
    select
        *,
        row_number() over (
            partition by problem_id, reason is null and copy = 1 order by characters, is_new, path_id
        ) as place
    from single
),

final as (
    select
        path_id,
        case
            when reason is not null then reason
            when copy > 1 then 'duplicate text'
            when place > $max_per_problem then 'a shorter path is there'
        end as reason
    from placed
)

select * from final
