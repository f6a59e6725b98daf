//! Someone stands between card and terminal: words put in the place of answers, recordings, exchanged SAMs, and orders that
//! are not what their number says.

use super::model_card::{Fault, ModelCard};
use super::*;
use crate::{
    apdu::CommandName,
    sam::{Sam, SamError, SamOrder},
    transport::{Transport, TransportError},
};
use hex_literal::hex;
use onecard_wire::{ins, status::StatusWord};

const REFUSALS: [u16; 7] = [0x9302, 0x9401, 0x6985, 0x6700, 0x6982, 0x6A81, 0x6A86];

fn pin() -> Pin {
    Pin::from_digits("123456").unwrap()
}

/// What `answer` gives stands in the place of the card's own answer, and the card does not see the command; nothing is silence.
struct Relay<'c, F> {
    card: &'c mut ModelCard,
    answer: F,
}

impl<F: FnMut(&mut ModelCard, &[u8]) -> Option<Vec<u8>>> Transport for Relay<'_, F> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match (self.answer)(self.card, command) {
            Some(answer) if answer.is_empty() => Err(TransportError::NoAnswer),
            Some(answer) => Ok(answer),
            None => self.card.transmit(command),
        }
    }
}

/// An emulator in front of an executed load: no proof, any PIN, INITIALIZE from a recording, then 6985; CREDIT is swallowed.
fn emulator(recording: Vec<u8>, plays: usize) -> impl FnMut(&mut ModelCard, &[u8]) -> Option<Vec<u8>> {
    let mut played = 0;
    move |_, command| match command[1] {
        ins::VERIFY => Some(hex!("9000").to_vec()),
        ins::GET_TRANSACTION_PROVE => Some(hex!("9406").to_vec()),
        ins::INITIALIZE => {
            played += 1;
            Some(if played <= plays { recording.clone() } else { hex!("6985").to_vec() })
        }
        ins::CREDIT_FOR_LOAD => Some(Vec::new()),
        ins::GET_CHALLENGE => Some(hex!("6D00").to_vec()),
        _ => None,
    }
}

/// A genuine answer to INITIALIZE FOR LOAD of 10 yuan, as any reader can take it from a card whose PIN is known.
fn recording(card: &mut ModelCard) -> Vec<u8> {
    let name = onecard_wire::aid::enterprise_application(enterprise());
    let application = crate::card::select(card, &name).unwrap();
    crate::card::verify_pin(card, &application, &pin()).unwrap();
    card.transmit(&hex!("805000020B 01 000003E8 000000001234 10")).unwrap()
}

#[test]
fn an_executed_debit_or_credit_is_found_behind_a_word_of_refusal() {
    for word in REFUSALS {
        let changed = || Fault::ChangedAnswer(word.to_be_bytes().to_vec());
        let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
        card.fault(2, changed());
        let tap = purchase(&mut card, &mut sam(&[Purpose::Purchase]), &mut store, &sale(1, "10")).unwrap();
        assert_eq!((committed(&tap.outcome).settlement.evidence, card.balance), (Evidence::Mac2, yuan("90")));

        card.fault(3, changed());
        let tap = recharge(&mut card, &mut whole_sam(), &mut store, &top_up(2, "10")).unwrap();
        assert_eq!((committed(&tap.outcome).settlement.evidence, card.balance), (Evidence::Log, yuan("100")));

        // A load SAM alone can judge neither proof nor log: it does not know, and says so.
        card.fault(3, changed());
        let mut load_sam = sam(&[Purpose::Load]);
        let found = in_doubt(&recharge(&mut card, &mut load_sam, &mut store, &top_up(3, "10")).unwrap().outcome);
        assert_eq!(found.doubt, Doubt::Status(StatusWord(word)));
        let mut issuer = issuer();
        let mut approver = WithIssuer { witness: &mut load_sam, issuer: &mut issuer };
        committed(&recharge(&mut card, &mut approver, &mut store, &top_up(3, "10")).unwrap().outcome);
        assert_eq!(card.balance, yuan("110"));
    }
}

#[test]
fn a_refusal_that_is_one_ends_the_order_with_its_own_word() {
    let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
    let status = StatusWord::MAC_WRONG;
    let forged = || Fault::Forged(hex!("9302").to_vec());
    card.fault(2, forged());
    let tap = purchase(&mut card, &mut whole_sam(), &mut store, &sale(1, "10")).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::Refused { command: CommandName::DebitForPurchase, status });
    card.fault(3, forged());
    let tap = recharge(&mut card, &mut whole_sam(), &mut store, &top_up(2, "10")).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::Refused { command: CommandName::CreditForLoad, status });
    assert_eq!((card.balance, store.pending().unwrap()), (yuan("100"), vec![]));
}

