//! Tags (clauses 9.2 and 9.3).

/// A proactive command.
pub const PROACTIVE_COMMAND: u8 = 0xD0;
/// ENVELOPE: a short message for the card (3GPP TS 31.111).
pub const SMS_PP_DOWNLOAD: u8 = 0xD1;
/// ENVELOPE: a cell broadcast for the card (3GPP TS 31.111).
pub const CELL_BROADCAST_DOWNLOAD: u8 = 0xD2;
/// ENVELOPE: an item of the menu was chosen.
pub const MENU_SELECTION: u8 = 0xD3;
/// ENVELOPE: a call is about to be made.
pub const CALL_CONTROL: u8 = 0xD4;
/// ENVELOPE: a short message is about to be sent (3GPP TS 31.111).
pub const MO_SHORT_MESSAGE_CONTROL: u8 = 0xD5;
/// ENVELOPE: an event.
pub const EVENT_DOWNLOAD: u8 = 0xD6;
/// ENVELOPE: a timer ran out.
pub const TIMER_EXPIRATION: u8 = 0xD7;

/// Bit of a COMPREHENSION-TLV's tag: whoever does not know it must not go on (clause 7.1.1.2 of TS 101 220).
pub const COMPREHENSION_REQUIRED: u8 = 0x80;

/// The tag of a COMPREHENSION-TLV without its first bit.
#[must_use]
pub const fn plain(tag: u8) -> u8 {
    tag & !COMPREHENSION_REQUIRED
}

macro_rules! tags {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        $(#[doc = concat!($text, ".")]
        pub const $name: u8 = $value;)*

        /// What a COMPREHENSION-TLV with that tag holds, with or without its first bit; `None` if it is not listed here.
        #[must_use]
        pub const fn name(tag: u8) -> Option<&'static str> {
            match plain(tag) {
                $($value => Some($text),)*
                _ => None,
            }
        }
    };
}

tags! {
    COMMAND_DETAILS = 0x01, "command details";
    DEVICE_IDENTITIES = 0x02, "device identities";
    RESULT = 0x03, "result";
    DURATION = 0x04, "duration";
    ALPHA_IDENTIFIER = 0x05, "alpha identifier";
    ADDRESS = 0x06, "address";
    CAPABILITY_CONFIGURATION = 0x07, "capability configuration parameters";
    SUBADDRESS = 0x08, "subaddress";
    SS_STRING = 0x09, "SS string";
    USSD_STRING = 0x0A, "USSD string";
    SMS_TPDU = 0x0B, "SMS TPDU";
    CELL_BROADCAST_PAGE = 0x0C, "cell broadcast page";
    TEXT_STRING = 0x0D, "text string";
    TONE = 0x0E, "tone";
    ITEM = 0x0F, "item";
    ITEM_IDENTIFIER = 0x10, "item identifier";
    RESPONSE_LENGTH = 0x11, "response length";
    FILE_LIST = 0x12, "file list";
    LOCATION_INFORMATION = 0x13, "location information";
    IMEI = 0x14, "IMEI";
    HELP_REQUEST = 0x15, "help request";
    NETWORK_MEASUREMENT_RESULTS = 0x16, "network measurement results";
    DEFAULT_TEXT = 0x17, "default text";
    NEXT_ACTION_INDICATOR = 0x18, "items next action indicator";
    EVENT_LIST = 0x19, "event list";
    ICON_IDENTIFIER = 0x1E, "icon identifier";
    ITEM_ICON_LIST = 0x1F, "item icon identifier list";
    TIMER_IDENTIFIER = 0x24, "timer identifier";
    TIMER_VALUE = 0x25, "timer value";
    DATE_TIME = 0x26, "date, time and time zone";
    IMMEDIATE_RESPONSE = 0x2B, "immediate response";
    LANGUAGE = 0x2D, "language";
    TIMING_ADVANCE = 0x2E, "timing advance";
    AID = 0x2F, "AID";
    ACCESS_TECHNOLOGY = 0x3F, "access technology";
    TEXT_ATTRIBUTE = 0x50, "text attribute";
    ITEM_TEXT_ATTRIBUTES = 0x51, "item text attribute list";
    IMEISV = 0x62, "IMEISV";
    BATTERY_STATE = 0x63, "battery state";
    SEARCH_MODE = 0x65, "network search mode";
}
