-- No training row is of a test problem, or shows an image of one.
--
-- Grain: one row per offending mix row and the test problem it leaks.

with

test_problems as (
    select problem_id, image_ids from problems where split = 'test'
),

same_problem as (
    select path_id, problem_id, problem_id as test_problem_id, 'the problem itself' as shared
    from mix
    semi join test_problems using (problem_id)
),

mix_images as (
    select path_id, problem_id, unnest(image_ids) as image_id from mix
),

test_images as (
    select problem_id as test_problem_id, unnest(image_ids) as image_id from test_problems
),

same_image as (
    select path_id, problem_id, test_problem_id, 'image ' || image_id as shared
    from mix_images
    join test_images using (image_id)
),

final as (
    select * from same_problem
    union all
    select * from same_image
)

select * from final order by all
