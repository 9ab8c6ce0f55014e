-- Where a row has a wrong path beside it, that path is named, says something, and says something else.
--
-- Grain: one row per offending mix row.

with

texts as (
    select
        path_id,
        problem_id,
        rejected_path_id,
        lower(trim(regexp_replace(completion[-1].content, '\s+', ' ', 'g'))) as right_text,
        coalesce(lower(trim(regexp_replace(rejected[-1].content, '\s+', ' ', 'g'))), '') as wrong_text
    from mix
),

final as (
    select path_id, problem_id, rejected_path_id
    from texts
    where (rejected_path_id is null) != (wrong_text = '') or wrong_text = right_text and rejected_path_id is not null
)

select * from final order by path_id
