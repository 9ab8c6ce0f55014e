"""Units of measure: what stands behind a number, read, and converted where two can be.

Names in English, Chinese and LaTeX lead to pint's units; pint knows what converts into what. Money and counted
things (`apples`, `people`) are units too: they convert into nothing else.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pint

_NAMES = {
    "centimeter": "cm centimeter centimeters centimetre centimetres cms 厘米 公分",
    "millimeter": "mm millimeter millimeters millimetre millimetres 毫米",
    "meter": "m meter meters metre metres mtr 米 公尺",
    "decimeter": "dm decimeter decimeters decimetre decimetres 分米",
    "kilometer": "km kilometer kilometers kilometre kilometres kms 千米 公里",
    "micrometer": "μm um micrometer micrometers micron microns 微米",
    "nanometer": "nm nanometer nanometers 纳米",
    "inch": "in inch inches 英寸",
    "foot": "ft foot feet 英尺",
    "yard": "yd yard yards 码",
    "mile": "mi mile miles 英里",
    "gram": "g gram grams gm 克",
    "kilogram": "kg kilogram kilograms kilo kilos kgs 千克 公斤",
    "milligram": "mg milligram milligrams 毫克",
    "gram*500": "斤",
    "tonne": "t ton tons tonne tonnes 吨",
    "pound": "lb lbs pound pounds 磅",
    "ounce": "oz ounce ounces 盎司",
    "liter": "l L liter liters litre litres 升",
    "milliliter": "ml mL milliliter milliliters millilitre millilitres cc 毫升",
    "gallon": "gal gallon gallons",
    "second": "s sec secs second seconds 秒",
    "minute": "min mins minute minutes 分钟",
    "hour": "h hr hrs hour hours 小时 时",
    "day": "day days 天 日",
    "week": "week weeks 周 星期",
    "month": "month months 个月 月",
    "year": "year years yr yrs 年 岁",
    "hectare": "ha hectare hectares 公顷",
    "acre": "acre acres",
    "meter**2*10000/15": "亩",
    "mile/hour": "mph",
    "kilometer/hour": "kmh kph kmph",
    "newton": "N newton newtons 牛 牛顿",
    "joule": "J joule joules 焦 焦耳",
    "watt": "W watt watts 瓦",
    "kilowatt": "kW kilowatt kilowatts 千瓦",
    "volt": "V volt volts 伏 伏特",
    "ampere": "A amp amps ampere amperes 安 安培",
    "ohm": "Ω ohm ohms 欧 欧姆",
    "hertz": "Hz hertz 赫兹",
    "pascal": "Pa pascal pascals 帕",
    "mole": "mol mole moles",
    "degree": "° degree degrees deg 度",
    "radian": "rad rads radian radians 弧度",
    "kelvin": "K kelvin",
    "celsius": "°C ℃ celsius 摄氏度",
    "fahrenheit": "°F ℉ fahrenheit",
    "percent": "% percent pct percentage 百分之",
    "dollar": "＄ $ dollar dollars usd USD bucks 美元",
    "cent": "cent cents ¢ 美分",
    "yuan": "元 yuan rmb RMB ¥ ￥ 块 圆 块钱",
    "euro": "€ euro euros EUR",
    "pound sterling": "£ GBP",
    "rupee": "₹ rupee rupees Rs",
    "unit": "unit units 单位 个单位",
}
_PINT = {word: name for name, words in _NAMES.items() for word in words.split()}
_OWN = frozenset(
    (
        "degree", "radian", "celsius", "fahrenheit", "percent", "dollar", "cent", "yuan", "euro", "pound sterling",
        "rupee", "unit",
    )
)  # fmt: skip
"""Not pint's to convert: money, temperatures (which are no multiples of each other), angles (π is not rational)."""

