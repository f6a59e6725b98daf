//! What a status word means as the answer to one command, in a cashier's words.
//!
//! The same word says different things to different commands: 6901 to DEBIT is "begin again", 6A81 to SELECT is
//! "this application is blocked". The lists are those of the FMCOS 2.0 user manual (p. 49 to 123), PBOC PSAM for the
//! SAM's commands, and profile §3 and §4 for what is this profile's own.

use core::fmt;

use onecard_wire::status::StatusWord;

/// A command, as its standard names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CommandName {
    /// SELECT.
    Select,
    /// READ BINARY and READ RECORD.
    Read,
    /// UPDATE BINARY, UPDATE RECORD and APPEND RECORD.
    Write,
    /// GET CHALLENGE.
    GetChallenge,
    /// EXTERNAL AUTHENTICATE.
    ExternalAuthenticate,
    /// INTERNAL AUTHENTICATE.
    InternalAuthenticate,
    /// VERIFY PIN and CHANGE PIN.
    Verify,
    /// RELOAD PIN and PIN UNBLOCK.
    ReplacePin,
    /// APPLICATION BLOCK, APPLICATION UNBLOCK and CARD BLOCK.
    Block,
    /// CREATE FILE.
    CreateFile,
    /// WRITE KEY.
    WriteKey,
    /// ERASE DF.
    EraseDf,
    /// GET BALANCE.
    GetBalance,
    /// INITIALIZE FOR LOAD.
    InitializeForLoad,
    /// CREDIT FOR LOAD.
    CreditForLoad,
    /// INITIALIZE FOR PURCHASE, CASH WITHDRAW and CAPP PURCHASE.
    InitializeForPurchase,
    /// UPDATE CAPP DATA CACHE.
    UpdateCappDataCache,
    /// DEBIT FOR PURCHASE, CASH WITHDRAW and CAPP PURCHASE.
    DebitForPurchase,
    /// INITIALIZE FOR UNDO (own).
    InitializeForUndo,
    /// DEBIT FOR UNDO (own).
    DebitForUndo,
    /// INITIALIZE FOR UNLOAD.
    InitializeForUnload,
    /// DEBIT FOR UNLOAD.
    DebitForUnload,
    /// INITIALIZE FOR UPDATE.
    InitializeForUpdate,
    /// UPDATE OVERDRAW LIMIT.
    UpdateOverdrawLimit,
    /// GET TRANSACTION PROVE.
    GetTransactionProve,
    /// INIT_SAM_FOR_PURCHASE and its forms for an undo and a load (own).
    InitSam,
    /// CREDIT_SAM_FOR_PURCHASE and the check of a past MAC2 (own).
    CreditSam,
    /// INIT_FOR_DESCRYPT and DES CRYPT.
    DesCrypt,
}

/// A short text in both languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// English.
    pub english: &'static str,
    /// 简体中文.
    pub chinese: &'static str,
}

/// What `status` means as the answer to `command`; `None` if that command has no meaning for it.
#[must_use]
pub fn meaning(command: CommandName, status: StatusWord) -> Option<Meaning> {
    if status.tries().is_some() && matches!(command, CommandName::Verify | CommandName::ExternalAuthenticate) {
        return Some(WRONG_TRY);
    }
    meanings(command).iter().find_map(|(word, meaning)| (*word == status).then_some(*meaning))
}

/// A refusal as a cashier reads it: the word, and what it means to that command (to any, if that one has no meaning for
/// it).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What was asked.
    pub command: CommandName,
    /// What was answered.
    pub status: StatusWord,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let general = self.status.meaning();
        let english = meaning(self.command, self.status).map_or(general, |meaning| meaning.english);
        write!(f, "{:04X} ({english})", self.status.0)
    }
}

