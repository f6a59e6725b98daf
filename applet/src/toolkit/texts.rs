//! What the menu says, in Chinese and in English.

/// A language of the menu.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    Chinese,
    English,
}

impl Language {
    /// Its ISO 639-1 code.
    pub(super) const fn letters(self) -> &'static [u8; 2] {
        match self {
            Self::Chinese => b"zh",
            Self::English => b"en",
        }
    }
}

macro_rules! labels {
    ($($label:ident = $chinese:literal, $english:literal;)*) => {
        /// A text.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Label {
            $(#[doc = $english] $label,)*
        }

        impl Label {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$label),*];

            pub(super) const fn text(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$label, Language::Chinese) => $chinese,
                    (Self::$label, Language::English) => $english,)*
                }
            }
        }
    };
}

labels! {
    Title = "一卡通", "One Card";
    Balance = "余额", "Balance";
    CardInformation = "卡片信息", "Card information";
    Transactions = "交易记录", "Last transactions";
    Delete = "注销应用", "Delete application";
    LanguageChoice = "语言", "Language";
    ChooseEnterprise = "选择企业", "Choose enterprise";
    More = "更多", "More";
    FollowPhone = "跟随手机", "As the phone";
    Chinese = "中文", "Chinese";
    English = "English", "English";
    ConfirmDelete = "确认注销", "Delete";
    Cancel = "取消", "Cancel";
    EnterPassword = "请输入服务密码（4至8位数字）", "Service password (4 to 8 digits)";
    Sending = "正在发送注销申请", "Sending the request";

    Purse = "电子钱包", "Purse";
    Deposit = "电子存折", "Deposit";
    OverdraftIncluded = "含透支额度", "overdraft included";
    Yuan = "元", "yuan";
    BalanceUntil = "余额有效期至", "Balance valid until";
    BalanceNeverExpires = "余额长期有效", "Balance does not expire";
    BalanceExpired = "余额已过期", "Balance has expired";
    Serial = "序列号", "Serial";
    Validity = "有效期", "Valid";
    To = "至", "to";
    State = "状态", "State";

    Normal = "正常", "normal";
    NotIssued = "未启用", "not yet issued";
    NotYetValid = "未到有效期", "not yet valid";
    Expired = "已过有效期", "expired";
    Suspended = "已停用", "suspended";
    Lost = "已挂失", "reported lost";
    Blocked = "已锁定", "blocked";
    BlockedForGood = "已永久锁定", "blocked for good";
    LockedByOperator = "已被运营商锁定", "locked by the operator";
    CardLocked = "卡已被运营商锁定", "card locked by the operator";

    Load = "充值", "Recharge";
    Purchase = "消费", "Purchase";
    CashWithdraw = "取现", "Cash";
    Unload = "圈提", "Unload";
    Undo = "消费撤销", "Undo";
    Overdraft = "透支额度", "Overdraft";
    CompoundPurchase = "复合消费", "Compound";
    OtherTransaction = "其他", "Other";

    NoApplication = "卡上没有一卡通应用", "There is no One Card application on this card";
    ApplicationGone = "该应用已不在卡上", "This application is no longer on the card";
    NoTransactions = "没有交易记录", "No transactions yet";
    LanguageChanged = "语言已设置", "Language is set";
    DeleteNotSetUp = "本卡未开通自助注销，请到服务点办理", "Deleting is not set up on this card, please ask the service desk";
    CardLockedNoDelete = "卡已被运营商锁定，不能注销", "The card is locked by the operator, nothing can be deleted";
    CannotDelete = "该应用未启用，不能注销", "This application is not yet issued and cannot be deleted";
    WrongInput = "请输入4至8位数字", "Please enter 4 to 8 digits";
    Sent = "注销申请已发送，办理结果将另行通知", "The request is sent, you will be told the outcome";
    NotSent = "申请没有发出，请稍后再试", "The request was not sent, please try again later";
    WillTryAgain = "网络忙，稍后自动重发", "Busy, it will be sent again by itself";
    EarlierFirst = "上次申请尚待自动重发，请稍后再试", "An earlier request will be sent again first, please try again later";
    Deleted = "应用已注销，余额由企业退还", "The application is deleted, its balance is paid back by the enterprise";
    WrongPassword = "服务密码错误，应用未注销", "Wrong service password, nothing was deleted";
    PasswordLocked = "服务密码已锁定，请到服务点办理", "The service password is locked, please ask the service desk";
    NotDeleted = "应用未能注销，请到服务点办理", "Nothing was deleted, please ask the service desk";
    NotOnThisPhone = "本手机不支持此功能", "This phone cannot do that";

    HelpTitle = "查询一卡通余额、卡片信息和交易记录，注销应用", "Balance, card information and transactions of your One Card applications, and how to delete one";
    HelpMenu = "选择要办理的业务", "Choose what you want to do";
    HelpChoose = "按企业编号选择应用", "Each enterprise has one application, named by the enterprise's number";
    HelpPassword = "服务密码由发卡企业提供，不是卡片密码", "The service password is given by the enterprise, it is not the card's PIN";
    HelpConfirm = "注销后应用和余额从卡上删除，余额由企业退还", "The application is removed from the card, its balance is paid back by the enterprise";
    HelpLanguage = "选择菜单语言", "Choose the language of this menu";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolkit::alphabet::{Coding, coding};

    /// The most bytes a text takes in DISPLAY TEXT beside all else.
    const BYTES_MAX: usize = 240;

    #[test]
    fn english_is_of_the_default_alphabet_and_chinese_of_two_bytes_each() {
        for label in Label::ALL {
            let (chinese, english) = (label.text(Language::Chinese), label.text(Language::English));
            assert_eq!(coding(english), Coding::Default, "{english}");
            assert!(english.chars().count() <= BYTES_MAX && !english.is_empty(), "{english}");
            assert!(chinese.chars().all(|character| character.len_utf16() == 1), "{chinese}");
            assert!(2 * chinese.chars().count() <= BYTES_MAX && !chinese.is_empty(), "{chinese}");
            assert!(coding(chinese) == Coding::Ucs2 || chinese == "English", "{chinese}");
        }
    }
}
