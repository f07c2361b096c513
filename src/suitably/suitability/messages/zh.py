"""Chinese, simplified."""

from suitably.suitability.messages.sentences import Sentences
from suitably.suitability.reasons import Reason

__all__ = ["CHINESE"]

CHINESE = Sentences(
    name="Chinese",
    missing="缺失",
    no="否",
    yes="是",
    passes="符合规则{rule}{facts}。",
    fails="不符合规则{rule}{facts}。",
    unknown="无法判断规则{rule}{facts}。",
    flagged="规则{rule}提示注意，但不禁止推荐{facts}。",
    flag_unknown="规则{rule}仅作提示，无法判断是否需要提示{facts}。",
    overflows="超出日期或数值的范围：{expressions}。",
    introduces="：",
    equals="为",
    lacks="缺失",
    between_facts="，",
    between_items="、",
    reasons={
        Reason.GOVERNS: "没有可确认适用于该客户与该产品的适当性政策。",
        Reason.EFFECTIVE: "无法确认政策{policy}在{as_of}有效。",
        Reason.ALREADY_OWNED: "客户已持有该产品。",
        Reason.TURNED_DOWN: "客户已拒绝该产品。",
        Reason.UNRANKED: "该产品可以推荐，但排序模型缺少相关信息，无法排名。",
        Reason.RANKED_BELOW_K: "该产品可以推荐，但未进入前{k}名。",
    },
    eligible="符合全部适用规则（{rules}）",
    unruled="没有适用的规则",
    by_history="按历史行为",
    by_others="因{ranker}对该客户尚无了解，按其他客户的行为",
    reordered="、经{rerankers}调整后",
    and_="、",
    ranked="该产品{eligible}，{basis}由{ranker}{reordered}排在{length}个中的第{rank}位。",
    flags="提示：{rules}。",
    unsure="{rule}（无法判断）",
    date="{year}年{month}月{day}日",
    money="{amount} {currency}",
    currencies={
        "CNY": "人民币{amount}元",
        "HKD": "{amount}港元",
        "USD": "{amount}美元",
        "EUR": "{amount}欧元",
        "GBP": "{amount}英镑",
        "JPY": "{amount}日元",
        "INR": "{amount}印度卢比",
        "SGD": "{amount}新加坡元",
        "CHF": "{amount}瑞士法郎",
    },
    days="{count}天",
    months="{count}个月",
)
