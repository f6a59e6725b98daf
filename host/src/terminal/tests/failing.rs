//! The terminal's own parts fail: store, SAM, server.

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::blacklist::ListVersion;
use crate::{
    sam::{AuthenticationUse, CardFactors, Cryptogram, LineKeyUse, Sam, SamError, SamOrder},
    transport::TransportError,
};
use onecard_wire::sam::InitSamAnswer;

/// A store that fails at one of its two steps.
struct Failing {
    inner: InMemoryStore,
    begin: bool,
    conclude: bool,
}

fn full() -> StorageError {
    StorageError::Other("disk full".into())
}

impl TokenStore for Failing {
    fn begin(&mut self, token: &Token) -> Result<(), StorageError> {
        if self.begin { Err(full()) } else { self.inner.begin(token) }
    }

    fn conclude(&mut self, token: &Token, conclusion: &Conclusion) -> Result<(), StorageError> {
        if self.conclude { Err(full()) } else { self.inner.conclude(token, conclusion) }
    }

    fn pending(&self) -> Result<Vec<Token>, StorageError> {
        self.inner.pending()
    }

    fn last_of_counter(&self, card: CardFactors, counter: Counter) -> Result<Option<SettlementRecord>, StorageError> {
        self.inner.last_of_counter(card, counter)
    }

    fn committed(&self, order: OrderNumber) -> Result<Option<SettlementRecord>, StorageError> {
        self.inner.committed(order)
    }
}

#[test]
fn what_cannot_be_remembered_is_not_sent() {
    let mut card = ModelCard::new(1, yuan("100"));
    let money = card.money();
    let mut store = Failing { inner: InMemoryStore::new(), begin: true, conclude: false };
    let error = purchase(&mut card, &mut whole_sam(), &mut store, &sale(1, "10")).unwrap_err();
    assert_eq!(error.stage, Stage::BeforeSending);
    let error = recharge(&mut card, &mut whole_sam(), &mut store, &top_up(2, "10")).unwrap_err();
    assert_eq!(error.stage, Stage::BeforeSending);
    assert!(!card.seen.iter().any(|command| [0x52, 0x54].contains(&command[1])));
    assert_eq!(card.money(), money);
}

#[test]
fn a_fate_that_cannot_be_stored_stays_pending() {
    let mut card = ModelCard::new(1, yuan("100"));
    let mut sam = whole_sam();
    let mut store = Failing { inner: InMemoryStore::new(), begin: false, conclude: true };
    let error = purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap_err();
    assert_eq!(error.stage, Stage::Concluding);
    assert_eq!(card.balance, yuan("90"));
    // As after a kill between answer and store: the SAM has counted, the store has not.
    let pending = store.pending().unwrap();
    assert_eq!(pending, [*error.token.unwrap()]);
    assert_eq!(sam.state().next_sequence, 8);
    let mut store = store.inner;
    let receipt = committed(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome);
    assert_eq!((card.balance, receipt.settlement.evidence), (yuan("90"), Evidence::Mac2));
    assert_eq!(sam.state().next_sequence, 8);
}

/// A SAM that goes silent at its n-th call.
struct Dying {
    inner: SoftwareSam,
    calls_left: u32,
}

impl Dying {
    fn alive(&mut self) -> Result<&mut SoftwareSam, SamError> {
        self.calls_left = self.calls_left.checked_sub(1).ok_or(TransportError::NoAnswer)?;
        Ok(&mut self.inner)
    }
}

impl Sam for Dying {
    fn terminal(&mut self) -> Result<TerminalNumber, SamError> {
        self.alive()?.terminal()
    }

    fn initialize_purchase(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        self.alive()?.initialize_purchase(order)
    }

    fn credit_purchase(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        self.alive()?.credit_purchase(mac2)
    }

    fn initialize_undo(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        self.alive()?.initialize_undo(order)
    }

    fn credit_undo(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        self.alive()?.credit_undo(mac2)
    }

    fn check_past_purchase(&mut self, order: &SamOrder, sequence: u32, mac2: [u8; 4]) -> Result<(), SamError> {
        self.alive()?.check_past_purchase(order, sequence, mac2)
    }

