//! Every transaction of a card's wallet, whole, by APDUs and arithmetic that are neither the card's nor the host's: what a
//! card does is judged by what it says to somebody who knows its keys.

use cipher::{BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use onecard_host::{
    card::Pin,
    keys::{CardKeys, Purpose},
    transport::Transport,
};
use onecard_tests::world::{CAPP_DATA_LEN, CAPP_TYPE, KEY_VERSION, World, serial};
use onecard_wire::{aid, number::EnterpriseId, wallet::Purse};

/// Whoever knows all keys of one application, and its PIN.
pub(crate) struct Cashier {
    name: [u8; 14],
    keys: CardKeys,
    pin: Pin,
}

/// What is done to which purse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deal {
    /// With key 11, which asks for no PIN.
    Load(Purse),
    Purchase(Purse),
    CashWithdraw,
    /// With the CAPP record of this tag set to data of this byte.
    Capp {
        tag: u8,
        fill: u8,
    },
    Undo,
    Unload(Purse),
    /// The amount is the new limit.
    Overdraft,
}

/// How much, where and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) fen: u32,
    pub(crate) terminal: [u8; 6],
    pub(crate) terminal_sequence: u32,
    /// Seven BCD bytes.
    pub(crate) moment: [u8; 7],
}

/// How it ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    Done,
    /// The command with this INS was refused.
    Refused {
        ins: u8,
        status: u16,
    },
    /// No answer.
    Silent,
}

impl Deal {
    /// Every kind.
    pub(crate) const ALL: [Self; 9] = [
        Self::Load(Purse::Ep),
        Self::Load(Purse::Ed),
        Self::Purchase(Purse::Ep),
        Self::Purchase(Purse::Ed),
        Self::CashWithdraw,
        Self::Capp { tag: CAPP_TYPE, fill: 0x5C },
        Self::Unload(Purse::Ep),
        Self::Unload(Purse::Ed),
        Self::Overdraft,
    ];

    pub(crate) const fn purse(self) -> Purse {
        match self {
            Self::Load(purse) | Self::Purchase(purse) | Self::Unload(purse) => purse,
            Self::CashWithdraw | Self::Overdraft => Purse::Ed,
            Self::Capp { .. } | Self::Undo => Purse::Ep,
        }
    }

    /// Type byte in MACs and log.
    pub(crate) const fn type_byte(self) -> u8 {
        match self {
            Self::Load(Purse::Ed) => 0x01,
            Self::Load(Purse::Ep) => 0x02,
            Self::Unload(Purse::Ed) => 0x03,
            Self::CashWithdraw => 0x04,
            Self::Purchase(Purse::Ed) => 0x05,
            Self::Purchase(Purse::Ep) => 0x06,
            Self::Overdraft => 0x07,
            Self::Capp { .. } => 0x09,
            Self::Undo => 0x0A,
            Self::Unload(Purse::Ep) => 0x0B,
        }
    }

    pub(crate) const fn is_online(self) -> bool {
        matches!(self, Self::Load(_) | Self::Unload(_) | Self::Overdraft)
    }

    const fn p1(self) -> u8 {
        match self {
            Self::Load(_) => 0x00,
            Self::Purchase(_) => 0x01,
            Self::CashWithdraw => 0x02,
            Self::Capp { .. } => 0x03,
            Self::Overdraft => 0x04,
            Self::Unload(_) => 0x05,
            Self::Undo => 0x06,
        }
    }

    const fn key(self) -> (Purpose, u8) {
        match self {
            Self::Load(_) => (Purpose::LoadForAir, 0x11),
            Self::Purchase(_) | Self::CashWithdraw | Self::Capp { .. } => (Purpose::Purchase, 0x01),
            Self::Undo => (Purpose::Cancel, 0x01),
            Self::Unload(Purse::Ed) => (Purpose::UnloadEd, 0x01),
            Self::Unload(Purse::Ep) => (Purpose::UnloadEp, 0x02),
            Self::Overdraft => (Purpose::Overdraft, 0x01),
        }
    }
}

impl Terms {
    pub(crate) const fn new(fen: u32, terminal_sequence: u32) -> Self {
        Self {
            fen,
            terminal: [0x00, 0x11, 0x22, 0x33, 0x44, 0x01],
            terminal_sequence,
            moment: [0x20, 0x26, 0x06, 0x01, 0x12, 0x00, 0x00],
        }
    }

    pub(crate) const fn on(self, date: [u8; 4]) -> Self {
        let [year, century, month, day] = date;
        let [.., hour, minute, second] = self.moment;
        Self { moment: [year, century, month, day, hour, minute, second], ..self }
    }

    fn head(&self, type_byte: u8) -> Vec<u8> {
        [self.fen.to_be_bytes().as_slice(), &[type_byte], &self.terminal].concat()
    }

    fn dated(&self, type_byte: u8) -> Vec<u8> {
        [self.head(type_byte), self.moment.to_vec()].concat()
    }
}

