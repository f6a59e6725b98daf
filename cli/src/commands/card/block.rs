//! `onecard card block` and `onecard card unblock`.

use clap::Args;
use onecard_host::{
    apdu::CommandName,
    card::{Block, LifeCycle, LifeCycleError, SelectError, balance, block_of, change_life_cycle, select},
    line_protection::MaintenanceSam,
    sam::{CardFactors, SamError},
    transport::Transport,
};
use onecard_wire::{aid, amount::Amount, number::ApplicationSerial, status::StatusWord, wallet::Purse};

use super::service::{Done, Failure, Service};
use crate::{args, ending::Bilingual, output::Output, terminal_sam::TerminalSam};

/// Options of `card block`.
#[derive(Args, Debug)]
pub(crate) struct BlockCard {
    #[command(flatten)]
    service: Service,
    /// For good: no key opens it again, and what is on it is gone.
    #[arg(long)]
    for_good: bool,
    /// Block it for good though there is still money on it.
    #[arg(long, requires = "for_good")]
    with_balance: bool,
}

/// Options of `card unblock`.
#[derive(Args, Debug)]
pub(crate) struct UnblockCard {
    #[command(flatten)]
    service: Service,
    /// The card's number (卡号), 16 digits: a blocked card does not tell it, receipts and the member's record do.
    #[arg(long, value_name = "NUMBER", value_parser = args::card_number)]
    serial: ApplicationSerial,
}

pub(super) fn block(options: &BlockCard) -> anyhow::Result<Output> {
    options.service.run("onecard.card-block/1", |card, sam| {
        let application = select(card, &aid::enterprise_application(sam.enterprise)).map_err(Failure::of_select)?;
        let serial = application.serial();
        if options.for_good && !options.with_balance {
            match balance(card, &application, Purse::Ep) {
                Ok(Amount::ZERO) => {}
                Ok(balance) => return Err(still_holds(serial, balance)),
                Err(_) => return Err(Failure::NoAnswer { serial: Some(serial) }),
            }
        }
        let (change, text) = if options.for_good {
            (LifeCycle::BlockApplicationForGood, blocked_for_good(serial))
        } else {
            (LifeCycle::BlockApplication, blocked(serial))
        };
        change_by(card, sam, serial, change)?;
        Ok(Done { serial, text })
    })
}

pub(super) fn unblock(options: &UnblockCard) -> anyhow::Result<Output> {
    let serial = options.serial;
    options.service.run("onecard.card-unblock/1", |card, sam| {
        match select(card, &aid::enterprise_application(sam.enterprise)) {
            Err(SelectError::Blocked) => {}
            Ok(application) if application.serial() == serial => return Ok(Done { serial, text: not_blocked(serial) }),
            Ok(application) => return Err(other_card(serial, application.serial())),
            Err(error) => return Err(Failure::of_select(error)),
        }
        match block_of(card) {
            Ok(Block::Application) => {}
            Ok(Block::ApplicationForGood) => return Err(Failure::of_select(SelectError::PermanentlyBlocked)),
            Ok(Block::Card) => return Err(card_blocked(serial)),
            Err(_) => return Err(Failure::NoAnswer { serial: Some(serial) }),
        }
        change_by(card, sam, serial, LifeCycle::UnblockApplication)?;
        Ok(Done { serial, text: unblocked(serial) })
    })
}

/// Changes the current application with a MAC for `serial`.
fn change_by(
    card: &mut dyn Transport,
    sam: &mut TerminalSam,
    serial: ApplicationSerial,
    change: LifeCycle,
) -> Result<(), Failure> {
    let factors = CardFactors { enterprise: sam.enterprise, serial };
    let changed = change_life_cycle(card, change, &mut MaintenanceSam { sam: sam.sam(), card: factors });
    changed.map_err(|error: LifeCycleError<SamError>| match error {
        LifeCycleError::Refused(refusal) if change == LifeCycle::UnblockApplication => {
            wrong_key(serial, refusal.status)
        }
        LifeCycleError::Refused(refusal) => Failure::of_status(Some(serial), refusal.command, refusal.status),
        LifeCycleError::NoMac(source) => Failure::of_keeper(serial, source),
        LifeCycleError::Exchange(_) => Failure::NoAnswer { serial: Some(serial) },
    })
}

fn blocked(serial: ApplicationSerial) -> Bilingual {
    Bilingual {
        english: format!(
            "Card {serial} is blocked. It serves nobody, and does not tell its number any more: keep it written down. It is \
             opened again by `onecard card unblock --serial {serial}`."
        ),
        chinese: format!(
            "卡{serial}已锁定。不再响应任何业务，也不再显示卡号，请记录卡号。解锁：`onecard card unblock --serial {serial}`。"
        ),
    }
}

fn blocked_for_good(serial: ApplicationSerial) -> Bilingual {
    Bilingual {
        english: format!("Card {serial} is blocked for good. Issue a new card, and put this one on the blacklist."),
        chinese: format!("卡{serial}已永久锁定。请换发新卡，并将此卡列入黑名单。"),
    }
}

fn unblocked(serial: ApplicationSerial) -> Bilingual {
    Bilingual {
        english: format!("Card {serial} is unblocked, with all that was on it."),
        chinese: format!("卡{serial}已解锁，卡内数据不变。"),
    }
}

fn not_blocked(serial: ApplicationSerial) -> Bilingual {
    Bilingual {
        english: format!("Card {serial} is not blocked: nothing was to be done."),
        chinese: format!("卡{serial}未锁定，无需解锁。"),
    }
}

fn still_holds(serial: ApplicationSerial, balance: Amount) -> Failure {
    let text = Bilingual {
        english: format!(
            "Not done. Card {serial} still holds {balance} yuan, which nobody gets out of a card that is blocked for good. \
             Take it off first, or give --with-balance if it is to be lost."
        ),
        chinese: format!(
            "未办理。卡{serial}余额还有{balance}元，永久锁定后无法取出。请先退出余额；确认放弃时加--with-balance。"
        ),
    };
    Failure::Refused { serial: Some(serial), text }
}

fn other_card(expected: ApplicationSerial, found: ApplicationSerial) -> Failure {
    let text = Bilingual {
        english: format!("Not done. The card on the reader is {found}, which is not blocked, and not {expected}."),
        chinese: format!("未办理。读卡器上的卡是{found}，未锁定，不是{expected}。"),
    };
    Failure::Refused { serial: Some(found), text }
}

fn card_blocked(serial: ApplicationSerial) -> Failure {
    let text = Bilingual {
        english: "Not done. The operator has blocked the whole card for good. Issue a new card.".to_owned(),
        chinese: "未办理。整张卡已被运营方永久锁定。请换发新卡。".to_owned(),
    };
    Failure::Refused { serial: Some(serial), text }
}

fn wrong_key(serial: ApplicationSerial, status: StatusWord) -> Failure {
    if status == StatusWord::PERMANENTLY_BLOCKED {
        return Failure::of_select(SelectError::PermanentlyBlocked);
    }
    if status != StatusWord::SM_DATA_WRONG {
        return Failure::of_status(Some(serial), CommandName::Block, status);
    }
    let text = Bilingual {
        english: format!(
            "Not done. The MAC for card {serial} is wrong, and that was counted: the third in a row blocks the application \
             for good. Check the number and the keys before you try again."
        ),
        chinese: format!("未办理。卡{serial}的MAC错误，已计一次：连续三次将永久锁定应用。请核对卡号和密钥后再试。"),
    };
    Failure::Refused { serial: Some(serial), text }
}
