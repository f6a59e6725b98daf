//! Whether a SAM's own files read as they were ordered: by reading alone.

use onecard_wire::{aid, fid::Fid, number::EnterpriseId};

use super::{
    IssuingError, SamCardOrder, Target,
    sam::{card_info, public_info},
    script::Script,
};
use crate::transport::Transport;

/// Reads the MF's two files, public information and load limit of the SAM in `transport`: what [`issue_sam`](super::issue_sam) and
/// the second wash of a SAM write last. So a SAM that was cut anywhere in front of their end is found out.
///
/// # Errors
/// [`IssuingError`], [`Cause::Different`](super::Cause::Different) above all.
pub fn check_sam_contents<T: Transport + ?Sized>(
    transport: &mut T,
    enterprise: EnterpriseId,
    order: &SamCardOrder,
) -> Result<(), IssuingError> {
    let mut script = Script { transport, target: Target::Sam(order.terminal) };
    script.select_mf()?;
    script.check_file(Fid::SAM_CARD_INFO, &card_info(order))?;
    script.check_file(Fid::SAM_TERMINAL, &order.terminal.0)?;
    script.select_by_name(&aid::sam_application(enterprise))?;
    script.check_file(Fid::SAM_PUBLIC_INFO, &public_info(enterprise, order))?;
    script.check_file(Fid::SAM_LOAD_LIMIT, &order.load_limit.to_bytes())
}
