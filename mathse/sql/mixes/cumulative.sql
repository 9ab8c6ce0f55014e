-- Everything the model before was trained on, and the new paths that are taken for right.
--
-- Grain: one row per candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many paths a problem may have in the mix, those of `previous` counted.
--
-- Of paths to the same problem those come first that `mix.prefer` prefers, of those the shortest, then the path_id
-- decides. The best two of a problem by the judge's confidence: $max_per_problem 2, `prefer: confident`.

with

decided as (
    select
        path_id,
        coalesce(
            reason, case when paths_before + place > $max_per_problem then 'over the limit per problem' end
        ) as reason
    from by_preference
),

final as (
    select path_id, null as reason from previous
    union all
    from decided
)

select * from final
