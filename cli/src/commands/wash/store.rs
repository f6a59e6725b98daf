//! Which store the enterprise's keys come from.

use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::Args;
use onecard_host::key_store::KeyStore;
use onecard_wire::number::EnterpriseId;

use crate::{
    args::{Enterprise, SamSource},
    key_master_card::{LastTryOption, Opening},
    master_keys::MasterKeys,
    reader::ReaderName,
    terminal_sam::TerminalSam,
    trace::Trace,
};

/// A key master card, or, for development and where no SAM is washed, a key file or a token.
#[derive(Args, Debug)]
pub(super) struct StoreSource {
    /// Reader of the enterprise's key master card (密钥母卡): pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER", requires = "mother", conflicts_with_all = ["keys", "token"])]
    master: Option<ReaderName>,
    /// Reader of its mother authentication card (母卡认证卡): pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER", requires = "master")]
    mother: Option<ReaderName>,
    /// File with the key master card's PIN, mode 0600; without it the PIN is asked for.
    #[arg(long, value_name = "FILE", requires = "master")]
    master_pin_file: Option<PathBuf>,
    #[command(flatten)]
    last_try: LastTryOption,
    #[command(flatten)]
    keys: MasterKeys,
    #[command(flatten)]
    enterprise: Enterprise,
}

impl StoreSource {
    /// Opens the store and lends it to `work`.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut dyn KeyStore) -> anyhow::Result<R>) -> anyhow::Result<R> {
        if let (Some(master), Some(mother)) = (&self.master, &self.mother) {
            let pin_file = self.master_pin_file.as_deref();
            let last = self.last_try.of_host();
            let opening = Opening { master, mother, pin_file, pin_option: "--master-pin-file", last };
            return opening.with_open(|card| work(card));
        }
        match self.keys.as_store(self.enterprise.enterprise)? {
            Some(mut store) => work(&mut *store),
            None => bail!(
                "name the key master card and its mother card by --master and --mother, or a key file by --keys \
                 请加--master与--mother"
            ),
        }
    }

    /// The issuing SAM (发卡SAM) that makes the MACs of contents; the passphrase is its sealed key file's, too.
    pub(super) fn issuing_sam(&self, source: &SamSource, enterprise: EnterpriseId) -> anyhow::Result<TerminalSam> {
        let sam = TerminalSam::open(source, self.keys.passphrase(), enterprise, &Trace::new(false))?;
        let its = sam.enterprise;
        ensure!(its == enterprise, "the issuing SAM is of enterprise {its}, and the keys are of {enterprise}");
        Ok(sam)
    }
}
