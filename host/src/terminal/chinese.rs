//! The Chinese of what is in doubt and of what was refused.

use onecard_wire::status::StatusWord;

use super::{Cause, Decider, Doubt, Kind, Language, MarkError, listed::blacklisted};
use crate::{
    apdu::{ExchangeError, meaning},
    card::{PinError, SelectError},
    sam::SamError,
    transport::TransportError,
};

pub(super) fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Keeper(error) => keeper(error),
        Cause::Select(error) => select(error),
        Cause::OtherEnterprise => "卡内公共信息与所选应用不是同一单位。请送服务台处理".to_owned(),
        Cause::Listed { version, unmarked } => blacklisted(*version, unmarked.as_ref(), Language::Chinese),
        Cause::NoSubsidy => "该卡不在本次补贴名单中，无需充值".to_owned(),
        Cause::NotYetValid { from } => format!("{from}起才有效。请换卡"),
        Cause::Expired { on } => format!("有效期至{on}，已过期。请持卡人到服务台办理"),
        Cause::Pin(error) => pin(error),
        Cause::EarlierInDoubt => "该卡前一笔交易尚未确定，未开始新交易。请重新刷卡，仍不行请到服务台办理".to_owned(),
        Cause::EarlierJustDone { order, amount } => {
            format!("刚查明前一笔订单{order}（{amount}元）已成交，未开始新交易。如确为另一笔，请再次刷卡")
        }
        Cause::OrderNumberTaken { order, amount, serial } => {
            format!("订单号{order}已用于另一笔（{amount}元，卡{serial}），未开始交易。请换新的订单号")
        }
        Cause::NothingToUndo { purchase } => {
            format!("订单{purchase}不是本终端与其卡的最后一笔消费，不能撤销。请到服务台退款")
        }
        Cause::AnotherCards { purchase, serial } => format!("订单{purchase}由卡{serial}支付。请刷该卡"),
        Cause::NotLastOnCard => "该卡最后一笔交易不是这笔消费，不能撤销。请到服务台退款".to_owned(),
        Cause::Recorded { sequence } => {
            format!("卡给出的交易序号{sequence}已用过：可能是录下的应答或复制卡，未开始交易。请留下该卡送服务台")
        }
        Cause::LimitInUse { used } => format!("已透支{used}元，超过新限额。请先充值或提高限额"),
        Cause::BalanceTooLow { balance } => format!("余额{balance}元，不足。请充值或换其他方式支付"),
        Cause::PayoutTooHigh { balance } => format!("余额{balance}元，不足以支付该笔。请减少金额，或取出全部余额"),
        Cause::BalanceTooHigh { balance } => format!("余额{balance}元，充值后超出钱包上限。请减少充值金额"),
        Cause::Rule(rule) => rule.text(Language::Chinese),
        Cause::Refused { command, status } => {
            let said = match meaning(*command, *status) {
                Some(meaning) => format!("{}（{:04X}）", meaning.chinese, status.0),
                None => format!("卡应答{:04X}", status.0),
            };
            let next = match *status {
                StatusWord::SECURITY_NOT_SATISFIED => "请持卡人输入密码",
                _ => "请重新刷卡，仍被拒绝请换卡并告知服务台",
            };
            format!("{said}。{next}")
        }
        Cause::NoAnswer { error, .. } => exchange(error),
        Cause::Malformed { length, .. } => format!("卡应答{length}字节，格式不符。请重新刷卡或换卡"),
        Cause::NeverCompleted => "该笔交易未执行，也不会再执行。如仍需要请重新交易".to_owned(),
        Cause::DecidedByDesk { why } => format!("服务台裁定未成交（{why}）。如仍需要请重新交易"),
        Cause::NumberUsedByAnother => "该卡做的是另一笔交易，本笔未执行。如仍需要请重新交易".to_owned(),
    }
}

pub(super) fn doubt(doubt: &Doubt) -> String {
    match doubt {
        Doubt::NoAnswer(_) => "未收到卡的应答".to_owned(),
        Doubt::Status(status) => format!("卡应答{:04X}", status.0),
        Doubt::Malformed(length) => format!("卡应答{length}字节，格式不符"),
        Doubt::WrongMac => "卡应答的MAC错误".to_owned(),
        Doubt::Keeper(error) => format!("卡的应答无法校验（{}）", keeper(error)),
        Doubt::NotReached(reason) => format!("无法查询：{}", reason.cause.text(Language::Chinese)),
        Doubt::OtherCard { expected, found } => format!("读卡器上的卡是{found}，不是{expected}"),
        Doubt::PinNeeded => "需持卡人先输入密码".to_owned(),
        Doubt::Contradiction { expected, found } => format!("卡的交易序号为{found}，与交易前的{expected}不符"),
        Doubt::SequenceUnproven => "卡称未执行但无法证明，再次办理同一笔撤销或再消费一笔即可确定".to_owned(),
        Doubt::Replayed => "卡重复以前的应答，不是真卡".to_owned(),
        Doubt::ProofUnchecked(_) => "卡给出的证明只有发卡方能校验".to_owned(),
        Doubt::LogNotRead(_) => "卡其后在别处使用过，未能读出交易明细".to_owned(),
        Doubt::LogSilent => "卡其后在别处使用过，交易明细已无该笔".to_owned(),
    }
}

