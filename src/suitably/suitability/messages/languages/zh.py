"""Chinese, simplified."""

from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.sentences import Sentences
from suitably.suitability.reasons import Reason

__all__ = ["SENTENCES"]

SENTENCES = Sentences(
    name="Chinese",
    own_name="中文",
    languages={"en": "英文", "zh": "中文"},
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
    change="请更新{fact}。",
    reasons={
        Reason.GOVERNS: "没有可确认适用于该客户与该产品的适当性政策。",
        Reason.EFFECTIVE: "无法确认政策{policy}在{as_of}有效。",
        Reason.ALREADY_OWNED: "客户已持有该产品。",
        Reason.TURNED_DOWN: "客户已拒绝该产品。",
        Reason.UNRANKED: "该产品可以推荐，但排序模型缺少相关信息，无法排名。",
        Reason.RANKED_BELOW_K: "该产品可以推荐，但未进入前{k}名。",
        Reason.TURNED_OFF: "目前已停用。",
        Reason.NOT_IN_CAMPAIGN: "该计划未包括此客户。",
        Reason.NO_MARKETING: "客户未同意接收营销信息。",
        Reason.HELD_OUT: "该客户被留作对照组，以便衡量活动效果。",
        Reason.NO_PROBABILITY: "该产品没有可用的购买概率。",
        Reason.NO_GAIN: "该产品与渠道的预期净收益为{net}，不为正。",
        Reason.PRICED_OUT: "该产品与渠道的预期净收益为{net}，低于其占用资源的机会成本：{limits}。",
        Reason.BETTER_OFFER: "每位客户最多触达{per_user}次，其他选择的价值更高（本项{net}）。",
    },
    ruled="符合全部适用规则{closest}",
    unruled="没有适用的规则",
    closest="（最接近界限：{margins}）",
    spare="{rule}尚余{spare}，{left}对{right}",
    at_limit="{rule}恰在界限上，{left}对{right}",
    between_margins="；",
    spans={
        "level": ("1级", "{count}级"),
        "days": ("1天", "{count}天"),
        "months": ("1个月", "{count}个月"),
        "years": ("1年", "{count}年"),
        "points": ("1个百分点", "{count}个百分点"),
    },
    by_history="按历史行为",
    by_elsewhere="按另一系统的学习结果",
    by_others="因{ranker}对该客户尚无了解，按其他客户的行为",
    by_owners="因该客户未同意个性化推荐，按其他客户持有的产品",
    reordered="、经{rerankers}调整后",
    and_="、",
    or_="或",
    between_reasons="、",
    between_sentences="",
    ranked="该产品{ruled}，{basis}由{ranker}{reordered}排在{eligible}个可推荐产品中的第{rank}位。",
    for_it="就已知的客户情况，支持该产品的是：{reasons}。",
    against_it="不支持该产品的是：{reasons}。",
    popular="在{products}个产品中按受欢迎程度排第{rank}位。",
    popular_alike="在与该客户相似（{field}为{value}）的客户中，按受欢迎程度在{products}个产品中排第{rank}位。",
    past_product="曾选择{product}（{share}）",
    turned_down="曾拒绝{product}（{share}）",
    profile_field="{field}为{value}（{share}）",
    flags="提示：{rules}。",
    to_mind="该产品有需注意的事项，请咨询您的客户经理。",
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
    risk_lowest="风险等级{level}，为{levels}级中最低的一级：产品价值仍可能下跌。",
    risk_between="风险等级{level}，由低到高为{levels}级中的第{position}级：您可能损失部分投入资金。",
    risk_highest="风险等级{level}，为{levels}级中最高的一级：您可能损失部分或全部投入资金。",
    # The first two are what the rules on the online marketing of financial products, in force from
    # 2026-09-30, name as bait wording; the others promise a return or deny a loss as they do.
    barred=(
        "低风险",
        "高收益",
        "零风险",
        "无风险",
        "高回报",
        "稳赚",
        "保本",
        "保收益",
        "保证收益",
        "包赚",
        "必涨",
        "只赚不赔",
        "绝对安全",
        "预期收益",
    ),
    since="{what}（自{day}起）",
    alarm="{series}：之前为{before}，自{since}起为{now}（{users:,}位客户；{low}至{high}属正常范围{over}）",
    alarm_over="，最近一日已回到此范围",
    alarm_look="。请查看{look_at}。",
    alarm_look_first="。当时的新情况：{changes}。请先查看这些，再查看{look_at}。",
    look_at={
        "exclusion": "该规则、其政策的版本，以及它所读取的客户与产品字段："
        "pipeline.eligibility().counts()，以及某位被排除客户的why_not",
        "abstention": "recs.abstentions()：哪个原因使列表变短",
        "empty": "recs.abstentions()：哪个原因使客户没有任何产品",
        "unknown-user": "模型是否早于现有客户群：请更新或重新拟合",
        "stood-in": "是否仍在收到交互数据：排序模型对这些客户尚无了解",
        "opted-out": "客户同意的登记",
        "unfiltered-violation": "排序模型：它所偏好的产品中，被规则禁止的变多或变少了",
        "score": "排序模型及其拟合所用的数据：评分已发生变化",
        "field": "该字段的来源：数据接口、画像构建，或客户自身",
        "stale": "已到期的问卷，以及是否已发送提醒",
        "missing": "该字段的数据接口",
        "event": "向拒绝或投诉的客户推荐了什么",
        "": "当日发生了哪些变化",
    },
    severities={
        "error": ("错误", "1个错误", "{count}个错误"),
        "warning": ("警告", "1个警告", "{count}个警告"),
        "note": ("提示", "1个提示", "{count}个提示"),
    },
    nothing_found="未发现问题。",
    remarks={
        # what is proved
        Remark.GOVERNS_NOTHING: "不适用于任何组合：`governs`不可能为真",
        Remark.NO_RULES: "没有规则，因此不禁止任何推荐",
        Remark.ONLY_FLAGS: "只有提示规则，因此不禁止任何推荐",
        Remark.NEVER_APPLIES: "从不适用：{where}`applies`不可能为真",
        Remark.NEVER_FAILS: "不可能不符合：{where}`require`始终为真",
        Remark.NEVER_FAILS_IF_KNOWN: (
            "不可能不符合：{where}只要所用数据不缺失，`require`就为真；如果本意如此，"
            "请写`not missing(...)`"
        ),
        Remark.NEVER_FLAGS: "从不提示：{where}`require`始终为真",
        Remark.NEVER_FLAGS_IF_KNOWN: "从不提示：{where}只要所用数据不缺失，`require`就为真",
        Remark.PROHIBITION: "是禁止性规则：排除其适用的所有组合",
        Remark.KEEPS_OUT: "排除{pairs}：{where}`require`不可能为真",
        Remark.FLAGS: "对{pairs}都作提示：{where}`require`不可能为真",
        Remark.CONFLICT: "与规则{other}一起排除所有组合：两者不可能同时符合",
        Remark.EVERY_PAIR: "所有组合",
        Remark.EVERY_GOVERNED_PAIR: "政策适用的所有组合",
        Remark.EVERY_APPLIED_PAIR: "其适用的所有组合",
        Remark.WITHIN_APPLIES: "在`applies`为真时，",
        Remark.WITHIN_GOVERNS: "在政策适用的范围内，",
        # what shows on data
        Remark.DOES_NOT_FIT: "与所给数据不符：{error}",
        Remark.FLAGS_DATA: "对所给数据的全部{pairs:,}个组合都作提示",
        Remark.KEEPS_OUT_DATA: "排除所给数据的全部{pairs:,}个组合：{failed:,}个不符合{unknown}",
        Remark.REASON_KEEPS_OUT_DATA: (
            "{reason}排除所给数据的全部{pairs:,}个组合：{failed:,}个不符合{unknown}"
        ),
        Remark.AND_UNKNOWN: "，{count:,}个无法判断",
        Remark.SPELT_OTHERWISE: "{field}含有{text}，与{of}{other}不一致：请统一写法",
        Remark.OF_FIELD: "{field}的",
        # dates
        Remark.FROM_DAY: "自{start}起",
        Remark.BEFORE_DAY: "{end}之前",
        Remark.FROM_DAY_BEFORE_DAY: "自{start}起、{end}之前",
        Remark.ALWAYS: "始终",
        Remark.NEVER_IN_FORCE: "从未有效（规则有效期：{own}；政策有效期：{its}）",
        Remark.LIKE_A_VERSION: "似为规则{other}的另一版本，且两者同时有效（{when}）",
        Remark.SAYS_THE_SAME: "与规则{other}内容相同（{when}）",
        Remark.FLAGS_WHAT_IS_BARRED: "只提示规则{other}已经排除的组合（{when}）",
        Remark.VERSIONS_AT_ONCE: "版本{first}与版本{second}同时有效（{when}）：请先终止其中之一",
        Remark.NAMELESS: "（未命名）",
        Remark.ANOTHER: "（另一未命名）",
        Remark.GAP: "自{end}至{start}没有有效的版本",
        # what is weaker than it looks
        Remark.GOVERNS_LESS: (
            "{field}缺失时此政策不适用，只由其他政策判断：如果本意如此，请在政策的`note`中写明{field}"
        ),
        Remark.STEPS_ASIDE: (
            "{field}缺失时不适用，而该字段的某个值会被排除：无法判断不等于符合；如果本意如此，"
            "或另有规则要求该字段，请在`note`中写明{field}"
        ),
        Remark.PASSES_MISSING: (
            "{field}缺失时视为符合，而该字段的某个值会被排除：无法判断不等于符合；如果本意如此，"
            "或另有规则要求该字段，请在`note`中写明{field}"
        ),
        Remark.PASSES_BY_DEFAULT: (
            "{lookup}取默认值时视为符合，而映射中可能有的值会被排除：请去掉默认值；如果本意如此，"
            "请在`note`中写明该映射"
        ),
        Remark.MINIMUM_ALONE: (
            "只将{field}与起购金额比较，因此全部投入一个产品也会符合：请与拟投入的金额`amount`比较"
        ),
        Remark.CITES_NO_ARTICLE: "引用了{article}，但未写明条款：请写明条款，或注明`House limit`",
        # texts, and who reads them
        Remark.NO_VERSION: "没有版本：请写明版本，以便证据引用",
        Remark.NO_ARTICLE: "没有写明依据条款：请注明出处",
        Remark.NO_TITLE: "没有{languages}标题",
        Remark.NO_BECAUSE: "`because`没有{languages}文本：{what}时将使用自动生成的文本",
        Remark.A_FLAG: "提示",
        Remark.A_FAILURE: "不符合",
        Remark.NO_LANGUAGE: "`{key}`没有{language}文本",
        Remark.NO_CHANGE: "没有用{languages}说明如何更新{field}：将使用自动生成的文本",
        Remark.NAMES_ANOTHER: "文本提到{field}，而规则并未使用该字段",
        Remark.NAMES_ONE_OF: (
            "文本提到{field}，而起决定作用的是{fields}的{function}：请将其定义为术语，并在文本中引用"
        ),
        Remark.RAW_CODE: "文本直接显示{field}的代码：请在[labels]中写明其名称",
        Remark.DISCLOSES_FIELD: (
            "客户会看到{field}：请在`because`中为顾问和客户分别写明文本，给客户的不要提及该字段"
        ),
        Remark.DISCLOSES_WORD: "给客户的文本中有{word}：请只写在给顾问的文本中",
        # declarations and names
        Remark.UNUSED_FIELD: "声明了{field}，但没有规则读取该字段",
        Remark.UNUSED_SCALE: "等级表{name}没有任何字段使用",
        Remark.UNUSED_CHANGE: "[changeable]列有{field}，但没有规则读取该字段",
        Remark.UNUSED_TERM: "术语{name}没有任何规则使用",
        Remark.UNUSED_MAP: "映射{name}没有任何规则使用",
        Remark.UNUSED_LABEL: "标签{name}没有任何规则使用",
        Remark.UNDECLARED_SCALE: (
            "{field}通常是等级：请在[fields]中声明其等级表，否则表外的值不会被拒绝"
        ),
        Remark.UNKNOWN_FIELD: "{field}不在字段词表中：数据中须有此列",
        Remark.LIKE_A_FIELD: "{field}不在字段词表中：是否指{near}？",
        # values
        Remark.SHARE_WITHOUT_RANGE: (
            "{field}是比例，但没有取值范围，-0.6或60也会被采信：请声明"
            '`{{ type = "number", min = 0, max = 1, unit = "share" }}`'
        ),
        Remark.NEVER_HELD: "{field}不可能为{value}{hint}",
        Remark.IS_SPELT: "：应写作{near}",
        Remark.HOLDS_ONLY: "：可取的值为{values}",
        Remark.TWO_SPELLINGS: "{field}既与{one}比较，又与{other}比较：文本须完全一致",
        Remark.NOT_GOVERNED: "{field}可能为{values}，而此政策不适用于这些值：请确认另有政策适用",
        Remark.NO_RULE_FOR: "{field}可能为{values}，而没有规则适用于这些值",
        Remark.DECIDES_BY_SPELLING: (
            "{field}决定适用哪些规则，写法不同的值不适用其中任何一条，或落入其余情形的规则："
            "请声明其取值，或增加一条要求其取值在内的规则"
        ),
        Remark.NEVER_EXPIRES: (
            "{end}为9999-12-31（表示永不到期）时，{sum}无法判断：请改为将{end}与更早的日期比较，"
            "例如`as_of - {span}(...)`"
        ),
        # types
        Remark.AT_PLACE: "第{line}行第{column}列：{problem}：{shown}",
        Remark.IN_WORDS: "{where}：{problem}{found}",
        Remark.IN_POLICY: "（政策第{line}行第{column}列）",
        Remark.IN_FILE: "（{file}第{line}行第{column}列）",
        Remark.IF_USUAL: "{problem}（按各字段的通常类型）",
        Remark.NEEDS_SCALE: "{key}：{sentence}需要等级表：请在[fields]中声明{field}",
        Remark.ORDERS_TEXT: "{key}：{sentence}比较文本的大小：请为{field}声明等级表",
        Remark.SCALE_LENGTHS: "比较了级数不同的等级表上的位置：{scales}",
        Remark.SCALE_OF: "{scale}共{count}级",
        Remark.NO_CONDITION: "{found}不是条件",
        Remark.NO_MINUS: "{found}不能取负",
        Remark.NO_VALUE: "此处须为值，而不是条件",
        Remark.IS_NO_VALUE: "{field}是条件，而此处须为值",
        Remark.CANNOT_COMPARE: "{one}与{other}不能比较{hint}",
        Remark.CANNOT_COMPARE_TYPE: "{found}不能比较{hint}",
        Remark.CANNOT_COMPARE_CONDITION: "条件与{found}不能比较",
        Remark.TEXT_HAS_NO_ORDER: "文本没有大小顺序：请声明等级表，或用==、!=比较",
        Remark.CONDITIONS_HAVE_NO_ORDER: "条件没有大小顺序",
        Remark.CANNOT_COMPUTE: "不能计算{one} {operator} {other}{hint}",
        Remark.NOT_A_LEVEL: "{function}的参数须为等级，而不是{found}：请声明该字段",
        Remark.NOT_A_KEY: "此处须为文本键，而不是{found}",
        Remark.NOT_WANTED: "此处须为{wanted}，而不是{found}",
        Remark.FIELD_NOT_WANTED: "{field}是{found}，而此处须为{wanted}",
        Remark.NOT_ON_SCALE: "{value}不在等级表{scale}（{levels}）中",
        Remark.MAP_FROM: "此映射由{wanted}查得，而不是由{found}",
        Remark.NO_EXTREME: "{found}不能求{function}",
        Remark.NO_EXTREME_OF_TWO: "{one}与{other}不能求{function}",
        Remark.CANNOT_HOLD: "{container}不可能含有{item}",
        Remark.WRONG_DEFAULT: "映射的值是{wanted}，而键不存在时的默认值是{found}",
        Remark.ADD_TO_A_DATE: "：请先与日期相加，再比较日期",
        Remark.COMPARE_DURATIONS: "：请与另一时长比较，例如days(30)",
        Remark.COMPARE_DATES: "：请与as_of或另一日期比较，例如`user.x + months(12)`",
        Remark.SAY_WHAT_IT_COUNTS: "：请写明单位，例如days(30)或months(12)",
        Remark.A_LEVEL: "等级表{scale}的等级",
        Remark.A_LIST: "{element}列表",
        Remark.A_LIST_OF_LEVELS: "等级表{scale}的等级列表",
        Remark.A_MAP: "值为{element}的映射",
    },
    types={
        "any": "任意值",
        "boolean": "是非值",
        "date": "日期",
        "duration": "时长",
        "field": "字段",
        "level": "等级",
        "list": "列表",
        "map": "映射",
        "number": "数值",
        "period": "月数",
        "product field": "产品字段",
        "span": "时长或月数",
        "table": "映射",
        "text": "文本",
    },
)
