//! What people read: both languages, the card, the next step, and no secret.

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::{
    apdu::{CommandName, ExchangeError},
    blacklist::ListVersion,
    card::{PinError, ReadError, SelectError},
    sam::SamError,
    transport::TransportError,
};
use onecard_wire::{fid::Fid, record::CardStatus, status::StatusWord, wallet::Proof};

fn causes() -> Vec<Cause> {
    let date = Date::parse("2026-11-22").unwrap();
    let limit = yuan("20");
    let command = CommandName::DebitForPurchase;
    let no_answer = ExchangeError::Transport(TransportError::CardRemoved);
    vec![
        Cause::Keeper(SamError::NoSuchKey),
        Cause::Select(SelectError::NoApplication),
        Cause::OtherEnterprise,
        Cause::Listed { version: ListVersion([0x20; 7]), unmarked: None },
        Cause::Listed { version: ListVersion([0x20; 7]), unmarked: Some(MarkError::Keeper(SamError::NoSuchKey)) },
        Cause::Listed { version: ListVersion([0x20; 7]), unmarked: Some(MarkError::Refused(StatusWord(0x6988))) },
        Cause::Listed {
            version: ListVersion([0x20; 7]),
            unmarked: Some(MarkError::Exchange(ExchangeError::Transport(TransportError::CardRemoved))),
        },
        Cause::NoSubsidy,
        Cause::NotYetValid { from: date },
        Cause::Expired { on: date },
        Cause::Pin(PinError::Wrong { serial: serial(1), tries_left: 2 }),
        Cause::EarlierInDoubt,
        Cause::BalanceTooLow { balance: limit },
        Cause::PayoutTooHigh { balance: limit },
        Cause::BalanceTooHigh { balance: limit },
        Cause::Rule(Rule::Status(CardStatus::LOST)),
        Cause::Rule(Rule::Status(CardStatus::SUSPENDED)),
        Cause::Rule(Rule::BalanceExpired { on: date }),
        Cause::Rule(Rule::BalanceMax { limit }),
        Cause::Rule(Rule::PurchaseMax { limit }),
        Cause::Rule(Rule::DayTotalMax { limit, spent: limit }),
        Cause::Rule(Rule::DayComesAgain { limit, day: date }),
        Cause::Rule(Rule::PinNeeded { above: limit }),
        Cause::Refused { command, status: StatusWord::MAC_WRONG },
        Cause::Refused { command, status: StatusWord(0x1234) },
        Cause::NoAnswer { command, error: no_answer },
        Cause::Malformed { command, length: 3 },
        Cause::NeverCompleted,
        Cause::NumberUsedByAnother,
        Cause::EarlierJustDone { order: OrderNumber(1), amount: limit },
        Cause::OrderNumberTaken { order: OrderNumber(1), amount: limit, serial: serial(2) },
        Cause::NothingToUndo { purchase: OrderNumber(1) },
        Cause::AnotherCards { purchase: OrderNumber(1), serial: serial(2) },
        Cause::NotLastOnCard,
        Cause::Recorded { sequence: 7 },
        Cause::LimitInUse { used: limit },
        Cause::Keeper(SamError::NotLastPurchase),
        Cause::Keeper(SamError::StaleSession),
        Cause::Keeper(SamError::OtherRelease),
        Cause::Keeper(SamError::Server(crate::sam::LinkError("no route".to_owned()))),
        Cause::DecidedByDesk { why: "no record".to_owned() },
    ]
}

fn doubts() -> Vec<Doubt> {
    let (expected, found) = (serial(1), serial(2));
    let reason = Reason { card: Some(serial(1)), cause: Cause::NeverCompleted };
    vec![
        Doubt::NoAnswer(ExchangeError::Malformed(0)),
        Doubt::Status(StatusWord::NO_TRANSACTION),
        Doubt::Malformed(3),
        Doubt::WrongMac,
        Doubt::Keeper(SamError::Transport(TransportError::NoAnswer)),
        Doubt::NotReached(Box::new(reason)),
        Doubt::NotReached(Box::new(Reason { card: None, cause: Cause::Select(SelectError::PermanentlyBlocked) })),
        Doubt::OtherCard { expected, found },
        Doubt::PinNeeded,
        Doubt::Contradiction { expected: 5, found: 4 },
        Doubt::SequenceUnproven,
        Doubt::Replayed,
        Doubt::ProofUnchecked(Proof { mac: [0; 4], tac: [1; 4] }),
        Doubt::LogNotRead(ReadError::WrongMac { serial: serial(1), file: Fid::LOG }),
        Doubt::LogSilent,
    ]
}

