-- Everything the model before was trained on, and the new paths that the judge found correct.
--
-- Grain: one row a candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many paths a problem may have in the mix, those of `previous` counted.
--
-- Of paths to the same problem the shortest come first, then the path_id decides.

with

kept_before as (
    select path_id, problem_id, lower(trim(regexp_replace(completion[-1].content, '\s+', ' ', 'g'))) as folded
    from previous
),

counted_before as (
    select problem_id, count(*) as paths_before from kept_before group by problem_id
),

-- Texts are long: what is needed of them is taken before any large join.
new_paths as (
    select
        path_id,
        problem_id,
        finish_reason,
        text_hash::uuid as text_hash,
        length(text) as characters,
        coalesce(paths_before, 0) as paths_before,
        case when paths_before > 0 then lower(trim(regexp_replace(text, '\s+', ' ', 'g'))) end as folded
    from paths
    left join counted_before using (problem_id)
    anti join previous using (path_id)
),

judged as (
    select path_id, status from verdicts
),

training_problems as (
    select problem_id, true as is_training from problems where split = 'train'
),

screened as (
    select
        new_paths.*,
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

texts_before as (
    select distinct problem_id, folded, true as is_known from kept_before
),

compared as (
    select
        screened.*,
        is_known is not null or row_number() over (partition by problem_id, text_hash order by characters, path_id) > 1
            as is_duplicate
    from screened
    left join texts_before using (problem_id, folded)
    where reason is null
),

placed as (
    select
        path_id,
        is_duplicate,
        row_number() over (partition by problem_id, is_duplicate order by characters, path_id) + paths_before as place
    from compared
),

final as (
    select path_id, null as reason from kept_before
    union all
    select path_id, reason from screened where reason is not null
    union all
    select
        path_id,
        case
            when is_duplicate then 'duplicate text'
            when place > $max_per_problem then 'over the limit per problem'
        end as reason
    from placed
)

select * from final
