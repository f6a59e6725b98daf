//! A SAM in a slot, real or simulated (PBOC PSAM; profile §4 for what is marked own).

mod ciphers;
mod placed;

use onecard_wire::{
    aid,
    amount::Amount,
    fid::Fid,
    ins,
    key::{Algorithm, KeyVersion},
    number::{EnterpriseId, TerminalNumber},
    sam::{InitSam, InitSamAnswer, Mark, Usage, UsageKind},
    status::StatusWord,
};

use super::{
    AuthenticationUse, CardFactors, Cryptogram, LineKeyUse, Sam, SamError, SamOrder,
    key_list::{NEWEST, listed_versions},
};
use crate::{
    apdu::{Command, exchange},
    blacklist::ListVersion,
    crypto::padding,
    transport::Transport,
};

/// An enterprise's SAM behind a [`Transport`], its application selected.
#[derive(Debug)]
pub struct PsamCard<T> {
    transport: T,
    enterprise: EnterpriseId,
    terminal: TerminalNumber,
    levels: Levels,
    maintenance_version: KeyVersion,
    /// Kinds whose keys are not triple DES.
    algorithms: Vec<(UsageKind, Algorithm)>,
}

/// How far the SAM's keys still have to be diversified to be a card's. Factors travel card serial first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Levels {
    /// The SAM holds enterprise keys: one level, the card's serial (profile §4).
    Serial,
    /// Two levels: enterprise, then serial.
    EnterpriseAndSerial,
    /// Three levels: this region, then enterprise, then serial.
    RegionEnterpriseAndSerial([u8; 8]),
}

impl<T: Transport> PsamCard<T> {
    /// Reads the terminal number from the MF's EF 0016 and selects the application of `enterprise`.
    ///
    /// `maintenance_version` names the key of usage 05 for [`Sam::maintenance_mac`]; a till has none, and then it is not
    /// used.
    ///
    /// # Errors
    /// [`SamError::NotSupported`] if the SAM is another enterprise's, [`SamError`] else.
    pub fn open(
        mut transport: T,
        enterprise: EnterpriseId,
        levels: Levels,
        maintenance_version: KeyVersion,
    ) -> Result<Self, SamError> {
        const TERMINAL_SFI: u8 = 0x80 | (Fid::SAM_TERMINAL.0 & 0x1F) as u8;
        let mf = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&Fid::MF.0.to_be_bytes());
        send(&mut transport, &mf.expecting(0))?;
        let number = send(&mut transport, &Command::new(ins::CLA_ISO, ins::READ_BINARY, TERMINAL_SFI, 0).expecting(6))?;
        let terminal = TerminalNumber(fixed(&number)?);
        let name = aid::sam_application(enterprise);
        send(&mut transport, &Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0))?;
        Ok(Self { transport, enterprise, terminal, levels, maintenance_version, algorithms: Vec::new() })
    }

    /// The same SAM, whose key of `kind` is of `algorithm` (own): it decides how the terminal pads for DES CRYPT, which tells
    /// no algorithm. Kinds not named are triple DES; [`Self::with_listed_algorithms`] asks the SAM. Transactions need no such
    /// word: the card tells its key's algorithm.
    #[must_use]
    pub fn with_algorithm(mut self, kind: UsageKind, algorithm: Algorithm) -> Self {
        self.algorithms.retain(|(named, _)| *named != kind);
        self.algorithms.push((kind, algorithm));
        self
    }

    /// Gives the slot back.
    #[must_use]
    pub fn into_transport(self) -> T {
        self.transport
    }

    /// `before ‖ 8070 data ‖ factors ‖ after` as a command of `ins`.
    fn transaction(
        &mut self,
        [ins, p1]: [u8; 2],
        before: &[u8],
        order: &SamOrder,
        after: &[u8],
        le: Option<u8>,
    ) -> Result<Vec<u8>, SamError> {
        let data = [before, &order.init.emit(), &self.factors(order.card)?, after].concat();
        let command = Command::new(ins::CLA_PBOC, ins, p1, 0x00).with_bytes(&data);
        let command = command.map_err(|error| SamError::MessageTooLong(error.0))?;
        send(&mut self.transport, &if let Some(le) = le { command.expecting(le) } else { command })
    }

    /// INIT_FOR_DESCRYPT: the card's own key of that kind and version stands ready.
    fn prepare(&mut self, card: CardFactors, (kind, version): (UsageKind, KeyVersion)) -> Result<(), SamError> {
        let factors = self.factors(card)?;
        let usage = Usage::new(u8::try_from(factors.len() / 8).unwrap_or_default(), kind);
        let prepare = Command::new(ins::CLA_PBOC, ins::INIT_FOR_DESCRYPT, usage.0, version.0).with_bytes(&factors);
        send(&mut self.transport, &prepare.map_err(|error| SamError::MessageTooLong(error.0))?).map(drop)
    }

    /// DES CRYPT: a line-protection MAC.
    fn mac(
        &mut self,
        card: CardFactors,
        key: (UsageKind, KeyVersion),
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        /// P1 of DES CRYPT: a MAC whose IV is the first block of the data.
        const MAC_WITH_IV: u8 = 0x05;
        let data = padding::for_des_crypt(self.algorithm_of(key.0), initial, message);
        let crypt = Command::new(ins::CLA_PBOC, ins::DES_CRYPT, MAC_WITH_IV, 0x00).with_bytes(&data);
        let crypt = crypt.map_err(|_| SamError::MessageTooLong(message.len()))?;
        self.prepare(card, key)?;
        fixed(&send(&mut self.transport, &crypt.expecting(4))?)
    }

    fn factors(&self, card: CardFactors) -> Result<Vec<u8>, SamError> {
        if card.enterprise != self.enterprise {
            return Err(SamError::NoSuchKey);
        }
        let (serial, enterprise) = (card.serial.to_bytes(), card.enterprise.to_bytes());
        Ok(match self.levels {
            Levels::Serial => serial.to_vec(),
            Levels::EnterpriseAndSerial => [serial, enterprise].concat(),
            Levels::RegionEnterpriseAndSerial(region) => [serial, enterprise, region].concat(),
        })
    }
}

