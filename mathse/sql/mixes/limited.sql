-- The mix before, and new correct paths up to so many rows: as many problems as there is room for, then second paths.
--
-- Grain: one row per candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many new paths a problem may bring; $max_rows, how many paths the whole mix may
--     have, those of `previous` counted (they all stay, also where they are more).
--
-- Problems come in the order of their ids: hashes, so that those with a place are a fair draw. Of paths to the same
-- problem those come first that `mix.prefer` prefers, of those the shortest, then the path_id decides.

with

limited as (
    select
        * replace (
            coalesce(reason, case when place > $max_per_problem then 'over the limit per problem' end) as reason
        )
    from by_preference
),

ranked as (
    select
        path_id,
        reason,
        row_number() over (partition by reason is null order by place, problem_id, path_id)
        + (select count(*) from previous) as rank
    from limited
),

final as (
    select path_id, null as reason from previous
    union all
    select
        path_id,
        case
            when reason is not null then reason
            when rank > $max_rows then 'over the limit of rows'
        end as reason
    from ranked
)

select * from final