    fn load(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError> {
        self.alive()?.load(order, old_balance, mac1)
    }

    fn check_load(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError> {
        self.alive()?.check_load(order, terminal, old_balance, mac1)
    }

    fn random(&mut self) -> Result<[u8; 4], SamError> {
        self.alive()?.random()
    }

    fn maintenance_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        self.alive()?.maintenance_mac(card, initial, message)
    }

    fn authentication(
        &mut self,
        card: CardFactors,
        usage: AuthenticationUse,
        version: KeyVersion,
        challenge: [u8; 8],
    ) -> Result<Cryptogram, SamError> {
        self.alive()?.authentication(card, usage, version, challenge)
    }

    fn line_mac(
        &mut self,
        card: CardFactors,
        usage: LineKeyUse,
        version: KeyVersion,
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.alive()?.line_mac(card, usage, version, initial, message)
    }

    fn marking_versions(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        self.alive()?.marking_versions()
    }

    fn mark(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        challenge: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError> {
        self.alive()?.mark(card, key, challenge, list)
    }
}

#[test]
fn a_sam_that_dies_before_debit_charges_nothing_and_after_it_leaves_a_doubt() {
    for calls_left in 0..=3 {
        let mut card = ModelCard::new(1, yuan("100"));
        let mut store = InMemoryStore::new();
        let mut sam = Dying { inner: whole_sam(), calls_left };
        let outcome = purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome;
        match calls_left {
            0 | 1 => assert!(matches!(cause(&outcome), Cause::Keeper(_)) && card.balance == yuan("100")),
            2 => {
                let found = in_doubt(&outcome);
                assert!(matches!(found.doubt, Doubt::Keeper(_)), "{found:?}");
                let outcome = resolve(&mut card, &mut sam, &mut store, &found.token, None).unwrap();
                assert!(matches!(in_doubt(&outcome).doubt, Doubt::Keeper(_)));
                sam.calls_left = 9;
                committed(&resolve(&mut card, &mut sam, &mut store, &found.token, None).unwrap());
            }
            _ => drop(committed(&outcome)),
        }
    }
}

#[test]
fn a_load_beyond_the_limit_is_refused() {
    let mut card = ModelCard::new(1, yuan("100"));
    let mut sam = whole_sam();
    let tap = recharge(&mut card, &mut sam, &mut InMemoryStore::new(), &top_up(1, "1000.01")).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::Keeper(SamError::LimitReached));
    assert_eq!(card.balance, yuan("100"));
}

#[test]
fn a_server_approves_as_well_as_a_sam() {
    let mut card = ModelCard::new(1, yuan("100"));
    let mut behind = sam(&[Purpose::Load]);
    let mut asked = 0;
    let ask = |order: &SamOrder, old_balance, mac1| {
        asked += 1;
        behind.load(order, old_balance, mac1)
    };
    let mut server = Server { terminal: TERMINAL, ask };
    let mut issuer = issuer();
    let mut approver = WithIssuer { witness: &mut server, issuer: &mut issuer };
    let mut store = InMemoryStore::new();
    let receipt = committed(&recharge(&mut card, &mut approver, &mut store, &top_up(1, "10")).unwrap().outcome);
    assert_eq!((card.balance, receipt.settlement.transaction.terminal), (yuan("110"), TERMINAL));
    // A TAC that the issuer at hand refuses is no receipt.
    card.fault(3, Fault::ChangedAnswer(vec![0, 0, 0, 0, 0x90, 0x00]));
    let found = in_doubt(&recharge(&mut card, &mut approver, &mut store, &top_up(2, "10")).unwrap().outcome);
    assert_eq!(found.doubt, Doubt::WrongMac);
    let again = recharge(&mut card, &mut approver, &mut store, &top_up(2, "10")).unwrap().outcome;
    assert_eq!((card.balance, committed(&again).settlement.evidence), (yuan("120"), Evidence::Tac));
    assert_eq!(asked, 2);
}

#[test]
fn a_wrong_pin_and_an_empty_purse_change_nothing() {
    let mut card = ModelCard::new(1, yuan("5"));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let pin = Some(Pin::from_digits("654321").unwrap());
    let tap = recharge(&mut card, &mut sam, &mut store, &RechargeOrder { pin, ..top_up(1, "10") }).unwrap();
    assert!(matches!(cause(&tap.outcome), Cause::Pin(crate::card::PinError::Wrong { tries_left: 2, .. })));
    let tap = purchase(&mut card, &mut sam, &mut store, &sale(2, "5.01")).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::BalanceTooLow { balance: yuan("5") });
    // A card that promises what it has not is not believed.
    let answer = hex_literal::hex!("00000001 0100 000000 01 00 01020304 9000").to_vec();
    card.fault(1, Fault::Forged(answer));
    let tap = purchase(&mut card, &mut sam, &mut store, &sale(3, "5")).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::BalanceTooLow { balance: Amount::from_fen(1) });
    assert_eq!((card.balance, store.pending().unwrap()), (yuan("5"), vec![]));
}

/// A card that refuses one command with 6985, and its EF 0017.
fn refusing(parameters: onecard_wire::record::Parameters, at_debit: bool) -> ModelCard {
    let mut card = ModelCard::new(1, yuan("100"));
    card.parameters = parameters;
    *(if at_debit { &mut card.refuses_debit } else { &mut card.refuses }) = Some([0x69, 0x85]);
    card
}

