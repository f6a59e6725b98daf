//! The RFID-SIM: one chip, two interfaces (profile §1, §6, §7).
//!
//! The phone speaks to it over the contacts: UICC and USIM files, issuer domain, toolkit, enterprise applications, on four
//! logical channels. A terminal speaks to it by radio: enterprise applications alone, everything else is not there (6A82),
//! so nobody near a phone can read its identity or use up its tries. Neither disturbs the other's selection or security
//! state: each channel and the radio have a session of their own, and commands run one after another.
//!
//! | module | what |
//! |---|---|
//! | `contact` | the channels of the contacts, and what each is in |
//! | `addressee` | whom a command over the contacts is for |
//! | `radio` | what a terminal sees |
//! | `enterprise` | an enterprise application in the session of an interface |
//! | `over_the_air` | packets: what their commands are for, and the proofs of receipt |
//! | `data` | what the maker puts on a SIM |

mod addressee;
mod contact;
mod data;
mod enterprise;
mod over_the_air;
mod radio;

use onecard_wire::{
    aid::MF_NAME,
    fid::Fid,
    file::{AccessRight, FileKind},
};

pub use data::{Codes, KeySet, KeySetCipher, SimData, Subscriber};

use crate::{
    apdu::Response,
    card::{Cause, Dead, end, recover},
    failure::Failure,
    fs::{File, FileIndex},
    issuer_domain,
    manufacture::Kind,
    nvm::{Journal, PowerLost, Transaction},
    platform::Platform,
    uicc,
};
use contact::Contact;
use enterprise::Enterprise;

/// A RFID-SIM under power, from the phone, from a terminal's field, or from both.
pub struct RfidSim<P> {
    nvm: Journal<P>,
    contact: Contact,
    radio: Enterprise,
    /// False once programming was cut short.
    powered: bool,
}

/// Where a command comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interface {
    /// The phone's contacts (ISO/IEC 7816-3).
    Contact,
    /// A terminal's field (ISO/IEC 14443).
    Radio,
}

impl<P: Platform> RfidSim<P> {
    /// Power-up: finishes what the last power-off cut short. Both interfaces begin anew.
    ///
    /// # Errors
    /// [`Dead`].
    pub fn power_up(platform: P) -> Result<Self, Dead<P>> {
        let (nvm, kind) = recover(platform)?;
        let radio = Enterprise::none(&nvm).filter(|_| kind == Kind::RfidSim);
        let Some(radio) = radio else {
            return Err(Dead { platform: nvm.into_memory(), cause: Cause::NotManufactured });
        };
        Ok(Self { nvm, contact: Contact::new(), radio, powered: true })
    }

    /// Ends the session of one interface: the phone has reset its contacts or switched them off, or the field is gone. The
    /// other interface goes on.
    pub fn end_session(&mut self, interface: Interface) {
        match interface {
            Interface::Contact => self.contact = Contact::new(),
            Interface::Radio => self.radio.leave(&self.nvm),
        }
    }

    /// Executes one command APDU; `answer` becomes data and status word.
    ///
    /// # Errors
    /// [`PowerLost`]: no answer, now or to any later command on either interface; power the chip down and up.
    pub fn process(&mut self, interface: Interface, command: &[u8], answer: &mut Response) -> Result<(), PowerLost> {
        answer.clear();
        if !self.powered {
            return Err(PowerLost);
        }
        let executed = match interface {
            Interface::Contact => self.by_contact(command, answer),
            Interface::Radio => self.by_radio(command, answer),
        };
        let ended = end(executed, answer);
        self.powered = ended.is_ok();
        ended
    }

    /// The chip it runs on, for a port's own needs; its memory is the card's to write.
    pub fn platform_mut(&mut self) -> &mut P {
        self.nvm.chip()
    }

    /// Power-off: neither the phone nor a field feeds the chip.
    #[must_use]
    pub fn power_down(self) -> P {
        self.nvm.into_memory()
    }
}

/// Manufacture: the root of the enterprise applications, and what the maker puts on a SIM.
pub(crate) fn personalise<P: Platform>(nvm: &mut Journal<P>, data: &SimData<'_>) -> Result<(), Failure> {
    // The root is what FMCOS calls the MF. It holds nothing but applications and cannot be selected.
    let mut root = File::new(FileKind::Directory as u8, FileIndex(0xFF), Fid::MF);
    root.size = [0xFF; 2];
    (root.first_right, root.second_right) = (AccessRight::NEVER, AccessRight::NEVER);
    root.name_len = MF_NAME.len() as u8;
    root.name.iter_mut().zip(MF_NAME).for_each(|(to, from)| *to = from);
    let mut transaction = Transaction::new();
    transaction.write(FileIndex::MF.address(), &root.emit())?;
    nvm.commit(transaction)?;
    uicc::personalise(nvm, data)?;
    issuer_domain::personalise(nvm, data)
}
