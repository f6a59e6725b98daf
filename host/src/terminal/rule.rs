//! Which of the card's own rules (EF 0017, profile §3.1, own) refused a transaction with 6985.

use onecard_wire::{
    amount::Amount,
    date::Date,
    record::{CardStatus, Parameters},
};

use super::{Kind, Language};

/// A rule of EF 0017.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// The application is suspended or reported lost.
    Status(CardStatus),
    /// The balance can no longer be spent.
    BalanceExpired {
        /// Last day.
        on: Date,
    },
    /// The balance would be more than allowed.
    BalanceMax {
        /// What is allowed.
        limit: Amount,
    },
    /// The single purchase is more than allowed.
    PurchaseMax {
        /// What is allowed.
        limit: Amount,
    },
    /// The day's total would be more than allowed.
    DayTotalMax {
        /// What is allowed.
        limit: Amount,
        /// What the card counts as spent that day.
        spent: Amount,
    },
    /// Above this amount the PIN is asked for.
    PinNeeded {
        /// The amount.
        above: Amount,
    },
}

/// What was asked of the card.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) amount: Amount,
    pub(super) date: Date,
    pub(super) pin_verified: bool,
}

impl Rule {
    /// The first rule that `asked` breaks. The card has judged already; this only says why. A load is judged by the balance
    /// before it.
    pub(super) fn broken(parameters: &Parameters, asked: &Asked, old_balance: Option<Amount>) -> Option<Self> {
        if parameters.status != CardStatus::NORMAL {
            return Some(Self::Status(parameters.status));
        }
        if asked.kind.is_load() {
            let limit = parameters.balance_max;
            let over = old_balance?.plus(asked.amount).is_none_or(|balance| balance > limit);
            return (limit > Amount::ZERO && over).then_some(Self::BalanceMax { limit });
        }
        Self::broken_by_purchase(parameters, asked)
    }

    fn broken_by_purchase(parameters: &Parameters, asked: &Asked) -> Option<Self> {
        let Parameters { purchase_max, day_total_max, pin_threshold, spent, .. } = *parameters;
        if let Some(on) = Date::from_bytes(parameters.balance_expiry).filter(|expiry| *expiry < asked.date) {
            return Some(Self::BalanceExpired { on });
        }
        if purchase_max > Amount::ZERO && asked.amount > purchase_max {
            return Some(Self::PurchaseMax { limit: purchase_max });
        }
        let same_day = Date::from_bytes(parameters.day).is_some_and(|day| asked.date <= day);
        let spent = if same_day { spent } else { Amount::ZERO };
        if day_total_max > Amount::ZERO && spent.plus(asked.amount).is_none_or(|total| total > day_total_max) {
            return Some(Self::DayTotalMax { limit: day_total_max, spent });
        }
        let pin_needed = pin_threshold > Amount::ZERO && asked.amount > pin_threshold && !asked.pin_verified;
        pin_needed.then_some(Self::PinNeeded { above: pin_threshold })
    }

    pub(super) fn text(self, language: Language) -> String {
        language.of(|| self.english(), || self.chinese())
    }

    fn english(self) -> String {
        match self {
            Self::Status(CardStatus::LOST) => "it is reported lost. Keep it and call the service desk".to_owned(),
            Self::Status(_) => "it is suspended. Send the holder to the service desk".to_owned(),
            Self::BalanceExpired { on } => {
                format!("its balance could be spent until {on}. Send the holder to the service desk")
            }
            Self::BalanceMax { limit } => format!("its balance may be {limit} yuan at most. Load less"),
            Self::PurchaseMax { limit } => {
                format!("one purchase may be {limit} yuan at most. Charge less, or pay another way")
            }
            Self::DayTotalMax { limit, spent } => {
                format!("a day's purchases may be {limit} yuan, {spent} are spent. Pay another way")
            }
            Self::PinNeeded { above } => format!("above {above} yuan the PIN is needed. Ask the holder to enter it"),
        }
    }

    fn chinese(self) -> String {
        match self {
            Self::Status(CardStatus::LOST) => "该卡已挂失。请留下卡片并联系服务台".to_owned(),
            Self::Status(_) => "该卡已暂停使用。请持卡人到服务台办理".to_owned(),
            Self::BalanceExpired { on } => format!("余额有效期至{on}，已过期。请持卡人到服务台办理"),
            Self::BalanceMax { limit } => format!("余额上限为{limit}元。请减少充值金额"),
            Self::PurchaseMax { limit } => format!("单笔限额为{limit}元。请减少金额或换其他方式支付"),
            Self::DayTotalMax { limit, spent } => format!("当日限额{limit}元，已消费{spent}元。请换其他方式支付"),
            Self::PinNeeded { above } => format!("超过{above}元需验证密码。请持卡人输入密码"),
        }
    }
}
