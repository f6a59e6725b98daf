//! Names and numbers of a UICC and the USIM on it (ETSI TS 102 221, 3GPP TS 31.102; class A0: 3GPP TS 51.011).

use crate::fid::Fid;

/// The USIM: RID and PIX of 3GPP, then country FF86 and a provider that is nobody's (TS 101 220 annex E).
pub const USIM_AID: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xFF, 0x86, 0xFF, 0xFF, 0x89, 0xFF, 0xFF, 0xFF, 0xFF];

/// CLA A0: the 2G class (TS 51.011 clause 9.2), the basic channel's alone.
pub const CLA_2G: u8 = 0xA0;

/// CHANGE PIN (00; TS 102 221 clause 11.1.10).
pub const CHANGE_PIN: u8 = 0x24;
/// DISABLE PIN (00; clause 11.1.11).
pub const DISABLE_PIN: u8 = 0x26;
/// ENABLE PIN (00; clause 11.1.12).
pub const ENABLE_PIN: u8 = 0x28;
/// UNBLOCK PIN (00; clause 11.1.13).
pub const UNBLOCK_PIN: u8 = 0x2C;
/// AUTHENTICATE (00; clause 11.1.16, TS 31.102 clause 7.1.2), RUN GSM ALGORITHM (A0).
pub const AUTHENTICATE: u8 = 0x88;
/// SEARCH RECORD (00; clause 11.1.7).
pub const SEARCH_RECORD: u8 = 0xA2;

/// P2 of AUTHENTICATE: GSM context.
pub const GSM_CONTEXT: u8 = 0x80;
/// P2 of AUTHENTICATE: 3G context.
pub const UMTS_CONTEXT: u8 = 0x81;
/// Tag of a successful 3G answer: `DB` length RES length CK length IK, and length Kc if there is GSM access.
pub const AUTHENTICATED: u8 = 0xDB;
/// Tag of a 3G answer that asks the network to resynchronise: `DC 0E` AUTS.
pub const SYNCHRONISATION_FAILURE: u8 = 0xDC;

/// Length of a PIN or unblocking key on the wire, filled up by FF.
pub const PIN_LEN: usize = 8;

/// Key reference of a PIN (TS 102 221 clause 9.5.1): P2 of the PIN commands, and what access rules name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PinReference(pub u8);

impl PinReference {
    /// PIN1 of the USIM.
    pub const PIN1: Self = Self(0x01);
    /// PIN2 of the USIM.
    pub const PIN2: Self = Self(0x81);
    /// ADM1, the operator's.
    pub const ADM1: Self = Self(0x0A);
}

/// How SELECT finds a file: P1 (TS 102 221 clause 11.1.1).
pub mod by {
    /// By its FID.
    pub const FID: u8 = 0x00;
    /// A directory in the current one, by its FID.
    pub const CHILD: u8 = 0x01;
    /// The directory around the current one.
    pub const PARENT: u8 = 0x03;
    /// By FIDs from the MF on, without the MF's.
    pub const PATH_FROM_MF: u8 = 0x08;
    /// By FIDs from the current directory on, without its own.
    pub const PATH_FROM_CURRENT: u8 = 0x09;
}

/// Tags of a file's control parameters (TS 102 221 clause 11.1.1.3).
pub mod fcp {
    /// The template.
    pub const TEMPLATE: u8 = 0x62;
    /// Size of the body in bytes.
    pub const SIZE: u8 = 0x80;
    /// File descriptor; for records also their length and number.
    pub const DESCRIPTOR: u8 = 0x82;
    /// FID.
    pub const FID: u8 = 0x83;
    /// AID of an ADF.
    pub const AID: u8 = 0x84;
    /// Short file identifier in bits 8 to 4; empty: none.
    pub const SFI: u8 = 0x88;
    /// Life cycle status.
    pub const LIFE_CYCLE: u8 = 0x8A;
    /// Access rule: FID of an EF_ARR, number of a record.
    pub const ACCESS_RULE: u8 = 0x8B;
    /// Proprietary: UICC characteristics, supported commands.
    pub const PROPRIETARY: u8 = 0xA5;
    /// PIN status: which are enabled, then their references.
    pub const PIN_STATUS: u8 = 0xC6;

    /// Descriptor of a MF, DF or ADF.
    pub const DIRECTORY: u8 = 0x78;
    /// Descriptor of a transparent EF.
    pub const TRANSPARENT: u8 = 0x41;
    /// Descriptor of a linear fixed EF.
    pub const LINEAR_FIXED: u8 = 0x42;
    /// Descriptor of a cyclic EF.
    pub const CYCLIC: u8 = 0x46;
    /// Data coding byte, which every descriptor has and nobody reads.
    pub const DATA_CODING: u8 = 0x21;
    /// Life cycle: operational, activated.
    pub const ACTIVATED: u8 = 0x05;
}

