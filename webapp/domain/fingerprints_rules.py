"""The rules by which values leave a message, each with a name and a sentence, so that the page can show them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from webapp.domain.fingerprints_values import kept

_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Rule:
    """``needs`` are characters one of which has to be there for the pattern to match; empty when any text may."""

    name: str
    says: str
    needs: str
    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]

    def apply(self, text: str) -> str:
        """Return a text without the values of this rule."""
        if self.needs and not any(character in text for character in self.needs):
            return text
        return self.pattern.sub(self.replacement, text)


# Data, URLs
_DATA = re.compile(r"\bdata:[\w/+.-]{1,60};base64,[\w+/=]+")
_URL = re.compile(
    r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+]{1,15})://(?P<host>[^\s/?#'\"<>()\[\]{}|\\^`「」,]{1,255})"
    r"[^\s'\"<>()\[\]{}|\\^`「」]*"
)
_PORT = re.compile(r":[0-9]{1,5}\Z")


def _url(match: re.Match[str]) -> str:
    host = _PORT.sub("", match["host"].lower().rpartition("@")[2])
    return f"{match['scheme'].lower()}://{host}/<path>"


# Answers, addresses, statuses, paths
_ANSWER = re.compile(
    r"(?P<head>(?:\b(?:output|answer|reply|completion|transcript|content|text)|출력|응답|답변|出力|回答|输出)\s?[:=]\s?)"
    r"(?P<rest>[^\n]+)",
    re.IGNORECASE,
)
_MAIL = re.compile(
    r"(?<![A-Za-z0-9_.+\-])[A-Za-z0-9_.+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,8}",
)
_REASON = (
    r"(?:Bad|Unauthori|Payment|Forbidden|Not |Method|Proxy|Request|Conflict|Gone|Unprocess|Too Many|Internal|Service"
    r"|Gateway|Client|Server|[A-Z]+_[A-Z_]+)"
)
_STATUS = re.compile(
    r"\b(?:http(?:/\d(?:\.\d)?)?|status(?:[ _]code)?|code|error|answered|returned)\W{1,4}[1-5]\d\d\b(?![.,]\d)"
    r"|\b(?:errno|winerror|sqlstate|exit status|exit code|signal)\W{1,3}\d{1,5}\b|\b(?:error|code)\W{1,3}-\d{4,5}\b"
    rf"|\b[45]\d\d (?={_REASON})",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"(?:(?<![\w./<:])(?:~|\.{1,2})?/|(?<!\w)[A-Za-z]:\\)[^\s:'\",;()\[\]{}<>]+"
    r"|(?<![\w.\-/])[\w.\-]+/[\w.\-/]*\.[A-Za-z]\w{0,4}(?![\w/])"
)
_ENDING = re.compile(r"\.([A-Za-z][A-Za-z0-9]{0,4})(?![A-Za-z0-9._/-])")


def _answer(match: re.Match[str]) -> str:
    rest = match["rest"]
    is_long = len(rest) > 60 or rest.count(" ") >= 8 or (not rest.isascii() and len(rest) > 24)
    return f"{match['head']}<text>" if is_long else match.group()


def _path(match: re.Match[str]) -> str:
    ending = _ENDING.search(match.group()[-16:])
    return f"<path>.{ending[1].lower()}" if ending else "<path>"


# People, objects
_PERSON = re.compile(
    r"(?<!\w)[가-힣]{2,4} ?(?=(?:고객|회원|사용자|담당자)?님(?:께|의|은|이|을|과|\W|\Z)|씨(?:의|는|가|를|와|\W|\Z))"
    r"|(?<!\w)[\u3040-\u30ff\u4e00-\u9fff]{1,8} ?(?=(?:様|さん|先生|女士)(?:\W|\Z|の|は|が|を|的))"
)
_OBJECT = re.compile(r"<[A-Za-z_][\w.<>]{0,120} object at 0x[0-9A-Fa-f]+>|<[A-Za-z_][\w.]{0,120} at 0x[0-9A-Fa-f]+>")

# Dates and times
_GAP = r"[^\S\n]{0,3}"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:\s?[AaPp]\.?[Mm]\b\.?)?"
_ZONE = r"(?:\s?(?:Z\b|UTC|GMT|KST|[+-]\d\d:?\d\d\b))?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_CJK_CLOCK = (
    rf"(?:오전|오후|午前|午後|上午|下午)?{_GAP}\d{{1,2}}(?:시|時|时|点)"
    rf"(?:{_GAP}\d{{1,2}}분?分?)?(?:{_GAP}\d{{1,2}}(?:초|秒))?"
)
_CJK_DAY = rf"\d{{1,2}}{_GAP}(?:월|月){_GAP}\d{{1,2}}{_GAP}(?:일|日)"
_DATE = re.compile(
    "|".join(
        (
            rf"(?<![\w.])\d{{1,4}}(?P<sep>[-/.])\d{{1,2}}(?P=sep)\d{{1,4}}(?:[T ]{{1,2}}{_CLOCK})?{_ZONE}(?!\w|\.\d)",
            rf"\d{{2,4}}{_GAP}(?:년|年){_GAP}(?:{_CJK_DAY}|\d{{1,2}}{_GAP}(?:월|月))(?:{_GAP}{_CJK_CLOCK})?",
            rf"{_CJK_DAY}(?:{_GAP}{_CJK_CLOCK})?",
            _CJK_CLOCK,
            rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},? )?(?:\d{{1,2}} {_MONTH}|{_MONTH} \d{{1,2}},?)"
            rf"(?: \d{{4}})?(?: {_CLOCK})?{_ZONE}",
            rf"(?<![\w:.]){_CLOCK}{_ZONE}(?![\w:])",
        )
    )
)

# Ids, numbers
_UNIT = (
    r"(?:\s?(?:%|‰|[kKMGTP]?i?[Bb](?:ytes?|its?)?|ns|us|µs|μs|ms|msecs?|m|h|d|s|secs?|seconds?|mins?|minutes?|hrs?"
    r"|hours?|days?|USD|EUR|KRW|JPY|CNY|GBP)(?![A-Za-z0-9_])|\s?(?:만원|억원|천원|원|초|분|시간|밀리초|円|元|秒|€))?"
)
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_CALLED_ID = re.compile(
    r"\b((?:organization|project|workspace|tenant|account|subscription|session|thread|trace|request id)[ :=]{1,3})"
    r"[A-Za-z0-9]+[-_][\w\-]+",
    re.IGNORECASE,
)
_MASKED = re.compile(r"(?<![\w*\-])[\w\-]{0,40}\*{3,}[\w\-]{0,40}")
_IP = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?!\w)|(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?![\w:])"
)
_WORD = re.compile(
    r"(?<![A-Za-z0-9_\-])(?=[A-Za-z_\-.:]{0,60}[0-9])[A-Za-z0-9_]+(?:[\-.:#][A-Za-z0-9_]+){0,20}",
)
_WORD_IS_ID = re.compile(
    r"(?=[0-9a-fA-F-]*\d)[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,}){0,6}"
    r"|[A-Z]{1,10}[-_.#]?(?:[0-9]{2,}(?:[-_.#][0-9]+){0,5}|[0-9](?:[-_.#][0-9]+){1,5})|(?=[A-Z]*\d)[A-Z0-9]{8,}"
)
_PART_IS_RANDOM = re.compile(r"[0-9][A-Za-z]+[0-9]|[A-Za-z][0-9]+[A-Za-z]+[0-9]|[a-z][0-9]+[A-Z]|[A-Z][0-9]+[a-z]")
_WORD_IS_NUMBER = re.compile(rf"[0-9]+(?:[._][0-9]+)*{_UNIT}", re.IGNORECASE)
_WORD_PARTS = re.compile(r"[-_.:#]")
_DIGIT_RUN = re.compile(r"[0-9]+")
_NUMBER = re.compile(
    rf"(?:(?<![\w)\]])[+-])?[$€₩£¥]?[0-9]+(?:[.,_'’][0-9]+)*(?:e[+-]?[0-9]+)?{_UNIT}",
    re.IGNORECASE,
)


def _word(match: re.Match[str]) -> str:
    """Return what a word with digits becomes: an id where it looks like one, else the word without its numbers."""
    word = match.group()
    if _WORD_IS_NUMBER.fullmatch(word):
        return word
    if _WORD_IS_ID.fullmatch(word):
        return "<id>"
    for part in _WORD_PARTS.split(word):
        if len(part) >= 6 and not part.isalpha() and (len(part) >= 16 or _PART_IS_RANDOM.search(part)):
            return "<id>"
    return _DIGIT_RUN.sub("<n>", word)


# Before values in quotes and brackets are looked at, because these may hold quotes and brackets.
EARLY = (
    Rule("data", "Encoded data is left out.", ";", _DATA, "<data>"),
    Rule("URLs", "Of URLs the host stays.", "/", _URL, _url),
)
# In this order: what is more special goes first. "status codes" comes before all that take digits away.
LATE = (
    Rule("answers", "Long text that was announced, such as a model's answer, is left out.", ":=", _ANSWER, _answer),
    Rule("people", "Names before a form of address are left out.", "님씨様さ先女", _PERSON, "<name>"),
    Rule("objects", "Objects of a program are left out.", "<", _OBJECT, "<object>"),
    Rule("e-mail addresses", "E-mail addresses are left out.", "@", _MAIL, "<e-mail>"),
    Rule(
        "status codes", "HTTP statuses, error numbers and exit codes stay.", _DIGITS, _STATUS, lambda m: kept(m.group())
    ),
    Rule("paths", "Of paths the ending stays.", "/\\", _PATH, _path),
    Rule("dates and times", "Dates and times are left out.", _DIGITS, _DATE, "<date>"),
    Rule("ids", "UUIDs are left out.", "-", _UUID, "<id>"),
    Rule("ids", "What is called the id of something is left out.", "-_", _CALLED_ID, r"\1<id>"),
    Rule("ids", "Masked secrets are left out.", "*", _MASKED, "<id>"),
    Rule("memory addresses", "Memory addresses are left out.", "x", re.compile(r"\b0x[0-9A-Fa-f]+"), "<address>"),
    Rule("IP addresses", "IP addresses and ports are left out.", ".:", _IP, "<ip>"),
    Rule("ids", "Ids are left out, and the numbers in other words.", _DIGITS, _WORD, _word),
    Rule("numbers", "Numbers and amounts are left out with their units.", _DIGITS, _NUMBER, "<n>"),
)