#[test]
fn a_recorded_initialize_shows_nothing() {
    for plays in 1..=2 {
        let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("100")), whole_sam(), InMemoryStore::new());
        let recording = recording(&mut card);
        card.fault(3, Fault::LostAnswer);
        let token = in_doubt(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome).token;
        let mut relay = Relay { card: &mut card, answer: emulator(recording.clone(), plays) };
        let outcome = resolve(&mut relay, &mut sam, &mut store, &token, Some(&pin())).unwrap();
        assert_eq!(in_doubt(&outcome).doubt, Doubt::WrongMac);
        let mut relay = Relay { card: &mut card, answer: emulator(recording, plays) };
        let tap = recharge(&mut relay, &mut sam, &mut store, &top_up(1, "10")).unwrap();
        assert_eq!(in_doubt(&tap.outcome), InDoubt { token, doubt: Doubt::WrongMac });
        committed(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome);
        assert_eq!((card.balance, store.settlement().count()), (yuan("110"), 1));
    }
}

#[test]
fn every_question_is_a_new_one() {
    let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("100")), whole_sam(), InMemoryStore::new());
    card.fault(3, Fault::LostCommand);
    let token = in_doubt(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome).token;
    let asked_before = card.seen.len();
    for _ in 0..3 {
        let outcome = resolve(&mut card, &mut sam, &mut store.clone(), &token, Some(&pin())).unwrap();
        assert_eq!(cause(&outcome), Cause::NeverCompleted);
    }
    let questions = card.seen[asked_before..].iter().filter(|command| command[1] == ins::INITIALIZE);
    let mut asked: Vec<_> = questions.map(|command| command[6..16].to_vec()).collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|field| field[..4] == [0; 4] && field[4..] != TERMINAL.0), "{asked:?}");
}

/// A server that approves and cannot ask.
fn server(behind: &mut SoftwareSam) -> impl LoadApprover {
    Server { terminal: TERMINAL, ask: |order: &SamOrder, old_balance, mac1| behind.load(order, old_balance, mac1) }
}

#[test]
fn a_server_goes_on_bound_to_the_sequence_and_takes_no_ones_word() {
    let later = RechargeOrder { moment: moment(59), ..top_up(1, "10") };
    for executed in [true, false] {
        let (mut card, mut behind) = (ModelCard::new(1, yuan("100")), sam(&[Purpose::Load]));
        let (mut store, mut issuer) = (InMemoryStore::new(), issuer());
        let recording = recording(&mut card);
        let mut server = server(&mut behind);
        card.fault(3, if executed { Fault::LostAnswer } else { Fault::LostCommand });
        let first = in_doubt(&recharge(&mut card, &mut server, &mut store, &top_up(1, "10")).unwrap().outcome).token;
        // Nothing concludes it: neither an unchanged sequence, nor a refusal after it, nor a CREDIT that is swallowed.
        for plays in 1..=2 {
            let mut relay = Relay { card: &mut card, answer: emulator(recording.clone(), plays) };
            let standing = store.pending().unwrap()[0];
            let outcome = resolve(&mut relay, &mut server, &mut store, &standing, Some(&pin())).unwrap();
            assert_eq!(in_doubt(&outcome).doubt, Doubt::Keeper(SamError::NotSupported));
            let mut relay = Relay { card: &mut card, answer: emulator(recording.clone(), plays) };
            let tap = recharge(&mut relay, &mut server, &mut store, &later).unwrap();
            let token = in_doubt(&tap.outcome).token;
            // The second attempt is the same transaction, so the card's proof of the first is one of it.
            assert_eq!((token.transaction, store.pending().unwrap()), (first.transaction, vec![token]));
        }
        let mut approver = WithIssuer { witness: &mut server, issuer: &mut issuer };
        let receipt = committed(&recharge(&mut card, &mut approver, &mut store, &later).unwrap().outcome);
        assert_eq!((card.balance, store.settlement().count()), (yuan("110"), 1));
        let evidence = if executed { Evidence::Tac } else { Evidence::Answer };
        assert_eq!(receipt.settlement.evidence, evidence);
    }
}

