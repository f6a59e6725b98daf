//! What the maker puts into the files: plausible for a Chinese operator's SIM (460 00).

use onecard_wire::{status::StatusWord, uicc::service};

use super::{
    files::{Body, Directory, File, MF, Structure},
    pin,
    place::{self, Place},
};
use crate::{
    failure::Failure,
    nvm::{Journal, Transaction},
    platform::Platform,
    rfid_sim::SimData,
};

/// The home network, mobile country code 460, network code 00, as PLMNs are coded.
const HOME: [u8; 3] = [0x64, 0xF0, 0x00];
/// Services of the USIM (TS 31.102 clause 4.2.8).
const UST_SERVICES: [u8; 13] = [
    service::SMS,
    service::SMSP,
    service::SPN,
    service::PLMN_W_ACT,
    service::MSISDN,
    service::GSM_ACCESS,
    service::SMS_PP_DOWNLOAD,
    service::ALWAYS,
    service::EST,
    service::GSM_CONTEXT,
    service::OPLMN_W_ACT,
    service::HPLMN_W_ACT,
    service::EPS,
];
/// Services of the 2G SIM (TS 51.011 clause 10.3.7), allocated and activated: disabling CHV1, short messages, MSISDN, their
/// parameters, last numbers dialled, provider's name. No toolkit: class A0 serves none.
const SST_SERVICES: [u8; 6] = [1, 4, 9, 12, 13, 17];

/// What each body begins with; the rest is FF. Of records that are longer than it, each begins with it.
const CONTENTS: [(Place, &[u8]); 25] = [
    (place::PL, b"zhen"),
    (place::LI, b"zhen"),
    // Normal operation; the network code has two digits.
    (place::AD, &[0x00, 0x00, 0x00, 0x02]),
    (place::UST, &services::<{ place::UST.len }>(&UST_SERVICES, 1, 0x01)),
    (place::SST, &services::<{ place::SST.len }>(&SST_SERVICES, 2, 0x03)),
    (place::EST, &[0x00]),
    // Key set identifier: no keys.
    (place::KEYS, &[0x07]),
    (place::KEYS_PS, &[0x07]),
    (place::KC, &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]),
    (place::LOCI, &[0xFF, 0xFF, 0xFF, 0xFF, HOME[0], HOME[1], HOME[2], 0xFF, 0xFE, 0xFF, 0x01]),
    (place::PSLOCI, &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, HOME[0], HOME[1], HOME[2], 0xFF, 0xFE, 0xFF, 0x01]),
    (place::EPSLOCI, &EPSLOCI),
    // An empty security context.
    (place::EPSNSC, &[0xA0, 0x00]),
    (place::HPPLMN, &[0x05]),
    (place::FPLMN, &[]),
    (place::PLMN_W_ACT, &NO_NETWORKS),
    (place::OPLMN_W_ACT, &OPERATORS_NETWORKS),
    // UTRAN, E-UTRAN, GSM.
    (place::HPLMN_W_ACT, &[HOME[0], HOME[1], HOME[2], 0xC0, 0x80]),
    // 110 and 122 the police, 119 the fire brigade, 120 the ambulance, 112.
    (
        place::ECC,
        &[
            0x11, 0xF0, 0xFF, 0x01, 0x11, 0xF9, 0xFF, 0x04, 0x21, 0xF0, 0xFF, 0x02, 0x21, 0xF2, 0xFF, 0x01, 0x11, 0xF2,
            0xFF, 0x00,
        ],
    ),
    (place::SPN, b"\x00One Card"),
    (place::START_HFN, &[0xF0, 0x00, 0x00, 0xF0, 0x00, 0x00]),
    (place::THRESHOLD, &[0x0F, 0xFF, 0xFF]),
    (place::SMSP, &SMSP),
    (place::SMSS, &[0x00, 0xFF]),
    // Phase 2: 03 would promise PROFILE DOWNLOAD.
    (place::PHASE, &[0x02]),
];

/// GUTI, last tracking area, status: not updated.
const EPSLOCI: [u8; 18] = {
    let [m0, m1, m2] = HOME;
    const F: u8 = 0xFF;
    [F, F, F, F, F, F, F, F, F, F, F, F, m0, m1, m2, F, 0xFE, 0x01]
};

/// Eight entries of PLMN and access technology without one.
const NO_NETWORKS: [u8; 40] = {
    let [a, b, c, d, e] = [0xFF, 0xFF, 0xFF, 0x00, 0x00];
    [
        a, b, c, d, e, a, b, c, d, e, a, b, c, d, e, a, b, c, d, e, a, b, c, d, e, a, b, c, d, e, a, b, c, d, e, a, b,
        c, d, e,
    ]
};

