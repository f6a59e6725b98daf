//! The blank chip: an MF and a transport key, as a FM1208 is sold; a SIM as its maker delivers it.

use onecard_wire::{
    aid::MF_NAME,
    fid::Fid,
    file::{AccessRight, FileKind},
    key::{CONTROL_KEY_ID, KeyType},
    layout::Writer,
};

use crate::{
    failure::Failure,
    fs::{File, FileIndex},
    keys::{Family, KEY_RECORD_LEN, NewKey, records_in, stage_new},
    nvm::{
        Journal, Memory, PAGE_SIZE, PowerLost, Transaction,
        map::{CHIP_HEADER, CHIP_HEADER_LEN},
    },
    platform::Platform,
    rfid_sim::{self, SimData},
};

/// What a chip is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A member's card: files and wallet.
    CpuCard = 1,
    /// A terminal's SAM: files and the PSAM commands.
    Sam = 2,
    /// A SIM in a phone: UICC files, issuer domain, toolkit, enterprise applications.
    RfidSim = 3,
    /// A key master card (密钥母卡): an enterprise's master keys.
    KeyMaster = 4,
    /// A mother authentication card (母卡认证卡): the key that opens one key master card.
    MotherAuthentication = 5,
}

/// Layout of the memory image; a change of layout changes the last byte.
const MAGIC: [u8; 8] = *b"ONECARD\x02";
/// Right of a blank chip's MF and key file: the transport key's state.
const TRANSPORT_RIGHT: AccessRight = AccessRight(0x0F);
const TRANSPORT_KEY: [u8; 8] = [0xFF; 8];
const TRANSPORT_STATE: u8 = 0x0F;
/// Three tries, as on the market.
const TRANSPORT_COUNTER: u8 = 0x33;
const KEY_FILE: FileIndex = FileIndex(1);
const KEY_FILE_SIZE: [u8; 2] = [0x00, 0x50];

/// What to make.
#[derive(Clone, Copy, Debug)]
pub enum Blank<'a> {
    /// A member's card as a FM1208 is sold: an MF and a transport key.
    CpuCard,
    /// The same, to become a SAM.
    Sam,
    /// A SIM as its maker delivers it to the operator: a subscription, codes and the issuer domain's keys are on it.
    RfidSim(&'a SimData<'a>),
    /// A key master card with its maker's keys, which everybody knows.
    KeyMaster,
    /// A mother authentication card with the same.
    MotherAuthentication,
}

impl Blank<'_> {
    /// What the chip will be.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::CpuCard => Kind::CpuCard,
            Self::Sam => Kind::Sam,
            Self::RfidSim(_) => Kind::RfidSim,
            Self::KeyMaster => Kind::KeyMaster,
            Self::MotherAuthentication => Kind::MotherAuthentication,
        }
    }
}

/// Why no chip was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unmade {
    /// Begin again with zeroed memory.
    PowerLost,
    /// The data of a RFID-SIM are not what they must be: a key of a length its kind has not, or more key sets than fit.
    SimData,
}

impl From<PowerLost> for Unmade {
    fn from(PowerLost: PowerLost) -> Self {
        Self::PowerLost
    }
}

impl From<Failure> for Unmade {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::PowerLost => Self::PowerLost,
            // Every other part of an image is a constant that fits.
            Failure::Refused(_) => Self::SimData,
        }
    }
}

/// Writes the image of a blank chip into zeroed memory. The header comes last: before it the chip does not come up.
///
/// # Errors
/// [`Unmade`].
pub fn manufacture<P: Platform>(mut platform: P, blank: Blank<'_>) -> Result<P, Unmade> {
    platform.program(CHIP_HEADER, &[0; CHIP_HEADER_LEN])?;
    let mut nvm = Journal::recover(platform).map_err(|(_, lost)| lost)?;
    match blank {
        Blank::CpuCard | Blank::Sam => write_mf(&mut nvm)?,
        Blank::RfidSim(data) => rfid_sim::personalise(&mut nvm, data)?,
        // Zeroed memory is a blank one.
        Blank::KeyMaster | Blank::MotherAuthentication => {}
    }
    let header: [u8; CHIP_HEADER_LEN] = Writer::new().put(&MAGIC).u8(blank.kind() as u8).finish();
    nvm.chip().program(CHIP_HEADER, &header)?;
    Ok(nvm.into_memory())
}

fn write_mf<P: Platform>(nvm: &mut Journal<P>) -> Result<(), Failure> {
    let mut mf = File::new(FileKind::Directory as u8, FileIndex(0xFF), Fid::MF);
    mf.size = [0xFF; 2];
    (mf.first_right, mf.second_right, mf.last) = (TRANSPORT_RIGHT, TRANSPORT_RIGHT, 0x01);
    mf.name_len = MF_NAME.len() as u8;
    mf.name.iter_mut().zip(MF_NAME).for_each(|(to, from)| *to = from);
    let mut keys = File::new(FileKind::Key as u8, FileIndex::MF, Fid::KEY);
    keys.size = KEY_FILE_SIZE;
    (keys.first_right, keys.second_right) = (AccessRight(0x01), TRANSPORT_RIGHT);
    keys.pages = (records_in(&keys) * KEY_RECORD_LEN).div_ceil(PAGE_SIZE) as u16;
    let transport = NewKey {
        family: Family::Card,
        type_byte: KeyType::EXTERNAL.0,
        id: CONTROL_KEY_ID,
        use_right: AccessRight::FREE,
        change_right: TRANSPORT_RIGHT,
        b4: TRANSPORT_STATE,
        b5: TRANSPORT_COUNTER,
        value: &TRANSPORT_KEY,
    };
    let mut transaction = Transaction::new();
    transaction.write(FileIndex::MF.address(), &mf.emit())?;
    transaction.write(KEY_FILE.address(), &keys.emit())?;
    stage_new(nvm, &keys, &transport, &mut transaction)?;
    Ok(nvm.commit(transaction)?)
}

/// What the chip is; `None` if it was never manufactured.
pub(crate) fn chip_kind<M: Memory>(nvm: &Journal<M>) -> Option<Kind> {
    let header = nvm.array::<CHIP_HEADER_LEN>(CHIP_HEADER);
    let (magic, rest) = header.split_first_chunk::<8>()?;
    match (*magic == MAGIC, rest.first()?) {
        (true, 1) => Some(Kind::CpuCard),
        (true, 2) => Some(Kind::Sam),
        (true, 3) => Some(Kind::RfidSim),
        (true, 4) => Some(Kind::KeyMaster),
        (true, 5) => Some(Kind::MotherAuthentication),
        _ => None,
    }
}