#[test]
fn a_bound_load_departs_in_nothing() {
    let (mut card, mut behind) = (ModelCard::new(1, yuan("100")), sam(&[Purpose::Load]));
    let mut store = InMemoryStore::new();
    let limit = behind.state().load_limit_fen;
    card.fault(3, Fault::LostCommand);
    let mut server = server(&mut behind);
    let token = in_doubt(&recharge(&mut card, &mut server, &mut store, &top_up(1, "10")).unwrap().outcome).token;
    // With another balance the card's proof would be another one.
    committed(&purchase(&mut card, &mut whole_sam(), &mut InMemoryStore::new(), &sale(9, "1")).unwrap().outcome);
    let tap = recharge(&mut card, &mut server, &mut store, &top_up(1, "10")).unwrap();
    assert_eq!(in_doubt(&tap.outcome), InDoubt { token, doubt: Doubt::Keeper(SamError::NotSupported) });
    assert_eq!((card.balance, store.pending().unwrap()), (yuan("99"), vec![token]));
    drop(server);
    assert_eq!(behind.state().load_limit_fen, limit - 1_000);
}

#[test]
fn a_limit_of_the_card_refuses_no_question() {
    for fault in [Fault::LostCommand, Fault::LostAnswer] {
        let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
        card.load_max = Some(yuan("1000"));
        let mut issuer = issuer();
        let mut load_sam = sam(&[Purpose::Load]);
        card.fault(3, fault.clone());
        let token = in_doubt(&recharge(&mut card, &mut load_sam, &mut store, &top_up(1, "10")).unwrap().outcome).token;
        if fault == Fault::LostCommand {
            let outcome = resolve(&mut card, &mut load_sam, &mut store, &token, Some(&pin())).unwrap();
            assert_eq!(cause(&outcome), Cause::NeverCompleted);
        }
        let mut approver = WithIssuer { witness: &mut load_sam, issuer: &mut issuer };
        committed(&recharge(&mut card, &mut approver, &mut store, &top_up(1, "10")).unwrap().outcome);
        assert_eq!((card.balance, store.settlement().count()), (yuan("110"), 1));
    }
}

#[test]
fn a_sam_in_the_place_of_another_finds_out_as_well() {
    for fault in [Fault::LostCommand, Fault::LostAnswer] {
        let (mut card, mut store) = (ModelCard::new(1, yuan("100")), InMemoryStore::new());
        card.fault(3, fault);
        in_doubt(&recharge(&mut card, &mut whole_sam(), &mut store, &top_up(1, "10")).unwrap().outcome);
        let state = SoftwareSamState { terminal: TerminalNumber([9; 6]), ..whole_sam().state().clone() };
        let purposes = [Purpose::Purchase, Purpose::Load, Purpose::Maintenance];
        let mut other = SoftwareSam::new(keys(&purposes), VERSION, state);
        committed(&recharge(&mut card, &mut other, &mut store, &top_up(1, "10")).unwrap().outcome);
        assert_eq!((card.balance, store.settlement().count()), (yuan("110"), 1));
    }
}

#[test]
fn finding_out_costs_no_limit_whoever_was_loaded_in_between() {
    let (mut card, mut other) = (ModelCard::new(1, yuan("100")), ModelCard::new(2, yuan("100")));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let initial = sam.state().load_limit_fen;
    card.fault(3, Fault::LostCommand);
    let token = in_doubt(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome).token;
    committed(&recharge(&mut other, &mut sam, &mut store, &top_up(2, "20")).unwrap().outcome);
    for _ in 0..3 {
        let outcome = resolve(&mut card, &mut sam, &mut store.clone(), &token, Some(&pin())).unwrap();
        assert_eq!(cause(&outcome), Cause::NeverCompleted);
        assert_eq!(sam.state().load_limit_fen, initial - 1_000 - 2_000);
    }
}

