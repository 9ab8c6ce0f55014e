-- Every training row has something to learn: its completion is more than white space.
--
-- Grain: one row per offending mix row.

with

final as (
    select path_id, problem_id from mix where trim(completion[-1].content, e' \t\r\n') = ''
)

select * from final order by path_id
