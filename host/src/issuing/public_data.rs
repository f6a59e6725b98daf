//! EF 0015 of an application as it is issued.

use onecard_wire::{
    date::Date,
    number::{ApplicationSerial, EnterpriseId},
    record::{ApplicationType, PublicData},
};

use super::CardOrder;

pub(crate) fn public_data(serial: ApplicationSerial, order: &CardOrder) -> PublicData {
    issued_public_data(order.enterprise, serial, [order.valid_from, order.valid_to])
}

/// EF 0015 of an application as it is issued, valid from the first day to the last.
#[must_use]
pub const fn issued_public_data(
    enterprise: EnterpriseId,
    serial: ApplicationSerial,
    [valid_from, valid_to]: [Date; 2],
) -> PublicData {
    PublicData {
        enterprise,
        application_type: ApplicationType::BOTH,
        version: PublicData::VERSION_OWN,
        serial,
        valid_from,
        valid_to,
        issuer_data: [0; 2],
    }
}
