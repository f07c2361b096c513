"""Parts of policies: rules that many firms begin with, their fields, and a case on each side."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["BLOCKS", "Block"]


@dataclass(frozen=True)
class Block:
    """A rule with all that belongs to it.

    Attributes:
        id: Of the rule.
        comment: What to think about before it is used.
        require: What must hold.
        because: Why a product is not offered, in English and Chinese.
        fields: A type, or `investor` and `product` for the two scales, per field.
        passing: A cell per field with which the rule passes.
        failing: Cells that make it fail.
    """

    id: str
    comment: str
    require: str
    because: tuple[str, str]
    fields: Mapping[str, str]
    passing: Mapping[str, str]
    failing: Mapping[str, str]


RISK = Block(
    "risk-level",
    "The product's level is at most the customer's. Both scales are above: use your own levels.",
    "rank(product.risk_level) <= rank(user.risk_level)",
    (
        "The product's risk level {product.risk_level} is above your level {user.risk_level}.",
        "产品风险等级{product.risk_level}高于您的风险承受能力等级{user.risk_level}。",
    ),
    {"user.risk_level": "investor", "product.risk_level": "product"},
    {"user.risk_level": "highest", "product.risk_level": "lowest"},
    {"user.risk_level": "lowest", "product.risk_level": "highest"},
)
QUESTIONNAIRE = Block(
    "questionnaire-valid",
    "How long an assessment counts differs by regime and by firm.",
    "user.questionnaire_date < as_of and as_of < user.questionnaire_date + months(12)",
    (
        "Your assessment of {user.questionnaire_date} is not within its twelve months.",
        "您于{user.questionnaire_date}完成的风险测评不在十二个月有效期内。",
    ),
    {"user.questionnaire_date": "date"},
    {"user.questionnaire_date": "2026-01-01"},
    {"user.questionnaire_date": "2025-06-01"},
)
HORIZON = Block(
    "horizon",
    "The period for which the product should be held is no longer than the customer's horizon.",
    "product.recommended_holding_months <= user.horizon_months",
    (
        "The product should be held for {product.recommended_holding_months} months; your horizon "
        "is {user.horizon_months}.",
        "产品建议持有{product.recommended_holding_months}个月，您的投资期限为"
        "{user.horizon_months}个月。",
    ),
    {"user.horizon_months": "number", "product.recommended_holding_months": "number"},
    {"user.horizon_months": "36", "product.recommended_holding_months": "36"},
    {"product.recommended_holding_months": "37"},
)
AFFORDABLE = Block(
    "affordable",
    "What would be invested is at most a fifth of liquid assets: set your share.",
    "amount <= 0.2 * user.liquid_assets",
    (
        "The amount is more than a fifth of your liquid assets.",
        "拟投资金额超过您流动资产的五分之一。",
    ),
    {
        "user.amount_to_invest": "number",
        "user.liquid_assets": "number",
        "product.min_amount": "number",
    },
    {
        "user.amount_to_invest": "2000",
        "user.liquid_assets": "10000",
        "product.min_amount": "1000",
    },
    {"user.amount_to_invest": "2001"},
)
ADULT = Block(
    "adult",
    "The age from which a customer may decide alone.",
    "age(user.birth_date) >= 18",
    ("This product is for customers of 18 years and over.", "本产品仅面向年满18周岁的客户。"),
    {"user.birth_date": "date"},
    {"user.birth_date": "2008-07-01"},
    {"user.birth_date": "2008-07-02"},
)
MARKET = Block(
    "negative-target-market",
    "Whom the manufacturer says that the product is not for; spell categories in one way.",
    "not contains(product.negative_target_market, user.client_category)",
    (
        "The manufacturer's negative target market includes your category.",
        "您所属的客户类别在产品管理人规定的负面目标市场之内。",
    ),
    {"user.client_category": "text", "product.negative_target_market": "list"},
    {"user.client_category": "retail", "product.negative_target_market": "eligible"},
    {"product.negative_target_market": "retail;eligible"},
)
ON_SALE = Block(
    "on-sale",
    "Only while the product is on sale.",
    "product.sale_start <= as_of and as_of < product.sale_end",
    ("The product is not on sale.", "产品不在销售期内。"),
    {"product.sale_start": "date", "product.sale_end": "date"},
    {"product.sale_start": "2026-07-01", "product.sale_end": "2026-07-02"},
    {"product.sale_end": "2026-07-01"},
)
QUALIFIED = Block(
    "qualified",
    "Private products: qualification is confirmed first, and again after three years.",
    "user.confirmed_at < as_of and as_of < user.confirmed_at + years(3)",
    (
        "Private products are for customers whose qualification is confirmed.",
        "私募产品仅面向已完成合格投资者确认的客户。",
    ),
    {"user.confirmed_at": "date"},
    {"user.confirmed_at": "2026-01-01"},
    {"user.confirmed_at": "2023-07-01"},
)
KNOWLEDGE = Block(
    "knowledge",
    "A test on the product's topic has been passed.",
    "product.knowledge_topic in user.knowledge_passed",
    (
        "Please pass the test on {product.knowledge_topic} first.",
        "请先通过{product.knowledge_topic}知识测试。",
    ),
    {"user.knowledge_passed": "list", "product.knowledge_topic": "text"},
    {"user.knowledge_passed": "derivatives;crypto", "product.knowledge_topic": "crypto"},
    {"user.knowledge_passed": "derivatives"},
)
PREMIUM = Block(
    "premium",
    "A yearly premium is at most a fifth of the customer's income: set your share.",
    "product.annual_premium <= 0.2 * user.annual_income",
    (
        "The yearly premium is more than a fifth of your annual income.",
        "年缴保费超过您年收入的五分之一。",
    ),
    {"user.annual_income": "number", "product.annual_premium": "number"},
    {"user.annual_income": "10000", "product.annual_premium": "2000"},
    {"product.annual_premium": "2001"},
)
REPAYMENT = Block(
    "repayment",
    "All payments on debt take at most half of the income: set your share, and what counts.",
    "12 * (user.monthly_debt_payment + product.monthly_payment) <= 0.5 * user.annual_income",
    (
        "Payments on all your debts would take more than half of your income.",
        "您的全部债务月供将超过收入的一半。",
    ),
    {
        "user.annual_income": "number",
        "user.monthly_debt_payment": "number",
        "product.monthly_payment": "number",
    },
    {
        "user.annual_income": "10000",
        "user.monthly_debt_payment": "0",
        "product.monthly_payment": "400",
    },
    {"product.monthly_payment": "417"},
)
DEPOSIT = Block(
    "affordable-deposit",
    "What would be deposited, and never less than the minimum, is at hand.",
    "amount <= user.liquid_assets",
    (
        "The amount is more than your liquid assets.",
        "拟存金额超过您的流动资产。",
    ),
    {
        "user.amount_to_invest": "number",
        "user.liquid_assets": "number",
        "product.min_amount": "number",
    },
    {
        "user.amount_to_invest": "1000",
        "user.liquid_assets": "10000",
        "product.min_amount": "1000",
    },
    {"product.min_amount": "10001"},
)

_INVESTMENT = (RISK, QUESTIONNAIRE, HORIZON, AFFORDABLE, ADULT, MARKET, ON_SALE)
BLOCKS: dict[str, tuple[Block, ...]] = {
    "funds": _INVESTMENT,
    "securities": (RISK, QUESTIONNAIRE, HORIZON, AFFORDABLE, ADULT, MARKET, KNOWLEDGE),
    "private": (*_INVESTMENT, QUALIFIED),
    "crypto": (RISK, QUESTIONNAIRE, AFFORDABLE, ADULT, KNOWLEDGE),
    "insurance": (ADULT, PREMIUM, MARKET, ON_SALE),
    "loans": (ADULT, REPAYMENT),
    "deposits": (ADULT, DEPOSIT),
}
