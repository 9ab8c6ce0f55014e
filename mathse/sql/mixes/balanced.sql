-- The mix before, and new correct paths, so many of each subject and level at most.
--
-- Grain: one row per candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix.
-- Parameters: $max_per_problem, how many new paths a problem may bring; $max_per_cell, how many paths of one subject
--     and level the mix may have, those of `previous` counted (they all stay, also where they are more).
--
-- Within a subject and level the problems take turns: each brings its first path (`mix.prefer`) before one brings its
-- second. Where turns are equal the preferred path comes first, then the shortest, then the path_id decides.

with

limited as (
    select
        * replace (
            coalesce(reason, case when place > $max_per_problem then 'over the limit per problem' end) as reason
        )
    from by_preference
),

counted_before as (
    select subject, level, count(*) as before from candidates where not is_new group by subject, level
),

ranked as (
    select
        limited.*,
        row_number() over (
            partition by subject, level, reason is null order by place, preference, characters, path_id
        ) + coalesce(before, 0) as rank
    from limited
    left join counted_before using (subject, level)
),

final as (
    select path_id, null as reason from previous
    union all
    select
        path_id,
        case
            when reason is not null then reason
            when rank > $max_per_cell then 'over the limit per subject and level'
        end as reason
    from ranked
)

select * from final