_AREA = re.compile(r"^(?:square|sq\.?)\s*(?P<one>\S+)$|^(?P<other>.+?)\s+squared$|^平方(?P<zh>.+)$")
_VOLUME = re.compile(r"^(?:cubic|cu\.?)\s*(?P<one>\S+)$|^(?P<other>.+?)\s+cubed$|^立方(?P<zh>.+)$")
_POWER = re.compile(r"^(?P<name>[^\d^*/]+?)\s*\.?(?:\^?\s*\{?(?P<power>-?\d)\}?)?$")
_OPERATOR = re.compile(r"\s*(?:(/|\bper\b|每)|[*.](?=[a-zA-Z]))\s*")
_NOUNS = re.compile(r"[a-zA-Z\u4e00-\u9fff]+(?:[ -][a-zA-Z\u4e00-\u9fff]+){0,4}")
CLASSIFIERS = frozenset(
    "个 人 名 只 条 张 本 支 辆 件 棵 次 种 块 位 头 台 间 套 盒 颗 朵 把 双 枚 根 页 步 组 对 行 列 题 分".split()
)

_NO_NOUNS = frozenset(
    "pi sqrt sin cos tan log ln dozen hundred thousand million billion half halve third quarter fourth fifth sixth "
    "seventh eighth ninth tenth hundredth thousandth squared cubed square cube factorial time plus minus divided over "
    "percent more les than to by of out or and not no".split()
)
"""What behind a number makes it another number, and counts nothing."""


@dataclass(frozen=True)
class Unit:
    """A unit as powers of base dimensions (or a counted thing's name) and its size in them."""

    dimension: str
    factor: Fraction
    known: bool = True


@lru_cache(maxsize=4096)
def read_unit(text: str) -> Unit | None:
    """The unit that a text names, or None.

    Args:
        text: Canonical text behind (or before) a number: `cm^2`, `square meters`, `km/h`, `立方分米`, `apples`.

    Returns:
        A known unit; for up to five other words, the counted thing with `known` False; else None.
    """
    text = text.strip().strip(".").strip()
    if not text or len(text) > 60:
        return None
    if unit := _measure(text):
        return unit
    if text in CLASSIFIERS:
        return Unit(text, Fraction(1), known=False)
    if not _NOUNS.fullmatch(text) or (not text.isascii() and len(text) > 6):
        return None
    # `apple` and `apples` are one.
    words = [word[:-1] if word.endswith("s") and len(word) > 3 else word for word in text.lower().split()]
    return Unit(" ".join(words), Fraction(1), known=False) if _NO_NOUNS.isdisjoint(words) else None


def is_unit_word(text: str) -> bool:
    """Whether a text names a known unit and not merely a thing that is counted."""
    unit = read_unit(text)
    return unit is not None and unit.known


def _measure(text: str) -> Unit | None:
    """A known unit: names with powers, multiplied and divided."""
    powers: Counter[str] = Counter()
    factor, sign = Fraction(1), 1
    for part in _OPERATOR.split(text):
        if part in ("/", "per", "每"):
            sign = -1
        elif part:
            if area := _AREA.match(part):
                name, power = next(filter(None, area.groups())), 2
            elif volume := _VOLUME.match(part):
                name, power = next(filter(None, volume.groups())), 3
            elif match := _POWER.match(part):
                name, power = match["name"].strip(), int(match["power"] or 1)
            else:
                return None
            if (base := _base(name)) is None:
                return None
            dimensions, size = base
            factor *= size ** (sign * power)
            for dimension, inner in dimensions.items():
                powers[dimension] += inner * sign * power
    merged = " ".join(f"{name}^{power}" for name, power in sorted(powers.items()) if power)
    return Unit(merged, factor)


@cache
def _base(name: str) -> tuple[Mapping[str, int], Fraction] | None:
    """The powers of base dimensions of a unit's name alone, and its size in them."""
    unit = _PINT.get(name) or _PINT.get(name.lower())
    if unit is None:
        return None
    if unit == "cent":
        return {"dollar": 1}, Fraction(1, 100)
    if unit in _OWN:
        return {unit: 1}, Fraction(1)
    quantity = _registry()(unit).to_base_units()
    return {str(name): int(str(power)) for name, power in quantity.dimensionality.items()}, Fraction(quantity.magnitude)


@cache
def _registry() -> "pint.UnitRegistry[Fraction]":
    import pint  # takes long to load, and most answers have no unit

    return pint.UnitRegistry(non_int_type=Fraction)
