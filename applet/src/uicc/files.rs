//! The files of the UICC, of the USIM and of the 2G SIM: one table that says where each is, what it is, who may do what
//! with it, and what its file control parameters are (TS 102 221 clause 13, TS 31.102 clause 4, TS 51.011 clause 10).

use onecard_wire::{fid::Fid, uicc::USIM_AID};

use super::{
    access::{ARR, ARR_RECORD_LEN, Rule},
    fcp::Fcp,
    place::{self, Place},
};

/// MF, DF or ADF.
pub(super) struct Directory {
    pub(super) fid: Fid,
    /// Of an ADF, which has no FID of its own.
    pub(super) aid: Option<&'static [u8]>,
    pub(super) parent: Option<&'static Directory>,
    pub(super) directories: &'static [&'static Directory],
    pub(super) files: &'static [File],
}

/// An EF.
pub(super) struct File {
    pub(super) fid: Fid,
    /// Short file identifier, 0 = none.
    pub(super) sfi: u8,
    pub(super) structure: Structure,
    pub(super) body: Body,
    pub(super) rule: Rule,
    pub(super) fcp: Fcp,
}

/// How an EF's body is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Structure {
    Transparent,
    LinearFixed {
        record_len: u8,
    },
    /// The newest record is number 1.
    Cyclic {
        record_len: u8,
    },
}

/// Where an EF's content is.
#[derive(Clone, Copy)]
pub(super) enum Body {
    /// In the program: it never changes.
    Constant(&'static [u8]),
    Memory(Place),
}

impl Directory {
    /// An EF in it.
    pub(super) fn file(&self, fid: Fid) -> Option<&'static File> {
        self.files.iter().find(|file| file.fid == fid)
    }

    /// An EF in it, by its short file identifier.
    pub(super) fn file_by_sfi(&self, sfi: u8) -> Option<&'static File> {
        self.files.iter().find(|file| file.sfi == sfi && sfi != 0)
    }

    /// A directory in it. An ADF is found by its AID alone.
    pub(super) fn directory(&self, fid: Fid) -> Option<&'static Self> {
        self.directories.iter().copied().find(|directory| directory.fid == fid && directory.aid.is_none())
    }
}

impl File {
    const fn transparent(fid: Fid, sfi: u8, body: Place, arr: Fid, rule: Rule) -> Self {
        Self::new(fid, sfi, Structure::Transparent, Body::Memory(body), arr, rule)
    }

    const fn records(fid: Fid, sfi: u8, record_len: u8, body: Place, arr: Fid, rule: Rule) -> Self {
        Self::new(fid, sfi, Structure::LinearFixed { record_len }, Body::Memory(body), arr, rule)
    }

    const fn cyclic(fid: Fid, sfi: u8, record_len: u8, body: Place, arr: Fid, rule: Rule) -> Self {
        Self::new(fid, sfi, Structure::Cyclic { record_len }, Body::Memory(body), arr, rule)
    }

    const fn constant(fid: Fid, sfi: u8, record_len: usize, body: &'static [u8], arr: Fid) -> Self {
        let structure = Structure::LinearFixed { record_len: record_len as u8 };
        Self::new(fid, sfi, structure, Body::Constant(body), arr, Rule::READ_ONLY)
    }

    const fn new(fid: Fid, sfi: u8, structure: Structure, body: Body, arr: Fid, rule: Rule) -> Self {
        let fcp = Fcp::of_ef(fid, sfi, structure, size(structure, body), arr, rule);
        Self { fid, sfi, structure, body, rule, fcp }
    }

    /// Bytes of its body, or of all its records.
    pub(super) const fn size(&self) -> usize {
        size(self.structure, self.body) as usize
    }
}

const fn size(structure: Structure, body: Body) -> u16 {
    match (structure, body) {
        (_, Body::Constant(bytes)) => bytes.len() as u16,
        // One byte is in front of the records.
        (Structure::Cyclic { .. }, Body::Memory(place)) => place.len as u16 - 1,
        (_, Body::Memory(place)) => place.len as u16,
    }
}

const DIR_RECORD_LEN: usize = 38;

/// EF DIR: application template with the USIM's AID and label (TS 102 221 clause 13.1), filled up by FF.
const DIR: [u8; DIR_RECORD_LEN] = {
    let [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aa, ab, ac, ad, ae, af] = USIM_AID;
    const F: u8 = 0xFF;
    [
        0x61, 24, 0x4F, 16, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aa, ab, ac, ad, ae, af, 0x50, 4, b'U', b'S', b'I',
        b'M', F, F, F, F, F, F, F, F, F, F, F, F,
    ]
};

pub(super) static MF: Directory = Directory {
    fid: Fid::MF,
    aid: None,
    parent: None,
    directories: &[&TELECOM, &GSM, &USIM],
    files: &[
        File::constant(Fid::DIR, 0x1E, DIR_RECORD_LEN, &DIR, Fid::MF_ARR),
        File::transparent(Fid::PL, 0x05, place::PL, Fid::MF_ARR, Rule::USERS),
        File::constant(Fid::MF_ARR, 0x06, ARR_RECORD_LEN, ARR.as_flattened(), Fid::MF_ARR),
        File::transparent(Fid::ICCID, 0x02, place::ICCID, Fid::MF_ARR, Rule::READ_ONLY),
    ],
};

