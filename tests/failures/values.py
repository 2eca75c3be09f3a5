"""Values that differ from failure to failure: ids, amounts, dates, addresses, names, documents."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE62 = string.ascii_letters + string.digits
_WORDS = [
    "parcel", "ledger", "quick", "north", "seven", "amber", "hollow", "river", "stone", "cargo", "manifest",
    "customs", "duty", "forward", "late", "early", "partial", "shipment", "because", "the", "and", "however",
    "customer", "asked", "whether", "it", "could", "arrive", "before", "Friday", "please", "confirm", "thanks",
]  # fmt: skip
_KOREAN = [
    "배송이", "늦어져서", "고객님께", "다시", "연락드리고", "송장을", "확인한", "뒤",
    "창고에", "알려", "주세요", "금액은", "나중에", "정산합니다", "내일", "오전까지",
]  # fmt: skip
_SURNAMES, _GIVEN = "김이박최정강조윤장임", ("민지", "서연", "지호", "도윤", "하은", "준서", "예린", "현우")
_CITIES = ("Seoul", "Busan", "Oslo", "Hamburg", "Lyon", "São Paulo", "Zürich", "대전", "大阪", "New York")


class Values:
    """One failure's own values; the same seed gives the same ones."""

    def __init__(self, seed: str):
        self.rng = random.Random(seed)

    def number(self, low: int = 1, high: int = 10_000_000) -> int:
        small = self.rng.randint(low, max(low, min(high, 40)))
        return self.rng.choice((small, self.rng.randint(low, max(low, high))))

    def amount(self) -> str:
        return f"{self.rng.randint(1, 9_999_999):,}" + self.rng.choice(("", ".50", f".{self.rng.randint(10, 99)}"))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def hex(self, length: int = 32) -> str:
        return "".join(self.rng.choice("0123456789abcdef") for _ in range(length))

    def ulid(self) -> str:
        return "01" + "".join(self.rng.choice(_CROCKFORD) for _ in range(24))

    def base62(self, length: int = 24) -> str:
        return "".join(self.rng.choice(_BASE62) for _ in range(length))

    def request_id(self) -> str:
        return "req_" + self.rng.choice((self.hex(32), "011C" + self.base62(20)))

    def call_id(self) -> str:
        return self.rng.choice(("call_", "toolu_01")) + self.base62(22)

    def order(self) -> str:
        return self.rng.choice(
            (f"ORD-{self.number(1000)}", f"PO-2026-{self.number():05d}", str(self.number(100_000)), self.uuid())
        )

    def word(self) -> str:
        return self.rng.choice(_WORDS)

    def words(self, low: int = 4, high: int = 40) -> str:
        return " ".join(self.rng.choice(_WORDS) for _ in range(self.rng.randint(low, high)))

    def korean(self, low: int = 4, high: int = 25) -> str:
        return " ".join(self.rng.choice(_KOREAN) for _ in range(self.rng.randint(low, high)))

    def person(self) -> str:
        return self.rng.choice(_SURNAMES) + self.rng.choice(_GIVEN)

    def city(self) -> str:
        return self.rng.choice(_CITIES)

    def email(self) -> str:
        return f"{self.rng.choice(_WORDS).lower()}.{self.number(1, 99)}@{self.rng.choice(_WORDS).lower()}.example"

    def ip(self) -> str:
        return f"10.{self.rng.randint(0, 255)}.{self.rng.randint(0, 255)}.{self.rng.randint(1, 254)}"

    def moment(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.rng.randint(0, 28_000_000))

    def date(self) -> str:
        at = self.moment()
        return self.rng.choice((at.strftime("%Y-%m-%d"), at.isoformat(), at.strftime("%d/%m/%Y %H:%M")))

    def path(self, suffix: str = "csv") -> str:
        parts = [self.rng.choice((self.word(), self.hex(8), str(self.number()))) for _ in range(self.rng.randint(1, 4))]
        return "/srv/intake/" + "/".join(parts) + f"/{self.word()}_{self.number()}.{suffix}"

    def document(self) -> dict:
        """An order as the shop's programs hand it around: the same keys, other values."""
        lines = [
            {"sku": self.base62(8).upper(), "count": self.number(1, 50), "price": self.number() / 100}
            for _ in range(self.rng.randint(1, 5))
        ]
        return {
            "order_id": self.order(),
            "customer": {"name": self.rng.choice((self.person(), self.city())), "email": self.email()},
            "placed_at": self.date(),
            "lines": lines,
            "is_gift": self.rng.random() < 0.5,
            "note": self.rng.choice((None, self.words(1, 9), self.korean(1, 6))),
        }

    def json(self) -> str:
        return json.dumps(self.document(), ensure_ascii=self.rng.random() < 0.5, indent=self.rng.choice((None, 2)))

    def base64(self) -> str:
        return base64.b64encode(self.rng.randbytes(self.rng.randint(60, 900))).decode()

    def url(self, host: str = "rates.example.com") -> str:
        query = self.rng.choice(
            ("", f"?id={self.number()}&at={quote(self.date())}", f"?q={self.word()}&cursor={self.base62()}")
        )
        return f"https://{host}/v{self.rng.randint(1, 3)}/{self.word()}/{self.order()}{query}"
