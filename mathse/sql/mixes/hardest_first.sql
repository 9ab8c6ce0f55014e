-- The mix before, and new correct paths to the hardest problems first: those that the model before solves least often.
--
-- Grain: one row a candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many new paths a problem may bring; $max_rows, how many paths the whole mix may
--     have, those of `previous` counted (they all stay, also where they are more).
--
-- A problem's pass rate is the share of its paths that the judge found correct; requests that failed are none of them.
-- Of problems with the same rate the one of the higher level comes first, then the problem_id decides; of paths to the
-- same problem the shortest come first, then the path_id decides.

with

new_paths as (
    select path_id, problem_id, finish_reason, text_hash, length(text) as characters
    from paths
    anti join previous using (path_id)
),

judged as (
    select path_id, status from verdicts
),

training_problems as (
    select problem_id, level, true as is_training from problems where split = 'train'
),

pass_rates as (
    select problem_id, avg((status = 'CORRECT')::int) as pass_rate
    from new_paths
    join judged using (path_id)
    where finish_reason != 'error'
    group by problem_id
),

screened as (
    select
        new_paths.*,
        level,
        case
            when is_training is null then 'not a training problem'
            when finish_reason = 'error' then 'failed request'
            when finish_reason = 'length' then 'truncated'
            when status is null then 'not judged'
            when status != 'CORRECT' then 'judged ' || status
        end as reason
    from new_paths
    left join training_problems using (problem_id)
    left join judged using (path_id)
),

single as (
    select
        *,
        row_number() over (partition by problem_id, text_hash, reason is null order by characters, path_id) as copy
    from screened
),

placed as (
    select
        *,
        row_number() over (
            partition by problem_id, reason is null and copy = 1 order by characters, path_id
        ) as place
    from single
),

told as (
    select
        path_id,
        problem_id,
        level,
        characters,
        case
            when reason is not null then reason
            when copy > 1 then 'duplicate text'
            when place > $max_per_problem then 'over the limit per problem'
        end as reason
    from placed
),

ranked as (
    select
        told.*,
        row_number() over (
            partition by reason is null order by pass_rate, level desc, problem_id, characters, path_id
        ) + (select count(*) from previous) as rank
    from told
    left join pass_rates using (problem_id)
),

final as (
    select path_id, null as reason from previous
    union all
    select
        path_id,
        case
            when reason is not null then reason
            when rank > $max_rows then 'easier than the rest'
        end as reason
    from ranked
)

select * from final