pub(super) fn next(decider: Decider, kind: Kind) -> String {
    let until = match kind {
        Kind::LoadEd | Kind::LoadEp => "请勿再收款、勿退款",
        Kind::PurchaseEd | Kind::PurchaseEp | Kind::Capp => "请勿交货、勿另收款",
        Kind::Undo => "请勿以其他方式退款",
        Kind::UnloadEd | Kind::UnloadEp | Kind::CashWithdraw => "请勿付款",
        Kind::Overdraft => "请勿以新旧限额为准",
    };
    let decision = match decider {
        Decider::SameCard => "请重新刷同一张卡",
        Decider::Issuer => "由发卡方凭TAC经服务台裁定",
        Decider::ServiceDesk => "由服务台裁定",
    };
    format!("{until}，{decision}")
}

pub(super) fn not_marked(error: &MarkError) -> String {
    match error {
        MarkError::Keeper(error) => keeper(error),
        MarkError::Refused(status) => format!("卡应答{:04X}", status.0),
        MarkError::Exchange(error) => exchange(error),
    }
}

pub(crate) fn keeper(error: &SamError) -> String {
    match error {
        SamError::WrongMac => "卡的MAC错误：不是本单位的真卡，或应答被改动".to_owned(),
        SamError::NoSuchKey => "SAM没有该卡版本的密钥。请更换SAM或卡".to_owned(),
        SamError::NotLastPurchase => "不是该SAM的最后一笔消费，或已撤销。请到服务台退款".to_owned(),
        SamError::LimitReached => "SAM充值额度已用完。请到管理站增加额度".to_owned(),
        SamError::Exhausted => "SAM的交易序号已用完。请更换SAM".to_owned(),
        SamError::MessageTooLong(length) => format!("{length}字节超过SAM一次能计算MAC的长度"),
        SamError::NotSupported => "该SAM不支持此操作".to_owned(),
        SamError::Transport(error) => format!("SAM：{}", transport(error)),
        SamError::Unexpected(status) => format!("SAM应答{:04X}，含义不明", status.0),
        SamError::Server(error) => format!("SAM服务器无应答（{error}）。恢复后请重新刷同一张卡"),
        SamError::StaleSession => "SAM服务器已服务更新的会话。请只用一台终端并重新启动".to_owned(),
        SamError::OtherRelease => "SAM服务器与终端版本不同。请升级到同一版本".to_owned(),
        SamError::Malformed(length) => format!("SAM应答{length}字节，格式不符"),
    }
}

pub(crate) fn select(error: &SelectError) -> String {
    match error {
        SelectError::NoApplication => "不是本单位的卡：卡上没有本单位的应用。请使用本单位的卡".to_owned(),
        SelectError::Blocked => "卡上的应用已锁定。请持卡人到服务台办理".to_owned(),
        SelectError::PermanentlyBlocked => "卡上的应用已永久锁定。请持卡人到服务台换卡".to_owned(),
        SelectError::NotIssued => "卡上的应用尚未发行。请到发卡站完成发行".to_owned(),
        SelectError::WrongFci => "卡的选择应答不是本应用。请重新刷卡或换卡".to_owned(),
        SelectError::Unreadable => "卡的公共信息不是一卡通格式。请使用本单位的卡".to_owned(),
        SelectError::Unexpected(status) => format!("选择应用时卡应答{:04X}。请重新刷卡或到服务台办理", status.0),
        SelectError::Exchange(error) => exchange(error),
    }
}

fn pin(error: &PinError) -> String {
    match error {
        PinError::Wrong { tries_left, .. } => format!("密码错误，还可试{tries_left}次。请持卡人重新输入"),
        PinError::Blocked { .. } => "密码已锁定。请持卡人到服务台办理".to_owned(),
        PinError::Refused { status, .. } => format!("密码未验证，卡应答{:04X}。请持卡人到服务台办理", status.0),
        PinError::Exchange { .. } => "验证密码时卡无应答，可能已计一次".to_owned(),
    }
}

pub(crate) fn exchange(error: &ExchangeError) -> String {
    match error {
        ExchangeError::Transport(error) => transport(error),
        ExchangeError::Malformed(length) => format!("收到{length}字节，不是卡的应答。请重新刷同一张卡或检查读卡器"),
    }
}

fn transport(error: &TransportError) -> String {
    match error {
        TransportError::CardRemoved => "卡已离开读卡器。请重新刷同一张卡".to_owned(),
        TransportError::NoAnswer => "卡无应答。请重新刷同一张卡".to_owned(),
        TransportError::CardReset => "卡被其他程序复位，操作已中断。请关闭该程序后重新刷同一张卡".to_owned(),
        TransportError::CardInUse => "卡正被其他程序占用。请关闭该程序后重新刷卡".to_owned(),
        TransportError::ReaderUnplugged => "读卡器已断开。请接好后重新刷同一张卡".to_owned(),
        TransportError::NoReader => "未接读卡器。请接好后刷卡".to_owned(),
        TransportError::NoService => "PC/SC服务无应答。请启动服务（Linux：pcscd）后重新刷同一张卡".to_owned(),
        TransportError::CommandTooLong { length, longest } => {
            format!("命令{length}字节未发出，读卡器最长{longest}字节。请换读卡器")
        }
        TransportError::Reader(_) => "读卡器故障。请检查连接后重新刷同一张卡".to_owned(),
    }
}
