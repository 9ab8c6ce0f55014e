-- What the mixes of students share: views of a step, beside problems, paths, verdicts, previous (the mix before),
-- remaining (what that left unsolved, with the wrong paths) and curation (what people decided about paths). They take
-- nothing where a mix does not name them.
--
-- Variables: require (`mix.require`), whose word makes a path a right one; distinct (`mix.distinct`), by what two paths are
--     the same; prefer (`mix.prefer`), which of several right ones comes first; reflections (`mix.reflections`), whether
--     their rows show what they reconsider.
--
-- candidates     one row per path that a mix decides on: each of `previous`, and each of `paths` that it does not have
--     path_id, problem_id, kind, round
--     is_new          false: it is of `previous`
--     subject, level  of its problem; null if `problems` does not have it
--     characters      how long it is
--     folded          its text, white space and case folded
--     content         what says whether two paths are the same. text: it is `folded`. formulas: they are, or where there
--                     are none, it is `folded`
--   and of a new path, else null:
--     finish_reason, content_hash, status (the judge's), rule_status (the rule grader's)
--     is_right        whether it is taken for right, whatever else is amiss; null: nobody has judged it
--                     orm: the judge calls it CORRECT. rule: the rule grader does. both: the judge does, and the rule
--                     grader does not call it WRONG; where that is UNDECIDED, the judge decides alone
--     confidence      the judge's probability of its status, if it is known
--     preference      what right paths are ranked by, the lowest first. shortest: 0, so that their length decides.
--                     confident: 1 - confidence, and 1 where that is not known
--     paths_before    how many paths to its problem the mix before has
--     is_known        whether one of those has the same content
--     unfit           why nobody should learn from it, right or wrong: tagged bad (by a person), corrected (an edited path
--                     that nobody tagged bad is in its place), not a training problem, failed request, truncated
--     reason          that, or why it is not taken for right: not judged, judged WRONG, graded UNDECIDED, ...
--
-- by_preference  one row per new path of `candidates`, with its columns and
--     reason          as there; or that its content is known, or that of a path to its problem that comes first
--     place           among the paths to its problem that have no reason: 1 for the first, ...
--   First comes what is preferred; of those the shortest, then the path_id decides.
--
-- wrong_paths    one row per path that is WRONG and that says something: this step's, and those of earlier steps to
--                problems that were unsolved before this one. orm: the judge says so. rule: the rule grader. both: either
--     path_id, problem_id, step (null: this one), round, sample_idx, text, error_step, error_analysis
--     age             0: this step's; else counted from 1 per problem, the newest first
--
-- drafts         one row per new reflection where `mix.reflections` is draft, else none: of the wrong path that it
--                reconsiders
--     path_id (the reflection's), text, error_step, error_analysis; null where that is none of `wrong_paths`
--
-- folded(text)   white space and case folded, as texts are compared
-- formulas(text) the calculations in it, in their order, numbers and operators written in one way; null: it has none
--                "Step 1: $50 + 60 = 110$. 180° − 110° = 70°."   ->   50+60=110;180-110=70
--                A calculation has an operator and an equals sign; names before it, units and parentheses are left out.
--                (RFT tells distinct paths by their equations: arXiv 2308.01825, section 3.3)
-- duplicate()    the reason why a path is left out whose content another has

create view if not exists curation as
select
    null::varchar as path_id, null::varchar as problem_id, null::varchar as step, null::bigint as round,
    null::varchar as tag, null::varchar as note, null::varchar as text, null::varchar as who, null::varchar as at
where false;

create or replace macro folded(text) as lower(trim(regexp_replace(text, '\s+', ' ', 'g')));

create or replace macro in_one_notation(text) as
    lower(translate(text, '０１２３４５６７８９．＋－−–＝≈×·⋅∗÷（）', '0123456789.+---==****/()'))
    .regexp_replace('(?m)^\s*[-*•]\s+|\*\*', ' ', 'g')  -- bullets and bold type
    .regexp_replace(
        '\\(?:text|mathrm|mbox)\{[^{}]*\}|\^(?:\\circ|\{\\circ\})|\\degree|\\(?:left|right)|\\[,;:! ]|[°º]', '', 'g'
    )  -- units and space
    .regexp_replace('\\[\\()\[\]]|\\q?quad|[$&]', ' ', 'g')  -- where formulas begin and end
    .regexp_replace('\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}', '(\1)/(\2)', 'g')
    .regexp_replace('\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}', '(\1)/(\2)', 'g')  -- one that holds another
    .regexp_replace('\\(?:times|cdot)', '*', 'g')
    .regexp_replace('\\div', '/', 'g')
    .regexp_replace('\\approx', '=', 'g')
    .regexp_replace('\\sqrt', '√', 'g')
    .replace('\', '')
    .translate('{}', '()')
    .regexp_replace('(\d),(\d{3})', '\1\2', 'g')
    .regexp_replace('(\.\d*?)0+([^0-9]|$)', '\1\2', 'g')  -- 2.50 is 2.5
    .regexp_replace('\.([^0-9]|$)', ' \1', 'g')  -- the end of a sentence
    .regexp_replace('(\d)(?:\s+x\s+|x)(\d)', '\1*\2', 'g')
    .regexp_replace('\s*([-+*/^=])\s*', '\1', 'g')
    .regexp_replace('([0-9a-z)])\(', '\1*(', 'g')
    .translate('()', '')
    .regexp_replace('(\d)[a-z]{2,}', '\1', 'g')  -- units
    .regexp_replace('(\d)(?:\s+[a-z]+|\s*\p{Han}{1,3})([-+*/^=])', '\1\2', 'g');

create or replace macro formulas(text) as nullif(array_to_string([
    array_to_string([part for part in string_split(run, '=') if regexp_matches(part, '\d|\pL[-+*/^]')], '=')
    for run in regexp_extract_all(in_one_notation(text), '[0-9a-z√π.%^*/+=-]+')
    if contains(run, '=') and regexp_matches(run, '\d') and regexp_matches(run, '[0-9a-zπ%][-+*/^]|√')
], ';'), '');

create or replace macro content_of(text) as
    case getvariable('distinct') when 'formulas' then coalesce(formulas(text), folded(text)) else folded(text) end;

create or replace macro duplicate() as 'duplicate ' || getvariable('distinct');

create or replace view candidates as
with

counted_before as (
    select problem_id, count(*) as paths_before from previous group by problem_id
),

contents_before as (
    select distinct problem_id, content_of(completion[-1].content) as content_before, true as is_known from previous
),

-- Texts are long: what is needed of them is taken before any large join. Of new ones few are compared with old ones.
new_paths as (
    select
        path_id,
        paths.problem_id,
        kind,
        round,
        true as is_new,
        length(text) as characters,
        folded(text) as folded,
        content_of(text) as content,
        finish_reason,
        case getvariable('distinct')
            when 'formulas' then md5(content_of(text)) else text_hash
        end::uuid as content_hash,
        coalesce(paths_before, 0) as paths_before,
        coalesce(is_known, false) as is_known
    from paths
    anti join previous using (path_id)
    left join counted_before using (problem_id)
    left join contents_before
        on paths.problem_id = contents_before.problem_id
        and content_before = case when paths_before > 0 then content_of(text) end
),

old_paths as (
    select
        path_id,
        problem_id,
        kind,
        round,
        false as is_new,
        length(completion[-1].content) as characters,
        folded(completion[-1].content) as folded,
        content_of(completion[-1].content) as content
    from previous
),

judged as (
    select
        path_id,
        status,
        rule_status,
        case getvariable('require')
            when 'rule' then rule_status = 'CORRECT'
            when 'both' then status = 'CORRECT' and rule_status != 'WRONG'
            else status = 'CORRECT'
        end as is_right,
        confidence,
        case getvariable('prefer') when 'confident' then coalesce(1 - confidence, 1) else 0 end as preference
    from verdicts
),

described as (
    select problem_id, subject, level, split = 'train' as is_training from problems
),

bad as (
    select path_id, true as is_bad from curation where tag = 'bad'
),

corrected as (
    select distinct parent_path_id as path_id, true as is_corrected
    from paths
    anti join bad using (path_id)
    where kind = 'edited'
),

joined as (
    select
        * exclude (is_bad, is_corrected),
        case
            when not is_new then null
            when is_bad then 'tagged bad'
            when is_corrected then 'corrected'
            when is_training is not true then 'not a training problem'
            when finish_reason = 'error' then 'failed request'
            when finish_reason = 'length' then 'truncated'
        end as unfit
    from (from new_paths union all by name from old_paths)
    left join judged using (path_id)
    left join described using (problem_id)
    left join bad using (path_id)
    left join corrected using (path_id)
)

select
    * exclude (is_training),
    case
        when not is_new then null
        when unfit is not null then unfit
        when is_right is null then 'not judged'
        when is_right then null
        when getvariable('require') != 'rule' and status != 'CORRECT' then 'judged ' || status
        else 'graded ' || rule_status
    end as reason
from joined;

create or replace view by_preference as
with

accepted as (
    select
        * exclude (reason),
        is_known
        or row_number() over (partition by problem_id, content_hash order by preference, characters, path_id) > 1
            as is_duplicate
    from candidates
    where is_new and reason is null
),

placed as (
    select
        * exclude (is_duplicate),
        case when is_duplicate then duplicate() end as reason,
        row_number() over (partition by problem_id, is_duplicate order by preference, characters, path_id) as place
    from accepted
)

from placed
union all by name
from candidates where is_new and reason is not null;

create or replace view wrong_paths as
with

judged as (
    select path_id, error_step, error_analysis
    from verdicts
    where case getvariable('require')
        when 'rule' then rule_status = 'WRONG'
        when 'both' then 'WRONG' in (status, rule_status)
        else status = 'WRONG'
    end
),

carried as (
    select problem_id, unnest(wrong, recursive := true), generate_subscripts(wrong, 1) as age from remaining
)

select path_id, problem_id, null as step, round, sample_idx, text, error_step, error_analysis, 0 as age
from paths
join judged using (path_id)
where text != ''
union all by name
select * from carried anti join paths using (path_id);

create or replace view drafts as
select paths.path_id, wrong_paths.text, error_step, error_analysis
from paths
left join wrong_paths
    on paths.parent_path_id = wrong_paths.path_id and paths.problem_id = wrong_paths.problem_id
where paths.kind = 'reflection' and getvariable('reflections') = 'draft';
