-- Every training row shows the images of its problem, all of them and in their order.
--
-- Grain: one row per offending mix row.

with

paired as (
    select path_id, problem_id, mix.image_ids as shown, problems.image_ids as expected
    from mix
    join problems using (problem_id)
),

final as (
    select * from paired where shown is distinct from expected
)

select * from final order by path_id
