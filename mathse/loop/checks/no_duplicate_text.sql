-- No problem has the same text twice: the same prompt and the same completion, white space and case aside.
--
-- Grain: one row per offending mix row, with the first row of the same text.

with

texts as (
    select
        path_id,
        problem_id,
        lower(trim(regexp_replace(concat(prompt[-1].content, ' ', completion[-1].content), '\s+', ' ', 'g'))) as folded
    from mix
),

compared as (
    select path_id, problem_id, min(path_id) over (partition by problem_id, hash(folded), folded) as same_as from texts
),

final as (
    select * from compared where path_id != same_as
)

select * from final order by path_id
