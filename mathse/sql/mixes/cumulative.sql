-- Everything the model before was trained on, and the new paths that are taken for right.
--
-- Grain: one row per candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many paths a problem may have in the mix, those of `previous` counted.
--
-- Of paths to the same problem those come first that `mix.prefer` prefers, of those the shortest, then the path_id
-- decides. The best two of a problem by the judge's confidence: $max_per_problem 2, `prefer: confident`.

with

screened as (
    select path_id, problem_id, content_hash, preference, characters, paths_before, is_known, reason
    from candidates
    where is_new
),

compared as (
    select
        *,
        is_known
        or row_number() over (partition by problem_id, content_hash order by preference, characters, path_id) > 1
            as is_duplicate
    from screened
    where reason is null
),

placed as (
    select
        path_id,
        is_duplicate,
        row_number() over (
            partition by problem_id, is_duplicate order by preference, characters, path_id
        ) + paths_before as place
    from compared
),

final as (
    select path_id, null as reason from previous
    union all
    select path_id, reason from screened where reason is not null
    union all
    select
        path_id,
        case
            when is_duplicate then duplicate()
            when place > $max_per_problem then 'over the limit per problem'
        end as reason
    from placed
)

select * from final
