# ruff: noqa: RUF001 (questions come in every script)
"""A question's language, by what its row says and by its words."""

import pytest

from mathse.sources.rows.language import of_text, stated
from mathse.sources.rows.raw import Raw, SourceRow, converted


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("As shown in the figure, AB is parallel to CD; find the angle ∠α.", "en"),
        ("Find x.", "en"),
        ("$x^2 + 1 = 5$, x > 0", "en"),
        ("∠1 = 50°", "en"),
        ("In the chart, how many people live in 北京?", "en"),
        ("What is the value of α + β + γ?", "en"),
        ("求x", "zh"),
        ("如图,AB∥CD,∠1=50°,则∠2=", "zh"),
        (r"已知 $\triangle ABC$ 中 \angle A = 30^{\circ}, 求 sin A + cos A + tan B 的值", "zh"),
        ("図のように、円Oの半径を求めなさい。", "ja"),
        ("그림에서 각 x의 크기를 구하시오.", "ko"),
        ("در شکل زیر اندازه زاویه را پیدا کنید.", "fa"),
        ("ما هو قياس الزاوية في الشكل؟", "ar"),
        ("تصویر میں زاویہ کی پیمائش معلوم کریں ہے", "ur"),
        ("Найдите угол между касательной и хордой AB.", "ru"),
        ("Знайдіть кут між дотичною і хордою.", "uk"),
        ("Βρείτε τη γωνία μεταξύ των δύο ευθειών.", "el"),
        ("चित्र में कोण ज्ञात कीजिए।", "hi"),
        ("จงหาค่าของ x", "th"),
        ("Tính góc giữa đường thẳng AB và mặt phẳng.", "vi"),
        ("Wie groß ist der Winkel zwischen der Tangente und der Sehne?", "de"),
        ("Quel est le périmètre du triangle dans la figure ?", "fr"),
        ("¿Cuál es el área del triángulo que se muestra en la figura?", "es"),
        ("Qual é a área do triângulo formado por uma corda e os dois raios?", "pt"),
        ("Quale è il perimetro della figura con i lati di 3 cm?", "it"),
    ],
)
def test_the_words_say_the_language(text: str, code: str) -> None:
    assert of_text(text) == code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("zh", "zh"), ("zh-CN", "zh"), ("Chinese", "zh"), (" english ", "en"), ("fa_IR", "fa"), ("sv", "sv"),
        ("ro-RO", "ro"), ("cn", "zh"), ("xx", None), ("NA", None), ("", None), (3, None),
    ],
)  # fmt: skip
def test_what_a_row_says_of_its_language(value: object, code: str | None) -> None:
    assert stated(value) == code


def test_the_row_has_the_first_word() -> None:
    rows = [SourceRow("a:0", {"language": "German"}), SourceRow("a:1", {"language": "none"}), SourceRow("a:2", {})]
    raws = converted("k12", rows, lambda row: Raw("求x", "4"))
    assert [raw.language for raw in raws if isinstance(raw, Raw)] == ["de", "zh", "zh"]
