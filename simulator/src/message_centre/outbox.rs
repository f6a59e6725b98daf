//! What waits to go to platforms, until they say that they have it.

use std::collections::{BTreeMap, VecDeque};

use super::message::{DeliveryId, LinkId, ToPlatform};

/// In the order in which it came.
#[derive(Default, Debug)]
pub(super) struct Outbox {
    waiting: VecDeque<(DeliveryId, ToPlatform)>,
    handed_over: BTreeMap<DeliveryId, (LinkId, ToPlatform)>,
    last: u64,
}

impl Outbox {
    pub(super) fn put(&mut self, what: ToPlatform) {
        self.last += 1;
        self.waiting.push_back((DeliveryId(self.last), what));
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn handed_over(&self) -> usize {
        self.handed_over.len()
    }

    pub(super) fn hand_over(&mut self, link: LinkId) -> Option<(DeliveryId, ToPlatform)> {
        let (id, what) = self.waiting.pop_front()?;
        self.handed_over.insert(id, (link, what.clone()));
        Some((id, what))
    }

    /// False if nothing of that name is with that link.
    pub(super) fn acknowledge(&mut self, link: LinkId, id: DeliveryId) -> bool {
        match self.handed_over.get(&id) {
            Some((of, _)) if *of == link => self.handed_over.remove(&id).is_some(),
            _ => false,
        }
    }

    /// The platform cannot take it now: it waits again, behind everything else.
    pub(super) fn hand_back(&mut self, link: LinkId, id: DeliveryId) {
        if self.handed_over.get(&id).is_some_and(|(of, _)| *of == link)
            && let Some((_, what)) = self.handed_over.remove(&id)
        {
            self.waiting.push_back((id, what));
        }
    }

    /// What the link had and did not acknowledge waits again, in front.
    pub(super) fn link_lost(&mut self, link: LinkId) {
        let lost: Vec<DeliveryId> =
            self.handed_over.iter().filter(|(_, (of, _))| *of == link).map(|(id, _)| *id).collect();
        for id in lost.into_iter().rev() {
            if let Some((_, what)) = self.handed_over.remove(&id) {
                self.waiting.push_front((id, what));
            }
        }
    }
}