#[test]
fn an_order_number_is_one_orders() {
    let (mut card, mut other) = (ModelCard::new(1, yuan("100")), ModelCard::new(2, yuan("100")));
    let (mut sam, mut store) = (whole_sam(), InMemoryStore::new());
    let taken = |order, amount| Cause::OrderNumberTaken { order: OrderNumber(order), amount, serial: serial(1) };
    committed(&recharge(&mut card, &mut sam, &mut store, &top_up(1, "10")).unwrap().outcome);
    card.fault(2, Fault::LostAnswer);
    let token = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(2, "5")).unwrap().outcome).token;
    for order in [sale(1, "10"), sale(1, "50"), sale(2, "6")] {
        let amount = if order.number == OrderNumber(1) { yuan("10") } else { yuan("5") };
        let tap = purchase(&mut other, &mut sam, &mut store, &order).unwrap();
        assert_eq!(cause(&tap.outcome), taken(order.number.0, amount));
    }
    for order in [top_up(1, "11"), top_up(2, "5"), RechargeOrder { purse: Purse::Ed, ..top_up(1, "10") }] {
        let amount = if order.number == OrderNumber(1) { yuan("10") } else { yuan("5") };
        let tap = recharge(&mut other, &mut sam, &mut store, &order).unwrap();
        assert_eq!(cause(&tap.outcome), taken(order.number.0, amount));
    }
    let foreign = PurchaseOrder { enterprise: "2000000000000002".parse().unwrap(), ..sale(2, "5") };
    assert_eq!(cause(&purchase(&mut card, &mut sam, &mut store, &foreign).unwrap().outcome), taken(2, yuan("5")));
    assert_eq!((other.seen.len(), store.pending().unwrap()), (0, vec![token]));
}

#[test]
fn a_sale_rung_up_once_more_is_not_paid_twice() {
    let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("100")), whole_sam(), InMemoryStore::new());
    card.fault(2, Fault::LostAnswer);
    in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome);
    let tap = purchase(&mut card, &mut sam, &mut store, &sale(2, "10")).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::EarlierJustDone { order: OrderNumber(1), amount: yuan("10") });
    let [Earlier { outcome, .. }] = &tap.earlier[..] else { panic!("{:?}", tap.earlier) };
    assert_eq!(committed(outcome).settlement.transaction.order, OrderNumber(1));
    assert_eq!((card.balance, store.pending().unwrap()), (yuan("90"), vec![]));
    // It was another sale after all.
    committed(&purchase(&mut card, &mut sam, &mut store, &sale(2, "10")).unwrap().outcome);
    assert_eq!(card.balance, yuan("80"));
    // A recharge is never mistaken for a sale.
    card.fault(2, Fault::LostAnswer);
    in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(3, "10")).unwrap().outcome);
    let tap = recharge(&mut card, &mut sam, &mut store, &top_up(4, "10")).unwrap();
    committed(&tap.outcome);
    assert_eq!((tap.earlier.len(), card.balance), (1, yuan("80")));
}

#[test]
fn the_service_desk_ends_what_nobody_else_can() {
    let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("100")), whole_sam(), InMemoryStore::new());
    card.fault(2, Fault::LostAnswer);
    let token = in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome).token;
    // A card that is blocked is not asked for over and over.
    for blocked in [hex!("6A81"), hex!("9303")] {
        card.fault(0, Fault::Forged(blocked.to_vec()));
        let outcome = resolve(&mut card, &mut sam, &mut store, &token, None).unwrap();
        assert_eq!(in_doubt(&outcome).doubt.decider(), Decider::ServiceDesk, "{outcome:?}");
    }
    let why = "the card is destroyed".to_owned();
    let no = DeskDecision::DidNotHappen { why: why.clone() };
    let mut another_day = store.clone();
    assert_eq!(cause(&conclude_by_desk(&mut another_day, &token, no.clone()).unwrap()), Cause::DecidedByDesk { why });
    assert_eq!((another_day.pending().unwrap(), another_day.settlement().count()), (vec![], 0));
    assert!(conclude_by_desk(&mut another_day, &token, no.clone()).is_err());

    let tac = Some([1, 2, 3, 4]);
    let receipt = committed(&conclude_by_desk(&mut store, &token, DeskDecision::Happened { tac }).unwrap());
    assert_eq!((receipt.settlement.evidence, receipt.settlement.tac), (Evidence::Desk, tac));
    assert_eq!(committed(&conclude_by_desk(&mut store, &token, no).unwrap()), receipt);
    let text = settlement::write([&receipt.settlement]);
    assert!(text.ends_with(",01020304,desk\n"), "{text}");
    assert_eq!(settlement::parse(&text).unwrap(), [receipt.settlement]);
}

/// Executes DEBIT on the card and answers that the balance is too low; no proof; INITIALIZE as it was before.
fn hiding(recording: Vec<u8>) -> impl FnMut(&mut ModelCard, &[u8]) -> Option<Vec<u8>> {
    move |card, command| match command[1] {
        ins::INITIALIZE => {
            card.transmit(command).unwrap();
            Some(recording.clone())
        }
        ins::DEBIT => {
            card.transmit(command).unwrap();
            Some(hex!("9401").to_vec())
        }
        ins::GET_TRANSACTION_PROVE => Some(hex!("9406").to_vec()),
        _ => None,
    }
}

