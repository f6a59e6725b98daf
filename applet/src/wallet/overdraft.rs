//! Overdraft update (修改透支限额): INITIALIZE FOR UPDATE, UPDATE OVERDRAW LIMIT. The ED's balance is its money and its limit.

use onecard_wire::{
    amount::Amount,
    key::{AlgorithmId, KeyType, KeyVersion},
    status::StatusWord,
    wallet::{InitializeUpdate, Proof, Purse, TransactionType, UpdateInitialized, UpdateOverdrawLimit},
};

use super::{
    Online, Order, Wallet,
    transaction_mac::{tac, update_mac1_input, update_mac2_input, update_tac_input},
};
use crate::{
    apdu::{Command, Response, put},
    cos::Cos,
    crypto::same,
    failure::{Failure, refuse},
    nvm::Transaction,
    platform::Platform,
};

impl<P: Platform> Cos<'_, P> {
    pub(super) fn initialize_for_update(
        &mut self,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let InitializeUpdate { key_id, terminal } =
            InitializeUpdate::parse(command.data).ok_or(StatusWord::WRONG_LENGTH)?;
        command.require_answer_len(UpdateInitialized::LEN)?;
        // The new limit comes with the second command.
        let order = Order { amount: Amount::ZERO, transaction_type: TransactionType::OVERDRAFT, terminal };
        let online = self.begin_online(Purse::Ed, KeyType::OVERDRAFT, key_id, order)?;
        let Online { begun, session_key } = &online;
        let (old_balance, old_limit) = (begun.content.balance, begun.content.overdraft);
        let initialized = UpdateInitialized {
            old_balance,
            online_sequence: begun.content.online_sequence,
            old_limit,
            key_version: KeyVersion(begun.key.b4),
            algorithm: AlgorithmId(begun.key.b5),
            random: begun.random,
            mac1: session_key.mac(&update_mac1_input(old_balance, old_limit, terminal)),
        };
        put(answer, &initialized.emit())?;
        self.session.wallet = Wallet::Update(online);
        Ok(())
    }

    /// UPDATE OVERDRAW LIMIT. Whatever happens, the update it belongs to is over.
    pub(crate) fn update_overdraw_limit(
        &mut self,
        command: &Command<'_>,
        wallet: Wallet,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(UpdateOverdrawLimit::LEN)?;
        command.require_answer_len(4)?;
        let Wallet::Update(Online { begun, session_key }) = wallet else {
            return refuse(StatusWord::NO_TRANSACTION);
        };
        let UpdateOverdrawLimit { new_limit, moment, mac2 } =
            UpdateOverdrawLimit::parse(command.data).ok_or(StatusWord::WRONG_DATA)?;
        let open = self.reopen(&begun)?;
        let dated = update_mac2_input(new_limit, begun.order.terminal, moment);
        if !same(&session_key.mac(&dated), &mac2) {
            return refuse(StatusWord::MAC_WRONG);
        }
        let order = Order { amount: new_limit.amount(), ..begun.order };
        let new_balance = open.content.balance_after(&order)?;
        let message = update_tac_input(new_balance, open.content.online_sequence, &dated);
        let proof = Proof { mac: [0; 4], tac: tac(&begun.tac_key.key(self.nvm)?, &message) };
        self.complete(&open, &order, moment, proof, Transaction::new())?;
        Ok(put(answer, &proof.tac)?)
    }
}