/// Every word `command` can answer beside 9000 and 63Cx.
#[must_use]
pub fn meanings(command: CommandName) -> &'static [(StatusWord, Meaning)] {
    match command {
        CommandName::Select => SELECT,
        CommandName::Read => READ,
        CommandName::Write => WRITE,
        CommandName::GetChallenge => GET_CHALLENGE,
        CommandName::ExternalAuthenticate => EXTERNAL_AUTHENTICATE,
        CommandName::InternalAuthenticate => INTERNAL_AUTHENTICATE,
        CommandName::Verify => VERIFY,
        CommandName::ReplacePin => REPLACE_PIN,
        CommandName::Block => BLOCK,
        CommandName::CreateFile => CREATE_FILE,
        CommandName::WriteKey => WRITE_KEY,
        CommandName::EraseDf => ERASE_DF,
        CommandName::GetBalance => GET_BALANCE,
        CommandName::InitializeForLoad => INITIALIZE_FOR_LOAD,
        CommandName::CreditForLoad => CREDIT_FOR_LOAD,
        CommandName::InitializeForPurchase => INITIALIZE_FOR_PURCHASE,
        CommandName::UpdateCappDataCache => UPDATE_CAPP_DATA_CACHE,
        CommandName::DebitForPurchase => DEBIT_FOR_PURCHASE,
        CommandName::InitializeForUndo => INITIALIZE_FOR_UNDO,
        CommandName::DebitForUndo => DEBIT_FOR_UNDO,
        CommandName::InitializeForUnload => INITIALIZE_FOR_UNLOAD,
        CommandName::DebitForUnload => DEBIT_FOR_UNLOAD,
        CommandName::InitializeForUpdate => INITIALIZE_FOR_UPDATE,
        CommandName::UpdateOverdrawLimit => UPDATE_OVERDRAW_LIMIT,
        CommandName::GetTransactionProve => GET_TRANSACTION_PROVE,
        CommandName::InitSam => INIT_SAM,
        CommandName::CreditSam => CREDIT_SAM,
        CommandName::DesCrypt => DES_CRYPT,
    }
}

/// 63Cx.
const WRONG_TRY: Meaning = Meaning {
    english: "wrong; the last digit says how many tries are left",
    chinese: "校验错误，末位为剩余次数",
};

macro_rules! table {
    ($name:ident: $($word:ident $english:literal $chinese:literal;)*) => {
        const $name: &[(StatusWord, Meaning)] =
            &[$((StatusWord::$word, Meaning { english: $english, chinese: $chinese })),*];
    };
}

