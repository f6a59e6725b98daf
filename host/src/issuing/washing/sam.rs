//! The second wash of a SAM's application.

use onecard_wire::{aid, key::KeyVersion, number::EnterpriseId, sam::UsageKind};

use super::{
    Known, Note, Reached, WashingJournal,
    engine::{Plan, Planned, Washing},
    standing::{Standing, all_pages},
};
use crate::{
    crypto::padding::Block,
    issuing::{
        Cause, IssuingError, SamCardOrder, SamSerial, Step, Target, purpose_of, sam::write_contents_by, script::Script,
    },
    key_store::{KeyStore, KeyTarget, Payload, WrapperKey},
    keys::Purpose,
    line_protection::LineMac,
    sam::{Sam, SamError},
    transport::Transport,
};

/// What one SAM is to become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SamWash<'o> {
    /// Its keys and contents. [`SamCardOrder::directory`] says nothing here.
    pub order: &'o SamCardOrder,
    /// Version of the operator's management key it has now.
    pub management: KeyVersion,
}

/// Gives a SAM's application that has the operator's management key alone its enterprise's keys by `store`, and its contents by
/// `issuing`, a SAM that holds the enterprise's key for the maintenance of SAMs. The first issuing SAM of an enterprise has none
/// beside it: without `issuing` the contents stay empty until the wash is run again with one.
///
/// Begun again after any failure it goes on where it stopped: SAMs list their keys.
///
/// # Errors
/// [`IssuingError`].
pub fn wash_sam_to_enterprise<T, K>(
    transport: &mut T,
    store: &mut K,
    issuing: Option<&mut dyn Sam>,
    wash: &SamWash<'_>,
    known: Known,
    journal: &mut dyn WashingJournal,
) -> Result<(), IssuingError>
where
    T: Transport + ?Sized,
    K: KeyStore + ?Sized,
{
    let SamWash { order, .. } = *wash;
    let mut script = Script { transport, target: Target::Washed(KeyTarget::Sam(order.serial)) };
    let enterprise: EnterpriseId = store.enterprise();
    script.select_by_name(&aid::sam_application(enterprise))?;
    // Every SAM of this profile lists its keys.
    let list = all_pages(&mut script, Step::FindOut)?;
    let standing = Standing::of(list, known).unwrap_or(Standing::by_answer(false));
    let plan = plan(&script, wash)?;
    let mut washing = Washing::new(script, store, journal, known, standing);
    washing.keys(&plan)?;
    // Whoever has the maintenance keys may write them, here or elsewhere.
    washing.note(plan.control.step, Note::Reached(Reached::ContentsSent))?;
    let Some(issuing) = issuing else { return Ok(()) };
    let mut keeper = SamMaintenance { issuing, serial: order.serial, version: order.own_key_version };
    write_contents_by(&mut washing.script, enterprise, order, &mut keeper)?;
    washing.note(plan.control.step, Note::Reached(Reached::Good))
}

fn plan<T: Transport + ?Sized>(script: &Script<'_, T>, wash: &SamWash<'_>) -> Result<Plan<'static>, IssuingError> {
    let SamWash { order, management } = *wash;
    let own = |purpose, kind| Planned {
        step: Step::WriteKey(purpose),
        payload: Payload::SamKey { kind, version: order.own_key_version },
    };
    let mut others = vec![own(Purpose::SamMaintenance, UsageKind::MAINTENANCE)];
    for (kind, version) in order.keys.iter().copied() {
        let purpose = purpose_of(kind).ok_or_else(|| script.failed(Step::WriteSamKey(kind), Cause::NoSuchKind))?;
        others.push(Planned { step: Step::WriteKey(purpose), payload: Payload::SamKey { kind, version } });
    }
    Ok(Plan {
        target: KeyTarget::Sam(order.serial),
        management: WrapperKey::Management(management),
        own: WrapperKey::Control(order.own_key_version),
        control: own(Purpose::SamMaster, UsageKind::MASTER),
        others,
    })
}

/// A SAM that keeps the maintenance keys of SAMs.
struct SamMaintenance<'s> {
    issuing: &'s mut dyn Sam,
    serial: SamSerial,
    version: KeyVersion,
}

impl LineMac for SamMaintenance<'_> {
    type Error = SamError;

    fn line_mac(&mut self, initial: Block, message: &[u8]) -> Result<[u8; 4], SamError> {
        self.issuing.sam_maintenance_mac(self.serial.factor(), self.version, initial, message)
    }
}