impl<T: Transport> Sam for PsamCard<T> {
    fn terminal(&mut self) -> Result<TerminalNumber, SamError> {
        Ok(self.terminal)
    }

    fn initialize_purchase(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        const LE: u8 = InitSamAnswer::LEN as u8;
        let answer = self.transaction([ins::INIT_SAM, ins::SAM_PURCHASE], &[], order, &[], Some(LE))?;
        InitSamAnswer::parse(&answer).ok_or(SamError::Malformed(answer.len()))
    }

    fn credit_purchase(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        let command = Command::new(ins::CLA_PBOC, ins::CREDIT_SAM, ins::SAM_PURCHASE, 0x00).with_data(&mac2);
        send(&mut self.transport, &command).map(drop)
    }

    fn initialize_undo(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        const LE: u8 = InitSamAnswer::LEN as u8;
        let answer = self.transaction([ins::INIT_SAM, ins::SAM_UNDO], &[], order, &[], Some(LE)).map_err(not_last)?;
        InitSamAnswer::parse(&answer).ok_or(SamError::Malformed(answer.len()))
    }

    fn credit_undo(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        let command = Command::new(ins::CLA_PBOC, ins::CREDIT_SAM, ins::SAM_UNDO, 0x00).with_data(&mac2);
        send(&mut self.transport, &command).map(drop)
    }

    fn check_past_purchase(&mut self, order: &SamOrder, terminal_sequence: u32, mac2: [u8; 4]) -> Result<(), SamError> {
        let sequence = terminal_sequence.to_be_bytes();
        self.transaction([ins::CREDIT_SAM, ins::SAM_PAST_PURCHASE], &sequence, order, &mac2, None).map(drop)
    }

