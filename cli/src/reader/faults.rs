//! What may go wrong with a card, to try it out.

use clap::Args;
use onecard_host::{
    trace::Traced,
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::Chip,
    tear::{Cut, Rest, Tear},
};
use onecard_wire::ins;

use crate::trace::{Peer, Trace};

/// What goes wrong at this tap, to try it out.
#[derive(Args, Clone, Default, Debug)]
#[command(next_help_heading = "Try it (故障演练)")]
pub(crate) struct Faults {
    /// Tear a simulated card out at the N-th programming operation of its memory, counted from 0; some bytes of it have
    /// landed.
    #[arg(long, value_name = "N")]
    pub(crate) tear: Option<u64>,
    /// Lose the card's answer to DEBIT, CREDIT or UPDATE OVERDRAW LIMIT: the card has done it and the terminal does not
    /// know.
    #[arg(long)]
    pub(crate) lose_answer: bool,
}

impl Faults {
    /// Orders the cut of the chip's next power-up.
    pub(crate) fn order(&self, chip: &mut Chip) {
        if let Some(operation) = self.tear {
            // Half of a journal record's bytes, and noise: what a real tear leaves.
            let tear = Tear { landed: 0x0F, rest: Rest::Random { seed: operation } };
            chip.cut_power_at(Cut { operation, tear });
        }
    }

    /// The card behind what loses its answer, as the terminal sees it.
    pub(crate) fn between<T: Transport>(&self, card: T, trace: &Trace, peer: Peer) -> impl Transport + use<T> {
        Traced::new(LosesAnswer { card, loses: self.lose_answer }, trace.sink(peer))
    }
}

/// A reader that loses the answer to what moves money.
struct LosesAnswer<T> {
    card: T,
    loses: bool,
}

impl<T: Transport> Transport for LosesAnswer<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transmit(command)?;
        if self.loses && moves_money(command) { Err(TransportError::NoAnswer) } else { Ok(answer) }
    }
}

/// Whether it is DEBIT, CREDIT or UPDATE OVERDRAW LIMIT, by which a balance changes too.
pub(super) const fn moves_money(command: &[u8]) -> bool {
    matches!(command, [ins::CLA_PBOC, ins::DEBIT | ins::CREDIT_FOR_LOAD | ins::UPDATE_OVERDRAW_LIMIT, ..])
}
