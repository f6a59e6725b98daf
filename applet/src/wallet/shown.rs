//! What the card shows its holder of an application (profile §7). It is read whatever state the application is in, and
//! opens nothing: the phone's menu is the card's own.

use onecard_wire::{
    amount::Amount,
    fid::Fid,
    record::{LogRecord, Parameters, PublicData, Validity},
    wallet::Purse,
};

use super::{account::newest_account, purse::content_of};
use crate::{
    fs::{Directory, FileIndex, find_child, record::cyclic_ring},
    nvm::{Journal, Memory},
};

/// An application's balances and what is said of it.
pub(crate) struct Shown {
    /// Serial in EF 0015, BCD; `None` if the application has not been issued.
    pub(crate) serial: Option<[u8; 8]>,
    /// First and last day of validity in EF 0015, BCD.
    pub(crate) valid: [[u8; 4]; 2],
    /// EF 0017; without one nothing limits it.
    pub(crate) parameters: Parameters,
    /// The latest day the card knows of, BCD; zero for none.
    pub(crate) day: [u8; 4],
    /// What GET BALANCE tells of the EP.
    pub(crate) purse: Option<Amount>,
    /// What GET BALANCE tells of the ED.
    pub(crate) deposit: Option<Amount>,
    /// How much of that is the overdraft limit.
    pub(crate) overdraft: Amount,
}

/// Reads an application; `None` if there is no directory at that place.
pub(crate) fn shown<M: Memory>(nvm: &Journal<M>, application: FileIndex) -> Option<Shown> {
    let directory = Directory::read(nvm, application)?;
    let public_data = directory.public_data.as_ref().map(|file| nvm.array::<{ PublicData::LEN }>(file.body()));
    let public_data = public_data.unwrap_or([0; PublicData::LEN]);
    let validity = Validity::parse(&public_data)?;
    let parameters = directory.parameters.as_ref();
    let content = |purse| directory.purse(purse).and_then(|files| content_of(nvm, files));
    let deposit = content(Purse::Ed);
    Some(Shown {
        serial: Some(PublicData::serial_of(&public_data)).filter(|serial| *serial != [0; 8]),
        valid: [validity.valid_from, validity.valid_to],
        parameters: parameters
            .and_then(|file| Parameters::parse(&nvm.array::<{ Parameters::LEN }>(file.body())))
            .unwrap_or(Parameters::UNLIMITED),
        day: newest_account(nvm, &directory).day(),
        purse: content(Purse::Ep).map(|content| content.balance),
        deposit: deposit.map(|content| content.balance),
        overdraft: deposit.map_or(Amount::ZERO, |content| content.overdraft.amount()),
    })
}

/// A record of an application's log, the newest being number 0; `None` behind the oldest.
pub(crate) fn log_record<M: Memory>(nvm: &Journal<M>, application: FileIndex, number: usize) -> Option<LogRecord> {
    let (_, log) = find_child(nvm, application, Fid::LOG)?;
    let (ring, _) = cyclic_ring(&log).filter(|(_, length)| *length == LogRecord::LEN)?;
    let cell = ring.before(ring.newest(nvm)?, number)?;
    LogRecord::parse(&nvm.array::<{ LogRecord::LEN }>(ring.content(cell)))
}