/// File identifiers (TS 102 221 clause 13, TS 31.102 clause 4, TS 51.011 clause 10).
impl Fid {
    /// The current application's ADF.
    pub const CURRENT_ADF: Self = Self(0x7FFF);
    /// DF TELECOM.
    pub const TELECOM: Self = Self(0x7F10);
    /// DF GSM.
    pub const GSM: Self = Self(0x7F20);
    /// EF DIR, in the MF.
    pub const DIR: Self = Self(0x2F00);
    /// EF PL, preferred languages, in the MF.
    pub const PL: Self = Self(0x2F05);
    /// EF ARR of the MF and its DFs.
    pub const MF_ARR: Self = Self(0x2F06);
    /// EF ICCID, in the MF.
    pub const ICCID: Self = Self(0x2FE2);
    /// EF LI, language indication.
    pub const LI: Self = Self(0x6F05);
    /// EF ARR of the USIM.
    pub const ARR: Self = Self(0x6F06);
    /// EF IMSI.
    pub const IMSI: Self = Self(0x6F07);
    /// EF Keys: ciphering and integrity keys.
    pub const KEYS: Self = Self(0x6F08);
    /// EF KeysPS: the same for the packet domain.
    pub const KEYS_PS: Self = Self(0x6F09);
    /// EF Kc, in DF GSM.
    pub const KC: Self = Self(0x6F20);
    /// EF HPPLMN: how often to look for the home network.
    pub const HPPLMN: Self = Self(0x6F31);
    /// EF UST: the USIM's services; in DF GSM EF SST.
    pub const UST: Self = Self(0x6F38);
    /// EF SMS.
    pub const SMS: Self = Self(0x6F3C);
    /// EF MSISDN.
    pub const MSISDN: Self = Self(0x6F40);
    /// EF SMSP: parameters of short messages, the service centre's address among them.
    pub const SMSP: Self = Self(0x6F42);
    /// EF SMSS: status of short messages.
    pub const SMSS: Self = Self(0x6F43);
    /// EF LND: last numbers dialled, in DF TELECOM.
    pub const LND: Self = Self(0x6F44);
    /// EF SPN: the service provider's name.
    pub const SPN: Self = Self(0x6F46);
    /// EF EST: which services are enabled.
    pub const EST: Self = Self(0x6F56);
    /// EF START-HFN.
    pub const START_HFN: Self = Self(0x6F5B);
    /// EF THRESHOLD.
    pub const THRESHOLD: Self = Self(0x6F5C);
    /// EF PLMNwAcT: the user's networks.
    pub const PLMN_W_ACT: Self = Self(0x6F60);
    /// EF OPLMNwAcT: the operator's networks.
    pub const OPLMN_W_ACT: Self = Self(0x6F61);
    /// EF HPLMNwAcT: the home network.
    pub const HPLMN_W_ACT: Self = Self(0x6F62);
    /// EF PSLOCI.
    pub const PSLOCI: Self = Self(0x6F73);
    /// EF BCCH, in DF GSM.
    pub const BCCH: Self = Self(0x6F74);
    /// EF ACC: access control class.
    pub const ACC: Self = Self(0x6F78);
    /// EF FPLMN: forbidden networks.
    pub const FPLMN: Self = Self(0x6F7B);
    /// EF LOCI.
    pub const LOCI: Self = Self(0x6F7E);
    /// EF AD: administrative data.
    pub const AD: Self = Self(0x6FAD);
    /// EF Phase, in DF GSM.
    pub const PHASE: Self = Self(0x6FAE);
    /// EF ECC: emergency numbers.
    pub const ECC: Self = Self(0x6FB7);
    /// EF EPSLOCI.
    pub const EPSLOCI: Self = Self(0x6FE3);
    /// EF EPSNSC.
    pub const EPSNSC: Self = Self(0x6FE4);
}

/// Services of EF UST that this SIM has (TS 31.102 clause 4.2.8).
pub mod service {
    /// Short message storage.
    pub const SMS: u8 = 10;
    /// Short message service parameters.
    pub const SMSP: u8 = 12;
    /// Service provider name.
    pub const SPN: u8 = 19;
    /// The user's networks with access technology.
    pub const PLMN_W_ACT: u8 = 20;
    /// MSISDN.
    pub const MSISDN: u8 = 21;
    /// GSM access.
    pub const GSM_ACCESS: u8 = 27;
    /// Data download by SMS-PP.
    pub const SMS_PP_DOWNLOAD: u8 = 28;
    /// Set on every USIM.
    pub const ALWAYS: u8 = 33;
    /// Enabled services table.
    pub const EST: u8 = 34;
    /// GSM security context.
    pub const GSM_CONTEXT: u8 = 38;
    /// The operator's networks with access technology.
    pub const OPLMN_W_ACT: u8 = 42;
    /// The home network with access technology.
    pub const HPLMN_W_ACT: u8 = 43;
    /// EPS mobility management information.
    pub const EPS: u8 = 85;
}

