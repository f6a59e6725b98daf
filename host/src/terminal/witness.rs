//! Whoever can tell a genuine card's answer from a made-up one, and whoever approves a load.

use onecard_wire::{amount::Amount, key::KeyVersion, number::TerminalNumber};

use super::{DeskApprover, DeskClaim, IssuerCheck, Transaction};
use crate::{
    blacklist::ListVersion,
    sam::{CardFactors, Sam, SamError, SamOrder},
};

/// Checks what a card says of a transaction in doubt. Every [`Sam`] is one; [`WithIssuer`] adds the TAC.
///
/// Each method answers [`SamError::NotSupported`] or [`SamError::NoSuchKey`] where this witness lacks the command or key;
/// the terminal then asks for other evidence.
pub trait Witness {
    /// The terminal number its MACs are made for.
    ///
    /// # Errors
    /// [`SamError`].
    fn terminal_number(&mut self) -> Result<TerminalNumber, SamError>;

    /// Four bytes nobody could foresee, to ask a card with: no recording answers them.
    ///
    /// # Errors
    /// [`SamError`].
    fn nonce(&mut self) -> Result<[u8; 4], SamError>;

    /// Whether `mac1` is a genuine card's, as INITIALIZE FOR LOAD with the order's amount and this terminal number brings it.
    /// Nothing is charged.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: it is not.
    fn check_mac1(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError>;

    /// Whether a claim of INITIALIZE FOR UNLOAD or FOR UPDATE is a genuine card's. Only a keeper of those keys can tell, and no
    /// SAM is.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: it is not.
    fn check_claim(&mut self, _order: &SamOrder, _claim: &DeskClaim) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    /// Whether `mac3` is that of this unload, after which the card has `new_balance`.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: it is not.
    fn check_mac3(&mut self, _order: &SamOrder, _new_balance: Amount, _mac3: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    /// Whether `mac2` is that of this past purchase or undo. A SAM whose counter still stands there moves it on.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: it is not.
    fn check_mac2(&mut self, order: &SamOrder, terminal_sequence: u32, mac2: [u8; 4]) -> Result<(), SamError>;

    /// Whether `tac` is that of this transaction.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: it is not.
    fn check_tac(&mut self, transaction: &Transaction, tac: [u8; 4]) -> Result<(), SamError>;

    /// Line-protection MAC by the card's maintenance key: reads the log.
    ///
    /// # Errors
    /// [`SamError`].
    fn log_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError>;

    /// Versions of the marking key it holds, the newest first.
    ///
    /// # Errors
    /// [`SamError`].
    fn marking_keys(&mut self) -> Result<Vec<KeyVersion>, SamError>;

    /// MAC of the command that marks a listed card, given its challenge, by the marking key of version `key`.
    ///
    /// # Errors
    /// [`SamError`].
    fn mark_mac(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        challenge: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError>;
}

/// Approves loads: a load SAM, or a server behind [`Server`].
pub trait LoadApprover: Witness {
    /// Checks the card's MAC1, takes the amount off its limit and makes the MAC2 for CREDIT. The last request, repeated for
    /// the same card, sequence and amount, must not be charged again.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: not a card of this enterprise. [`SamError::LimitReached`].
    fn approve(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError>;
}

impl<S: Sam + ?Sized> Witness for S {
    fn terminal_number(&mut self) -> Result<TerminalNumber, SamError> {
        self.terminal()
    }

    fn nonce(&mut self) -> Result<[u8; 4], SamError> {
        self.random()
    }

    fn check_mac1(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError> {
        self.check_load(order, terminal, old_balance, mac1)
    }

    fn check_mac2(&mut self, order: &SamOrder, terminal_sequence: u32, mac2: [u8; 4]) -> Result<(), SamError> {
        self.check_past_purchase(order, terminal_sequence, mac2)
    }

    fn check_tac(&mut self, _: &Transaction, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn log_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        self.maintenance_mac(card, initial, message)
    }

    fn marking_keys(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        self.marking_versions()
    }

    fn mark_mac(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        challenge: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError> {
        self.mark(card, key, challenge, list)
    }
}

impl<S: Sam + ?Sized> LoadApprover for S {
    fn approve(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError> {
        self.load(order, old_balance, mac1)
    }
}

/// A server that approves loads, as the function that asks it.
///
/// The function gets what a load SAM would get: the order, the old balance and MAC1, and returns MAC2. It is asked for
/// approvals only, so it cannot show that a load in doubt did not happen: the doubt stays until the same order is presented
/// again, which is bound to the same online sequence of the card, or until the service desk decides.
#[derive(Debug)]
pub struct Server<F> {
    /// The terminal number the server knows this terminal by.
    pub terminal: TerminalNumber,
    /// Asks the server.
    pub ask: F,
}

impl<F: FnMut(&SamOrder, Amount, [u8; 4]) -> Result<[u8; 4], SamError>> Witness for Server<F> {
    fn terminal_number(&mut self) -> Result<TerminalNumber, SamError> {
        Ok(self.terminal)
    }

    fn nonce(&mut self) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }

    fn check_mac1(&mut self, _: &SamOrder, _: TerminalNumber, _: Amount, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn check_mac2(&mut self, _: &SamOrder, _: u32, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn check_tac(&mut self, _: &Transaction, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn log_mac(&mut self, _: CardFactors, _: [u8; 8], _: &[u8]) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }

    fn marking_keys(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        Err(SamError::NotSupported)
    }

    fn mark_mac(&mut self, _: CardFactors, _: KeyVersion, _: [u8; 4], _: ListVersion) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }
}

impl<F: FnMut(&SamOrder, Amount, [u8; 4]) -> Result<[u8; 4], SamError>> LoadApprover for Server<F> {
    fn approve(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError> {
        (self.ask)(order, old_balance, mac1)
    }
}

/// A SAM or server, and the issuer beside it, who can check a TAC.
#[derive(Debug)]
pub struct WithIssuer<'a, W: ?Sized, I: ?Sized> {
    /// The SAM or server.
    pub witness: &'a mut W,
    /// The issuer.
    pub issuer: &'a mut I,
}

impl<W: Witness + ?Sized, I: IssuerCheck + ?Sized> Witness for WithIssuer<'_, W, I> {
    fn terminal_number(&mut self) -> Result<TerminalNumber, SamError> {
        self.witness.terminal_number()
    }

    fn nonce(&mut self) -> Result<[u8; 4], SamError> {
        self.witness.nonce()
    }

    fn check_mac1(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError> {
        self.witness.check_mac1(order, terminal, old_balance, mac1)
    }

    fn check_mac2(&mut self, order: &SamOrder, terminal_sequence: u32, mac2: [u8; 4]) -> Result<(), SamError> {
        self.witness.check_mac2(order, terminal_sequence, mac2)
    }

    fn check_claim(&mut self, order: &SamOrder, claim: &DeskClaim) -> Result<(), SamError> {
        self.witness.check_claim(order, claim)
    }

    fn check_mac3(&mut self, order: &SamOrder, new_balance: Amount, mac3: [u8; 4]) -> Result<(), SamError> {
        self.witness.check_mac3(order, new_balance, mac3)
    }

    fn check_tac(&mut self, transaction: &Transaction, tac: [u8; 4]) -> Result<(), SamError> {
        self.issuer.check_tac(transaction, tac)
    }

    fn log_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        self.witness.log_mac(card, initial, message)
    }

    fn marking_keys(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        self.witness.marking_keys()
    }

    fn mark_mac(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        challenge: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError> {
        self.witness.mark_mac(card, key, challenge, list)
    }
}

impl<W: LoadApprover + ?Sized, I: IssuerCheck + ?Sized> LoadApprover for WithIssuer<'_, W, I> {
    fn approve(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError> {
        self.witness.approve(order, old_balance, mac1)
    }
}

impl<W: DeskApprover + ?Sized, I: IssuerCheck + ?Sized> DeskApprover for WithIssuer<'_, W, I> {
    fn approve_at_desk(&mut self, order: &SamOrder, claim: &DeskClaim) -> Result<[u8; 4], SamError> {
        self.witness.approve_at_desk(order, claim)
    }
}
