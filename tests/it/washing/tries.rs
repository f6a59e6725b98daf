//! A card of 15 tries, as FMCOS has them: this project's applet allows 65,535, which no test exhausts by the way.

use std::cell::Cell;

use onecard_host::transport::{Transport, TransportError};
use onecard_simulator::reader::Reader;
use onecard_wire::{
    ins,
    key::{CONTROL_KEY_ID, KeyListEntry, KeyType},
};

/// Tries of the control key of an application.
const ALL: u8 = 15;

/// What the control key of one card's application has left, and what was sent to it.
pub(super) struct Tries {
    pub(super) left: Cell<u8>,
    /// Tries that failed, of all presentations.
    pub(super) spent: Cell<u32>,
    /// WRITE KEYs, into MF and application.
    pub(super) written: Cell<u32>,
}

impl Default for Tries {
    fn default() -> Self {
        Self { left: Cell::new(ALL), spent: Cell::new(0), written: Cell::new(0) }
    }
}

/// The card behind its counter. **No test of a wash may send it a wrong key with its last try.**
pub(super) struct Metered<'s> {
    pub(super) reader: &'s mut Reader,
    /// Whether it knows the key list.
    pub(super) lists: bool,
    pub(super) tries: &'s Tries,
    pub(super) in_application: bool,
}

impl Transport for Metered<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let [cla, instruction, p1, p2] = *command.first_chunk().unwrap();
        let mut answer = self.reader.transmit(command)?;
        let is_done = answer.ends_with(&[0x90, 0x00]);
        if instruction == ins::SELECT {
            self.in_application = p1 == 0x04 && is_done;
        }
        if instruction == ins::GET_DATA {
            return Ok(if self.lists { self.told(answer) } else { vec![0x6D, 0x00] });
        }
        let writes = instruction == ins::WRITE_KEY;
        self.tries.written.set(self.tries.written.get() + u32::from(writes));
        let by_control = (writes && cla & ins::CLA_SM_BIT != 0)
            || (instruction == ins::EXTERNAL_AUTHENTICATE && p2 == CONTROL_KEY_ID);
        if self.in_application && by_control {
            if answer == [0x93, 0x02] || matches!(answer[..], [0x63, word] if word >> 4 == 0x0C) {
                self.spend();
            }
            if let [0x63, word] = &mut answer[..] {
                *word = 0xC0 | self.tries.left.get();
            }
            if is_done {
                self.tries.left.set(ALL);
            }
        }
        Ok(answer)
    }
}

impl Metered<'_> {
    fn spend(&self) {
        let left = self.tries.left.get();
        assert!(left > 1, "the last try of a control key was spent: the card is lost");
        self.tries.left.set(left - 1);
        self.tries.spent.set(self.tries.spent.get() + 1);
    }

    /// The list with what is left, of the application's control key.
    fn told(&self, mut answer: Vec<u8>) -> Vec<u8> {
        const ENTRY: usize = KeyListEntry::LEN + 2;
        let control = [KeyListEntry::TAG, KeyListEntry::LEN as u8, KeyType::EXTERNAL.0, CONTROL_KEY_ID];
        let body = answer.len().saturating_sub(2) / ENTRY * ENTRY;
        let Some(list) = answer.len().checked_sub(2).filter(|_| self.in_application) else { return answer };
        for entry in answer[list - body.min(list)..list].rchunks_exact_mut(ENTRY) {
            if entry.starts_with(&control) {
                entry[ENTRY - 1] = self.tries.left.get();
            }
        }
        answer
    }
}
