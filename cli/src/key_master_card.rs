//! A key master card (密钥母卡) and the mother card that opens it, each in a reader.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_host::key_master::{
    ClosedKeyMaster, KeyMasterError, LastTry, LifeCycle, MasterPin, OpenKeyMaster, Status, key_master_status,
};
use onecard_simulator::chip::Kind;

use crate::{
    output::Exit,
    passphrase, private_file,
    reader::{Inserted, Place, ReaderName},
};

/// An open key master card.
pub(crate) type OpenCard<'c> = OpenKeyMaster<&'c mut Inserted>;

/// Whether the last try may be spent.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LastTryOption {
    /// Spend the last try of PIN or mother card too 允许用最后一次尝试: **if it fails the card is locked for good**.
    #[arg(long)]
    last_try: bool,
}

impl LastTryOption {
    /// The host's word for it.
    pub(crate) const fn of_host(self) -> LastTry {
        if self.last_try { LastTry::Spend } else { LastTry::Keep }
    }
}

/// What opens a key master card.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'o> {
    /// Where it is.
    pub(crate) master: &'o ReaderName,
    /// Where its mother card is.
    pub(crate) mother: &'o ReaderName,
    /// The file with its PIN, if it is not to be typed.
    pub(crate) pin_file: Option<&'o Path>,
    /// What names that file.
    pub(crate) pin_option: &'static str,
    pub(crate) last: LastTry,
}

/// The options by which most commands name them.
#[derive(Args, Debug)]
pub(crate) struct MasterReaders {
    /// Reader of the key master card (密钥母卡): pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER")]
    reader: ReaderName,
    /// Reader of its mother authentication card (母卡认证卡): pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER")]
    mother: ReaderName,
    /// File with the key master card's PIN (密码), 6 to 8 digits, mode 0600; without it the PIN is asked for.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    #[command(flatten)]
    last_try: LastTryOption,
}

impl MasterReaders {
    /// What opens the card.
    pub(crate) fn opening(&self) -> Opening<'_> {
        Opening {
            master: &self.reader,
            mother: &self.mother,
            pin_file: self.pin_file.as_deref(),
            pin_option: "--pin-file",
            last: self.last_try.of_host(),
        }
    }
}

impl Opening<'_> {
    /// Opens the card, has `work` done by it, and takes both cards out.
    pub(crate) fn with_open<R>(&self, work: impl FnOnce(&mut OpenCard<'_>) -> anyhow::Result<R>) -> anyhow::Result<R> {
        self.with(None, work)
    }

    /// The same by a PIN that is known already.
    pub(crate) fn with_open_by<R>(
        &self,
        pin: &MasterPin,
        work: impl FnOnce(&mut OpenCard<'_>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        self.with(Some(pin), work)
    }

    fn with<R>(
        &self,
        known: Option<&MasterPin>,
        work: impl FnOnce(&mut OpenCard<'_>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let (master_place, mother_place) = (self.master.place()?, self.mother.place()?);
        ensure!(
            master_place != mother_place,
            "{master_place}: the key master card and its mother card are open at the same time, each in a reader of its own"
        );
        let mut master = master_place.inserted(Some(Kind::KeyMaster))?;
        let mut mother = mother_place.inserted(Some(Kind::MotherAuthentication))?;
        let opened = match known {
            Some(pin) => self.opened(&mut master, &mut mother, &master_place, |_| Ok(pin.clone())),
            None => self.opened(&mut master, &mut mother, &master_place, |status| {
                let prompt = format!("PIN of key master card {} 密钥母卡密码: ", status.number);
                pin(self.pin_file, &prompt, self.pin_option)
            }),
        };
        let done = opened.and_then(|mut open| work(&mut open));
        // A chip whose file failed explains whatever else went wrong.
        master.taken_out_of(&master_place)?;
        mother.taken_out_of(&mother_place)?;
        done
    }

    fn opened<'c>(
        &self,
        master: &'c mut Inserted,
        mother: &mut Inserted,
        place: &Place,
        pin: impl FnOnce(&Status) -> anyhow::Result<MasterPin>,
    ) -> anyhow::Result<OpenCard<'c>> {
        let status = key_master_status(master).with_context(|| place.to_string())?;
        if status.life_cycle == LifeCycle::Blank {
            return Err(KeyMasterError::Blank).with_context(|| format!("{place}: onecard master new"));
        }
        let card = ClosedKeyMaster::select(master, status.enterprise).with_context(|| place.to_string())?;
        match card.open(mother, &pin(&status)?, self.last) {
            Err(last @ KeyMasterError::LastTry(_)) => Err(last)
                .with_context(|| format!("{place}: it was kept, and --last-try spends it 最后一次尝试须加--last-try")),
            opened => opened.with_context(|| place.to_string()),
        }
    }
}

/// A key master card's PIN, in `file` or typed at `prompt`; `option` is what names the file.
pub(crate) fn pin(file: Option<&Path>, prompt: &str, option: &str) -> anyhow::Result<MasterPin> {
    let Some(path) = file else {
        let otherwise = format!("the key master card's PIN is needed: give {option} FILE");
        return Ok(MasterPin::from_digits(&passphrase::typed_unseen(prompt, &otherwise)?)?);
    };
    let (_, digits) = private_file::read(path, "PIN file")?;
    MasterPin::from_digits(digits.trim_end()).with_context(|| format!("PIN file {}", path.display()))
}

/// A new card's PIN: typed, it is typed twice.
pub(crate) fn chosen_pin(file: Option<&Path>, option: &str) -> anyhow::Result<MasterPin> {
    let pin_typed = pin(file, "New PIN, 6 to 8 digits 新密码: ", option)?;
    if file.is_none() {
        let again = pin(None, "Again 再输一次: ", option)?;
        ensure!(pin_typed == again, "two different PINs were typed: try again");
    }
    Ok(pin_typed)
}

/// How the process ends by a key master card's refusal, if that is what `error` is.
pub(crate) fn exit_of(error: &anyhow::Error) -> Option<Exit> {
    match error.downcast_ref::<KeyMasterError>()? {
        KeyMasterError::Transport(_) | KeyMasterError::Malformed(_) | KeyMasterError::TooLong(_) => None,
        _ => Some(Exit::NotCommitted),
    }
}
