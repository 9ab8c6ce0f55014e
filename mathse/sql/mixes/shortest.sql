-- The shortest correct paths to each problem, of the mix before and the new ones together: a shorter one replaces a
-- longer one of an earlier round.
--
-- Grain: one row per candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many paths a problem may have in the mix.
--
-- Always the shortest, whatever `mix.prefer` says. Of paths of the same length the one of `previous` comes first, then
-- the path_id decides.

with

single as (
    select
        path_id,
        problem_id,
        is_new,
        characters,
        reason,
        row_number() over (
            partition by problem_id, content, reason is null order by characters, is_new, path_id
        ) as copy
    from candidates
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
            when copy > 1 then duplicate()
            when place > $max_per_problem then 'a shorter path is there'
        end as reason
    from placed
)

select * from final
