"""Figures and steps for tests: strategies over every family, level and kind of step."""

from hypothesis import strategies as st

from mathse.synthetic.families import FAMILIES, LEVELS
from mathse.synthetic.figures import Figure, figure
from mathse.synthetic.steps import Calc, Extreme, Pick, Read, Reduce, Step

KINDS = [(family, level) for family in FAMILIES for level in LEVELS]

FIGURES: st.SearchStrategy[Figure] = st.builds(
    lambda kind, seed: figure(f"{kind[0]}-{kind[1]}-{seed}"), st.sampled_from(KINDS), st.integers(0, 10**6)
)

_number = st.integers(0, 10**9 - 1)
_positive = st.integers(1, 10**9 - 1)
_name = st.from_regex(r"(angle|side|bar|day|width|height|x of|y of) [A-Z0-9]{1,2}", fullmatch=True)
_value = st.one_of(_number.map(str), st.tuples(_number, _positive).map(lambda ends: f"{ends[0]}/{ends[1]}"))

STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Read, _name, _number),
    st.builds(Calc, _number, st.sampled_from("+-×÷"), _number, st.integers(-(10**9) + 1, 10**9 - 1)),
    st.builds(
        Extreme, st.sampled_from(("largest", "smallest")), st.lists(_number, min_size=1, max_size=5).map(tuple), _number
    ),
    st.builds(Reduce, _number, _number, _number, _number),
    st.builds(Pick, _value, st.sampled_from("ABCDEFGH")),
)
