-- The mix before, and each new correct path beside a wrong one to the same problem: pairs to learn preferences from.
--
-- Grain: one row per candidate path, that is each path of `previous` and of `paths`.
-- Columns: path_id; reason, why the path is left out, null if it is in the mix; rejected_path_id, the wrong path beside
--     it. Paths of `previous` keep theirs.
-- Parameters: $max_per_problem, how many paths a problem may have in the mix, those of `previous` counted.
--
-- The wrong path is one of this step if there is any, else of the newest before; of several the shortest, then the
-- path_id decides. It never says what the correct one says. Of correct paths to the same problem the shortest come
-- first, then the path_id decides.

with

screened as (
    select path_id, problem_id, text_hash, characters, folded, paths_before, is_known, reason
    from candidates
    where is_new
),

compared as (
    select
        *,
        is_known or row_number() over (partition by problem_id, text_hash order by characters, path_id) > 1
            as is_duplicate
    from screened
    where reason is null
),

wrong as (
    select path_id as rejected_path_id, problem_id, folded(text) as wrong_text, age, length(text) as wrong_characters
    from wrong_paths
),

paired as (
    select
        compared.* exclude (folded),
        rejected_path_id,
        row_number() over (partition by path_id order by age, wrong_characters, rejected_path_id) as choice
    from compared
    left join wrong on compared.problem_id = wrong.problem_id and folded != wrong_text
),

placed as (
    select
        path_id,
        rejected_path_id,
        is_duplicate,
        row_number() over (
            partition by problem_id, is_duplicate, rejected_path_id is null order by characters, path_id
        ) + paths_before as place
    from paired
    where choice = 1
),

final as (
    select path_id, null as reason, null as rejected_path_id from previous
    union all
    select path_id, reason, null from screened where reason is not null
    union all
    select
        path_id,
        case
            when is_duplicate then 'duplicate text'
            when rejected_path_id is null then 'no wrong path'
            when place > $max_per_problem then 'over the limit per problem'
        end as reason,
        rejected_path_id
    from placed
)

select * from final