/// INITIALIZE knows no date, so it refuses by status, single amounts and the PIN alone; DEBIT and CREDIT judge everything.
#[test]
fn a_refusal_by_rule_says_which() {
    use crate::apdu::CommandName;
    use onecard_wire::record::{CardStatus, Parameters};
    let plain = Parameters::UNLIMITED;
    let today = moment(0).date.to_bytes();
    let (yesterday, tomorrow) = (Date::parse("2026-11-21").unwrap(), Date::parse("2026-11-23").unwrap());
    let (limit, spent) = (yuan("20"), yuan("15"));
    let (lost, suspended) = (CardStatus::LOST, CardStatus::SUSPENDED);
    let to_each = |rule| [Some(rule), Some(rule), Some(rule)];
    let to_purchase = |rule| [Some(rule), Some(rule), None];
    let to_debit = |rule| [None, Some(rule), None];
    let of_day = |day, spent| Parameters { day_total_max: limit, day, spent, ..plain };
    let expiring = |expiry: Date, day| Parameters { balance_expiry: expiry.to_bytes(), day, ..plain };
    // To INITIALIZE FOR PURCHASE, to DEBIT, and to a load.
    let cases = [
        (Parameters { status: lost, ..plain }, to_each(Rule::Status(lost))),
        (Parameters { status: suspended, ..plain }, to_each(Rule::Status(suspended))),
        (expiring(yesterday, [0; 4]), to_debit(Rule::BalanceExpired { on: yesterday })),
        (expiring(moment(0).date, [0; 4]), [None; 3]),
        // The terminal's clock is behind the card's own day.
        (expiring(moment(0).date, tomorrow.to_bytes()), to_debit(Rule::BalanceExpired { on: moment(0).date })),
        (Parameters { purchase_max: yuan("9.99"), ..plain }, to_purchase(Rule::PurchaseMax { limit: yuan("9.99") })),
        (Parameters { purchase_max: yuan("10"), ..plain }, [None; 3]),
        (of_day(today, spent), to_debit(Rule::DayTotalMax { limit, spent })),
        (of_day(tomorrow.to_bytes(), spent), to_debit(Rule::DayTotalMax { limit, spent })),
        // Nothing that it shows: it remembers what it had spent before a load set it back.
        (of_day(yesterday.to_bytes(), spent), to_debit(Rule::DayComesAgain { limit, day: yesterday })),
        (Parameters { day: yesterday.to_bytes(), spent, ..plain }, [None; 3]),
        (of_day(today, yuan("10")), [None; 3]),
        (
            Parameters { day_total_max: yuan("9.99"), ..plain },
            to_purchase(Rule::DayTotalMax { limit: yuan("9.99"), spent: Amount::ZERO }),
        ),
        (Parameters { pin_threshold: yuan("9.99"), ..plain }, to_purchase(Rule::PinNeeded { above: yuan("9.99") })),
        (Parameters { pin_threshold: yuan("10"), ..plain }, [None; 3]),
        (
            Parameters { balance_max: yuan("109.99"), ..plain },
            [None, None, Some(Rule::BalanceMax { limit: yuan("109.99") })],
        ),
        (Parameters { balance_max: yuan("110"), ..plain }, [None; 3]),
    ];
    for (parameters, [to_initialize, to_debit, to_load]) in cases {
        let expected = |rule: Option<Rule>, command| {
            let by_card = Cause::Refused { command, status: onecard_wire::status::StatusWord(0x6985) };
            rule.map_or(by_card, Cause::Rule)
        };
        let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
        let tap = purchase(&mut refusing(parameters, false), &mut sam, &mut store, &sale(1, "10")).unwrap();
        assert_eq!(cause(&tap.outcome), expected(to_initialize, CommandName::InitializeForPurchase), "{parameters:?}");
        let tap = purchase(&mut refusing(parameters, true), &mut sam, &mut store, &sale(2, "10")).unwrap();
        assert_eq!(cause(&tap.outcome), expected(to_debit, CommandName::DebitForPurchase), "{parameters:?}");
        let tap = recharge(&mut refusing(parameters, false), &mut sam, &mut store, &top_up(3, "10")).unwrap();
        assert_eq!(cause(&tap.outcome), expected(to_load, CommandName::InitializeForLoad), "{parameters:?}");
        let tap = recharge(&mut refusing(parameters, true), &mut sam, &mut store, &top_up(4, "10")).unwrap();
        assert_eq!(cause(&tap.outcome), expected(to_load, CommandName::CreditForLoad), "{parameters:?}");
    }
}
