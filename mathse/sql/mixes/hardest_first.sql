-- The mix before, and new correct paths to the hardest problems first: those that the model before solves least often.
--
-- Grain: one row per candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many new paths a problem may bring; $max_rows, how many paths the whole mix may
--     have, those of `previous` counted (they all stay, also where they are more).
--
-- A problem's pass rate is the share of its paths that are taken for right; requests that failed are none of them.
-- Of problems with the same rate the one of the higher level comes first, then the problem_id decides; of paths to the
-- same problem those that `mix.prefer` prefers, then the shortest, then the path_id decides.

with

pass_rates as (
    select problem_id, avg(is_right::int) as pass_rate
    from candidates
    where is_new and is_right is not null and finish_reason != 'error'
    group by problem_id
),

limited as (
    select
        * replace (
            coalesce(reason, case when place > $max_per_problem then 'over the limit per problem' end) as reason
        )
    from by_preference
),

ranked as (
    select
        limited.*,
        row_number() over (
            partition by reason is null order by pass_rate, level desc, problem_id, preference, characters, path_id
        ) + (select count(*) from previous) as rank
    from limited
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
