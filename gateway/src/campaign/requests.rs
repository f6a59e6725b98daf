//! Requests that cards make themselves: an application is deleted from the phone's menu (specification 15.6.6, 19.9.1.1).

use onecard_host::over_the_air::{
    DeleteRequest, PasswordVerdict, RequestOutcome, Tries,
    deletion::{Deletion, DeletionTerms},
    message::Address,
};

use super::{
    desk::{Desk, PacketKeyStore},
    engine::EngineError,
    flow::Flow,
    store::{Card, Requester},
    turning::Turning,
};

/// How long a deletion that a holder asked for goes on.
const TRIES: Tries = Tries { packets: 5, attempts: 3 };

impl<K: PacketKeyStore, D: Desk> Turning<'_, K, D> {
    /// A command packet of a card. False if it is no request that is taken: of a stranger, repeated, not proven.
    pub(super) fn request(&mut self, phone: &Address, packet: &[u8]) -> Result<bool, EngineError> {
        let Some(Requester { card, key_set, mut taken }) = self.writing.requester(&phone.to_string())? else {
            return Ok(false);
        };
        let Ok(keys) = self.keys.packet_keys(&Card { key_set, ..card.clone() }) else { return Ok(false) };
        let Ok(request) = DeleteRequest::read(&keys, packet) else { return Ok(false) };
        if !taken.take(request.number) {
            return Ok(false);
        }
        self.writing.keep_taken(&card, &taken)?;
        let number = format!("{}-{}", hex::encode(card.iccid), request.number);
        let flow = match self.judged(&card, &request)? {
            Ok(deletion) => Flow::RequestedDeletion(Box::new(deletion)),
            Err(outcome) => Flow::telling(outcome),
        };
        self.writing.order(&card, &number, &flow, self.now)?;
        Ok(true)
    }

    /// What is done for it, or told.
    fn judged(
        &mut self,
        card: &Card,
        request: &DeleteRequest,
    ) -> Result<Result<Deletion, RequestOutcome>, EngineError> {
        let Some((hash, mut tries)) = self.writing.service_password(card, request.serial)? else {
            return Ok(Err(RequestOutcome::NotDeleted));
        };
        let verdict = tries.check(|| hash.is_of(&request.password));
        self.writing.keep_tries(card, request.serial, &tries)?;
        Ok(match verdict {
            PasswordVerdict::Wrong { .. } => Err(RequestOutcome::WrongPassword),
            PasswordVerdict::Locked => Err(RequestOutcome::PasswordLocked),
            PasswordVerdict::Right => {
                let deposit = self.desk.deposit(request.enterprise, request.serial);
                let terms = |deposit| DeletionTerms { enterprise: request.enterprise, serial: request.serial, deposit };
                let begun = deposit.ok().flatten().and_then(|deposit| Deletion::begin(terms(deposit), TRIES).ok());
                begun.ok_or(RequestOutcome::NotDeleted)
            }
        })
    }
}
