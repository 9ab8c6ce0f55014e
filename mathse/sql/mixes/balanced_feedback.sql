-- What the ORM is trained and measured on: correct and wrong paths, annotated by the teacher.
--
-- Grain: one row per candidate path, that is each path of `paths`.
-- Columns: path_id; part, 'train' or 'held_out', the same for all paths of a problem; reason, why the path is left
--     out, null if it is in its part.
-- Parameters: $held_out, the share of the problems in the held-out part; $seed, of the division and of the choice;
--     $wrong_per_correct, how many wrong paths it is trained on for each correct one, at most. Never more are correct
--     than wrong, and it is measured on as many of each (the paper's ORM-2K).
--
-- Division and choice follow hashes of the ids: adding paths moves no problem from one part to the other.

with

candidates as (
    select path_id, problem_id, finish_reason, text_hash from paths
),

annotated as (
    select path_id, status from feedback
),

orm_problems as (
    select problem_id, true as is_orm from problems where split = 'orm'
),

divided as (
    select
        candidates.*,
        status,
        is_orm,
        case
            when md5_number_lower(concat($seed, ':', problem_id)) / pow(2, 64) < $held_out then 'held_out'
            else 'train'
        end as part,
        md5(concat($seed, ':', path_id)) as draw
    from candidates
    left join annotated using (path_id)
    left join orm_problems using (problem_id)
),

screened as (
    select
        path_id,
        part,
        status,
        draw,
        case
            when is_orm is null then 'not an ORM problem'
            when finish_reason = 'error' then 'failed request'
            when status is null then 'not annotated'
            when status = 'UNDECIDED' then 'annotated UNDECIDED'
            when row_number() over (
                partition by problem_id, text_hash, is_orm, finish_reason = 'error', status in ('CORRECT', 'WRONG')
                order by path_id
            ) > 1 then 'duplicate text'
        end as reason
    from divided
),

drawn as (
    select path_id, row_number() over (partition by part, status order by draw, path_id) as place
    from screened
    where reason is null
),

counted as (
    select
        part,
        least(count(*) filter (where status = 'CORRECT'), count(*) filter (where status = 'WRONG')) as correct
    from screened
    where reason is null
    group by part
),

quotas as (
    select part, 'CORRECT' as status, correct as quota from counted
    union all
    select part, 'WRONG' as status, correct * if(part = 'train', $wrong_per_correct, 1) as quota from counted
),

final as (
    select
        path_id,
        part,
        case
            when reason is not null then reason
            when place > quota then 'surplus'
        end as reason
    from screened
    left join drawn using (path_id)
    left join quotas using (part, status)
)

select * from final order by path_id
