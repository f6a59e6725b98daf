//! GET DATA (11.3).

use onecard_wire::{
    globalplatform::{CLA, GET_DATA, tag},
    status::StatusWord,
};

use super::{ManagementCommand, ManagementError, answered};
use crate::{
    apdu::Command,
    globalplatform::{
        card_data::{CardRecognition, KeyInformation, ProductionData, counter, identification},
        domain::Link,
    },
};

/// A data object with its tag, `None` where the card has none.
///
/// # Errors
/// [`ManagementError`].
pub fn data_object(link: &mut (impl Link + ?Sized), tag: u16) -> Result<Option<Vec<u8>>, ManagementError> {
    let [p1, p2] = tag.to_be_bytes();
    let command = Command::new(CLA, GET_DATA, p1, p2).expecting(0);
    let absent = [StatusWord::DATA_NOT_FOUND, StatusWord::FILE_NOT_FOUND];
    let good = [StatusWord::OK, StatusWord::DATA_NOT_FOUND, StatusWord::FILE_NOT_FOUND];
    let answer = answered(link, ManagementCommand::GetData, &command, &good)?;
    Ok((!absent.contains(&answer.status)).then_some(answer.data))
}

/// Who made the card and when (9F7F).
///
/// # Errors
/// [`ManagementError`].
pub fn production_data(link: &mut (impl Link + ?Sized)) -> Result<Option<ProductionData>, ManagementError> {
    read(link, tag::CPLC, ProductionData::parse)
}

/// Which specification and which secure channels the card has (66).
///
/// # Errors
/// [`ManagementError`].
pub fn card_recognition(link: &mut (impl Link + ?Sized)) -> Result<Option<CardRecognition>, ManagementError> {
    read(link, tag::CARD_DATA, CardRecognition::parse)
}

/// The domain's keys, without their values (E0).
///
/// # Errors
/// [`ManagementError`].
pub fn key_information(link: &mut (impl Link + ?Sized)) -> Result<Option<Vec<KeyInformation>>, ManagementError> {
    read(link, tag::KEY_INFORMATION, KeyInformation::parse_all)
}

/// How often the default key set was used (C1).
///
/// # Errors
/// [`ManagementError`].
pub fn sequence_counter(link: &mut (impl Link + ?Sized)) -> Result<Option<u32>, ManagementError> {
    read(link, tag::SEQUENCE_COUNTER, |answer| counter(answer, tag::SEQUENCE_COUNTER))
}

/// How many receipts the card has given (C2).
///
/// # Errors
/// [`ManagementError`].
pub fn confirmation_counter(link: &mut (impl Link + ?Sized)) -> Result<Option<u32>, ManagementError> {
    read(link, tag::CONFIRMATION_COUNTER, |answer| counter(answer, tag::CONFIRMATION_COUNTER))
}

/// Issuer identification number (42).
///
/// # Errors
/// [`ManagementError`].
pub fn issuer_number(link: &mut (impl Link + ?Sized)) -> Result<Option<Vec<u8>>, ManagementError> {
    read(link, tag::ISSUER_NUMBER, |answer| Some(identification(answer, tag::ISSUER_NUMBER)))
}

/// Card image number (45).
///
/// # Errors
/// [`ManagementError`].
pub fn card_image_number(link: &mut (impl Link + ?Sized)) -> Result<Option<Vec<u8>>, ManagementError> {
    read(link, tag::CARD_IMAGE_NUMBER, |answer| Some(identification(answer, tag::CARD_IMAGE_NUMBER)))
}

fn read<R>(
    link: &mut (impl Link + ?Sized),
    tag: u16,
    parse: impl Fn(&[u8]) -> Option<R>,
) -> Result<Option<R>, ManagementError> {
    let answer = data_object(link, tag)?;
    answer.map(|it| parse(&it).ok_or(ManagementError::Unreadable(ManagementCommand::GetData))).transpose()
}
