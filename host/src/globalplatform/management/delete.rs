//! DELETE (11.2).

use onecard_wire::globalplatform::{DELETE, DELETE_OBJECT, DELETE_WITH_RELATED, tag};

use super::{ManagementCommand, ManagementError, command, done};
use crate::globalplatform::{aid::Aid, domain::Link};

/// Removes an application, or a load file; `with_related` what was made of the load file, too. It is gone for good.
///
/// # Errors
/// [`ManagementError`].
pub fn delete(link: &mut (impl Link + ?Sized), aid: &Aid, with_related: bool) -> Result<(), ManagementError> {
    let bytes = aid.as_bytes();
    let data = [&[tag::AID as u8, bytes.len() as u8], bytes].concat();
    let p2 = if with_related { DELETE_WITH_RELATED } else { DELETE_OBJECT };
    done(link, ManagementCommand::Delete, &command(DELETE, 0x00, p2, &data)?).map(drop)
}

/// Removes a key set. The one a session was opened with may be it: then no further session can be opened with it.
///
/// # Errors
/// [`ManagementError`].
pub fn delete_key_set(link: &mut (impl Link + ?Sized), version: u8) -> Result<(), ManagementError> {
    let data = [tag::KEY_VERSION as u8, 0x01, version];
    done(link, ManagementCommand::DeleteKeys, &command(DELETE, 0x00, DELETE_OBJECT, &data)?).map(drop)
}
