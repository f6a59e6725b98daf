//! What the application says of itself: whose it is, its dates, its status, its limits (EF 0015, EF 0017).

use onecard_host::{blacklist::ListVersion, card::Selected};
use onecard_wire::{
    amount::Amount,
    date::Date,
    number::EnterpriseId,
    record::{CardStatus, Parameters},
};

use super::finding::Finding;
use crate::ending::Bilingual;

/// EF 0015 against the enterprise whose application was selected, and `today`.
pub(super) fn of_public_data(application: &Selected, enterprise: EnterpriseId, today: Date) -> Vec<Finding> {
    let data = &application.public_data;
    let mut findings = Vec::new();
    if data.enterprise != enterprise {
        findings.push(other_enterprise(enterprise, data.enterprise));
    }
    if today < data.valid_from {
        findings.push(not_yet_valid(data.valid_from));
    }
    if today > data.valid_to {
        findings.push(expired(data.valid_to));
    }
    if !application.has_own_parts() {
        findings.push(plain_wallet());
    }
    findings
}

/// EF 0017 against `today` and the balance of the purse.
pub(super) fn of_parameters(parameters: &Parameters, balance: Amount, today: Date) -> Vec<Finding> {
    let Parameters { balance_max, day_total_max, spent, .. } = *parameters;
    let mut findings: Vec<Finding> = status(parameters).into_iter().collect();
    let day = Date::from_bytes(parameters.day);
    let counted = day.map_or(today, |day| day.max(today));
    if let Some(expiry) = Date::from_bytes(parameters.balance_expiry).filter(|expiry| *expiry < counted) {
        findings.push(balance_expired(expiry, balance));
    }
    if let Some(day) = day.filter(|day| *day > today) {
        findings.push(clock_ahead(day));
    }
    // Of an earlier day nothing counts any more.
    if day.is_some_and(|day| day >= today) && day_total_max > Amount::ZERO && spent >= day_total_max {
        findings.push(day_limit_reached(day_total_max, spent));
    }
    if balance_max > Amount::ZERO && balance >= balance_max {
        findings.push(balance_full(balance, balance_max));
    }
    findings
}

fn status(parameters: &Parameters) -> Option<Finding> {
    let version = parameters.blacklist_version;
    match parameters.status {
        CardStatus::NORMAL => None,
        CardStatus::SUSPENDED => Some(suspended()),
        CardStatus::LOST if version == [0; 7] => Some(lost()),
        CardStatus::LOST => Some(marked(version)),
        CardStatus(other) => Some(unknown_status(other)),
    }
}

fn other_enterprise(selected: EnterpriseId, named: EnterpriseId) -> Finding {
    Finding::problem(
        "wrong-enterprise-data",
        Bilingual {
            english: format!(
                "The application of enterprise {selected} names enterprise {named} in its public data. Terminals refuse it."
            ),
            chinese: format!("单位{selected}的应用，公共信息中却是单位{named}。终端会拒绝该卡。"),
        },
        Bilingual {
            english: "It was issued wrongly: take it back, and issue a new card.".to_owned(),
            chinese: "该卡发行有误：请收回并换发新卡。".to_owned(),
        },
    )
}

fn not_yet_valid(from: Date) -> Finding {
    Finding::problem(
        "not-yet-valid",
        Bilingual {
            english: format!("The card is valid from {from} only. Until then terminals refuse it."),
            chinese: format!("该卡自{from}起才有效。在此之前终端会拒绝。"),
        },
        Bilingual {
            english: "Check the clock of the terminal that refused it. If that is right, the holder waits, or gets other dates \
                      written at the station."
                .to_owned(),
            chinese: "请核对拒绝该卡的终端时钟。如无误，请持卡人等待，或到发卡站修改有效期。".to_owned(),
        },
    )
}

fn expired(on: Date) -> Finding {
    Finding::problem(
        "expired",
        Bilingual {
            english: format!("The card was valid until {on}. Terminals refuse it, its balance is still there."),
            chinese: format!("该卡有效期至{on}，已过期。终端会拒绝，余额仍在卡上。"),
        },
        Bilingual {
            english:
                "If the membership goes on, have a later date written at the station. If not, pay the balance out and \
                      take the card back."
                    .to_owned(),
            chinese: "如继续使用，请到发卡站延长有效期。否则请退还余额并收回卡片。".to_owned(),
        },
    )
}

fn plain_wallet() -> Finding {
    Finding::note(
        "plain-wallet",
        Bilingual {
            english: "This is a plain FMCOS wallet without this profile's own parts. Its chip enforces neither status nor limits, \
                      terminals do; it lists no keys. A wrong sale is given back by a recharge, not by an undo."
                .to_owned(),
            chinese: "这是普通FMCOS钱包，没有本规范的自有部分。芯片不执行状态和限额，由终端执行；也没有密钥清单。多扣款以充值退回，不能撤销。"
                .to_owned(),
        },
        Bilingual {
            english: "Nothing, unless a lost one has to be stopped: then put it on the blacklist.".to_owned(),
            chinese: "无需处理。如已挂失，请列入黑名单。".to_owned(),
        },
    )
}

