//! INITIALIZE FOR PURCHASE and FOR LOAD: commands that change nothing (JR/T 0025.2; FMCOS 2.0 user manual p. 89, 94).

use onecard_wire::{
    ins,
    wallet::{Initialize, LoadInitialized, PurchaseInitialized, Purse},
};

use super::Cause;
use crate::{
    apdu::{Command, CommandName, exchange},
    transport::Transport,
};

pub(super) fn initialize_purchase<C: Transport + ?Sized>(
    card: &mut C,
    purse: Purse,
    field: &Initialize,
) -> Result<PurchaseInitialized, Cause> {
    let command = CommandName::InitializeForPurchase;
    let data = initialize(card, command, ins::INITIALIZE_PURCHASE, purse, field, PURCHASE_LEN)?;
    PurchaseInitialized::parse(&data).ok_or(Cause::Malformed { command, length: data.len() })
}

pub(super) fn initialize_load<C: Transport + ?Sized>(
    card: &mut C,
    purse: Purse,
    field: &Initialize,
) -> Result<LoadInitialized, Cause> {
    let command = CommandName::InitializeForLoad;
    let data = initialize(card, command, ins::INITIALIZE_LOAD, purse, field, LOAD_LEN)?;
    LoadInitialized::parse(&data).ok_or(Cause::Malformed { command, length: data.len() })
}

const PURCHASE_LEN: u8 = PurchaseInitialized::LEN as u8;
const LOAD_LEN: u8 = LoadInitialized::LEN as u8;

fn initialize<C: Transport + ?Sized>(
    card: &mut C,
    command: CommandName,
    p1: u8,
    purse: Purse,
    field: &Initialize,
    le: u8,
) -> Result<Vec<u8>, Cause> {
    let sent = Command::new(ins::CLA_PBOC, ins::INITIALIZE, p1, purse as u8).with_data(&field.emit()).expecting(le);
    let response = exchange(card, &sent).map_err(|error| Cause::NoAnswer { command, error })?;
    response.done().map_err(|status| Cause::Refused { command, status })
}
