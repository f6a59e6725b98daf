//! STORE DATA (11.11), and INSTALL [for personalization] in front of it.

use onecard_wire::globalplatform::{INSTALL, STORE_DATA, install::FOR_PERSONALIZATION, store_data};

use super::{ManagementCommand, ManagementError, command, done};
use crate::globalplatform::{aid::Aid, domain::Link};

/// What the data are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreFormat {
    /// Nothing is said of them.
    Plain,
    /// Data grouping identifiers, each with its data.
    Groups,
    /// BER-TLV objects.
    BerTlv,
}

/// Says that the data that follow by [`store_data()`] are an application's, up to the last block.
///
/// # Errors
/// [`ManagementError`].
pub fn personalise(link: &mut (impl Link + ?Sized), aid: &Aid) -> Result<(), ManagementError> {
    let bytes = aid.as_bytes();
    let data = [&[0x00, 0x00, bytes.len() as u8], bytes, &[0x00, 0x00, 0x00]].concat();
    done(link, ManagementCommand::Install, &command(INSTALL, FOR_PERSONALIZATION, 0x00, &data)?).map(drop)
}

/// Stores blocks, in order; the last one is marked. Gives the answer to the last.
///
/// # Errors
/// [`ManagementError`]: the blocks before are stored, or not, as the application has it.
pub fn store_data(
    link: &mut (impl Link + ?Sized),
    format: StoreFormat,
    blocks: &[&[u8]],
) -> Result<Vec<u8>, ManagementError> {
    let format = match format {
        StoreFormat::Plain => 0x00,
        StoreFormat::Groups => store_data::GROUPS,
        StoreFormat::BerTlv => store_data::BER_TLV,
    };
    let too_many =
        ManagementError::DoesNotFit("more than 256 blocks: send the data in longer ones, or in several runs");
    let mut answer = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        let last = if number + 1 == blocks.len() { store_data::LAST_BLOCK } else { 0x00 };
        let number = u8::try_from(number).map_err(|_| too_many.clone())?;
        answer = done(link, ManagementCommand::StoreData, &command(STORE_DATA, last | format, number, block)?)?;
    }
    Ok(answer)
}
