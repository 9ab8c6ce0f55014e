"""The language of a question: as its row says, or else by its letters and its commonest words.

A script says most of it (`求∠B` is Chinese); languages of one script are told apart by letters of their own, and those
in Latin letters by the words that no sentence does without. What says nothing is English, as a formula is.

Sample: `of_text("Wie groß ist der Winkel zwischen der Tangente und der Sehne?")`  ->  `de`
"""

# ruff: noqa: RUF001 (letters of every script)
import re
from collections.abc import Mapping

DEFAULT = "en"
_NAMES: Mapping[str, str] = {
    "arabic": "ar", "bengali": "bn", "chinese": "zh", "czech": "cs", "dutch": "nl", "english": "en", "farsi": "fa",
    "french": "fr", "german": "de", "greek": "el", "hebrew": "he", "hindi": "hi", "indonesian": "id", "italian": "it",
    "japanese": "ja", "korean": "ko", "persian": "fa", "polish": "pl", "portuguese": "pt", "russian": "ru",
    "spanish": "es", "swahili": "sw", "tamil": "ta", "telugu": "te", "thai": "th", "turkish": "tr", "ukrainian": "uk",
    "urdu": "ur", "vietnamese": "vi", "cn": "zh", "jp": "ja", "kr": "ko", "中文": "zh", "汉语": "zh", "英文": "en",
}  # fmt: skip
"""What sources call languages, besides the codes of ISO 639-1."""
_LISTED = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg
    ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my nb nd ne ng nl nn no
    nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te
    tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
_CODES = frozenset(_LISTED.split())
"""ISO 639-1; Nauru's is left out, as `na` says that a row has none."""
_SCRIPTS = {
    "ja": r"[\u3041-\u3096\u30a1-\u30fa]",
    "ko": r"[\uac00-\ud7af]",
    "zh": r"[\u3400-\u4dbf\u4e00-\u9fff]",
    "ur": r"[\u0679\u0688\u0691\u06ba\u06be\u06c1\u06d2]",
    "fa": r"[\u067e\u0686\u0698\u06af\u06a9\u06cc]",
    "ar": r"[\u0620-\u064a]",
    "uk": r"[іїєґІЇЄҐ]",
    "ru": r"[\u0400-\u04ff]",
    "he": r"[\u05d0-\u05ea]",
    "hi": r"[\u0900-\u097f]",
    "bn": r"[\u0980-\u09ff]",
    "ta": r"[\u0b80-\u0bff]",
    "te": r"[\u0c00-\u0c7f]",
    "th": r"[\u0e00-\u0e7f]",
    "el": r"(?<=[\u03ac-\u03ceΑ-Ω]{2})[\u03ac-\u03ce]",
}
"""Letters by which a language is known; of two that share a script, the one with letters of its own stands first."""
_OWN = {code: re.compile(letters) for code, letters in _SCRIPTS.items()}
_VIETNAMESE = re.compile(r"[ăđơưĂĐƠƯ\u1ea0-\u1ef9]")
_WORDS = {
    "en": "the of and is are in to that what find if how many which with for from on by given has have be an",
    "de": "der die das und ist sind ein eine einer einem den dem des wie wieviel welche welcher mit von für auf im zu",
    "fr": "le les des du et est sont un une dans que quel quelle combien pour avec sur par au aux trouver soit",
    "es": "el los las del son un una en que cuál cuántos cuánto para con por se halla calcula es si al",
    "pt": "os dos das são um uma em que qual quantos para com por se ao da calcule é não",
    "it": "il lo gli le di del della è sono un una che quale quanti per con su nel nella trova calcola",
    "nl": "de het een en is zijn van in dat wat hoeveel welke met voor op bij te bereken",
    "tr": "bir ve ile bu kaç için olan hangi kaçtır nedir olarak üçgen göre veya",
    "pl": "na jest są się ile jaki jaka oraz które dla oblicz jeśli którego",
    "id": "yang dan di dari adalah ini berapa dengan untuk pada jika sebuah tentukan",
}
_COMMON = {code: frozenset(words.split()) for code, words in _WORDS.items()}
_FORMULA = re.compile(r"\$[^$]*\$|\\[a-zA-Z]+|<[^<>]{1,20}>|\b(?:sin|cos|tan|cot|log|lim|max|min)\b")
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 5_000
"""Characters that are looked at."""


def of_text(*texts: str) -> str:
    """The language of some texts, ISO 639-1; English where nothing says another."""
    text = _FORMULA.sub(" ", " ".join(texts)[:_LONGEST])
    words = [word.lower() for word in _WORD.findall(text)]
    if not text.isascii():
        in_latin = sum(word.isascii() and len(word) > 2 for word in words)
        counts = {code: len(letters.findall(text)) for code, letters in _OWN.items()}
        # A letter of these three says as much as a word of the others.
        others = sum(count * (4 if code in ("zh", "ja", "ko") else 1) for code, count in counts.items())
        code = next((code for code, count in counts.items() if count > (code == "ja")), None)
        if code and others >= 2 * in_latin:
            return code
        if len(_VIETNAMESE.findall(text)) > 1:
            return "vi"
    common = {code: sum(word in most for word in words) for code, most in _COMMON.items()}
    best = max(common, key=lambda code: common[code])
    return best if common[best] > max(1, common[DEFAULT]) else DEFAULT


def stated(value: object) -> str | None:
    """The code of a language that a row names: `zh`, `zh-CN`, `Chinese`; None where it names none that is known."""
    if not isinstance(value, str):
        return None
    name = value.strip().lower()
    if name in _NAMES:
        return _NAMES[name]
    code = re.split(r"[-_]", name)[0]
    return code if code in _CODES else None
