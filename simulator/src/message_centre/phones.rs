//! Phones by number. One is switched on when a message comes for it, and stays on while there is room: what its card gathers in
//! volatile memory is gone with the power.

use std::collections::{HashMap, VecDeque};

use onecard_host::over_the_air::message::Address;

use super::phone::Phone;
use crate::chip::Chip;

/// Every phone of a network.
#[derive(Debug)]
pub(super) struct Phones {
    slots: HashMap<Address, Slot>,
    on_max: usize,
    on: usize,
    /// Who was used, in order; only the last entry of a phone counts.
    used: VecDeque<(Address, u64)>,
    uses: u64,
}

#[derive(Debug)]
enum Slot {
    Off(Chip),
    On {
        phone: Phone,
        /// Number of its last use.
        used: u64,
    },
}

impl Slot {
    fn into_chip(self) -> Chip {
        match self {
            Self::Off(chip) => chip,
            Self::On { phone, .. } => phone.switch_off(),
        }
    }
}

impl Phones {
    pub(super) fn new(on_max: usize) -> Self {
        Self { slots: HashMap::new(), on_max: on_max.max(1), on: 0, used: VecDeque::new(), uses: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn on(&self) -> usize {
        self.on
    }

    pub(super) fn contains(&self, number: &Address) -> bool {
        self.slots.contains_key(number)
    }

    pub(super) fn insert(&mut self, number: Address, chip: Chip) -> Option<Chip> {
        let before = self.remove(&number);
        self.slots.insert(number, Slot::Off(chip));
        before
    }

    pub(super) fn remove(&mut self, number: &Address) -> Option<Chip> {
        let slot = self.slots.remove(number)?;
        if matches!(slot, Slot::On { .. }) {
            self.on -= 1;
        }
        Some(slot.into_chip())
    }

    /// The phone with that number, switched on.
    pub(super) fn switched_on<R>(&mut self, number: &Address, then: impl FnOnce(&mut Phone) -> R) -> Option<R> {
        let mut phone = match self.slots.remove(number)? {
            Slot::On { phone, .. } => phone,
            Slot::Off(chip) => {
                self.on += 1;
                Phone::switch_on(chip)
            }
        };
        let result = then(&mut phone);
        self.uses += 1;
        self.slots.insert(number.clone(), Slot::On { phone, used: self.uses });
        self.used.push_back((number.clone(), self.uses));
        self.make_room();
        Some(result)
    }

    /// Switches off whoever was longest without a message, until no more are on than may be.
    fn make_room(&mut self) {
        while self.on > self.on_max {
            let Some((number, use_number)) = self.used.pop_front() else { return };
            if !self.is_last_use(&number, use_number) {
                continue;
            }
            if let Some(slot) = self.slots.remove(&number) {
                self.slots.insert(number, Slot::Off(slot.into_chip()));
                self.on -= 1;
            }
        }
        if self.used.len() > 2 * self.on_max + 64 {
            let mut used = std::mem::take(&mut self.used);
            used.retain(|(number, use_number)| self.is_last_use(number, *use_number));
            self.used = used;
        }
    }

    fn is_last_use(&self, number: &Address, use_number: u64) -> bool {
        matches!(self.slots.get(number), Some(Slot::On { used, .. }) if *used == use_number)
    }
}