impl Cashier {
    /// Of a card of the world.
    pub(crate) fn new(card: usize) -> Self {
        let world = World::shared();
        Self::of(world.enterprise_id(), world.enterprise_keys().card(serial(card)), world.pin())
    }

    pub(crate) fn of(enterprise: EnterpriseId, keys: CardKeys, pin: Pin) -> Self {
        Self { name: aid::enterprise_application(enterprise), keys, pin }
    }

    /// Selects the application and verifies the PIN.
    pub(crate) fn enter(&self, card: &mut dyn Transport) -> Option<()> {
        self.select(card)?;
        self.verify_pin(card)
    }

    pub(crate) fn select(&self, card: &mut dyn Transport) -> Option<()> {
        send(card, &[&[0x00, 0xA4, 0x04, 0x00, 0x0E], self.name.as_slice(), &[0x00]].concat()).ok().map(drop)
    }

    pub(crate) fn verify_pin(&self, card: &mut dyn Transport) -> Option<()> {
        let pin = self.pin.expose();
        send(card, &[&[0x00, 0x20, 0x00, 0x00, pin.len() as u8], pin].concat()).ok().map(drop)
    }

    /// The whole deal in the application that is selected. Panics at any wrong MAC or TAC of the card's.
    pub(crate) fn deal(&self, card: &mut dyn Transport, deal: Deal, terms: &Terms) -> Ended {
        let begun = match self.initialize(card, deal, terms) {
            Ok(begun) => begun,
            Err(ended) => return ended,
        };
        if let Deal::Capp { tag, fill } = deal
            && let Err(ended) = send(card, &update_capp(tag, fill))
        {
            return ended;
        }
        match self.complete(card, deal, terms, &begun) {
            Ok(()) => Ended::Done,
            Err(ended) => ended,
        }
    }

    /// The first command. Panics at a wrong MAC1.
    pub(crate) fn initialize(&self, card: &mut dyn Transport, deal: Deal, terms: &Terms) -> Result<Begun, Ended> {
        let begun = self.initialize_unchecked(card, deal, terms)?;
        assert!(!deal.is_online() || begun.mac1_is_right, "MAC1 of {deal:?}");
        Ok(begun)
    }

    /// The first command to whatever application is selected.
    pub(crate) fn initialize_unchecked(
        &self,
        card: &mut dyn Transport,
        deal: Deal,
        terms: &Terms,
    ) -> Result<Begun, Ended> {
        let (purpose, id) = deal.key();
        let amount = if deal == Deal::Overdraft { Vec::new() } else { terms.fen.to_be_bytes().to_vec() };
        let data = [&[id], amount.as_slice(), &terms.terminal].concat();
        let le = match deal {
            Deal::Overdraft => 0x13,
            _ if deal.is_online() => 0x10,
            _ => 0x0F,
        };
        let header = [0x80, 0x50, deal.p1(), deal.purse() as u8, data.len() as u8];
        let answer = send(card, &[&header, data.as_slice(), &[le]].concat())?;
        assert_eq!(answer.len(), usize::from(le));
        let (random, limit) = match deal {
            Deal::Overdraft => (&answer[11..15], answer[6..9].to_vec()),
            _ if deal.is_online() => (&answer[8..12], vec![]),
            _ => (&answer[11..15], answer[6..9].to_vec()),
        };
        let tail =
            if deal.is_online() { vec![0x80, 0x00] } else { terms.terminal_sequence.to_be_bytes()[2..].to_vec() };
        let block = [random, &answer[4..6], &tail].concat();
        let session = encipher(self.key(purpose), block.try_into().unwrap());
        let mac1_input = match deal {
            Deal::Overdraft => [&answer[..4], &answer[6..9], &[deal.type_byte()], terms.terminal.as_slice()].concat(),
            _ => [&answer[..4], terms.head(deal.type_byte()).as_slice()].concat(),
        };
        Ok(Begun {
            session,
            old_balance: u32::from_be_bytes(answer[..4].try_into().unwrap()),
            sequence: u16::from_be_bytes(answer[4..6].try_into().unwrap()),
            limit,
            mac1_is_right: mac(&session, &mac1_input) == answer[answer.len() - 4..],
        })
    }

    /// The second command.
    pub(crate) fn complete(
        &self,
        card: &mut dyn Transport,
        deal: Deal,
        terms: &Terms,
        begun: &Begun,
    ) -> Result<(), Ended> {
        let answer = send(card, &self.second_command(deal, terms, begun))?;
        let tac_key = fold(self.key(Purpose::Tac));
        let (type_byte, sequence) = (deal.type_byte(), begun.sequence.to_be_bytes());
        let new_balance = begun.balance_after(deal, terms.fen).to_be_bytes();
        let online = |rest: Vec<u8>| [new_balance.as_slice(), &sequence, &rest].concat();
        match deal {
            Deal::Load(_) => assert_eq!(mac(&tac_key, &online(terms.dated(type_byte))), answer, "TAC of {deal:?}"),
            Deal::Unload(_) => {
                assert_eq!(mac(&begun.session, &online(terms.dated(type_byte))), answer, "MAC3 of {deal:?}");
            }
            Deal::Overdraft => assert_eq!(mac(&tac_key, &online(overdraft(terms))), answer, "TAC of {deal:?}"),
            _ => {
                let sequence = terms.terminal_sequence.to_be_bytes();
                let input = [terms.head(type_byte), sequence.to_vec(), terms.moment.to_vec()].concat();
                let expected = [mac(&tac_key, &input), mac(&begun.session, &terms.fen.to_be_bytes())].concat();
                assert_eq!(expected, answer, "TAC and MAC2 of {deal:?}");
            }
        }
        Ok(())
    }

