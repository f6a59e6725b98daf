//! A load begun over the air: it outlives SELECT, power-off and purchases, and waits for its CREDIT (19.6.2).

use onecard_wire::{
    amount::Amount,
    key::{KeyType, KeyVersion},
    layout::{Reader, Writer},
    number::TerminalNumber,
    status::StatusWord,
    wallet::{Purse, TransactionType},
};

use super::{
    Online, TAC_KEY_ID,
    load::CreditedLoad,
    purse::pending_address,
    transaction_mac::{Order, SessionKey},
};
use crate::{
    cos::Cos,
    failure::Failure,
    fs::PurseFiles,
    nvm::{Journal, Memory, Transaction},
    platform::Platform,
};

/// Marks a place that holds one.
const THERE: u8 = 0x01;

/// What INITIALIZE fixed; the session key is made anew from it.
pub(super) struct PendingLoad {
    key_id: u8,
    key_version: KeyVersion,
    amount: Amount,
    terminal: TerminalNumber,
    random: [u8; 4],
    /// It is over once the purse's has moved on.
    online_sequence: u16,
}

impl PendingLoad {
    /// With its mark.
    pub(super) const LEN: usize = 19;

    fn of(load: &Online) -> Self {
        let begun = &load.begun;
        Self {
            key_id: begun.key.id,
            key_version: KeyVersion(begun.key.b4),
            amount: begun.order.amount,
            terminal: begun.order.terminal,
            random: begun.random,
            online_sequence: begun.content.online_sequence,
        }
    }

    fn read<M: Memory>(nvm: &Journal<M>, files: &PurseFiles) -> Option<Self> {
        let bytes = nvm.array::<{ Self::LEN }>(pending_address(files));
        let mut reader = Reader::new(&bytes);
        reader.u8().filter(|mark| *mark == THERE)?;
        Some(Self {
            key_id: reader.u8()?,
            key_version: KeyVersion(reader.u8()?),
            amount: Amount::from_bytes(reader.array()?),
            terminal: TerminalNumber(reader.array()?),
            random: reader.array()?,
            online_sequence: reader.u16()?,
        })
    }

    fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .u8(THERE)
            .u8(self.key_id)
            .u8(self.key_version.0)
            .put(&self.amount.to_bytes())
            .put(&self.terminal.0)
            .put(&self.random)
            .u16(self.online_sequence)
            .finish()
    }
}

/// Stages that a purse waits for no load any more.
fn stage_none(files: &PurseFiles, transaction: &mut Transaction) -> Result<(), StatusWord> {
    transaction.write(pending_address(files), &[0; PendingLoad::LEN])
}

impl<P: Platform> Cos<'_, P> {
    /// Keeps a load, unless it is of nothing; whatever was pending in the application is over.
    pub(super) fn keep_pending(&mut self, load: &Online) -> Result<(), Failure> {
        let mut transaction = Transaction::new();
        let mut changed = false;
        for purse in [Purse::Ed, Purse::Ep] {
            let Some(files) = self.session.directory.purse(purse) else { continue };
            if purse == load.begun.purse && load.begun.order.amount != Amount::ZERO {
                transaction.write(pending_address(files), &PendingLoad::of(load).emit())?;
                changed = true;
            } else if PendingLoad::read(self.nvm, files).is_some() {
                stage_none(files, &mut transaction)?;
                changed = true;
            }
        }
        if changed { Ok(self.nvm.commit(transaction)?) } else { Ok(()) }
    }

    /// The load that is pending in the application.
    ///
    /// # Errors
    /// 6901 if there is none, or its purse's online sequence has moved; 9302 if its key has been replaced.
    pub(super) fn pending_load(&self) -> Result<CreditedLoad, StatusWord> {
        let waiting = [Purse::Ed, Purse::Ep].into_iter().find_map(|purse| {
            let pending = PendingLoad::read(self.nvm, self.session.directory.purse(purse)?)?;
            Some((purse, pending))
        });
        let (purse, pending) = waiting.ok_or(StatusWord::NO_TRANSACTION)?;
        let open = self.open_purse(purse)?;
        if open.content.online_sequence != pending.online_sequence {
            return Err(StatusWord::NO_TRANSACTION);
        }
        let key = self.find_key(KeyType::LOAD, pending.key_id)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        let tac_key = self.find_key(KeyType::TAC, TAC_KEY_ID)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        if KeyVersion(key.b4) != pending.key_version {
            return Err(StatusWord::MAC_WRONG);
        }
        let session_key = SessionKey::online(&key.key(self.nvm)?, pending.random, pending.online_sequence);
        let order = Order {
            amount: pending.amount,
            transaction_type: TransactionType::load(purse),
            terminal: pending.terminal,
        };
        let mut ends = Transaction::new();
        stage_none(&open.files, &mut ends)?;
        Ok(CreditedLoad { open, order, session_key, tac_key, ends })
    }
}
