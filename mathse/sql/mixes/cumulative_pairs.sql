-- The rows of cumulative.sql, and beside each new one a wrong path to the same problem where there is one: fine-tuning
-- ignores it, and a model of `by: prefer` learns from the pairs.
--
-- Grain: one row per candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix; rejected_path_id, the wrong path beside
--     it, or null. Paths of `previous` keep theirs.
-- Parameters: $max_per_problem, how many paths a problem may have in the mix, those of `previous` counted.
--
-- Beside a reflection stands the path that it reconsiders; else a wrong path of this step, or of the newest before; of
-- several the shortest, then the path_id decides. It never says what the right one says.

with

decided as (
    select
        path_id,
        coalesce(
            reason, case when paths_before + place > $max_per_problem then 'over the limit per problem' end
        ) as reason
    from by_preference
),

taken as (
    select path_id, problem_id, parent_path_id, text from decided join paths using (path_id) where reason is null
),

paired as (
    select
        taken.path_id,
        wrong_paths.path_id as rejected_path_id,
        row_number() over (
            partition by taken.path_id
            order by
                parent_path_id is distinct from wrong_paths.path_id,
                age,
                length(wrong_paths.text),
                wrong_paths.path_id
        ) as choice
    from taken
    join wrong_paths on taken.problem_id = wrong_paths.problem_id and folded(taken.text) != folded(wrong_paths.text)
),

final as (
    select path_id, null as reason, null as rejected_path_id from previous
    union all
    select path_id, reason, rejected_path_id
    from decided
    left join (select path_id, rejected_path_id from paired where choice = 1) using (path_id)
)

select * from final