    /// DEBIT, CREDIT or UPDATE OVERDRAW LIMIT with its MAC.
    pub(crate) fn second_command(&self, deal: Deal, terms: &Terms, begun: &Begun) -> Vec<u8> {
        let type_byte = deal.type_byte();
        let hosts_mac =
            mac(&begun.session, &if deal == Deal::Overdraft { overdraft(terms) } else { terms.dated(type_byte) });
        let (ins, p1, data, le) = match deal {
            Deal::Load(_) => (0x52, 0x00, terms.moment.to_vec(), 4),
            Deal::Unload(_) => (0x54, 0x03, terms.moment.to_vec(), 4),
            Deal::Overdraft => (0x58, 0x00, [&terms.fen.to_be_bytes()[1..], terms.moment.as_slice()].concat(), 4),
            Deal::Undo => (0x54, 0x06, terms.offline_fields(), 8),
            Deal::Purchase(_) | Deal::CashWithdraw | Deal::Capp { .. } => (0x54, 0x01, terms.offline_fields(), 8),
        };
        let data = [data.as_slice(), &hosts_mac].concat();
        [&[0x80, ins, p1, 0x00, data.len() as u8], data.as_slice(), &[le]].concat()
    }

    pub(crate) fn key(&self, purpose: Purpose) -> [u8; 16] {
        *self.keys.keys().key(purpose, KEY_VERSION).unwrap().expose()
    }
}

impl Terms {
    fn offline_fields(&self) -> Vec<u8> {
        [self.terminal_sequence.to_be_bytes().as_slice(), &self.moment].concat()
    }
}

/// What INITIALIZE told.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    session: [u8; 8],
    pub(crate) old_balance: u32,
    pub(crate) sequence: u16,
    limit: Vec<u8>,
    /// Online transactions alone have one.
    mac1_is_right: bool,
}

impl Begun {
    fn balance_after(&self, deal: Deal, fen: u32) -> u32 {
        match deal {
            Deal::Load(_) | Deal::Undo => self.old_balance + fen,
            Deal::Overdraft => self.old_balance - self.limit() + fen,
            _ => self.old_balance - fen,
        }
    }

    /// The overdraft limit before.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.iter().fold(0, |limit, byte| limit << 8 | u32::from(*byte))
    }
}

/// UPDATE CAPP DATA CACHE of the record with this tag.
pub(crate) fn update_capp(tag: u8, fill: u8) -> Vec<u8> {
    let record = capp_record(tag, fill);
    [&[0x80, 0xDC, tag, 0x1C << 3, record.len() as u8], record.as_slice()].concat()
}

/// Tag, length, an open lock, data.
pub(crate) fn capp_record(tag: u8, fill: u8) -> Vec<u8> {
    [&[tag, CAPP_DATA_LEN as u8 + 1, 0x00], [fill; CAPP_DATA_LEN].as_slice()].concat()
}

fn overdraft(terms: &Terms) -> Vec<u8> {
    [&terms.fen.to_be_bytes()[1..], &[0x07], terms.terminal.as_slice(), &terms.moment].concat()
}

/// The answer's data if it ends in 9000.
pub(crate) fn send(card: &mut dyn Transport, command: &[u8]) -> Result<Vec<u8>, Ended> {
    let answer = card.transmit(command).map_err(|_| Ended::Silent)?;
    let (data, status) = answer.split_last_chunk::<2>().unwrap();
    match u16::from_be_bytes(*status) {
        0x9000 => Ok(data.to_vec()),
        status => Err(Ended::Refused { ins: command[1], status }),
    }
}

fn encipher(key: [u8; 16], mut block: [u8; 8]) -> [u8; 8] {
    TdesEde2::new(&key.into()).encrypt_block((&mut block).into());
    block
}

/// CBC-MAC with single DES, IV 0, padded by 80, its left half.
fn mac(key: &[u8; 8], message: &[u8]) -> Vec<u8> {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(8), 0);
    let cipher = Des::new(key.into());
    let last = padded.chunks(8).fold([0u8; 8], |chain, block| {
        let mut next: [u8; 8] = core::array::from_fn(|at| chain[at] ^ block[at]);
        cipher.encrypt_block((&mut next).into());
        next
    });
    last[..4].to_vec()
}

fn fold(key: [u8; 16]) -> [u8; 8] {
    core::array::from_fn(|at| key[at] ^ key[at + 8])
}