fn taken_back(second: u8) -> UndoOrder {
    let (number, purchase) = (OrderNumber(50), OrderNumber(1));
    UndoOrder { number, enterprise: enterprise(), purchase, key_id: 1, moment: moment(second) }
}

/// A till that has sold for 10 yuan to a card with 100.
pub(super) fn sold() -> (ModelCard, SoftwareSam, InMemoryStore) {
    let (mut card, mut sam, mut store) = (ModelCard::new(1, yuan("100")), whole_sam(), InMemoryStore::new());
    committed(&purchase(&mut card, &mut sam, &mut store, &sale(1, "10")).unwrap().outcome);
    (card, sam, store)
}

#[test]
fn a_relay_hides_no_executed_undo() {
    let (mut card, mut sam, mut store) = sold();
    // The relay has the card's answer before it sells the till the same one again.
    let name = onecard_wire::aid::enterprise_application(enterprise());
    crate::card::select(&mut card, &name).unwrap();
    let recording = card.clone().transmit(&hex!("805006020B 01 000003E8 000000001234 0F")).unwrap();
    let mut relay = Relay { card: &mut card, answer: hiding(recording.clone()) };
    let refused = in_doubt(&undo(&mut relay, &mut sam, &mut store, &taken_back(51)).unwrap().outcome);
    assert_eq!(refused.doubt, Doubt::Status(StatusWord::BALANCE_TOO_LOW));
    assert_eq!(card.balance, yuan("100"), "it was executed");
    for second in [52, 53] {
        let standing = store.pending().unwrap()[0];
        let mut relay = Relay { card: &mut card, answer: hiding(recording.clone()) };
        let outcome = resolve(&mut relay, &mut sam, &mut store, &standing, None).unwrap();
        assert_eq!(in_doubt(&outcome).doubt, Doubt::SequenceUnproven);
        // The same order once more: another number of the SAM, another moment, the same transaction of the card.
        let mut relay = Relay { card: &mut card, answer: hiding(recording.clone()) };
        in_doubt(&undo(&mut relay, &mut sam, &mut store, &taken_back(second)).unwrap().outcome);
        // A restart forgets no try.
        let stored = serde_json::to_string(&store.pending().unwrap()[0]).unwrap();
        assert_eq!(serde_json::from_str::<Token>(&stored).unwrap(), store.pending().unwrap()[0]);
    }
    // Each of these finds the first of three tries, the one that was executed, and settles that one.
    let with_keys =
        |purposes: &[Purpose], sam: &SoftwareSam| SoftwareSam::new(keys(purposes), VERSION, sam.state().clone());
    let log_reader = with_keys(&[Purpose::Purchase, Purpose::Maintenance], &sam);
    let mut by_log = (card.clone(), log_reader, store.clone());
    let mut by_issuer = (card.clone(), with_keys(&[Purpose::Purchase], &sam));
    let receipt = committed(&undo(&mut card, &mut sam, &mut store, &taken_back(54)).unwrap().outcome);
    let Transaction { terminal_sequence, moment: at, .. } = receipt.settlement.transaction;
    assert_eq!((terminal_sequence, at, receipt.settlement.evidence), (Some(8), moment(51), Evidence::Mac2));
    assert_eq!((issuer().check(&receipt.settlement), card.balance), (Ok(()), yuan("100")));
    assert_eq!(committed(&undo(&mut card, &mut sam, &mut store, &taken_back(55)).unwrap().outcome), receipt);

    by_log.0.fault(1, Fault::Forged(hex!("9406").to_vec()));
    let token = by_log.2.pending().unwrap()[0];
    let found = committed(&resolve(&mut by_log.0, &mut by_log.1, &mut by_log.2, &token, None).unwrap());
    assert_eq!(
        (found.settlement.transaction, found.settlement.evidence),
        (receipt.settlement.transaction, Evidence::Log)
    );
    let mut pending = InMemoryStore::new();
    pending.begin(&token).unwrap();
    let unchecked = in_doubt(&resolve(&mut by_issuer.0, &mut by_issuer.1, &mut pending, &token, None).unwrap());
    assert!(matches!(unchecked.doubt, Doubt::ProofUnchecked(_)), "{unchecked:?}");
    let found = committed(&resolve_by_issuer(&mut issuer(), &mut pending, &unchecked).unwrap());
    assert_eq!(
        (found.settlement.transaction, found.settlement.evidence),
        (receipt.settlement.transaction, Evidence::Tac)
    );
}

