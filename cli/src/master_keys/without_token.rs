//! What a program built without tokens says of them.

use std::path::Path;

use anyhow::bail;
use onecard_host::key_master::MasterKeySource;
use onecard_wire::{key::KeyVersion, number::EnterpriseId};

pub(super) fn to_load_from(
    _: &Path,
    label: &str,
    _: Option<&Path>,
    _: EnterpriseId,
    _: KeyVersion,
) -> anyhow::Result<Box<dyn MasterKeySource>> {
    bail!("token {label}: this program was built without tokens; build it with --features hsm 未编译hsm功能")
}
