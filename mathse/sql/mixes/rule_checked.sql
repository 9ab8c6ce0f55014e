-- The loop without an ORM: the mix before and the new paths whose final answer the rule grader finds correct. The
-- baseline that a judge has to beat, and the way on where there is none that can be trusted.
--
-- Grain: one row per candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many paths a problem may have in the mix, those of `previous` counted.
--
-- Of paths to the same problem the shortest come first, then the path_id decides.

with

screened as (
    select
        path_id,
        problem_id,
        characters,
        paths_before,
        case
            when unfit is not null then unfit
            when rule_status is null then 'not graded'
            when rule_status != 'CORRECT' then 'graded ' || rule_status
        end as reason
    from candidates
    where is_new
),

placed as (
    select
        path_id,
        reason,
        paths_before + row_number() over (partition by problem_id, reason is null order by characters, path_id) as place
    from screened
),

final as (
    select path_id, null as reason from previous
    union all
    select
        path_id,
        case
            when reason is not null then reason
            when place > $max_per_problem then 'over the limit per problem'
        end as reason
    from placed
)

select * from final
