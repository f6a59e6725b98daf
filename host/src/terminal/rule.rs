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
    /// The day's total would be more than allowed, by what was spent before a load with a wrong date set the card's day back.
    DayComesAgain {
        /// What is allowed.
        limit: Amount,
        /// Where the load set it.
        day: Date,
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
    pub(super) when: When,
}

/// Which command refused. INITIALIZE knows no date; what completes it judges everything once more, by its date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum When {
    Initialize,
    Complete,
}

impl Rule {
    /// The first rule that `asked` breaks. The card has judged already; this only says why. A load is judged by the balance
    /// before it.
    pub(super) fn broken(parameters: &Parameters, asked: &Asked, old_balance: Option<Amount>) -> Option<Self> {
        let Asked { kind, amount, .. } = *asked;
        if parameters.status != CardStatus::NORMAL && !kind.is_unload() {
            return Some(Self::Status(parameters.status));
        }
        match kind {
            Kind::LoadEd | Kind::LoadEp => {
                let limit = parameters.balance_max;
                let over = old_balance?.plus(amount).is_none_or(|balance| balance > limit);
                (limit > Amount::ZERO && over).then_some(Self::BalanceMax { limit })
            }
            Kind::PurchaseEd | Kind::PurchaseEp | Kind::Capp | Kind::CashWithdraw => {
                Self::broken_by_purchase(parameters, asked)
            }
            Kind::Undo | Kind::UnloadEd | Kind::UnloadEp | Kind::Overdraft => None,
        }
    }

    fn broken_by_purchase(parameters: &Parameters, asked: &Asked) -> Option<Self> {
        let Parameters { purchase_max, day_total_max, pin_threshold, .. } = *parameters;
        if purchase_max > Amount::ZERO && asked.amount > purchase_max {
            return Some(Self::PurchaseMax { limit: purchase_max });
        }
        let spent = match asked.when {
            When::Initialize => Amount::ZERO,
            When::Complete => spent_on(parameters, asked.date),
        };
        if day_total_max > Amount::ZERO && spent.plus(asked.amount).is_none_or(|total| total > day_total_max) {
            return Some(Self::DayTotalMax { limit: day_total_max, spent });
        }
        if pin_threshold > Amount::ZERO && asked.amount > pin_threshold && !asked.pin_verified {
            return Some(Self::PinNeeded { above: pin_threshold });
        }
        let expiry = Date::from_bytes(parameters.balance_expiry).filter(|_| asked.when == When::Complete)?;
        let after_its_day = Date::from_bytes(parameters.day).is_some_and(|day| expiry < day);
        (expiry < asked.date || after_its_day).then_some(Self::BalanceExpired { on: expiry })
    }

    /// What is left for a card to mean that enforces its rules and refused where none is [broken](Self::broken): it
    /// remembers a day that it does not show.
    pub(super) fn remembered(parameters: &Parameters, asked: &Asked) -> Option<Self> {
        let limit = parameters.day_total_max;
        let spends = matches!(asked.kind, Kind::PurchaseEd | Kind::PurchaseEp | Kind::Capp | Kind::CashWithdraw);
        let day = Date::from_bytes(parameters.day).filter(|day| *day < asked.date)?;
        let counts = spends && asked.when == When::Complete && limit > Amount::ZERO;
        counts.then_some(Self::DayComesAgain { limit, day })
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
            Self::DayComesAgain { limit, day } => format!(
                "a day's purchases may be {limit} yuan, and before a load set its day back to {day} it had spent too much of \
                 that. Pay another way, and check the load station's clock"
            ),
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
            Self::DayComesAgain { limit, day } => format!(
                "当日限额{limit}元：充值曾把卡内日期调回{day}，此前已消费的仍然计入。请换其他方式支付，并检查充值点的时钟"
            ),
            Self::PinNeeded { above } => format!("超过{above}元需验证密码。请持卡人输入密码"),
        }
    }
}

/// What counts as spent already on `date`: a later date than the card's own day begins from nothing.
fn spent_on(parameters: &Parameters, date: Date) -> Amount {
    let counts = Date::from_bytes(parameters.day).is_some_and(|day| date <= day);
    if counts { parameters.spent } else { Amount::ZERO }
}
