"""What people ask the demo's flows and what they get back; ``{n}`` is a number, ``{who}`` a name."""

from __future__ import annotations

import random

PEOPLE = (
    "Mina Park",
    "Jonas Weber",
    "Aiko Tan",
    "Lucía Romero",
    "Omar Haddad",
    "Grace Lee",
    "Pavel Novák",
    "김서연",
    "이준호",
)
QUESTIONS = {
    "support": (
        "Hi, my parcel {n} shows as delivered but nothing is here. Can you check where it was left?",
        "I was charged twice for order {n}. Please look into it, {who}.",
        "How do I change the address of my subscription? Order {n} went to the old flat.",
        "The app logs me out each time I open the invoice {n}.",
    ),
    "refund": (
        "Customer {who} asks for a refund of order R-{n}: arrived damaged, photos attached.",
        "Refund R-{n}? Bought 41 days ago, unopened, the policy says 30 days.",
        "Double payment on R-{n}, the second one should go back to the same card.",
    ),
    "invoice": (
        "invoice-{n}.pdf received by mail from {who}, two pages, scanned.",
        "Extract supplier, number, date, lines and totals of invoice-{n}.pdf.",
    ),
    "contract": (
        "Review the services agreement with {who}, version {n}. List clauses that differ from our template.",
        "Which termination and liability clauses of MSA-{n} are not acceptable to us, and why?",
    ),
    "knowledge": (
        "How do I rotate the signing key of the export service?",
        "What is our policy for on-call compensation at weekends?",
        "Where is the runbook for alert {n}, and who owns it?",
        "Can a contractor get access to the staging database?",
    ),
    "code": (
        "pull request #{n} by {who}: retry uploads with a resumable token",
        "pull request #{n} by {who}: move the price rules into their own module",
    ),
    "lead": (
        "Enrich the lead {who}, head of operations, company {n}.",
        "Research account {n}: size, stack, recent news.",
    ),
    "fraud": (
        "Screen transfer {n}: 1,940.00 EUR, new device, night, first payee.",
        "Screen login {n} from a new country.",
    ),
    "meeting": ("Brief me for the 10:00 with {who}: open points, last mails, numbers of project {n}.",),
    "counsel": (
        "상담 {n}: 배송이 사흘 늦어졌고 고객은 부분 환불을 원합니다. 세 문장으로 요약해 주세요.",
        "상담 {n}: 로그인 오류 문의입니다. 다음 조치까지 정리해 주세요.",
    ),
    "product": (
        "상품 {n}의 설명을 부드러운 말투로 200자 안에 써 주세요.",
        "상품 {n}: 소재와 세탁 방법이 드러나게 써 주세요.",
    ),
    "stock": ("매장 {n}의 내일 보충 수량을 제안해 주세요.",),
    "supplier": ("Assess supplier {n} for the renewal in the second quarter. Owner: {who}.",),
}
ANSWERS = {
    "support": (
        "The carrier left parcel {n} with the neighbour on the second floor. You have the photo by mail.",
        "You are right: order {n} was captured twice. The second payment is back within three days.",
    ),
    "refund": (
        "Approve: damaged on arrival, covered by the policy. The refund for R-{n} goes to the original card.",
        "Decline: outside of the 30 days, and no defect. Offer a voucher of 10 percent instead.",
    ),
    "invoice": ('{{"supplier": "{who}", "number": "{n}", "total": "1840.50", "currency": "EUR", "lines": 7}}',),
    "contract": (
        "Four clauses differ. 7.2 caps liability at three months of fees, ours is twelve. 9.1 allows termination for"
        " convenience with 15 days. 11.4 moves the venue. 14 lacks the data processing annex.",
    ),
    "knowledge": (
        "Rotate it in three steps: create the new key, deploy it beside the old one, remove the old one after 24 hours."
        " The runbook is owned by the platform team. Sources: runbooks/keys.md, policy/secrets.md.",
    ),
    "code": (
        "Two findings. The retry loop does not stop at the deadline. The token is logged at debug level, remove it."
        " Otherwise sound: tests cover the resume path.",
    ),
    "lead": (
        '{{"fit": 78, "size": "250-500", "stack": ["postgres", "kubernetes"], "reason": "hiring for operations"}}',
    ),
    "fraud": ('{{"score": 0.{n}, "decision": "allow", "signals": ["new device", "known payee"]}}',),
    "meeting": ("Three open points: the renewal date, the export to the warehouse, and the offer from last week.",),
    "counsel": ("배송 지연(3일)으로 부분 환불을 요청하셨습니다. 물류센터 오류를 확인해 20% 환불을 안내했습니다.",),
    "product": ("가볍고 부드러운 면 소재라 사계절 편하게 입을 수 있습니다. 찬물에 단독 세탁해 주세요.",),
    "stock": ('{{"매장": "{n}", "보충": [{{"품목": "우유 1L", "수량": 24}}, {{"품목": "생수 2L", "수량": 36}}]}}',),
    "supplier": (
        "Overall risk: moderate. No sanctions match. Two articles on a delayed plant. Current ratio 1.1, falling. Renew"
        " for twelve months with a quarterly review.",
    ),
}


def question(rng: random.Random, subject: str) -> str:
    """What somebody asks a flow of this subject."""
    return _fill(rng, rng.choice(QUESTIONS[subject]))


def answer(rng: random.Random, subject: str) -> str:
    """What a flow of this subject answers."""
    return _fill(rng, rng.choice(ANSWERS[subject]))


def _fill(rng: random.Random, text: str) -> str:
    return text.format(n=rng.randrange(1_000, 99_999), who=rng.choice(PEOPLE))
