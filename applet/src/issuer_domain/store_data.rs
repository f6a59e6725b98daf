//! STORE DATA (GlobalPlatform Card Specification 2.3 clause 11.11).

use onecard_wire::{
    globalplatform::{store_data as parameters, tag},
    layout::Reader,
    status::StatusWord,
};

use super::{IssuerDomain, region, tlv};
use crate::{
    apdu::Command,
    failure::{Failure, refuse},
    nvm::Transaction,
    platform::Platform,
    toolkit,
};

/// Bits 5 and 4 of P1: how the data are structured.
const STRUCTURE: u8 = 0x18;
/// The data group that holds the domain's objects as BER-TLV (clause 11.11.2.3).
const OBJECTS_GROUP: [u8; 2] = [0x00, 0x70];

impl<P: Platform> IssuerDomain<'_, P> {
    /// STORE DATA to the domain, or to the toolkit applet after INSTALL [for personalization]. Blocks are numbered from 00; one
    /// out of turn is refused. Each takes effect by itself.
    pub(super) fn store_data(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        if command.p1 & parameters::ENCIPHERED != 0 || command.p2 != self.session.blocks {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let last = command.p1 & parameters::LAST_BLOCK != 0;
        if self.session.personalizing_toolkit {
            self.session.outcome = toolkit::store_data(self.nvm, command.data)?;
        } else {
            let objects = match command.p1 & STRUCTURE {
                parameters::GROUPS => group(command.data).ok_or(StatusWord::WRONG_DATA)?,
                0x00 | parameters::BER_TLV => command.data,
                _ => return refuse(StatusWord::WRONG_P1P2),
            };
            self.store_objects(objects)?;
        }
        if last {
            (self.session.personalizing_toolkit, self.session.blocks) = (false, 0);
        } else {
            self.session.blocks = command.p2.wrapping_add(1);
        }
        Ok(())
    }

    /// All of them or none.
    fn store_objects(&mut self, objects: &[u8]) -> Result<(), Failure> {
        let mut transaction = Transaction::new();
        let mut objects = tlv::Objects::new(objects);
        let mut stored = 0;
        while let Some((tag, value)) = objects.next()? {
            let address = match tag {
                tag::ISSUER_NUMBER => region::ISSUER_NUMBER,
                tag::CARD_IMAGE_NUMBER => region::CARD_IMAGE_NUMBER,
                _ => return refuse(StatusWord::DATA_NOT_FOUND),
            };
            if !(1..=region::OBJECT_LEN_MAX).contains(&value.len()) {
                return refuse(StatusWord::WRONG_DATA);
            }
            transaction.write(address, &[value.len() as u8])?;
            transaction.write(address + 1, value)?;
            stored += 1;
        }
        if stored == 0 {
            return refuse(StatusWord::WRONG_DATA);
        }
        Ok(self.nvm.commit(transaction)?)
    }
}

/// The objects in the one group that is known.
fn group(data: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(data);
    let group = reader.array().filter(|group| *group == OBJECTS_GROUP).and_then(|_| tlv::value(&mut reader))?;
    reader.end(group)
}