#[test]
fn a_forgotten_try_would_be_lost_money_so_the_tries_end() {
    let (mut card, mut sam, mut store) = sold();
    for second in 51..55 {
        card.fault(if second == 51 { 2 } else { 4 }, Fault::LostCommand);
        let found = in_doubt(&undo(&mut card, &mut sam, &mut store, &taken_back(second)).unwrap().outcome);
        assert!(matches!(found.doubt, Doubt::NoAnswer(_)), "{found:?}");
    }
    let (token, sequence) = (store.pending().unwrap()[0], sam.state().next_sequence);
    let tap = undo(&mut card, &mut sam, &mut store, &taken_back(55)).unwrap();
    assert_eq!(in_doubt(&tap.outcome), InDoubt { token, doubt: Doubt::SequenceUnproven });
    assert_eq!((card.balance, sam.state().next_sequence), (yuan("90"), sequence));
    // A sale at that number shows that none of them happened, and the undo ends with it.
    let tap = purchase(&mut card, &mut sam, &mut store, &sale(2, "10")).unwrap();
    committed(&tap.outcome);
    assert_eq!(cause(&tap.earlier[0].outcome), Cause::NumberUsedByAnother);
    assert_eq!((card.balance, store.pending().unwrap()), (yuan("80"), vec![]));
}

#[test]
fn an_undo_in_doubt_lets_a_sale_of_its_purse_pass_and_nothing_else() {
    let (mut card, mut sam, mut store) = sold();
    card.fault(2, Fault::LostCommand);
    in_doubt(&undo(&mut card, &mut sam, &mut store, &taken_back(51)).unwrap().outcome);
    let tap = recharge(&mut card, &mut sam, &mut store, &top_up(2, "10")).unwrap();
    assert_eq!(cause(&tap.outcome), Cause::EarlierInDoubt);
    let deposit = PurchaseOrder { purse: Purse::Ed, ..sale(3, "10") };
    assert_eq!(cause(&purchase(&mut card, &mut sam, &mut store, &deposit).unwrap().outcome), Cause::EarlierInDoubt);
    // The sale's own answer is lost: found done at the next tap, it ends the undo there, also where no log is read.
    let seen = card.seen.len();
    card.fault(4, Fault::LostAnswer);
    in_doubt(&purchase(&mut card, &mut sam, &mut store, &sale(4, "10")).unwrap().outcome);
    assert_eq!((card.seen.len() - seen, card.balance), (5, yuan("80")));
    assert_eq!(store.pending().unwrap().len(), 2);
    let mut purchase_sam = SoftwareSam::new(keys(&[Purpose::Purchase]), VERSION, sam.state().clone());
    let mut killed = store.clone();
    let tap = purchase(&mut card.clone(), &mut purchase_sam, &mut store, &sale(4, "10")).unwrap();
    committed(&tap.outcome);
    assert_eq!((cause(&tap.earlier[0].outcome), store.pending().unwrap()), (Cause::NumberUsedByAnother, vec![]));
    let tap = purchase(&mut card, &mut purchase_sam, &mut killed, &sale(5, "10")).unwrap();
    let ended: Vec<_> = tap.earlier.iter().map(|earlier| matches!(earlier.outcome, Outcome::Committed(_))).collect();
    assert_eq!((ended, killed.pending().unwrap()), (vec![true, false], vec![]));
}

/// The relay executes the undo, and a sale is made after it: the sale's number is the next one, and shows nothing.
#[test]
fn a_sale_at_another_number_ends_no_undo() {
    let (mut card, mut sam, mut store) = sold();
    card.fault(2, Fault::LostAnswer);
    let token = in_doubt(&undo(&mut card, &mut sam, &mut store, &taken_back(51)).unwrap().outcome).token;
    let stale = hex!("00002328 0101 000000 01 00 01020304 9000").to_vec();
    for (at, answer) in [(1, hex!("9406").to_vec()), (2, stale)] {
        card.fault(at, Fault::Forged(answer));
    }
    let tap = purchase(&mut card, &mut sam, &mut store, &sale(2, "10")).unwrap();
    committed(&tap.outcome);
    assert_eq!(in_doubt(&tap.earlier[0].outcome), InDoubt { token, doubt: Doubt::SequenceUnproven });
    committed(&resolve(&mut card, &mut sam, &mut store, &token, None).unwrap());
    assert_eq!((card.balance, store.settlement().count()), (yuan("90"), 3));
}
