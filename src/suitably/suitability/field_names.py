"""The names and types of fields that builders, loaders and built-in policies share.

A firm's own columns may be called otherwise; a name from this list means the same everywhere.
"""

from types import MappingProxyType

__all__ = ["FIELD_NAMES", "LEVEL"]

LEVEL = "level"  # a value on a scale that the policy declares
_USER = {
    LEVEL: (
        "risk_level predicted_risk_level revealed_risk_level knowledge_level liquidity_need tier"
    ),
    "date": (
        "questionnaire_date birth_date stage_since confirmed_at annual_income_date "
        "investor_statement_date warning_shown_at loss_simulated_at crypto_suitable_date "
        "risk_level_date life_event_date last_contact last_complaint "
        "last_refusal"
    ),
    "number": (
        "questionnaire_score assessments_today assessments_12m age years_experience annual_income "
        "annual_income_last joint_income joint_income_last household_income average_income_3y "
        "net_worth net_worth_without_residence net_assets financial_assets "
        "household_financial_assets household_net_financial_assets liquid_assets liabilities "
        "amount_to_invest monthly_debt_payment monthly_living_costs monthly_property_fee "
        "premium_budget invested_12m rmmi_invested_12m horizon_months recency_days frequency "
        "monetary p_alive expected_purchases lifetime_value novelty_appetite fee_sensitivity "
        "concentration sessions_30d active_days_30d contacts_7d contacts_30d "
        "held_value held_products held_horizon_months held_liquidity_days"
    ),
    "boolean": (
        "risk_review guardian_consent vulnerable is_lowest_class is_professional "
        "is_sophisticated in_arrears crypto_suitable sustainability_preference "
        "income_expected_again licensed unwilling_to_lose marketing"
    ),
    "text": (
        "legal_capacity objective investor_type jurisdiction tax_residence client_category "
        "rfv_segment lifecycle_stage preferred_term main_channel risk_review_reason "
        "life_event"
    ),
    "list": "knowledge_passed tags quiet_channels",
    "map": "category_share exposure class_exposure risk_exposure",
    "": "loss_capacity knowledge_passed_at",  # a share of assets or a level; a map to dates
}
_PRODUCT = {
    LEVEL: "risk_level issuer_rating seller_rating grade insurance_class",
    "boolean": "complex repeatable distributed uncertain_benefit sustainable restricted",
    "text": "knowledge_topic regime category issuer currency purpose equivalence_group channel",
    "number": (
        "min_amount annual_premium single_premium monthly_payment amount_remaining fee_rate "
        "term_months lock_up_months recommended_holding_months payment_years liquidity_days "
        "max_loss max_ltv total_cost price cost"
    ),
    "date": "sale_start sale_end launch_date risk_level_date",
    "list": "target_market negative_target_market jurisdictions",
}

FIELD_NAMES = MappingProxyType(
    {
        f"{side}.{name}": kind
        for side, kinds in (("user", _USER), ("product", _PRODUCT))
        for kind, names in kinds.items()
        for name in names.split()
    }
)
