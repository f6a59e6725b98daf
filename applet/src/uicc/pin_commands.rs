//! VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN (TS 102 221 clauses 11.1.9 to 11.1.13).

use onecard_wire::{
    ins::VERIFY,
    status::StatusWord,
    uicc::{CHANGE_PIN, DISABLE_PIN, ENABLE_PIN, PIN_LEN, UNBLOCK_PIN},
};

use super::{
    Uicc,
    pin::{Code, CodeValue, Pin, PinState, Wish, present},
};
use crate::{
    apdu::Command,
    failure::{Failure, refuse},
    platform::Platform,
};

impl<P: Platform> Uicc<'_, P> {
    /// One of the five. Without data VERIFY and UNBLOCK tell how many tries are left, and spend none.
    pub(super) fn pin_command(&mut self, command: &Command<'_>) -> Result<StatusWord, Failure> {
        if command.p1 != 0 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let pin = Pin::of(command.p2)?;
        let state = PinState::read(self.nvm, pin);
        let asked_of = if command.ins == UNBLOCK_PIN { Code::Unblocking } else { Code::Own };
        if command.data.is_empty() && matches!(command.ins, VERIFY | UNBLOCK_PIN) && has(pin, asked_of) {
            return refuse(StatusWord::tries_left(u16::from(state.tries_of(asked_of))));
        }
        command.require_no_answer()?;
        let (code, new) = codes(command)?;
        let wish = match (command.ins, new) {
            (VERIFY, None) if state.enabled => Wish::Verify,
            _ if pin == Pin::Adm1 => return refuse(StatusWord::FUNCTION_NOT_SUPPORTED),
            (CHANGE_PIN, Some(new)) if state.enabled => Wish::Change(new),
            (UNBLOCK_PIN, Some(new)) => Wish::Unblock(new),
            (DISABLE_PIN | ENABLE_PIN, None) if pin != Pin::Pin1 => return refuse(StatusWord::FUNCTION_NOT_SUPPORTED),
            (DISABLE_PIN, None) if state.enabled => Wish::Disable,
            (ENABLE_PIN, None) if !state.enabled => Wish::Enable,
            (ENABLE_PIN, None) => return refuse(StatusWord::CONDITIONS_NOT_SATISFIED),
            // Of a PIN that is disabled.
            _ => return refuse(StatusWord::PIN_DISABLED),
        };
        present(self.nvm, self.pins, pin, code, wish)?;
        Ok(StatusWord::OK)
    }
}

const fn has(pin: Pin, code: Code) -> bool {
    matches!((pin, code), (Pin::Pin1 | Pin::Pin2, _) | (_, Code::Own))
}

/// The code presented, and the new one behind it in CHANGE and UNBLOCK.
///
/// # Errors
/// 6700: they are not there; 6A80: the new one is not four to eight digits, filled up by FF.
fn codes<'a>(command: &Command<'a>) -> Result<(&'a CodeValue, Option<&'a CodeValue>), StatusWord> {
    let (code, rest) = command.data.split_first_chunk::<PIN_LEN>().ok_or(StatusWord::WRONG_LENGTH)?;
    match command.ins {
        CHANGE_PIN | UNBLOCK_PIN => {
            let new = rest.try_into().map_err(|_| StatusWord::WRONG_LENGTH)?;
            if is_code(new) { Ok((code, Some(new))) } else { Err(StatusWord::WRONG_DATA) }
        }
        _ if rest.is_empty() => Ok((code, None)),
        _ => Err(StatusWord::WRONG_LENGTH),
    }
}

fn is_code(value: &CodeValue) -> bool {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits >= 4 && value.iter().skip(digits).all(|byte| *byte == 0xFF)
}