pub(super) static USIM: Directory = Directory {
    fid: Fid::CURRENT_ADF,
    aid: Some(&USIM_AID),
    parent: Some(&MF),
    directories: &[],
    files: &[
        File::transparent(Fid::LI, 0x02, place::LI, Fid::ARR, Rule::USERS),
        File::constant(Fid::ARR, 0x17, ARR_RECORD_LEN, ARR.as_flattened(), Fid::ARR),
        File::transparent(Fid::IMSI, 0x07, place::IMSI, Fid::ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::KEYS, 0x08, place::KEYS, Fid::ARR, Rule::PHONES),
        File::transparent(Fid::KEYS_PS, 0x09, place::KEYS_PS, Fid::ARR, Rule::PHONES),
        File::transparent(Fid::HPPLMN, 0x12, place::HPPLMN, Fid::ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::UST, 0x04, place::UST, Fid::ARR, Rule::SUBSCRIPTION),
        File::records(Fid::SMS, 0, 176, place::SMS, Fid::ARR, Rule::PHONES),
        File::records(Fid::MSISDN, 0, 28, place::MSISDN, Fid::ARR, Rule::PHONES),
        File::records(Fid::SMSP, 0, 42, place::SMSP, Fid::ARR, Rule::PHONES),
        File::transparent(Fid::SMSS, 0, place::SMSS, Fid::ARR, Rule::PHONES),
        File::transparent(Fid::SPN, 0, place::SPN, Fid::ARR, Rule::OPERATORS),
        File::transparent(Fid::EST, 0x05, place::EST, Fid::ARR, Rule::RESTRICTED),
        File::transparent(Fid::START_HFN, 0x0F, place::START_HFN, Fid::ARR, Rule::PHONES),
        File::transparent(Fid::THRESHOLD, 0x10, place::THRESHOLD, Fid::ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::PLMN_W_ACT, 0x0A, place::PLMN_W_ACT, Fid::ARR, Rule::PHONES),
        File::transparent(Fid::OPLMN_W_ACT, 0x11, place::OPLMN_W_ACT, Fid::ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::HPLMN_W_ACT, 0x13, place::HPLMN_W_ACT, Fid::ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::PSLOCI, 0x0C, place::PSLOCI, Fid::ARR, Rule::PHONES),
        File::transparent(Fid::ACC, 0x06, place::ACC, Fid::ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::FPLMN, 0x0D, place::FPLMN, Fid::ARR, Rule::PHONES),
        File::transparent(Fid::LOCI, 0x0B, place::LOCI, Fid::ARR, Rule::PHONES),
        File::transparent(Fid::AD, 0x03, place::AD, Fid::ARR, Rule::OPERATORS),
        File::records(Fid::ECC, 0x01, 4, place::ECC, Fid::ARR, Rule::OPERATORS),
        File::transparent(Fid::EPSLOCI, 0x1E, place::EPSLOCI, Fid::ARR, Rule::PHONES),
        File::records(Fid::EPSNSC, 0x18, 80, place::EPSNSC, Fid::ARR, Rule::PHONES),
    ],
};

pub(super) static TELECOM: Directory = Directory {
    fid: Fid::TELECOM,
    aid: None,
    parent: Some(&MF),
    directories: &[],
    files: &[
        File::records(Fid::SMS, 0, 176, place::SMS, Fid::MF_ARR, Rule::PHONES),
        File::records(Fid::MSISDN, 0, 28, place::MSISDN, Fid::MF_ARR, Rule::PHONES),
        File::records(Fid::SMSP, 0, 42, place::SMSP, Fid::MF_ARR, Rule::PHONES),
        File::transparent(Fid::SMSS, 0, place::SMSS, Fid::MF_ARR, Rule::PHONES),
        File::cyclic(Fid::LND, 0, 28, place::LND, Fid::MF_ARR, Rule::PHONES),
    ],
};

pub(super) static GSM: Directory = Directory {
    fid: Fid::GSM,
    aid: None,
    parent: Some(&MF),
    directories: &[],
    files: &[
        File::transparent(Fid::IMSI, 0, place::IMSI, Fid::MF_ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::KC, 0, place::KC, Fid::MF_ARR, Rule::PHONES),
        File::transparent(Fid::HPPLMN, 0, place::HPPLMN, Fid::MF_ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::UST, 0, place::SST, Fid::MF_ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::SPN, 0, place::SPN, Fid::MF_ARR, Rule::OPERATORS),
        File::transparent(Fid::BCCH, 0, place::BCCH, Fid::MF_ARR, Rule::PHONES),
        File::transparent(Fid::ACC, 0, place::ACC, Fid::MF_ARR, Rule::SUBSCRIPTION),
        File::transparent(Fid::FPLMN, 0, place::FPLMN, Fid::MF_ARR, Rule::PHONES),
        File::transparent(Fid::LOCI, 0, place::LOCI, Fid::MF_ARR, Rule::PHONES),
        File::transparent(Fid::AD, 0, place::AD, Fid::MF_ARR, Rule::OPERATORS),
        File::transparent(Fid::PHASE, 0, place::PHASE, Fid::MF_ARR, Rule::OPERATORS),
    ],
};