/// Every reason of a transport, each with its next step, in both languages.
#[test]
fn every_silence_has_its_own_text() {
    let errors = [
        TransportError::CardRemoved,
        TransportError::NoAnswer,
        TransportError::CardReset,
        TransportError::CardInUse,
        TransportError::ReaderUnplugged,
        TransportError::NoReader,
        TransportError::NoService,
        TransportError::CommandTooLong { length: 300, longest: 261 },
        TransportError::Reader("worn out".to_owned()),
    ];
    let mut texts = Vec::new();
    for error in &errors {
        let cause = Cause::NoAnswer { command: CommandName::Select, error: ExchangeError::Transport(error.clone()) };
        let reason = Reason { card: Some(serial(1)), cause };
        let (english, chinese) = (reason.text(Language::English), reason.text(Language::Chinese));
        assert!(is_chinese(&chinese) && !is_chinese(&english) && chinese.contains('请'), "{english}{chinese}");
        texts.extend([english, chinese]);
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 2 * errors.len());
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|character| ('\u{4E00}'..='\u{9FFF}').contains(&character))
}

#[test]
fn every_reason_names_the_card_in_both_languages() {
    let mut texts = Vec::new();
    for cause in causes() {
        let reason = Reason { card: Some(serial(1)), cause };
        let (english, chinese) = (reason.text(Language::English), reason.text(Language::Chinese));
        assert!(english.starts_with(&format!("Not done. Card {}", serial(1))), "{english}");
        assert!(chinese.starts_with(&format!("未成交。卡{}", serial(1))), "{chinese}");
        assert!(!is_chinese(&english) && english.ends_with('.') && !english.contains(".."), "{english}");
        assert!(chinese.ends_with('。') && !chinese.contains("。。"), "{chinese}");
        texts.push(english);
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), causes().len());
}

#[test]
fn every_doubt_says_who_decides() {
    let mut card = ModelCard::new(1, yuan("100"));
    card.fault(2, Fault::LostAnswer);
    let order = sale(1, "10");
    let token =
        in_doubt(&purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &order).unwrap().outcome).token;
    for doubt in doubts() {
        let decider = doubt.decider();
        let found = InDoubt { token, doubt };
        let (english, chinese) = (found.text(Language::English), found.text(Language::Chinese));
        let (english_who, chinese_who) = match decider {
            Decider::SameCard => ("present the same card again", "重新刷同一张卡"),
            Decider::Issuer => ("the issuer decides", "由发卡方"),
            Decider::ServiceDesk => ("the service desk decides", "由服务台裁定"),
        };
        assert!(english.contains(english_who) && english.contains(&serial(1).to_string()), "{english}");
        assert!(chinese.contains(chinese_who) && chinese.contains(&serial(1).to_string()), "{chinese}");
        assert!(!is_chinese(&english), "{english}");
        // Nobody knows that, and the cashier reads it first.
        assert!(!english.contains("Not done") && !chinese.contains("未成交"), "{english}{chinese}");
        assert!(!english.contains("..") && !chinese.contains("。。"), "{english}{chinese}");
    }
}

#[test]
fn a_receipt_has_every_fact() {
    let mut card = ModelCard::new(1, yuan("100"));
    let order = sale(9, "12.34");
    let tap = purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &order).unwrap();
    let receipt = committed(&tap.outcome);
    let tac = hex::encode_upper(receipt.settlement.tac.unwrap());
    for language in [Language::English, Language::Chinese] {
        let text = receipt.text(language);
        let serial = serial(1).to_string();
        for fact in [
            "12.34",
            "100.00",
            "87.66",
            "256",
            "7",
            "000000001234",
            "2026-11-22 12:30:09",
            "1000000000000001",
            &serial,
            &tac,
        ] {
            assert!(text.contains(fact), "{fact} in {text}");
        }
        assert_eq!(is_chinese(&text), language == Language::Chinese);
    }
}

#[test]
fn no_secret_is_printed() {
    let order = top_up(1, "10");
    assert!(!format!("{order:?}").contains("1234"), "{order:?}");
    let issuer = format!("{:?}", issuer());
    let tac_key = master(Purpose::Tac);
    assert!(!issuer.contains(&format!("{:?}", tac_key.expose())) && issuer.contains("Key(..)"), "{issuer}");
}
