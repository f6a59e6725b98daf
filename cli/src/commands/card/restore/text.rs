//! What was restored, and what was not.

use std::fmt;

use onecard_wire::{
    amount::Amount,
    number::ApplicationSerial,
    record::{AccessRight, CardStatus},
};
use serde::Serialize;

use super::archive::Archive;
use crate::{
    ending::Bilingual,
    people::holder_text,
    table::{pairs, wrapped},
};

/// A new card in the place of an old one.
#[derive(Serialize)]
pub(super) struct Restored {
    serial: String,
    old_serial: String,
    holder: String,
    access_rights: usize,
    rights_withdrawn: usize,
    capp_records: usize,
    keys: usize,
    not_restored: Vec<Bilingual>,
    next: Vec<Bilingual>,
}

impl Restored {
    pub(super) fn of(
        serial: ApplicationSerial,
        archive: &Archive,
        rights: &[Option<AccessRight>],
        rights_withdrawn: usize,
    ) -> Self {
        Self {
            serial: serial.to_string(),
            old_serial: archive.public_data.serial.to_string(),
            holder: holder_text(&archive.holder.name),
            access_rights: rights.iter().flatten().count(),
            rights_withdrawn,
            capp_records: archive.capp_records.len(),
            keys: archive.keys.len(),
            not_restored: not_restored(archive),
            next: next(archive),
        }
    }
}

fn not_restored(archive: &Archive) -> Vec<Bilingual> {
    let records = archive.log_records;
    let mut texts = vec![
        Bilingual {
            english: "money: the new card holds nothing, for a balance that was only read proves nothing".to_owned(),
            chinese: "余额：新卡余额为零，仅读出的余额不能作为凭证".to_owned(),
        },
        Bilingual {
            english: "transaction sequences and what was spent on the card's day: they begin anew".to_owned(),
            chinese: "交易序号和当日累计：从头开始".to_owned(),
        },
        Bilingual {
            english: format!("logs, records: {records}. The archive keeps them, a card writes its own"),
            chinese: format!("明细和记录（{records}条）：保留在档案中，卡内记录只能由卡写入"),
        },
        Bilingual { english: "the PIN: it is the new one".to_owned(), chinese: "密码：使用新密码".to_owned() },
    ];
    if archive.parameters.status == CardStatus::LOST {
        texts.push(Bilingual {
            english: "the status lost, which is the old card's".to_owned(),
            chinese: "挂失状态：属于旧卡".to_owned(),
        });
    }
    if !archive.proven {
        texts.push(Bilingual {
            english: "proof: the archive was read without --sam, so its holder and limits are unproven: compare them with the \
                      records"
                .to_owned(),
            chinese: "凭证：档案未用--sam读取，持卡人和限额未经验证，请与记录核对".to_owned(),
        });
    }
    texts
}

/// Money, and what the old card may still do.
fn next(archive: &Archive) -> Vec<Bilingual> {
    let mut texts = Vec::new();
    for purse in &archive.purses {
        let deposit = purse.purse == "ED";
        let option = if deposit { " --deposit" } else { "" };
        if let Some(balance) = purse.balance_fen.filter(|fen| *fen > 0).map(Amount::from_fen) {
            texts.push(Bilingual {
                english: format!(
                    "The archive tells {balance} yuan: `onecard card unload OLD --all{option}`, and what it pays out by `onecard \
                     card recharge NEW{option}`. If the old card cannot be read, by the records of issuer and terminals."
                ),
                chinese: format!(
                    "档案余额{balance}元：先用`onecard card unload OLD --all{option}`退出，再用`onecard card recharge \
                     NEW{option}`充入。旧卡无法读取时按发卡方和终端记录办理。"
                ),
            });
        }
        if let Some(limit) = purse.overdraft_fen.filter(|fen| deposit && *fen > 0).map(Amount::from_fen) {
            texts.push(Bilingual {
                english: format!("`onecard card overdraft NEW {limit}` sets the overdraft limit again."),
                chinese: format!("用`onecard card overdraft NEW {limit}`重设透支限额。"),
            });
        }
    }
    texts.push(Bilingual {
        english:
            "`onecard card block OLD --for-good`, and put the old number on the blacklist: two cards must not open one \
                  member's doors."
                .to_owned(),
        chinese:
            "用`onecard card block OLD --for-good`永久锁定旧卡，并将旧卡号列入黑名单：同一成员不得有两张可用的卡。"
                .to_owned(),
    });
    texts
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let withdrawn = match self.rights_withdrawn {
            0 => String::new(),
            count => format!(", left out by the deny list 拒绝名单排除: {count}"),
        };
        f.write_str(&pairs([
            ("new card 新卡号", self.serial.clone()),
            ("old card 旧卡号", self.old_serial.clone()),
            ("holder 持卡人", self.holder.clone()),
            ("access rights 门禁权限", format!("{}{withdrawn}", self.access_rights)),
            ("compound-purchase records 复合消费记录", self.capp_records.to_string()),
            ("keys 密钥", self.keys.to_string()),
        ]))?;
        for (title, texts) in [("Not restored 未恢复", &self.not_restored), ("Next 处理", &self.next)] {
            writeln!(f, "\n{title}:")?;
            for Bilingual { english, chinese } in texts.iter() {
                // A mark in the margin of each.
                f.write_str(&wrapped(english, 4).replacen("    ", "  - ", 1))?;
                f.write_str(&wrapped(chinese, 4))?;
            }
        }
        Ok(())
    }
}