fn suspended() -> Finding {
    Finding::problem(
        "suspended",
        Bilingual {
            english: "The card is suspended: it refuses purchases, recharges and doors.".to_owned(),
            chinese: "该卡已暂停：拒绝消费、充值和门禁。".to_owned(),
        },
        Bilingual {
            english: "Find out from the records why. Then `onecard card status CARD normal`.".to_owned(),
            chinese: "请从记录中查明原因。然后用`onecard card status CARD normal`恢复。".to_owned(),
        },
    )
}

fn lost() -> Finding {
    Finding::problem(
        "lost",
        Bilingual {
            english: "The card is reported lost: it refuses purchases, recharges and doors.".to_owned(),
            chinese: "该卡已挂失：拒绝消费、充值和门禁。".to_owned(),
        },
        lost_next(),
    )
}

fn marked(version: [u8; 7]) -> Finding {
    let version = hex::encode_upper(version);
    Finding::problem(
        "blacklisted",
        Bilingual {
            english: format!(
                "A terminal found the card on blacklist version {version} and marked it lost. It refuses purchases, recharges \
                 and doors."
            ),
            chinese: format!("终端发现该卡在黑名单（版本{version}）中，已标记为挂失。该卡拒绝消费、充值和门禁。"),
        },
        lost_next(),
    )
}

fn lost_next() -> Bilingual {
    Bilingual {
        english:
            "Keep the card until you know who presents it. If it is its holder, take it off the blacklist first, then \
                  `onecard card status CARD normal`."
                .to_owned(),
        chinese:
            "请先核实持卡人身份，核实前留下卡片。如为本人，先从黑名单删除，再用`onecard card status CARD normal`解挂。"
                .to_owned(),
    }
}

fn unknown_status(status: u8) -> Finding {
    Finding::problem(
        "unknown-status",
        Bilingual {
            english: format!(
                "The card has status {status:02X}, which this release does not know. It refuses all service."
            ),
            chinese: format!("卡状态为{status:02X}，本版本不认识。该卡拒绝一切业务。"),
        },
        Bilingual {
            english: "Ask whoever wrote it. `onecard card status` sets one that is known.".to_owned(),
            chinese: "请询问写入方。可用`onecard card status`改为已知状态。".to_owned(),
        },
    )
}

fn balance_expired(on: Date, balance: Amount) -> Finding {
    Finding::problem(
        "balance-expired",
        Bilingual {
            english: format!("The balance of {balance} yuan could be spent until {on}. The card refuses purchases."),
            chinese: format!("余额{balance}元有效期至{on}，已过期。该卡拒绝消费。"),
        },
        Bilingual {
            english: "Decide whether the balance is paid out or prolonged. It can still be unloaded; the station writes a later \
                      date."
                .to_owned(),
            chinese: "请确定退还余额还是延期。余额仍可退出；延期由发卡站写入新日期。".to_owned(),
        },
    )
}

fn clock_ahead(day: Date) -> Finding {
    Finding::warning(
        "clock-ahead",
        Bilingual {
            english: format!(
                "The card has counted its days up to {day}, which is still to come. The clock of a terminal ran ahead. What is \
                 spent until then counts as that one day."
            ),
            chinese: format!("卡内日期已到{day}，晚于今天，说明有终端时钟超前。在此之前的消费都计入这一天。"),
        },
        Bilingual {
            english:
                "Recharge it, by any amount: the host's date sets the card right. Find the terminal by the card's log, \
                      and set its clock."
                    .to_owned(),
            chinese: "充值任意金额即可按主机日期校正。请按卡内明细找到该终端并校准时钟。".to_owned(),
        },
    )
}

fn day_limit_reached(limit: Amount, spent: Amount) -> Finding {
    Finding::warning(
        "day-limit-reached",
        Bilingual {
            english: format!(
                "The day's limit of {limit} yuan is reached: {spent} yuan are spent. The card refuses to pay more."
            ),
            chinese: format!("当日限额{limit}元已用完：已消费{spent}元。该卡今日不再付款。"),
        },
        Bilingual {
            english: "Tomorrow it pays again. A higher limit is written at the station.".to_owned(),
            chinese: "明日自动恢复。如需提高限额，请到发卡站修改。".to_owned(),
        },
    )
}

fn balance_full(balance: Amount, limit: Amount) -> Finding {
    Finding::note(
        "balance-full",
        Bilingual {
            english: format!(
                "With {balance} yuan the balance is at its limit of {limit}. The card refuses a recharge."
            ),
            chinese: format!("余额{balance}元，已达上限{limit}元。该卡拒绝充值。"),
        },
        Bilingual {
            english: "Spend some of it first. A higher limit is written at the station.".to_owned(),
            chinese: "请先消费。如需提高上限，请到发卡站修改。".to_owned(),
        },
    )
}

/// The enterprise's list has it.
pub(super) fn listed(version: ListVersion) -> Finding {
    Finding::problem(
        "on-blacklist",
        Bilingual {
            english: format!("It is on the blacklist ({version}): terminals refuse it and mark it as lost."),
            chinese: format!("该卡在黑名单（{version}）中：终端拒绝并标记挂失。"),
        },
        Bilingual {
            english:
                "Keep it. If it was found by its holder, take it off the list, then `onecard card status CARD normal`."
                    .to_owned(),
            chinese: "请留下卡片。如持卡人已找回，请先从黑名单中删除，再用`onecard card status CARD normal`恢复。"
                .to_owned(),
        },
    )
}