/// Status words of class A0 (TS 51.011 clause 9.4).
pub mod status_2g {
    use crate::status::StatusWord;

    /// No EF selected.
    pub const NO_EF_SELECTED: StatusWord = StatusWord(0x9400);
    /// Outside the file, or no such record.
    pub const OUT_OF_RANGE: StatusWord = StatusWord(0x9402);
    /// File not found.
    pub const FILE_NOT_FOUND: StatusWord = StatusWord(0x9404);
    /// The command does not fit the file.
    pub const WRONG_FILE_KIND: StatusWord = StatusWord(0x9408);
    /// A right is missing, or the CHV was wrong and has tries left.
    pub const ACCESS_DENIED: StatusWord = StatusWord(0x9804);
    /// Contradiction with the CHV's status.
    pub const CHV_STATUS: StatusWord = StatusWord(0x9808);
    /// The CHV was wrong and has no try left.
    pub const CHV_BLOCKED: StatusWord = StatusWord(0x9840);
}

/// Status words of a UICC beside those of ISO/IEC 7816-4.
pub mod status {
    use crate::status::StatusWord;

    /// No record matches (TS 102 221 clause 10.2.1.3).
    pub const SEARCH_UNSUCCESSFUL: StatusWord = StatusWord(0x6282);
    /// AUTHENTICATE: the network's MAC is wrong.
    pub const NETWORK_MAC_WRONG: StatusWord = StatusWord(0x9862);
    /// AUTHENTICATE: there is no such context.
    pub const CONTEXT_NOT_SUPPORTED: StatusWord = StatusWord(0x9864);
}

/// EF ICCID of 19 or 20 digits: swapped nibbles, filled up by F (TS 102 221 clause 13.2). `None`: they are not that.
#[must_use]
pub fn iccid(digits: &str) -> Option<[u8; 10]> {
    matches!(digits.len(), 19 | 20).then_some(())?;
    swapped(digits, [])
}

/// EF IMSI of 6 to 15 digits: length, parity, swapped nibbles, filled up by F (TS 31.102 clause 4.2.2). `None`: they are not
/// that.
#[must_use]
pub fn imsi(digits: &str) -> Option<[u8; 9]> {
    const ODD: u8 = 0x9;
    const EVEN: u8 = 0x1;
    matches!(digits.len(), 6..=15).then_some(())?;
    let parity = if digits.len() % 2 == 1 { ODD } else { EVEN };
    let [a, b, c, d, e, f, g, h] = swapped(digits, [parity])?;
    let length = (digits.len() / 2 + 1) as u8;
    Some([length, a, b, c, d, e, f, g, h])
}

/// Nibbles, the first of each byte lower; `first` stand in front of the digits.
fn swapped<const FIRST: usize, const N: usize>(digits: &str, first: [u8; FIRST]) -> Option<[u8; N]> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then_some(())?;
    let mut nibbles = first.into_iter().chain(digits.bytes().map(|digit| digit - b'0')).chain(core::iter::repeat(0xF));
    let mut bytes = [0; N];
    for (byte, (low, high)) in bytes.iter_mut().zip(core::iter::from_fn(|| Some((nibbles.next()?, nibbles.next()?)))) {
        *byte = high << 4 | low;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of the test cards of osmocom/pysim.
    #[test]
    fn numbers_as_files_have_them() {
        assert_eq!(imsi("001010000000102"), Some([0x08, 0x09, 0x10, 0x10, 0x00, 0x00, 0x00, 0x10, 0x20]));
        assert_eq!(imsi("001010000123456"), Some([0x08, 0x09, 0x10, 0x10, 0x00, 0x00, 0x21, 0x43, 0x65]));
        assert_eq!(imsi("00101000012345"), Some([0x08, 0x01, 0x10, 0x10, 0x00, 0x00, 0x21, 0x43, 0xF5]));
        let pysims = [0x22, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xF0];
        assert_eq!(iccid("2222334455667788990"), Some(pysims));
        for wrong in ["", "00101", "0010100000001020", "00101000000010A"] {
            assert_eq!(imsi(wrong), None, "{wrong}");
        }
        assert_eq!((iccid("222233445566778899"), iccid("222233445566778899F")), (None, None));
    }
}
