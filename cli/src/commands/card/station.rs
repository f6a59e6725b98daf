//! Where a member's card is made: in a new file, or of the blank card in a reader.

use anyhow::{Context, bail, ensure};
use onecard_host::{
    card::select,
    crypto::DesKey,
    issuing::{Condition, MfKeys, Opener, examine, prepare_mf, prepare_mf_resumable},
    transport::Transport,
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
};
use onecard_wire::{aid, number::ApplicationSerial};
use rand::{CryptoRng, RngExt};

use crate::{
    consent::Consent,
    development_keys::{DevelopmentKeys, KEY_VERSION},
    reader::{Faults, Place, store_chip},
    trace::{Peer, Trace},
};

/// A station about to make one card.
pub(super) struct Station<'o> {
    pub(super) place: &'o Place,
    pub(super) consent: &'o Consent,
    pub(super) keys: &'o DevelopmentKeys,
    pub(super) serial: ApplicationSerial,
}

impl Station<'_> {
    /// Has `work` make the card, in an MF under the operator's keys. A new file is there whole or not at all; a card in a
    /// reader is looked at first, and written after it was said what.
    pub(super) fn make<R>(
        &self,
        plan: &[String],
        work: impl FnOnce(&mut dyn Transport, &MfKeys) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let mf = mf_keys(self.keys, self.serial)?;
        match self.place {
            Place::Sim(file) if !file.0.exists() => {
                let mut reader = prepared(&mf, &mut rand::rng())?;
                let made = work(&mut reader, &mf)?;
                store_chip(&mut reader.remove(), file)?;
                Ok(made)
            }
            _ => self.make_in_place(&mf, plan, work),
        }
    }

    fn make_in_place<R>(
        &self,
        mf: &MfKeys,
        plan: &[String],
        work: impl FnOnce(&mut dyn Transport, &MfKeys) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let Self { place, serial, .. } = *self;
        let enterprise = self.keys.enterprise;
        let tap = (&Faults::default(), &Trace::new(false));
        let found = place.tap(Peer::Card, tap.0, tap.1, |mut card| -> anyhow::Result<Condition> {
            // Whoever is on it already is told without a try of any key.
            if let Ok(application) = select(&mut card, &aid::enterprise_application(enterprise)) {
                bail!(
                    "card {} is issued already 已发卡: make it blank by `onecard card wipe` first",
                    application.serial()
                );
            }
            Ok(examine(&mut card, enterprise, Some(mf))?)
        })?;
        let found = found.with_context(|| refused(place))?;
        let (opener, there) = match &found {
            Condition::Blank => (Opener::TransportKey, "a blank card 空白卡".to_owned()),
            Condition::Unfinished(opener) => (*opener, format!("card {serial}, begun and not finished 未完成的卡")),
            Condition::Issued { .. } => {
                bail!(
                    "{}: it is issued already, and blocked 已发卡并锁定: `onecard card wipe --number` first",
                    refused(place)
                )
            }
        };
        self.consent.ask(place, &there, plan)?;
        place.tap(Peer::Card, tap.0, tap.1, |mut card| {
            ensure!(
                examine(&mut card, enterprise, Some(mf))? == found,
                "{place}: nothing was written: another card than the one you were asked about 已换卡，未写入"
            );
            prepare_mf_resumable(&mut card, &opener.key(mf), mf)
                .map_err(Into::into)
                .and_then(|()| work(card, mf))
                .context(
                    "the card is not finished: the same command again goes on, or `onecard card wipe` 可重复本命令",
                )
        })?
    }
}

/// That nothing was written.
pub(super) fn refused(place: &Place) -> String {
    format!("{place}: nothing was written 未写入")
}

/// The operator's keys of the card whose first application has this number: a chip here has no number of its maker's.
pub(super) fn mf_keys(keys: &DevelopmentKeys, serial: ApplicationSerial) -> anyhow::Result<MfKeys> {
    Ok(MfKeys::of_card(&keys.roots.chip(serial.to_bytes()), KEY_VERSION)?)
}

/// A new chip, in RAM, with the operator's MF.
pub(super) fn prepared<R: CryptoRng>(mf: &MfKeys, random: &mut R) -> anyhow::Result<Reader> {
    let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, random.random())?);
    prepare_mf(&mut reader, &DesKey::TRANSPORT.into(), mf, random)?;
    Ok(reader)
}
