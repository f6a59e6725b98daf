//! EXPORT KEY and EXPORT COPY: what an open key master card gives away (specification 16.6).

use onecard_wire::{
    ins,
    key_master::{
        COPY_ALLOWANCE, COPY_KEY, CopyAllowance, CopyKey, ExportKey, Exported, Freshness as ExportFreshness,
        LoadAllowance, LoadKey, MAC_LEN, Manner as ExportManner, TargetKind,
    },
    number::EnterpriseId,
    sam::UsageKind,
};
use zeroize::Zeroizing;

use super::{
    bodies::{LoadBody, Recipient},
    error::{KeyMasterCommand, KeyMasterError},
    names::code_of,
    session::OpenKeyMaster,
    source::MasterKeySource,
};
use crate::{
    apdu::Command,
    key_store::{
        Freshness, KeyStore, KeyTarget, Manner, NamedKey, Payload, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder,
    },
    keys::Purpose,
    line_protection::Challenge,
    transport::Transport,
};

impl<T: Transport> KeyStore for OpenKeyMaster<T> {
    fn enterprise(&self) -> EnterpriseId {
        self.of_enterprise()
    }

    fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        Ok(self.stored_keys()?)
    }

    fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
        order.check()?;
        Ok(WriteKeyBody::new(self.ask(KeyMasterCommand::ExportKey, &export(order)?)?))
    }
}

impl<T: Transport> MasterKeySource for OpenKeyMaster<T> {
    fn enterprise(&self) -> EnterpriseId {
        self.of_enterprise()
    }

    fn master_keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        Ok(self.stored_keys()?)
    }

    fn load_key(&mut self, name: NamedKey, to: Recipient) -> Result<LoadBody, StoreError> {
        const LE: u8 = (LoadKey::LEN + MAC_LEN) as u8;
        let code = code_of(name.purpose).ok_or(KeyMasterError::NotHeld(name))?;
        let data = CopyKey { code, version: name.version, target: to.number, challenge: to.challenge }.emit();
        let copy = Command::new(ins::CLA_PBOC, ins::EXPORT_COPY, COPY_KEY, 0x00).with_data(&data).expecting(LE);
        Ok(LoadBody::new(self.ask(KeyMasterCommand::ExportCopy, &copy)?))
    }

    fn load_allowance(&mut self, allowance: LoadAllowance, to: Recipient) -> Result<LoadBody, StoreError> {
        const LE: u8 = (LoadAllowance::LEN + MAC_LEN) as u8;
        let data = CopyAllowance { allowance, target: to.number, challenge: to.challenge }.emit();
        let copy = Command::new(ins::CLA_PBOC, ins::EXPORT_COPY, COPY_ALLOWANCE, 0x00).with_data(&data).expecting(LE);
        Ok(LoadBody::new(self.ask(KeyMasterCommand::ExportCopy, &copy)?))
    }
}

/// EXPORT KEY of an order that was checked.
fn export(order: &WriteKeyOrder<'_>) -> Result<Command, StoreError> {
    let wrapper = order.wrapper_key();
    let target = match order.target {
        KeyTarget::Application(_) => TargetKind::Card,
        KeyTarget::Sam(_) => TargetKind::Sam,
    };
    let freshness = match order.fresh {
        Freshness::Challenge(Challenge(block)) => ExportFreshness::Challenge(block),
        Freshness::OverTheAir { counter, command } => ExportFreshness::OverTheAir { counter, command },
    };
    let (what, manner) = exported(order)?;
    let field = ExportKey {
        what,
        manner,
        wrapping: code_of(wrapper.purpose).ok_or(KeyMasterError::NotHeld(wrapper))?,
        wrapping_version: wrapper.version,
        factor: order.factor(),
        freshness,
    };
    let pin: &[u8] = match order.payload {
        Payload::Pin(pin) => pin.expose(),
        Payload::CardKey { .. } | Payload::SamKey { .. } => &[],
    };
    let data = Zeroizing::new([&field.emit(), pin].concat());
    let command = Command::new(ins::CLA_PBOC, ins::EXPORT_KEY, target as u8, freshness.p2()).with_bytes(&data)?;
    Ok(command.expecting(0x00))
}

/// Place 00 is the key's own. A SAM's marking key is the maintenance key under another kind.
fn exported(order: &WriteKeyOrder<'_>) -> Result<(Exported, ExportManner), KeyMasterError> {
    let key = |NamedKey { purpose, version }: NamedKey, place| {
        let code = code_of(purpose).ok_or(KeyMasterError::NotHeld(NamedKey { purpose, version }))?;
        Ok::<_, KeyMasterError>(Exported::Key { code, version, place })
    };
    Ok(match order.payload {
        Payload::Pin(_) => (Exported::HolderPin, ExportManner::Add),
        Payload::CardKey { name, id, manner } => {
            let own = name.purpose.place().is_some_and(|place| place.id == id);
            let manner = match manner {
                Manner::Add => ExportManner::Add,
                Manner::Replace => ExportManner::Replace,
            };
            (key(name, if own { OWN_PLACE } else { id })?, manner)
        }
        Payload::SamKey { kind, version } => {
            let name = order.payload_key().unwrap_or(NamedKey { purpose: Purpose::SamMaster, version });
            let place = if kind == UsageKind::MARKING { UsageKind::MARKING.0 } else { OWN_PLACE };
            (key(name, place)?, ExportManner::Add)
        }
    })
}

const OWN_PLACE: u8 = 0x00;