    fn load(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError> {
        let after = [old_balance.to_bytes(), mac1].concat();
        let answer = self.transaction([ins::INIT_SAM, ins::SAM_LOAD], &[], order, &after, Some(4));
        fixed(&answer.map_err(|error| match error {
            SamError::Unexpected(StatusWord::BALANCE_TOO_LOW) => SamError::LimitReached,
            other => other,
        })?)
    }

    fn check_load(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError> {
        let after = [&old_balance.to_bytes()[..], &mac1, &terminal.0].concat();
        self.transaction([ins::CREDIT_SAM, ins::SAM_CHECK_LOAD], &[], order, &after, None).map(drop)
    }

    fn random(&mut self) -> Result<[u8; 4], SamError> {
        fixed(&send(&mut self.transport, &Command::new(ins::CLA_ISO, ins::GET_CHALLENGE, 0, 0).expecting(4))?)
    }

    fn maintenance_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        self.mac(card, (UsageKind::CARD_MAINTENANCE, self.maintenance_version), initial, message)
    }

    fn placed_mac(
        &mut self,
        card: CardFactors,
        version: KeyVersion,
        place: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.mac_from_enciphered(card, (UsageKind::CARD_MAINTENANCE, version), place, message)
    }

    fn authentication(
        &mut self,
        card: CardFactors,
        usage: AuthenticationUse,
        version: KeyVersion,
        challenge: [u8; 8],
    ) -> Result<Cryptogram, SamError> {
        /// P1 of DES CRYPT: encipher whole blocks.
        const ENCIPHER: u8 = 0x00;
        self.prepare(card, (usage.kind(), version))?;
        let crypt = Command::new(ins::CLA_PBOC, ins::DES_CRYPT, ENCIPHER, 0x00);
        let crypt = match self.algorithm_of(usage.kind()) {
            Algorithm::Des => crypt.with_data(&challenge),
            Algorithm::Sm4 | Algorithm::Aes => crypt.with_data(&padding::joined(challenge, padding::PADDING)),
        };
        let answer = send(&mut self.transport, &crypt.expecting(0))?;
        Cryptogram::from_answer(&answer).ok_or(SamError::Malformed(answer.len()))
    }

    fn line_mac(
        &mut self,
        card: CardFactors,
        usage: LineKeyUse,
        version: KeyVersion,
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.mac(card, (usage.kind(), version), initial, message)
    }

    fn marking_versions(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        let versions = listed_versions(&mut self.transport, UsageKind::MARKING)?;
        Ok(versions.unwrap_or_else(|| vec![NEWEST]))
    }

    fn mark(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        challenge: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError> {
        let factors = self.factors(card)?;
        // The serial is the first of the factors; those of higher levels follow it, as everywhere.
        let mark = Mark { challenge, list_version: list.0, serial: card.serial.to_bytes() }.emit();
        let above = factors.get(card.serial.to_bytes().len()..).unwrap_or_default();
        let command = Command::new(ins::CLA_PBOC, ins::SAM_MARK, 0x00, key.0).with_bytes(&[&mark[..], above].concat());
        let command = command.map_err(|error| SamError::MessageTooLong(error.0))?.expecting(4);
        fixed(&send(&mut self.transport, &command)?)
    }
}

// The fixed part and three factors, a balance and a MAC always fit a command.
const _: () = assert!(4 + InitSam::LEN + 24 + 8 <= ins::DATA_MAX);

pub(super) fn send<T: Transport + ?Sized>(transport: &mut T, command: &Command) -> Result<Vec<u8>, SamError> {
    exchange(transport, command)?.done().map_err(|status| match status {
        StatusWord::MAC_WRONG => SamError::WrongMac,
        StatusWord::NO_SUCH_KEY | StatusWord::KEY_NOT_FOUND => SamError::NoSuchKey,
        StatusWord::COUNTER_AT_MAXIMUM => SamError::Exhausted,
        StatusWord::WRONG_P1P2
        | StatusWord::INS_NOT_SUPPORTED
        | StatusWord::CLA_NOT_SUPPORTED
        | StatusWord::FILE_NOT_FOUND
        | StatusWord::CONDITIONS_NOT_SATISFIED => SamError::NotSupported,
        other => SamError::Unexpected(other),
    })
}

/// 9406 to INIT_SAM for an undo.
fn not_last(error: SamError) -> SamError {
    match error {
        SamError::Unexpected(StatusWord::NO_MAC_AVAILABLE) => SamError::NotLastPurchase,
        other => other,
    }
}

fn fixed<const N: usize>(answer: &[u8]) -> Result<[u8; N], SamError> {
    answer.try_into().map_err(|_| SamError::Malformed(answer.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::transport::Scripted;
    use hex_literal::hex;
    use onecard_wire::{date::Moment, key::AlgorithmId, number::ApplicationSerial, wallet::TransactionType};

    const OPENING: [(&[u8], &[u8]); 3] = [
        (&hex!("00A40000023F0000"), &hex!("9000")),
        (&hex!("00B0960006"), &hex!("001122334455 9000")),
        (&hex!("00A404000E F04F4E4543 02 1000000000000001 00"), &hex!("9000")),
    ];

    fn order() -> SamOrder {
        SamOrder {
            card: CardFactors {
                enterprise: "1000000000000001".parse().unwrap(),
                serial: ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap(),
            },
            init: InitSam {
                random: hex!("584633C9"),
                card_sequence: 7,
                amount: Amount::from_fen(1),
                transaction_type: TransactionType::PURCHASE_EP,
                moment: Moment::from_bytes(hex!("20161216134600")).unwrap(),
                key_version: KeyVersion(1),
                algorithm: AlgorithmId::TRIPLE_DES,
            },
        }
    }

    fn open(levels: Levels, exchanges: &[(&[u8], &[u8])]) -> PsamCard<Scripted> {
        let script = [&OPENING, exchanges].concat();
        PsamCard::open(Scripted::new(&script), order().card.enterprise, levels, KeyVersion(2)).unwrap()
    }

    #[test]
    fn a_purchase_of_one_level() {
        let init = hex!("807000001C 584633C9 0007 00000001 06 20161216134600 01 00 3100100000000423 08");
        let mut sam = open(
            Levels::Serial,
            &[(&init, &hex!("00000005 D45737C5 9000")), (&hex!("8072000004 66B54A6B"), &hex!("9302"))],
        );
        assert_eq!(sam.terminal().unwrap().to_string(), "001122334455");
        let answer = sam.initialize_purchase(&order()).unwrap();
        assert_eq!((answer.terminal_sequence, answer.mac1), (5, hex!("D45737C5")));
        assert_eq!(sam.credit_purchase(hex!("66B54A6B")), Err(SamError::WrongMac));
        sam.into_transport().finish();
    }

    #[test]
    fn factors_travel_serial_first() {
        let init = hex!(
            "807000002C 584633C9 0007 00000001 06 20161216134600 01 00
             3100100000000423 1000000000000001 B1B1BEA9B1B1BEA9 08"
        );
        let levels = Levels::RegionEnterpriseAndSerial(hex!("B1B1BEA9B1B1BEA9"));
        let mut sam = open(levels, &[(&init, &hex!("9403"))]);
        assert_eq!(sam.initialize_purchase(&order()), Err(SamError::NoSuchKey));
        sam.into_transport().finish();
    }

    #[test]
    fn the_own_commands() {
        let load =
            hex!("8070020024 584633C9 0007 00000001 06 20161216134600 01 00 3100100000000423 00000064 0D39ADBB 04");
        let past = hex!("8072030024 00000005 584633C9 0007 00000001 06 20161216134600 01 00 3100100000000423 66B54A6B");
        let check = hex!(
            "807202002A 584633C9 0007 00000001 06 20161216134600 01 00 3100100000000423 00000064 0D39ADBB 010203040000"
        );
        let crypt = hex!("80FA050010 D0FE4FB900000000 04B0000004800000 04");
        let mut sam = open(
            Levels::Serial,
            &[
                (&load, &hex!("097E98FE 9000")),
                (&load, &hex!("9401")),
                (&past, &hex!("9000")),
                (&check, &hex!("9000")),
                (&check, &hex!("9302")),
                (&check, &hex!("6A86")),
                (&hex!("0084000004"), &hex!("01020304 9000")),
                (&hex!("801A250208 3100100000000423"), &hex!("9000")),
                (&crypt, &hex!("F09C8A19 9000")),
                (&hex!("801A250208 3100100000000423"), &hex!("6985")),
            ],
        );
        let (order, mac1) = (order(), hex!("0D39ADBB"));
        assert_eq!(sam.load(&order, Amount::from_fen(100), mac1), Ok(hex!("097E98FE")));
        assert_eq!(sam.load(&order, Amount::from_fen(100), mac1), Err(SamError::LimitReached));
        assert_eq!(sam.check_past_purchase(&order, 5, hex!("66B54A6B")), Ok(()));
        let question = TerminalNumber([1, 2, 3, 4, 0, 0]);
        let mut check = || sam.check_load(&order, question, Amount::from_fen(100), mac1);
        assert_eq!(check(), Ok(()));
        assert_eq!(check(), Err(SamError::WrongMac));
        assert_eq!(check(), Err(SamError::NotSupported));
        assert_eq!(sam.random(), Ok([1, 2, 3, 4]));
        let mut mac = || sam.maintenance_mac(order.card, hex!("D0FE4FB900000000"), &hex!("04B0000004"));
        assert_eq!(mac(), Ok(hex!("F09C8A19")));
        assert_eq!(mac(), Err(SamError::NotSupported));
        sam.into_transport().finish();
    }

    #[test]
    fn working_keys_of_doors_and_attendance() {
        let version = KeyVersion(3);
        let card = order().card;
        let right = hex!("3100100000000423 0007 00 01 20260101 20261231");
        let mut sam = open(
            Levels::Serial,
            &[
                (&hex!("801A2B0308 3100100000000423"), &hex!("9000")),
                (&hex!("80FA000008 0102030405060708 00"), &hex!("178F59F8578E0D3F 9000")),
                (&hex!("801A2F0308 3100100000000423"), &hex!("9000")),
                (&hex!("80FA000008 0102030405060708 00"), &hex!("178F59F8578E 9000")),
                (&hex!("801A2D0308 3100100000000423"), &hex!("9000")),
                (
                    &hex!("80FA050020 0000000000000000 3100100000000423 0007000120260101 20261231 80000000 04"),
                    &hex!("11223344 9000"),
                ),
                (&hex!("801A300308 3100100000000423"), &hex!("9000")),
                (&hex!("80FA050010 D0FE4FB900000000 04E200D014800000 04"), &hex!("55667788 9000")),
                (&hex!("801A2C0308 3100100000000423"), &hex!("9403")),
            ],
        );
        let mut authentication = |usage| sam.authentication(card, usage, version, hex!("0102030405060708"));
        let genuine = Cryptogram::Eight(hex!("178F59F8578E0D3F"));
        assert_eq!(authentication(AuthenticationUse::Access), Ok(genuine));
        assert_eq!(authentication(AuthenticationUse::Attendance), Err(SamError::Malformed(6)));
        assert_eq!(sam.line_mac(card, LineKeyUse::Rights, version, [0; 8], &right), Ok(hex!("11223344")));
        let mut append = |usage| sam.line_mac(card, usage, version, hex!("D0FE4FB900000000"), &hex!("04E200D014"));
        assert_eq!(append(LineKeyUse::AttendanceAppend), Ok(hex!("55667788")));
        assert_eq!(append(LineKeyUse::AccessAppend), Err(SamError::NoSuchKey));
        assert_eq!(
            sam.line_mac(card, LineKeyUse::Rights, version, [0; 8], &[0; 240]),
            Err(SamError::MessageTooLong(240))
        );
        sam.into_transport().finish();
    }

    #[test]
    fn a_wide_cipher_pads_for_des_crypt() {
        let (challenge, message) = (hex!("D0FE4FB900000000"), hex!("04B0000004"));
        let ready = hex!("801A250208 3100100000000423");
        let sm4 = hex!("80FA050020 D0FE4FB9000000000000000000000000 04B00000048000000000000000000000 04");
        let aes = hex!("80FA050015 D0FE4FB9000000000000000000000000 04B0000004 04");
        let door = hex!("801A2B0208 3100100000000423");
        let encipher = hex!("80FA000010 D0FE4FB900000000 8000000000000000 00");
        let exchanges: [(&[u8], &[u8]); 6] = [
            (&ready, &hex!("9000")),
            (&sm4, &hex!("01020304 9000")),
            (&ready, &hex!("9000")),
            (&aes, &hex!("05060708 9000")),
            (&door, &hex!("9000")),
            (&encipher, &hex!("00112233445566778899AABBCCDDEEFF 9000")),
        ];
        let card = order().card;
        let mut sam = open(Levels::Serial, &exchanges).with_algorithm(UsageKind::CARD_MAINTENANCE, Algorithm::Sm4);
        assert_eq!(sam.maintenance_mac(card, challenge, &message), Ok([1, 2, 3, 4]));
        sam = sam.with_algorithm(UsageKind::CARD_MAINTENANCE, Algorithm::Aes);
        assert_eq!(sam.maintenance_mac(card, challenge, &message), Ok([5, 6, 7, 8]));
        sam = sam.with_algorithm(UsageKind::ACCESS_AUTHENTICATION, Algorithm::Aes);
        let made = sam.authentication(card, AuthenticationUse::Access, KeyVersion(2), challenge).unwrap();
        assert!(made.is(&hex!("00112233445566778899AABBCCDDEEFF")));
        sam.into_transport().finish();
    }

    #[test]
    fn a_mark_is_asked_for_with_challenge_version_and_serial() {
        let mark = hex!("8074000013 01020304 20260601000001 3100100000000423 04");
        let region = hex!("8074000023 01020304 20260601000001 3100100000000423 1000000000000001 B1B1BEA9B1B1BEA9 04");
        let version = ListVersion(hex!("20260601000001"));
        let mut sam = open(
            Levels::Serial,
            &[
                (&mark, &hex!("A1A2A3A4 9000")),
                (&mark, &hex!("9403")),
                (&mark, &hex!("6D00")),
                (&mark, &hex!("A1 9000")),
            ],
        );
        let mut asked = || sam.mark(order().card, NEWEST, hex!("01020304"), version);
        assert_eq!(asked(), Ok(hex!("A1A2A3A4")));
        assert_eq!(asked(), Err(SamError::NoSuchKey));
        assert_eq!(asked(), Err(SamError::NotSupported));
        assert_eq!(asked(), Err(SamError::Malformed(1)));
        sam.into_transport().finish();
        let levels = Levels::RegionEnterpriseAndSerial(hex!("B1B1BEA9B1B1BEA9"));
        let mut sam = open(levels, &[(&region, &hex!("A1A2A3A4 9000"))]);
        assert_eq!(sam.mark(order().card, NEWEST, hex!("01020304"), version), Ok(hex!("A1A2A3A4")));
        sam.into_transport().finish();
    }

    #[test]
    fn another_enterprises_card_costs_the_sam_nothing() {
        let mut sam = open(Levels::Serial, &[]);
        let mut other = order();
        other.card.enterprise = "2000000000000002".parse().unwrap();
        assert_eq!(sam.initialize_purchase(&other), Err(SamError::NoSuchKey));
        sam.into_transport().finish();
    }
}