/// The home network, then none.
const OPERATORS_NETWORKS: [u8; 40] = {
    let mut networks = NO_NETWORKS;
    (networks[0], networks[1], networks[2]) = (HOME[0], HOME[1], HOME[2]);
    (networks[3], networks[4]) = (0xC0, 0x80);
    networks
};

/// No name; service centre +8613800100500, protocol, coding, validity present; no destination.
#[expect(clippy::indexing_slicing, reason = "done by the compiler, which refuses an index out of range")]
const SMSP: [u8; 42] = {
    let mut record = [0xFF; 42];
    record[14] = 0xE1;
    let centre = [0x08, 0x91, 0x68, 0x31, 0x08, 0x10, 0x00, 0x05, 0xF0];
    let mut at = 0;
    while at < centre.len() {
        record[27 + at] = centre[at];
        at += 1;
    }
    (record[39], record[40], record[41]) = (0x00, 0x00, 0x00);
    record
};

/// A service table: `bits` for each service, `mask` where it is there, the first service lowest.
#[expect(clippy::indexing_slicing, reason = "done by the compiler, which refuses an index out of range")]
const fn services<const N: usize>(there: &[u8], bits: usize, mask: u8) -> [u8; N] {
    let mut table = [0; N];
    let mut at = 0;
    while at < there.len() {
        let bit = (there[at] as usize - 1) * bits;
        table[bit / 8] |= mask << (bit % 8);
        at += 1;
    }
    table
}

/// Every file as the maker delivers it, and the SIM's own data in their places.
pub(super) fn personalise<P: Platform>(nvm: &mut Journal<P>, data: &SimData<'_>) -> Result<(), Failure> {
    fill_bodies(nvm, &MF)?;
    write(nvm, place::ICCID.address, &data.iccid)?;
    write(nvm, place::IMSI.address, &data.imsi)?;
    write(nvm, place::ACC.address, &access_class(&data.imsi).to_be_bytes())?;
    write(nvm, place::SUBSCRIBER.address, &data.subscriber.key)?;
    write(nvm, place::SUBSCRIBER.address + data.subscriber.key.len(), &data.subscriber.opc)?;
    pin::personalise(nvm, &data.codes)
}

fn fill_bodies<P: Platform>(nvm: &mut Journal<P>, directory: &Directory) -> Result<(), Failure> {
    directory.files.iter().try_for_each(|file| fill(nvm, file))?;
    directory.directories.iter().try_for_each(|inner| fill_bodies(nvm, inner))
}

fn fill<P: Platform>(nvm: &mut Journal<P>, file: &File) -> Result<(), Failure> {
    let Body::Memory(place) = file.body else { return Ok(()) };
    let known = CONTENTS.iter().find(|(of, _)| of.address == place.address);
    let content: &[u8] = match (known, file.structure) {
        (Some((_, content)), _) => content,
        // The newest record is the first.
        (None, Structure::Cyclic { .. }) => &[0x00],
        // A record without a short message.
        (None, Structure::LinearFixed { record_len: 176 }) => &[0x00],
        (None, _) => &[],
    };
    let part = match file.structure {
        Structure::LinearFixed { record_len } if content.len() <= usize::from(record_len) => usize::from(record_len),
        Structure::Transparent | Structure::LinearFixed { .. } | Structure::Cyclic { .. } => place.len,
    };
    for at in (0..place.len).step_by(part) {
        let mut bytes = [0xFF; 255];
        let bytes = bytes.get_mut(..part).ok_or(StatusWord::INTERNAL_ERROR)?;
        bytes.iter_mut().zip(content).for_each(|(to, from)| *to = *from);
        write(nvm, place.address + at, bytes)?;
    }
    Ok(())
}

/// One of the classes 0 to 9, by the last digit of the IMSI (TS 22.011 clause 4.2).
fn access_class(imsi: &[u8; 9]) -> u16 {
    let digits = imsi.iter().skip(1).flat_map(|byte| [byte & 0x0F, byte >> 4]).skip(1);
    let last = digits.take_while(|digit| *digit <= 9).last().unwrap_or_default();
    1 << last
}

fn write<P: Platform>(nvm: &mut Journal<P>, address: usize, bytes: &[u8]) -> Result<(), Failure> {
    let mut transaction = Transaction::new();
    transaction.write(address, bytes)?;
    Ok(nvm.commit(transaction)?)
}
