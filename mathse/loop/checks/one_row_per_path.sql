-- A path is in the mix at most once.
--
-- Grain: one row per path that is there more often.

with

counted as (
    select path_id, count(*) as mix_rows from mix group by path_id
),

final as (
    select * from counted where mix_rows > 1
)

select * from final order by path_id
