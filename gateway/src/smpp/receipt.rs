//! Delivery receipts (SMPP 3.4 clause 2.11, appendix B). The message centre's word alone: whoever can speak for it can say what he
//! likes, so nothing rests on one.

use onecard_wire::smpp::{MessageState, pdu::ShortMessage};

/// What a receipt tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The centre's name of the message.
    pub message_id: String,
    /// What became of it.
    pub state: MessageState,
}

impl Receipt {
    /// Reads it: receipted_message_id and message_state if they are there, the text `id:… stat:…` otherwise. `None` if either is
    /// nowhere.
    #[must_use]
    pub fn read(message: &ShortMessage<'_>) -> Option<Self> {
        let text = String::from_utf8_lossy(message.text());
        let state = message.message_state.map(MessageState);
        let state = state.or_else(|| MessageState::from_text(&field(&text, "stat")?.to_uppercase()))?;
        let id = message.receipted_message_id.filter(|id| !id.is_empty()).or_else(|| field(&text, "id"))?;
        Some(Self { message_id: id.to_owned(), state })
    }
}

/// The value behind `name:`, up to the next space. Names are words of their own, in capitals or not.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let words = text.split_ascii_whitespace();
    // Behind `text:` is the beginning of the message itself, which can say anything.
    let words = words.take_while(|word| !word.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("text:")));
    let values = words.filter_map(|word| word.split_once(':'));
    values.filter(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty()).map(|(_, value)| value).next()
}

#[cfg(test)]
mod tests {
    use onecard_wire::smpp::pdu::Party;

    use super::*;

    const NOBODY: Party<'_> = Party { type_of_number: 0, numbering_plan: 0, number: "" };

    fn read(text: &str, id: Option<&str>, state: Option<u8>) -> Option<(String, MessageState)> {
        let message = ShortMessage {
            source: NOBODY,
            destination: NOBODY,
            esm_class: 0x04,
            protocol_id: 0,
            validity_period: "",
            registered_delivery: 0,
            data_coding: 0,
            short_message: text.as_bytes(),
            payload: None,
            receipted_message_id: id,
            message_state: state,
        };
        Receipt::read(&message).map(|receipt| (receipt.message_id, receipt.state))
    }

    #[test]
    fn texts_and_parameters() {
        let text = "id:0A1B sub:001 dlvrd:001 submit date:2611291200 done date:2611291201 stat:DELIVRD err:000 text:id:FFFF stat:REJECTD";
        assert_eq!(read(text, None, None), Some(("0A1B".to_owned(), MessageState::DELIVERED)));
        assert_eq!(read(text, Some("77"), Some(5)), Some(("77".to_owned(), MessageState::UNDELIVERABLE)));
        assert_eq!(read("", Some("77"), Some(2)), Some(("77".to_owned(), MessageState::DELIVERED)));
        assert_eq!(read("ID:9 Stat:undeliv", None, None), Some(("9".to_owned(), MessageState::UNDELIVERABLE)));
        for wrong in [
            "",
            "id:1",
            "stat:DELIVRD",
            "id: stat:DELIVRD",
            "id:1 stat:GREAT",
            "text:id:1 stat:DELIVRD",
            "sid:1 stat:DELIVRD",
        ] {
            assert_eq!(read(wrong, None, None), None, "{wrong}");
        }
    }
}
