//! A card as far as the terminals see it, with faults to order.

use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::AlgorithmId,
    layout::Writer,
    number::TerminalNumber,
    record::{ApplicationType, CardStatus, LogRecord, Parameters, PublicData},
    wallet::{
        CreditForLoad, DebitForPurchase, Debited, Initialize, InitializeUpdate, LoadInitialized, OverdraftLimit, Proof,
        PurchaseInitialized, TransactionType, UpdateInitialized, UpdateOverdrawLimit,
    },
};

use super::{Kind, VERSION, enterprise, master, serial};
use crate::{
    crypto::{Key, SessionKey, TransactionTerms, load_tac, purchase_tac, update_tac},
    keys::{Purpose, diversify},
    transport::{Transport, TransportError},
};

/// What goes wrong with one command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// The card never sees it.
    LostCommand,
    /// The reader does not send it, and says so.
    Unsent,
    /// The card executes it, the answer is lost.
    LostAnswer,
    /// The card executes it, this comes back.
    ChangedAnswer(Vec<u8>),
    /// The card never sees it, this comes back.
    Forged(Vec<u8>),
}

/// A card with an EP.
#[derive(Clone, Debug)]
pub(super) struct ModelCard {
    pub(super) public_data: PublicData,
    pub(super) balance: Amount,
    pub(super) offline: u16,
    pub(super) online: u16,
    pub(super) log: Vec<LogRecord>,
    pub(super) proofs: Vec<(TransactionType, u16, Proof)>,
    /// Every command sent, executed or not.
    pub(super) seen: Vec<Vec<u8>>,
    /// Faults by index into `seen`.
    pub(super) faults: Vec<(usize, Fault)>,
    /// EF 0017, which the model shows and does not enforce.
    pub(super) parameters: Parameters,
    /// EF 001C's one record.
    pub(super) capp: Vec<u8>,
    /// The overdraft limit.
    pub(super) limit: OverdraftLimit,
    /// Answers with this word to INITIALIZE.
    pub(super) refuses: Option<[u8; 2]>,
    /// Answers with this word to DEBIT, CREDIT and UPDATE.
    pub(super) refuses_debit: Option<[u8; 2]>,
    /// Refuses a load of more with 6985.
    pub(super) load_max: Option<Amount>,
    randoms: u32,
    challenge: Option<[u8; 4]>,
    session: Option<Session>,
    pin_verified: bool,
}

#[derive(Clone, Debug)]
struct Session {
    kind: Kind,
    field: Initialize,
    random: [u8; 4],
    cache: Option<Vec<u8>>,
}

impl ModelCard {
    pub(super) fn new(number: u64, balance: Amount) -> Self {
        let public_data = PublicData {
            enterprise: enterprise(),
            application_type: ApplicationType::BOTH,
            version: PublicData::VERSION_OWN,
            serial: serial(number),
            valid_from: onecard_wire::date::Date::parse("2026-01-01").unwrap(),
            valid_to: onecard_wire::date::Date::parse("2026-12-31").unwrap(),
            issuer_data: [0; 2],
        };
        Self {
            public_data,
            balance,
            offline: 0x0100,
            online: 0x0020,
            log: Vec::new(),
            proofs: Vec::new(),
            seen: Vec::new(),
            faults: Vec::new(),
            parameters: Parameters::UNLIMITED,
            capp: vec![0xAA, 5, 0, 0, 0, 0, 0],
            limit: OverdraftLimit::default(),
            refuses: None,
            refuses_debit: None,
            load_max: None,
            randoms: 0,
            challenge: None,
            session: None,
            pin_verified: false,
        }
    }

    /// The n-th command from now on goes wrong.
    pub(super) fn fault(&mut self, commands_from_now: usize, fault: Fault) {
        self.faults.push((self.seen.len() + commands_from_now, fault));
    }

    /// What money and counters say, without what is lost at power-off.
    pub(super) fn money(&self) -> (Amount, u16, u16) {
        (self.balance, self.offline, self.online)
    }

    fn key(&self, purpose: Purpose) -> Key {
        diversify(&master(purpose), self.public_data.serial.to_bytes())
    }

    fn random(&mut self) -> [u8; 4] {
        self.randoms += 0x0101_0101;
        self.randoms.to_be_bytes()
    }

    fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        let session = self.session.take();
        let challenge = self.challenge.take();
        let data = command.get(5..).unwrap_or_default();
        let done = match command[..4] {
            [0x00, 0xA4, 0x04, 0x00] => self.select(data),
            [0x00, 0x20, 0x00, 0x00] => self.verify(data),
            [0x80, 0x50, 0x01, 0x02] => self.initialize_offline(Kind::PurchaseEp, data),
            [0x80, 0x50, 0x02, 0x01] => self.initialize_offline(Kind::CashWithdraw, data),
            [0x80, 0x50, 0x03, 0x02] => self.initialize_offline(Kind::Capp, data),
            [0x80, 0x50, 0x06, 0x02] => self.initialize_offline(Kind::Undo, data),
            [0x80, 0x50, 0x00, 0x02] => self.initialize_online(Kind::LoadEp, data),
            [0x80, 0x50, 0x05, 0x02] => self.initialize_online(Kind::UnloadEp, data),
            [0x80, 0x50, 0x04, 0x01] => self.initialize_update(data),
            [0x80, 0xDC, 0xAA, 0xE0] => self.update_cache(session, data),
            [0x80, 0x54, 0x01, 0x00] => self.debit(session, data, |kind| kind != Kind::Undo),
            [0x80, 0x54, 0x06, 0x00] => self.debit(session, data, |kind| kind == Kind::Undo),
            [0x80, 0x52, 0x00, 0x00] => self.credit(session, data),
            [0x80, 0x54, 0x03, 0x00] => self.unload(session, data),
            [0x80, 0x58, 0x00, 0x00] => self.update_limit(session, data),
            [0x80, 0x5A, 0x00, transaction_type] => self.prove(TransactionType(transaction_type), data),
            [0x00, 0x84, 0x00, 0x00] => {
                let random = self.random();
                self.challenge = Some(random);
                Ok(random.to_vec())
            }
            [0x80, 0x5C, 0x00, 0x02] => Ok(self.balance.to_bytes().to_vec()),
            [0x00, 0xB0, 0x97, 0x00] => Ok(self.parameters.emit().to_vec()),
            [0x04, 0xB2, number, 0xC4] => self.log_record(challenge, number, command),
            [0x04, 0xB0, 0x95, 0x00] => self.with_mac(challenge, command, &self.public_data.emit()),
            [0x04, 0xD6, 0x97, 0x00] => self.mark(challenge, command),
            _ => Err([0x6D, 0x00]),
        };
        match done {
            Ok(data) => [&data[..], &[0x90, 0x00]].concat(),
            Err(status) => status.to_vec(),
        }
    }

    fn mark(&mut self, challenge: Option<[u8; 4]>, command: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let [a, b, c, d] = challenge.ok_or([0x69, 0x85])?;
        let (message, mac) = command.split_last_chunk::<4>().unwrap();
        if self.key(Purpose::Maintenance).line_mac([a, b, c, d, 0, 0, 0, 0], message) != *mac {
            return Err([0x69, 0x88]);
        }
        self.parameters.status = CardStatus(message[5]);
        self.parameters.blacklist_version = message[6..].try_into().unwrap();
        Ok(Vec::new())
    }

    fn select(&mut self, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        self.pin_verified = false;
        let name = onecard_wire::aid::enterprise_application(enterprise());
        if !data.starts_with(&name) {
            return Err([0x6A, 0x82]);
        }
        let fci: [u8; 53] = Writer::new()
            .put(&[0x6F, 51, 0x84, 14])
            .put(&name)
            .put(&[0xA5, 0x21, 0x9F, 0x0C, 0x1E])
            .put(&self.public_data.emit())
            .finish();
        Ok(fci.to_vec())
    }

    fn verify(&mut self, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        self.pin_verified = data == [0x12, 0x34, 0x56];
        if self.pin_verified { Ok(Vec::new()) } else { Err([0x63, 0xC2]) }
    }

    fn initialize_offline(&mut self, kind: Kind, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let field = Initialize::parse(&data[..11]).unwrap();
        self.refuses.map_or(Ok(()), Err)?;
        if kind == Kind::CashWithdraw && !self.pin_verified {
            return Err([0x69, 0x82]);
        }
        if kind == Kind::Undo {
            let last = self.log.first().is_some_and(|last| {
                last.transaction_type == TransactionType::PURCHASE_EP
                    && (last.amount, last.terminal) == (field.amount, field.terminal)
            });
            if !last {
                return Err([0x94, 0x06]);
            }
        } else if field.amount > self.balance {
            return Err([0x94, 0x01]);
        }
        let random = self.random();
        self.session = Some(Session { kind, field, random, cache: None });
        let answer = PurchaseInitialized {
            old_balance: self.balance,
            offline_sequence: self.offline,
            overdraft: OverdraftLimit::default(),
            key_version: VERSION,
            algorithm: AlgorithmId::TRIPLE_DES,
            random,
        };
        Ok(answer.emit().to_vec())
    }

    fn initialize_online(&mut self, kind: Kind, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let field = Initialize::parse(&data[..11]).unwrap();
        self.refuses.map_or(Ok(()), Err)?;
        if kind.is_load() && !self.pin_verified {
            return Err([0x69, 0x82]);
        }
        if self.load_max.is_some_and(|max| field.amount > max) {
            return Err([0x69, 0x85]);
        }
        if kind.is_unload() && field.amount > self.balance {
            return Err([0x94, 0x01]);
        }
        let random = self.random();
        let session = SessionKey::of_load(&self.online_key(kind), random, self.online);
        let mac1 = session.load_mac1(self.balance, &terms(&field, kind.transaction_type(), super::moment(0)));
        self.session = Some(Session { kind, field, random, cache: None });
        let answer = LoadInitialized {
            old_balance: self.balance,
            online_sequence: self.online,
            key_version: VERSION,
            algorithm: AlgorithmId::TRIPLE_DES,
            random,
            mac1,
        };
        Ok(answer.emit().to_vec())
    }

    fn initialize_update(&mut self, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let InitializeUpdate { key_id, terminal } = InitializeUpdate::parse(&data[..7]).unwrap();
        if !self.pin_verified {
            return Err([0x69, 0x82]);
        }
        let (kind, random) = (Kind::Overdraft, self.random());
        let session = SessionKey::of_update(&self.online_key(kind), random, self.online);
        let field = Initialize { key_id, amount: Amount::ZERO, terminal };
        self.session = Some(Session { kind, field, random, cache: None });
        let answer = UpdateInitialized {
            old_balance: self.balance,
            online_sequence: self.online,
            old_limit: self.limit,
            key_version: VERSION,
            algorithm: AlgorithmId::TRIPLE_DES,
            random,
            mac1: session.update_mac1(self.balance, self.limit, terminal),
        };
        Ok(answer.emit().to_vec())
    }

    fn online_key(&self, kind: Kind) -> Key {
        self.key(match kind {
            Kind::UnloadEp => Purpose::UnloadEp,
            Kind::Overdraft => Purpose::Overdraft,
            _ => Purpose::Load,
        })
    }

    fn update_cache(&mut self, session: Option<Session>, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let session = session.filter(|session| session.kind == Kind::Capp).ok_or([0x69, 0x01])?;
        if data.len() != self.capp.len() {
            return Err([0x6A, 0x84]);
        }
        self.session = Some(Session { cache: Some(data.to_vec()), ..session });
        Ok(Vec::new())
    }

    fn debit(
        &mut self,
        session: Option<Session>,
        data: &[u8],
        fits: impl Fn(Kind) -> bool,
    ) -> Result<Vec<u8>, [u8; 2]> {
        let session = session.filter(|session| !session.kind.is_online() && fits(session.kind));
        let Session { kind, field, random, cache } = session.ok_or([0x69, 0x01])?;
        self.refuses_debit.map_or(Ok(()), Err)?;
        let debit = DebitForPurchase::parse(&data[..15]).unwrap();
        let moment = Moment { date: debit.date, time: debit.time };
        let terms = terms(&field, kind.transaction_type(), moment);
        let key = self.key(if kind == Kind::Undo { Purpose::Cancel } else { Purpose::Purchase });
        let key = SessionKey::of_purchase(&key, random, self.offline, debit.terminal_sequence);
        if key.purchase_mac1(&terms) != debit.mac1 {
            return Err([0x93, 0x02]);
        }
        self.balance = kind.balance_after(self.balance, field.amount).unwrap();
        self.offline += 1;
        self.capp = cache.unwrap_or(core::mem::take(&mut self.capp));
        let tac = purchase_tac(&self.key(Purpose::Tac), debit.terminal_sequence, &terms);
        let mac2 = key.purchase_mac2(field.amount);
        self.remember(&terms, self.offline, Proof { mac: mac2, tac });
        Ok(Debited { tac, mac2 }.emit().to_vec())
    }

    fn credit(&mut self, session: Option<Session>, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let session = session.filter(|session| session.kind.is_load());
        let Session { kind, field, random, .. } = session.ok_or([0x69, 0x01])?;
        self.refuses_debit.map_or(Ok(()), Err)?;
        let credit = CreditForLoad::parse(&data[..11]).unwrap();
        let terms = terms(&field, kind.transaction_type(), Moment { date: credit.date, time: credit.time });
        if SessionKey::of_load(&self.online_key(kind), random, self.online).load_mac2(&terms) != credit.mac2 {
            return Err([0x93, 0x02]);
        }
        self.balance = self.balance.plus(field.amount).unwrap();
        let tac = load_tac(&self.key(Purpose::Tac), self.balance, self.online, &terms);
        self.online += 1;
        self.remember(&terms, self.online, Proof { mac: [0; 4], tac });
        Ok(tac.to_vec())
    }

    fn unload(&mut self, session: Option<Session>, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let session = session.filter(|session| session.kind.is_unload());
        let Session { kind, field, random, .. } = session.ok_or([0x69, 0x01])?;
        self.refuses_debit.map_or(Ok(()), Err)?;
        let debit = CreditForLoad::parse(&data[..11]).unwrap();
        let terms = terms(&field, kind.transaction_type(), Moment { date: debit.date, time: debit.time });
        let key = SessionKey::of_unload(&self.online_key(kind), random, self.online);
        if key.load_mac2(&terms) != debit.mac2 {
            return Err([0x93, 0x02]);
        }
        self.balance = self.balance.minus(field.amount).unwrap();
        let mac3 = key.unload_mac3(self.balance, self.online, &terms);
        self.online += 1;
        self.remember(&terms, self.online, Proof { mac: mac3, tac: [0; 4] });
        Ok(mac3.to_vec())
    }

    fn update_limit(&mut self, session: Option<Session>, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let session = session.filter(|session| session.kind == Kind::Overdraft);
        let Session { kind, field, random, .. } = session.ok_or([0x69, 0x01])?;
        let update = UpdateOverdrawLimit::parse(&data[..14]).unwrap();
        let key = SessionKey::of_update(&self.online_key(kind), random, self.online);
        if key.update_mac2(update.new_limit, field.terminal, update.moment) != update.mac2 {
            return Err([0x93, 0x02]);
        }
        let with_new = self.balance.plus(update.new_limit.amount()).unwrap();
        self.balance = with_new.minus(self.limit.amount()).ok_or([0x69, 0x85])?;
        self.limit = update.new_limit;
        let at = (field.terminal, update.moment);
        let tac = update_tac(&self.key(Purpose::Tac), self.balance, self.online, self.limit, at);
        self.online += 1;
        let field = Initialize { amount: self.limit.amount(), ..field };
        let terms = terms(&field, kind.transaction_type(), update.moment);
        self.remember(&terms, self.online, Proof { mac: [0; 4], tac });
        Ok(tac.to_vec())
    }

    fn remember(&mut self, terms: &TransactionTerms, sequence: u16, proof: Proof) {
        self.proofs.push((terms.transaction_type, sequence, proof));
        let record = LogRecord {
            sequence,
            overdraft: OverdraftLimit::default(),
            amount: terms.amount,
            transaction_type: terms.transaction_type,
            terminal: terms.terminal,
            date: terms.moment.date,
            time: terms.moment.time,
        };
        self.log.insert(0, record);
    }

    fn prove(&self, transaction_type: TransactionType, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let sequence = u16::from_be_bytes([data[0], data[1]]);
        let found =
            self.proofs.iter().rev().take(8).find(|(kind, number, _)| (*kind, *number) == (transaction_type, sequence));
        found.map(|(_, _, proof)| proof.emit().to_vec()).ok_or([0x94, 0x06])
    }

    fn log_record(&self, challenge: Option<[u8; 4]>, number: u8, command: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let record = self.log.get(usize::from(number) - 1).map(LogRecord::emit);
        match (self.with_mac(challenge, command, &record.unwrap_or_default()), record) {
            (Ok(_), None) => Err([0x6A, 0x83]),
            (answer, _) => answer,
        }
    }

    fn with_mac(&self, challenge: Option<[u8; 4]>, command: &[u8], content: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let key = self.key(Purpose::Maintenance);
        let [a, b, c, d] = challenge.ok_or([0x69, 0x84])?;
        let initial = [a, b, c, d, 0, 0, 0, 0];
        if key.line_mac(initial, &command[..5]) != command[5..9] {
            return Err([0x69, 0x88]);
        }
        Ok([content, &key.line_mac(initial, content)].concat())
    }
}

impl Transport for ModelCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let at = self.seen.len();
        self.seen.push(command.to_vec());
        let fault = self.faults.iter().find(|(index, _)| *index == at).map(|(_, fault)| fault.clone());
        match fault {
            None => Ok(self.execute(command)),
            Some(Fault::LostCommand) => Err(TransportError::NoAnswer),
            Some(Fault::Unsent) => {
                Err(TransportError::CommandTooLong { length: command.len(), longest: command.len() - 1 })
            }
            Some(Fault::LostAnswer) => {
                self.execute(command);
                Err(TransportError::CardRemoved)
            }
            Some(Fault::ChangedAnswer(answer)) => {
                self.execute(command);
                Ok(answer)
            }
            Some(Fault::Forged(answer)) => Ok(answer),
        }
    }
}

fn terms(field: &Initialize, transaction_type: TransactionType, moment: Moment) -> TransactionTerms {
    let terminal: TerminalNumber = field.terminal;
    TransactionTerms { amount: field.amount, transaction_type, terminal, moment }
}
