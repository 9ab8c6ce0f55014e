-- The training problems that no row of the mix solves, and their wrong paths: the paper's D_remain.
--
-- Grain: one row per problem and wrong path; one row for a problem without any, its path_id null.
-- Columns: problem_id, and those of `wrong_paths` (candidates.sql).
-- Parameters: $step, the step whose paths these are.
--
-- Of a problem's paths this step's come first, by sample, then those of earlier steps in their order.

with

unsolved as (
    select problem_id from problems anti join mix using (problem_id) where split = 'train'
),

final as (
    select
        problem_id,
        path_id,
        coalesce(step, $step) as step,
        round,
        sample_idx,
        text,
        error_step,
        error_analysis,
        age
    from unsolved
    left join wrong_paths using (problem_id)
)

select * exclude (age) from final order by problem_id, age, sample_idx, path_id
