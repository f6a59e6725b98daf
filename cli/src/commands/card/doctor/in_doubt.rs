//! Transactions of the card that a terminal's journal still holds in doubt, and the card's counters.

use onecard_host::terminal::{Kind, Token};

use super::finding::Finding;
use crate::ending::Bilingual;

/// A counter from here on has few transactions left of its 65,535.
const COUNTER_HIGH: u16 = 65_000;

/// An interrupted transaction.
pub(super) fn interrupted(token: &Token) -> Finding {
    let transaction = &token.transaction;
    let (order, amount, moment) = (transaction.order, transaction.amount, transaction.moment);
    let (english, chinese) = names(transaction.kind);
    Finding::problem(
        "interrupted",
        Bilingual {
            english: format!(
                "{english} of {amount} yuan on {moment} (order {order}) was interrupted. The terminal does not know yet \
                 whether the card did it, and begins nothing new with it."
            ),
            chinese: format!("{moment}的{chinese}{amount}元（订单{order}）中断。终端尚不知是否成交，未决前不开始新交易。"),
        },
        Bilingual {
            english: "Present the card again at that terminal: the next sale decides it, or `onecard card resolve`. Nobody pays \
                      twice."
                .to_owned(),
            chinese: "请在该终端重新刷同一张卡：下一笔交易会自动判定，或用`onecard card resolve`。不会重复扣款。".to_owned(),
        },
    )
}

/// A sequence that will not last, of one purse.
pub(super) fn counter(sequence: u16, what: (&'static str, &'static str)) -> Option<Finding> {
    let (english, chinese) = what;
    let left = u16::MAX - sequence;
    let finding = if left == 0 { Finding::problem } else { Finding::warning };
    (sequence >= COUNTER_HIGH).then(|| {
        finding(
            "counter-high",
            Bilingual {
                english: format!("The card can count {left} more {english}, then it refuses them."),
                chinese: format!("该卡还能进行{left}次{chinese}，之后将拒绝。"),
            },
            Bilingual {
                english: "Issue a new card, and bring the balance over.".to_owned(),
                chinese: "请换发新卡并转移余额。".to_owned(),
            },
        )
    })
}

const fn names(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::PurchaseEd | Kind::PurchaseEp => ("A purchase", "消费"),
        Kind::LoadEd | Kind::LoadEp => ("A recharge", "充值"),
        Kind::Undo => ("An undo", "消费撤销"),
        Kind::UnloadEd | Kind::UnloadEp => ("An unload", "退出余额"),
        Kind::CashWithdraw => ("A cash withdrawal", "取现"),
        Kind::Capp => ("A compound purchase", "复合消费"),
        Kind::Overdraft => ("An overdraft update", "透支限额调整"),
    }
}