table! { SELECT:
    FILE_INVALIDATED "the application is invalidated: service desk" "应用已失效，请到服务台";
    WRONG_LENGTH "the name has a wrong length" "名称长度错误";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked: service desk" "应用或卡片已锁定，请到服务台";
    FILE_NOT_FOUND "no such application or file on this card" "卡上无此应用或文件";
    WRONG_P1P2 "the card does not select this way" "不支持的选择方式";
    PERMANENTLY_BLOCKED "the application is blocked for good: issue a new card" "应用已永久锁定，请换卡";
}
table! { READ:
    WRONG_LENGTH "wrong length" "长度错误";
    WRONG_FILE_KIND "the file is of another kind" "文件类型不符";
    SECURITY_NOT_SATISFIED "reading needs the PIN or a MAC" "读取需先校验密码或MAC";
    NO_CHALLENGE "no challenge was fetched before" "未取随机数";
    SM_DATA_WRONG "the reader's MAC is wrong: wrong maintenance key" "MAC错误，维护密钥不符";
    PERMANENTLY_BLOCKED "the application is blocked for good" "应用已永久锁定";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked" "应用或卡片已锁定";
    FILE_NOT_FOUND "no such file" "文件不存在";
    RECORD_NOT_FOUND "no such record" "记录不存在";
    WRONG_OFFSET "the offset lies outside the file" "偏移超出文件";
    CONDITIONS_NOT_SATISFIED "no challenge was fetched before, or not possible here" "未取随机数或条件不满足";
}
table! { WRITE:
    MEMORY_FAILURE "the card's memory failed: exchange the card" "卡片存储器故障，请换卡";
    WRONG_LENGTH "wrong length" "长度错误";
    WRONG_FILE_KIND "the file is of another kind" "文件类型不符";
    SECURITY_NOT_SATISFIED "writing is not allowed in this state" "当前状态不允许写入";
    NO_CHALLENGE "no challenge was fetched before" "未取随机数";
    SM_DATA_MISSING "writing needs a MAC" "写入需带MAC";
    SM_DATA_WRONG "the MAC is wrong: wrong key, nothing was written" "MAC错误，未写入";
    PERMANENTLY_BLOCKED "the application is blocked for good" "应用已永久锁定";
    AUTHENTICATION_BLOCKED "the maintenance key is blocked" "维护密钥已锁定";
    MAC_WRONG "the MAC is wrong: wrong key, nothing was written" "MAC错误，未写入";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked" "应用或卡片已锁定";
    FILE_NOT_FOUND "no such file" "文件不存在";
    RECORD_NOT_FOUND "no such record" "记录不存在";
    NOT_ENOUGH_SPACE "no room in the file" "文件空间不足";
    WRONG_OFFSET "the offset lies outside the file" "偏移超出文件";
    CONDITIONS_NOT_SATISFIED "no challenge was fetched before, or not possible here" "未取随机数或条件不满足";
}
table! { GET_CHALLENGE:
    WRONG_LENGTH "the card gives 4 or 8 random bytes only" "随机数长度只能为4或8";
    FUNCTION_NOT_SUPPORTED "the card is blocked" "卡片已锁定";
}
table! { EXTERNAL_AUTHENTICATE:
    WRONG_LENGTH "wrong length" "长度错误";
    WRONG_FILE_KIND "the key is not for this" "密钥用途不符";
    SECURITY_NOT_SATISFIED "the key may not be used in this state" "当前状态不可用该密钥";
    AUTHENTICATION_BLOCKED "the key is blocked" "密钥已锁定";
    NO_CHALLENGE "no challenge was fetched before" "未取随机数";
    CONDITIONS_NOT_SATISFIED "no challenge was fetched before" "未取随机数";
    SM_DATA_WRONG "wrong key" "密钥错误";
    FILE_NOT_FOUND "the directory has no key file" "无密钥文件";
    KEY_NOT_FOUND "no such key" "无此密钥";
    MAC_WRONG "wrong key" "密钥错误";
}
table! { INTERNAL_AUTHENTICATE:
    WRONG_LENGTH "wrong length" "长度错误";
    WRONG_FILE_KIND "the key is not for this" "密钥用途不符";
    SECURITY_NOT_SATISFIED "the key may not be used in this state" "当前状态不可用该密钥";
    CONDITIONS_NOT_SATISFIED "the card is suspended or lost: service desk" "卡片已挂失或暂停，请到服务台";
    FILE_NOT_FOUND "the directory has no key file" "无密钥文件";
    KEY_NOT_FOUND "no such key" "无此密钥";
}
table! { VERIFY:
    WRONG_LENGTH "a PIN has 2 to 6 bytes" "密码长度错误";
    SECURITY_NOT_SATISFIED "the PIN may not be used in this state" "当前状态不可校验密码";
    AUTHENTICATION_BLOCKED "the PIN is blocked: service desk" "密码已锁定，请到服务台";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked" "应用或卡片已锁定";
    FILE_NOT_FOUND "the directory has no key file" "无密钥文件";
    NO_SUCH_KEY "the application has no PIN" "应用未设密码";
    KEY_NOT_FOUND "the application has no PIN" "应用未设密码";
}
table! { REPLACE_PIN:
    WRONG_LENGTH "a PIN has 2 to 6 bytes" "密码长度错误";
    SECURITY_NOT_SATISFIED "not allowed in this state" "当前状态不允许";
    AUTHENTICATION_BLOCKED "the key for it is blocked" "密钥已锁定";
    SM_DATA_WRONG "the MAC is wrong: wrong key" "MAC错误";
    MAC_WRONG "the MAC is wrong: wrong key" "MAC错误";
    PERMANENTLY_BLOCKED "the application is blocked for good" "应用已永久锁定";
    NO_SUCH_KEY "the application lacks the key for it" "应用无此密钥";
    CONDITIONS_NOT_SATISFIED "no challenge was fetched before, or not possible here" "未取随机数或条件不满足";
}
table! { BLOCK:
    SECURITY_NOT_SATISFIED "not allowed in this state" "当前状态不允许";
    AUTHENTICATION_BLOCKED "the maintenance key is blocked" "维护密钥已锁定";
    NO_CHALLENGE "no challenge was fetched before" "未取随机数";
    WRONG_P1P2 "no such kind of block" "锁定方式错误";
    SM_DATA_WRONG "the MAC is wrong: wrong maintenance key" "MAC错误，维护密钥不符";
    PERMANENTLY_BLOCKED "the application is blocked for good: issue a new card" "应用已永久锁定，请换卡";
    CONDITIONS_NOT_SATISFIED "no challenge was fetched before, or not possible here" "未取随机数或条件不满足";
}
table! { CREATE_FILE:
    WRONG_LENGTH "wrong length" "长度错误";
    SECURITY_NOT_SATISFIED "creating needs the control key" "建立文件需先认证主控密钥";
    WRONG_DATA "the file's parameters are not possible" "文件参数错误";
    NOT_ENOUGH_SPACE "no room on the card" "卡片空间不足";
    WRONG_P1P2 "the file exists already" "文件已存在";
}
table! { WRITE_KEY:
    WRONG_LENGTH "the key's length is wrong" "密钥长度错误";
    SECURITY_NOT_SATISFIED "writing keys needs the control key" "写密钥需主控密钥";
    AUTHENTICATION_BLOCKED "the control key is blocked" "主控密钥已锁定";
    NO_CHALLENGE "no challenge was fetched before" "未取随机数";
    FILE_NOT_FOUND "the directory has no key file" "无密钥文件";
    NOT_ENOUGH_SPACE "the key file is full" "密钥文件已满";
    KEY_NOT_FOUND "no such key to replace, or no control key" "无此密钥";
    MAC_WRONG "the MAC is wrong: wrong control key, nothing was written" "MAC错误，主控密钥不符，未写入";
    CONDITIONS_NOT_SATISFIED "no challenge was fetched before, or not possible here" "未取随机数或条件不满足";
}
table! { ERASE_DF:
    SECURITY_NOT_SATISFIED "erasing needs the control key" "擦除需先认证主控密钥";
    MEMORY_FAILURE "the card's memory failed: exchange the card" "卡片存储器故障，请换卡";
}
table! { GET_BALANCE:
    SECURITY_NOT_SATISFIED "this balance needs the PIN" "查询余额需先校验密码";
    CONDITIONS_NOT_SATISFIED "not possible now" "当前条件不允许";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked: service desk" "应用或卡片已锁定，请到服务台";
    FILE_NOT_FOUND "the card has no such purse" "卡上无此钱包";
}
table! { INITIALIZE_FOR_LOAD:
    WRONG_LENGTH "wrong length" "长度错误";
    SECURITY_NOT_SATISFIED "a recharge needs the PIN" "充值需先校验密码";
    CONDITIONS_NOT_SATISFIED "the card refuses: suspended, lost, or the balance would be too high" "卡片拒绝：已挂失、暂停或余额超限";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked: service desk" "应用或卡片已锁定，请到服务台";
    WRONG_P1P2 "the card has no such purse" "卡上无此钱包";
    FILE_NOT_FOUND "the card has no such purse" "卡上无此钱包";
    PERMANENTLY_BLOCKED "the application is blocked for good: issue a new card" "应用已永久锁定，请换卡";
    COUNTER_AT_MAXIMUM "the card has made all its recharges: issue a new card" "交易计数已满，请换卡";
    NO_SUCH_KEY "the card has no such load key" "卡上无此圈存密钥";
}
table! { CREDIT_FOR_LOAD:
    MEMORY_FAILURE "the card's memory failed: the outcome is open" "卡片存储器故障，结果未知";
    WRONG_LENGTH "wrong length, nothing was credited" "长度错误，未充值";
    NO_TRANSACTION "no recharge is open: begin again, or this one is done already" "无进行中的充值，请重新操作或查询结果";
    CONDITIONS_NOT_SATISFIED "the card refuses, nothing was credited" "卡片拒绝，未充值";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked, nothing was credited" "应用或卡片已锁定，未充值";
    MAC_WRONG "the station's MAC is wrong, nothing was credited" "MAC2错误，未充值";
}
table! { INITIALIZE_FOR_PURCHASE:
    WRONG_LENGTH "wrong length" "长度错误";
    SECURITY_NOT_SATISFIED "this purse needs the PIN" "需先校验密码";
    CONDITIONS_NOT_SATISFIED "the card refuses: suspended, lost, or over one of its limits" "卡片拒绝：已挂失、暂停或超过限额";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked: service desk" "应用或卡片已锁定，请到服务台";
    WRONG_P1P2 "the card has no such purse" "卡上无此钱包";
    FILE_NOT_FOUND "the card has no such purse" "卡上无此钱包";
    PERMANENTLY_BLOCKED "the application is blocked for good: issue a new card" "应用已永久锁定，请换卡";
    AMOUNT_NOT_AVAILABLE "the balance is too low" "余额不足";
    BALANCE_TOO_LOW "the balance is too low" "余额不足";
    COUNTER_AT_MAXIMUM "the card has made all its purchases: issue a new card" "交易计数已满，请换卡";
    NO_SUCH_KEY "the card has no such purchase key" "卡上无此消费密钥";
    GREY_LOCKED "the purse is grey-locked" "钱包已灰锁";
}
table! { DEBIT_FOR_PURCHASE:
    MEMORY_FAILURE "the card's memory failed: the outcome is open" "卡片存储器故障，结果未知";
    WRONG_LENGTH "wrong length, nothing was taken" "长度错误，未扣款";
    NO_TRANSACTION "no purchase is open: begin again, or this one is done already" "无进行中的消费，请重新操作或查询结果";
    CONDITIONS_NOT_SATISFIED "the card refuses: expired or over a limit, nothing was taken" "卡片拒绝：已过期或超限，未扣款";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked, nothing was taken" "应用或卡片已锁定，未扣款";
    MAC_WRONG "the terminal's MAC is wrong: wrong SAM, nothing was taken" "MAC1错误，SAM卡不符，未扣款";
    BALANCE_TOO_LOW "the balance is too low, nothing was taken" "余额不足，未扣款";
}
table! { UPDATE_CAPP_DATA_CACHE:
    WRONG_LENGTH "wrong length" "长度错误";
    NO_TRANSACTION "no compound purchase is open: begin again" "无进行中的复合消费，请重新操作";
    WRONG_FILE_KIND "the file holds no records of this kind" "文件类型不符";
    SECURITY_NOT_SATISFIED "writing the record is not allowed" "不允许写该记录";
    CONDITIONS_NOT_SATISFIED "no compound purchase is open: begin again" "无进行中的复合消费，请重新操作";
    WRONG_DATA "the record is not as the file holds it" "记录格式错误";
    FILE_NOT_FOUND "the card has no file for it" "卡上无此文件";
    RECORD_NOT_FOUND "the card has no such record" "卡上无此记录";
    NOT_ENOUGH_SPACE "the record is longer than the card's" "记录过长";
    RECORD_LOCKED "the record is locked: service desk" "记录已锁定，请到服务台";
}
table! { INITIALIZE_FOR_UNDO:
    WRONG_LENGTH "wrong length" "长度错误";
    SECURITY_NOT_SATISFIED "not allowed in this state" "当前状态不允许";
    CONDITIONS_NOT_SATISFIED "the card refuses: suspended or lost" "卡片拒绝：已挂失或暂停";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked: service desk" "应用或卡片已锁定，请到服务台";
    WRONG_P1P2 "the card cannot undo" "该卡不支持撤销";
    FILE_NOT_FOUND "the card has no such purse" "卡上无此钱包";
    PERMANENTLY_BLOCKED "the application is blocked for good: issue a new card" "应用已永久锁定，请换卡";
    COUNTER_AT_MAXIMUM "the card has made all its purchases: issue a new card" "交易计数已满，请换卡";
    NO_SUCH_KEY "the card has no such cancel key" "卡上无此撤销密钥";
    NO_MAC_AVAILABLE "the card's last transaction is not that purchase" "该卡最后一笔交易不是这笔消费";
}
table! { DEBIT_FOR_UNDO:
    MEMORY_FAILURE "the card's memory failed: the outcome is open" "卡片存储器故障，结果未知";
    WRONG_LENGTH "wrong length, nothing was given back" "长度错误，未撤销";
    NO_TRANSACTION "no undo is open: begin again, or this one is done already" "无进行中的撤销，请重新操作或查询结果";
    CONDITIONS_NOT_SATISFIED "the card refuses, nothing was given back" "卡片拒绝，未撤销";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked, nothing was given back" "应用或卡片已锁定，未撤销";
    MAC_WRONG "the terminal's MAC is wrong: wrong SAM, nothing was given back" "MAC1错误，SAM卡不符，未撤销";
    NO_MAC_AVAILABLE "the card's last transaction is not that purchase" "该卡最后一笔交易不是这笔消费";
}
table! { INITIALIZE_FOR_UNLOAD:
    WRONG_LENGTH "wrong length" "长度错误";
    SECURITY_NOT_SATISFIED "this purse needs the PIN" "需先校验密码";
    CONDITIONS_NOT_SATISFIED "the card refuses" "卡片拒绝";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked: service desk" "应用或卡片已锁定，请到服务台";
    WRONG_P1P2 "the card does not unload this purse" "该卡不支持圈提此钱包";
    FILE_NOT_FOUND "the card has no such purse" "卡上无此钱包";
    PERMANENTLY_BLOCKED "the application is blocked for good: settle it from the records" "应用已永久锁定，请按记录结算";
    AMOUNT_NOT_AVAILABLE "the balance is too low" "余额不足";
    BALANCE_TOO_LOW "the balance is too low" "余额不足";
    COUNTER_AT_MAXIMUM "the card's online counter is at its end" "联机交易计数已满";
    NO_SUCH_KEY "the card has no such unload key" "卡上无此圈提密钥";
}
table! { DEBIT_FOR_UNLOAD:
    MEMORY_FAILURE "the card's memory failed: the outcome is open" "卡片存储器故障，结果未知";
    WRONG_LENGTH "wrong length, nothing was taken" "长度错误，未圈提";
    NO_TRANSACTION "no unload is open: begin again, or this one is done already" "无进行中的圈提，请重新操作或查询结果";
    CONDITIONS_NOT_SATISFIED "the card refuses, nothing was taken" "卡片拒绝，未圈提";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked, nothing was taken" "应用或卡片已锁定，未圈提";
    MAC_WRONG "the desk's MAC is wrong, nothing was taken" "MAC2错误，未圈提";
    BALANCE_TOO_LOW "the balance is too low, nothing was taken" "余额不足，未圈提";
}
table! { INITIALIZE_FOR_UPDATE:
    WRONG_LENGTH "wrong length" "长度错误";
    SECURITY_NOT_SATISFIED "this purse needs the PIN" "需先校验密码";
    CONDITIONS_NOT_SATISFIED "the card refuses: suspended or lost" "卡片拒绝：已挂失或暂停";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked: service desk" "应用或卡片已锁定，请到服务台";
    WRONG_P1P2 "the card has no overdraft" "该卡不支持透支";
    FILE_NOT_FOUND "the card has no such purse" "卡上无此钱包";
    PERMANENTLY_BLOCKED "the application is blocked for good: issue a new card" "应用已永久锁定，请换卡";
    COUNTER_AT_MAXIMUM "the card's online counter is at its end" "联机交易计数已满";
    NO_SUCH_KEY "the card has no such overdraft key" "卡上无此修改透支密钥";
}
table! { UPDATE_OVERDRAW_LIMIT:
    MEMORY_FAILURE "the card's memory failed: the outcome is open" "卡片存储器故障，结果未知";
    WRONG_LENGTH "wrong length, the limit stays" "长度错误，限额未变";
    NO_TRANSACTION "no update is open: begin again, or this one is done already" "无进行中的修改，请重新操作或查询结果";
    CONDITIONS_NOT_SATISFIED "the card refuses: more is overdrawn than the new limit allows" "卡片拒绝：已透支金额超过新限额";
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked, the limit stays" "应用或卡片已锁定，限额未变";
    MAC_WRONG "the desk's MAC is wrong, the limit stays" "MAC2错误，限额未变";
}
table! { GET_TRANSACTION_PROVE:
    FUNCTION_NOT_SUPPORTED "the application or the card is blocked" "应用或卡片已锁定";
    NO_MAC_AVAILABLE "the card made no such transaction, or it is too old" "卡上无此交易或已被覆盖";
}
table! { INIT_SAM:
    WRONG_LENGTH "the SAM diversifies on another number of levels" "SAM卡分散级数不符";
    CONDITIONS_NOT_SATISFIED "the SAM's load limit is used up" "SAM卡充值额度已用完";
    WRONG_DATA "the SAM does not take these data" "数据错误";
    WRONG_P1P2 "this SAM cannot do that" "SAM卡不支持该功能";
    MAC_WRONG "the card's MAC is wrong: not a genuine card" "卡片MAC错误，非本系统卡";
    AMOUNT_NOT_AVAILABLE "the SAM's load limit is used up" "SAM卡充值额度已用完";
    BALANCE_TOO_LOW "the SAM's load limit is used up" "SAM卡充值额度已用完";
    COUNTER_AT_MAXIMUM "the SAM has made all its transactions: exchange it" "SAM卡交易计数已满，请更换";
    NO_SUCH_KEY "the SAM has no key of the card's version" "SAM卡无此版本密钥";
    PERMANENTLY_BLOCKED "the SAM's application is blocked: exchange the SAM" "SAM卡应用已锁定，请更换";
}
table! { CREDIT_SAM:
    NO_TRANSACTION "no transaction is open in the SAM" "SAM卡无进行中的交易";
    WRONG_P1P2 "this SAM cannot do that" "SAM卡不支持该功能";
    MAC_WRONG "the card's MAC is wrong: not a genuine card, or its answer was changed" "卡片MAC错误";
    NO_SUCH_KEY "the SAM has no key of the card's version" "SAM卡无此版本密钥";
    PERMANENTLY_BLOCKED "the SAM's application is blocked: exchange the SAM" "SAM卡应用已锁定，请更换";
}
table! { DES_CRYPT:
    WRONG_LENGTH "wrong length or number of levels" "长度或分散级数错误";
    CONDITIONS_NOT_SATISFIED "no key was prepared, or not for this" "未准备密钥或用途不符";
    WRONG_DATA "the SAM does not let this key be used so" "该密钥不允许此用途";
    NO_SUCH_KEY "the SAM has no such key" "SAM卡无此密钥";
    KEY_NOT_FOUND "the SAM has no such key" "SAM卡无此密钥";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_word_means_something_else_to_another_command() {
        let english = |command, word| meaning(command, word).map(|meaning| meaning.english);
        let select = english(CommandName::Select, StatusWord::FUNCTION_NOT_SUPPORTED);
        let debit = english(CommandName::DebitForPurchase, StatusWord::FUNCTION_NOT_SUPPORTED);
        assert!(select.is_some() && debit.is_some() && select != debit);
        assert_eq!(english(CommandName::Select, StatusWord::MAC_WRONG), None);
        assert!(english(CommandName::Verify, StatusWord::tries_left(2)).is_some());
        let exists = Refusal { command: CommandName::CreateFile, status: StatusWord::WRONG_P1P2 };
        assert_eq!(exists.to_string(), "6A86 (the file exists already)");
    }
}
