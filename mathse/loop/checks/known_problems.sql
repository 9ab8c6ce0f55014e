-- Every training row is of a problem that `problems` has, so that its source and licence can be told.
--
-- Grain: one row per offending mix row.

with

final as (
    select path_id, problem_id from mix anti join problems using (problem_id)
)

select * from final order by path_id
