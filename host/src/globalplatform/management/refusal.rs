//! What a status word means as the answer to a command of card management, and what to do.

use core::fmt;

use onecard_wire::status::StatusWord;

use crate::apdu::Meaning;

/// A command, as the standard names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ManagementCommand {
    /// GET DATA.
    GetData,
    /// GET STATUS.
    GetStatus,
    /// SET STATUS.
    SetStatus,
    /// INSTALL.
    Install,
    /// DELETE of an application or a load file.
    Delete,
    /// DELETE of keys.
    DeleteKeys,
    /// PUT KEY.
    PutKey,
    /// STORE DATA.
    StoreData,
}

/// A refusal: the word, what it means to that command, and the next step. Nothing changed on the card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ManagementRefusal {
    /// What was asked.
    pub command: ManagementCommand,
    /// What was answered.
    pub status: StatusWord,
}

impl ManagementRefusal {
    /// What the word means to the command, in both languages; `None` if it has no meaning for it.
    #[must_use]
    pub fn meaning(&self) -> Option<Meaning> {
        let all = match self.command {
            ManagementCommand::GetData => GET_DATA,
            ManagementCommand::GetStatus => GET_STATUS,
            ManagementCommand::SetStatus => SET_STATUS,
            ManagementCommand::Install => INSTALL,
            ManagementCommand::Delete => DELETE,
            ManagementCommand::DeleteKeys => DELETE_KEYS,
            ManagementCommand::PutKey => PUT_KEY,
            ManagementCommand::StoreData => STORE_DATA,
        };
        all.iter().chain(EVERY).find_map(|(word, meaning)| (*word == self.status).then_some(*meaning))
    }
}

impl core::error::Error for ManagementRefusal {}

impl fmt::Display for ManagementCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GetData => "GET DATA",
            Self::GetStatus => "GET STATUS",
            Self::SetStatus => "SET STATUS",
            Self::Install => "INSTALL",
            Self::Delete => "DELETE",
            Self::DeleteKeys => "DELETE of keys",
            Self::PutKey => "PUT KEY",
            Self::StoreData => "STORE DATA",
        })
    }
}

impl fmt::Display for ManagementRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, status } = self;
        match self.meaning() {
            Some(Meaning { english, chinese }) => {
                write!(f, "the card answered {:04X} to {command}: {english} {chinese}", status.0)
            }
            None => write!(f, "the card answered {status} to {command}: see its manual, or use another card"),
        }
    }
}

macro_rules! table {
    ($name:ident: $($word:ident $english:literal $chinese:literal;)*) => {
        const $name: &[(StatusWord, Meaning)] =
            &[$((StatusWord::$word, Meaning { english: $english, chinese: $chinese })),*];
    };
}

table! { GET_DATA:
    DATA_NOT_FOUND "it has no such data" "卡上无此数据";
    FILE_NOT_FOUND "it has no such data" "卡上无此数据";
}
table! { GET_STATUS:
    DATA_NOT_FOUND "it has nothing of this kind" "卡上无此类对象";
    WRONG_DATA "it does not take this search; ask without an AID" "不支持的查询条件";
}
table! { SET_STATUS:
    DATA_NOT_FOUND "it has no such application; `gp list` shows those it has" "卡上无此应用";
    FILE_NOT_FOUND "it has no such application; `gp list` shows those it has" "卡上无此应用";
    CONDITIONS_NOT_SATISFIED "not from its present state; `gp list` shows it" "当前状态不允许";
    WRONG_P1P2 "it has no such state" "卡上无此状态";
    WRONG_DATA "not from its present state; `gp list` shows it" "当前状态不允许";
}
table! { INSTALL:
    WRONG_DATA "the application is there already, or its parameters are wrong; `gp list` shows what is there" "应用已存在或参数错误";
    NOT_ENOUGH_SPACE "its memory is full; delete an application first" "卡片空间不足，请先删除应用";
    MEMORY_FAILURE "its memory failed; exchange the card" "卡片存储器故障，请换卡";
    DATA_NOT_FOUND "it has no such load file or module, so it is no one-card" "卡上无此程序包";
    FILE_NOT_FOUND "it has no such load file or module, so it is no one-card" "卡上无此程序包";
    CONDITIONS_NOT_SATISFIED "not in its present state; `gp info` shows it" "当前状态不允许";
    SECURITY_NOT_SATISFIED "it asks for a session, or a key came out other than its check value: look for a wrong Key-DEK" "需安全通道，或密钥校验值不符";
}
table! { DELETE:
    DATA_NOT_FOUND "it has no such application; `gp list` shows those it has" "卡上无此应用";
    FILE_NOT_FOUND "it has no such application; `gp list` shows those it has" "卡上无此应用";
    CONDITIONS_NOT_SATISFIED "it is part of the card, or in use (take the phone from the terminal), or the card is locked" "卡片自带、正在使用或已锁卡";
    WRONG_DATA "it does not let this be deleted" "该对象不可删除";
}
table! { DELETE_KEYS:
    DATA_NOT_FOUND "it has no such key set; `gp info` shows those it has" "卡上无此密钥";
    FILE_NOT_FOUND "it has no such key set; `gp info` shows those it has" "卡上无此密钥";
    CONDITIONS_NOT_SATISFIED "it is the last set that opens sessions, so put another first; or the card is locked" "最后一组可用密钥，或已锁卡";
    WRONG_DATA "it does not let this be deleted" "该密钥不可删除";
}
table! { PUT_KEY:
    WRONG_DATA "the version is there already (replace it by --replace), or the keys are not of a kind or length it takes" "密钥版本已存在，或类型、长度不符";
    KEY_NOT_FOUND "it has no key set of the version to be replaced; `gp info` shows those it has" "卡上无待替换的密钥版本";
    NOT_ENOUGH_SPACE "it has no room for a further key set; delete one, or replace one" "密钥空间已满";
    CONDITIONS_NOT_SATISFIED "no set would open sessions any more, or the new one's counter is used up; or the card is locked" "将无可用密钥、计数器用尽或已锁卡";
    SECURITY_NOT_SATISFIED "a key came out other than its check value, so look for a wrong Key-DEK; or it ended the session" "密钥校验值不符，请检查Key-DEK";
}
table! { STORE_DATA:
    WRONG_DATA "it does not take such data" "不支持的数据";
    DATA_NOT_FOUND "it has no such data" "卡上无此数据";
    NOT_ENOUGH_SPACE "it has no room for them" "卡片空间不足";
    CONDITIONS_NOT_SATISFIED "the application takes no data from its domain" "该应用不接受数据";
}
table! { EVERY:
    WRONG_LENGTH "wrong length" "长度错误";
    CONDITIONS_NOT_SATISFIED "not in its present state; `gp info` shows it" "当前状态不允许";
    SECURITY_NOT_SATISFIED "it asks for a session, or has ended this one; open one with its keys" "需先建立安全通道";
    WRONG_P1P2 "it does not do it this way" "不支持的参数";
    INS_NOT_SUPPORTED "it does not know the command" "不支持的命令";
    CLA_NOT_SUPPORTED "it does not know commands of this class; select the issuer domain" "不支持的命令类别";
    CHANNEL_NOT_SUPPORTED "the logical channel is not open" "逻辑通道未打开";
    EXECUTION_ERROR "it failed, and nothing changed; try again" "执行错误，未改变";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_word_means_something_else_to_another_command() {
        let shown = |command, status| ManagementRefusal { command, status }.to_string();
        let install = shown(ManagementCommand::Install, StatusWord::WRONG_DATA);
        assert!(install.contains("6A80") && install.contains("INSTALL") && install.contains("已存在"), "{install}");
        let delete = shown(ManagementCommand::Delete, StatusWord::CONDITIONS_NOT_SATISFIED);
        assert!(
            delete.contains("in use")
                && !shown(ManagementCommand::Install, StatusWord::CONDITIONS_NOT_SATISFIED).contains("in use")
        );
        assert!(shown(ManagementCommand::PutKey, StatusWord(0x9485)).contains("9485"));
        let last = shown(ManagementCommand::DeleteKeys, StatusWord::CONDITIONS_NOT_SATISFIED);
        assert!(last.contains("DELETE of keys") && last.contains("last set"), "{last}");
        assert!(shown(ManagementCommand::PutKey, StatusWord::WRONG_DATA).contains("there already"));
        assert!(shown(ManagementCommand::PutKey, StatusWord::SECURITY_NOT_SATISFIED).contains("Key-DEK"));
        assert!(shown(ManagementCommand::Delete, StatusWord::WRONG_LENGTH).contains("wrong length"));
    }
}
