//! Numbers with names; a number without one passes through unchanged.

use core::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $code:ident { $($constant:ident = $value:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $code(pub u8);

        impl $code {
            $(#[doc = concat!(stringify!($value), ": ", $text, ".")]
            pub const $constant: Self = Self($value);)*

            /// What the standard calls it; `None` for a number without a name here.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{:02X}", self.0),
                }
            }
        }

        impl fmt::Debug for $code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:02X})", stringify!($code), self.0)
            }
        }
    };
}

codes! {
    /// Type of a proactive command (clauses 8.6, 9.4).
    CommandType {
        REFRESH = 0x01, "REFRESH";
        MORE_TIME = 0x02, "MORE TIME";
        POLL_INTERVAL = 0x03, "POLL INTERVAL";
        POLLING_OFF = 0x04, "POLLING OFF";
        SET_UP_EVENT_LIST = 0x05, "SET UP EVENT LIST";
        SET_UP_CALL = 0x10, "SET UP CALL";
        SEND_SS = 0x11, "SEND SS";
        SEND_USSD = 0x12, "SEND USSD";
        SEND_SHORT_MESSAGE = 0x13, "SEND SHORT MESSAGE";
        SEND_DTMF = 0x14, "SEND DTMF";
        LAUNCH_BROWSER = 0x15, "LAUNCH BROWSER";
        PLAY_TONE = 0x20, "PLAY TONE";
        DISPLAY_TEXT = 0x21, "DISPLAY TEXT";
        GET_INKEY = 0x22, "GET INKEY";
        GET_INPUT = 0x23, "GET INPUT";
        SELECT_ITEM = 0x24, "SELECT ITEM";
        SET_UP_MENU = 0x25, "SET UP MENU";
        PROVIDE_LOCAL_INFORMATION = 0x26, "PROVIDE LOCAL INFORMATION";
        TIMER_MANAGEMENT = 0x27, "TIMER MANAGEMENT";
        SET_UP_IDLE_MODE_TEXT = 0x28, "SET UP IDLE MODE TEXT";
        PERFORM_CARD_APDU = 0x30, "PERFORM CARD APDU";
        POWER_ON_CARD = 0x31, "POWER ON CARD";
        POWER_OFF_CARD = 0x32, "POWER OFF CARD";
        READER_STATUS = 0x33, "GET READER STATUS";
        RUN_AT_COMMAND = 0x34, "RUN AT COMMAND";
        LANGUAGE_NOTIFICATION = 0x35, "LANGUAGE NOTIFICATION";
        OPEN_CHANNEL = 0x40, "OPEN CHANNEL";
        CLOSE_CHANNEL = 0x41, "CLOSE CHANNEL";
        RECEIVE_DATA = 0x42, "RECEIVE DATA";
        SEND_DATA = 0x43, "SEND DATA";
        CHANNEL_STATUS = 0x44, "GET CHANNEL STATUS";
    }
}

codes! {
    /// A device identity (clause 8.7).
    Device {
        KEYPAD = 0x01, "keypad";
        DISPLAY = 0x02, "display";
        EARPIECE = 0x03, "earpiece";
        UICC = 0x81, "UICC";
        TERMINAL = 0x82, "terminal";
        NETWORK = 0x83, "network";
    }
}

codes! {
    /// General result of a proactive command (clause 8.12). 0x and 1x: done or ended by the user; 2x: may be tried again;
    /// 3x: not this command to this phone.
    GeneralResult {
        DONE = 0x00, "performed successfully";
        PARTIAL_COMPREHENSION = 0x01, "performed with partial comprehension";
        MISSING_INFORMATION = 0x02, "performed with missing information";
        REFRESH_MORE_FILES = 0x03, "REFRESH performed with additional EFs read";
        NO_ICON = 0x04, "performed, but the icon could not be displayed";
        MODIFIED_BY_CALL_CONTROL = 0x05, "performed, but modified by call control";
        LIMITED_SERVICE = 0x06, "performed, limited service";
        MODIFIED = 0x07, "performed with modification";
        REFRESH_NAA_INACTIVE = 0x08, "REFRESH performed, but the application was not active";
        TONE_NOT_PLAYED = 0x09, "performed, tone not played";
        SESSION_ENDED = 0x10, "session terminated by the user";
        BACKWARD = 0x11, "backward move requested by the user";
        NO_RESPONSE = 0x12, "no response from user";
        HELP = 0x13, "help requested by the user";
        TRANSACTION_ENDED = 0x14, "USSD or SS transaction terminated by the user";
        TERMINAL_BUSY = 0x20, "terminal currently unable to process command";
        NETWORK_BUSY = 0x21, "network currently unable to process command";
        DECLINED = 0x22, "user did not accept the proactive command";
        CALL_CLEARED = 0x23, "user cleared down call before connection or network release";
        TIMER_CONTRADICTION = 0x24, "action in contradiction with the current timer state";
        CALL_CONTROL_TEMPORARY = 0x25, "interaction with call control, temporary problem";
        BROWSER_ERROR = 0x26, "launch browser generic error";
        BEYOND_CAPABILITIES = 0x30, "command beyond terminal's capabilities";
        TYPE_NOT_UNDERSTOOD = 0x31, "command type not understood by terminal";
        DATA_NOT_UNDERSTOOD = 0x32, "command data not understood by terminal";
        NUMBER_NOT_KNOWN = 0x33, "command number not known by terminal";
        SS_ERROR = 0x34, "SS return error";
        SMS_ERROR = 0x35, "SMS RP-ERROR";
        VALUES_MISSING = 0x36, "error, required values are missing";
        USSD_ERROR = 0x37, "USSD return error";
        MULTIPLE_CARD_ERROR = 0x38, "multiple card command error";
        CALL_CONTROL_PERMANENT = 0x39, "interaction with call control, permanent problem";
        BEARER_ERROR = 0x3A, "bearer independent protocol error";
    }
}

impl GeneralResult {
    /// Whether the command was carried out (clause 8.12: 00 to 09).
    #[must_use]
    pub const fn is_done(self) -> bool {
        self.0 < 0x10
    }

    /// Whether the same command may be sent again later (20 to 2F).
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        self.0 >> 4 == 2
    }
}

codes! {
    /// Additional information behind [`GeneralResult::TERMINAL_BUSY`] (clause 8.12.2).
    BusyCause {
        NONE = 0x00, "no specific cause";
        SCREEN_BUSY = 0x01, "screen is busy";
        IN_CALL = 0x02, "busy on call";
        SS_TRANSACTION = 0x03, "busy on SS transaction";
        NO_SERVICE = 0x04, "no service";
        ACCESS_BARRED = 0x05, "access control class bar";
        NO_RADIO = 0x06, "radio resource not granted";
        NOT_IN_SPEECH_CALL = 0x07, "not in speech call";
        USSD_TRANSACTION = 0x08, "busy on USSD transaction";
        SENDING_DTMF = 0x09, "busy on SEND DTMF";
        NO_NAA = 0x0A, "no network access application active";
    }
}

codes! {
    /// An event that a phone reports if asked to (clause 8.25).
    Event {
        MT_CALL = 0x00, "MT call";
        CALL_CONNECTED = 0x01, "call connected";
        CALL_DISCONNECTED = 0x02, "call disconnected";
        LOCATION_STATUS = 0x03, "location status";
        USER_ACTIVITY = 0x04, "user activity";
        IDLE_SCREEN = 0x05, "idle screen available";
        READER_STATUS = 0x06, "card reader status";
        LANGUAGE_SELECTION = 0x07, "language selection";
        BROWSER_TERMINATION = 0x08, "browser termination";
        DATA_AVAILABLE = 0x09, "data available";
        CHANNEL_STATUS = 0x0A, "channel status";
        ACCESS_TECHNOLOGY = 0x0B, "access technology change";
        DISPLAY_PARAMETERS = 0x0C, "display parameters changed";
        LOCAL_CONNECTION = 0x0D, "local connection";
        SEARCH_MODE = 0x0E, "network search mode change";
        NETWORK_REJECTION = 0x12, "network rejection";
    }
}

codes! {
    /// Qualifier of PROVIDE LOCAL INFORMATION (clause 8.6).
    LocalInformation {
        LOCATION = 0x00, "location information";
        IMEI = 0x01, "IMEI";
        NETWORK_MEASUREMENT = 0x02, "network measurement results";
        DATE_TIME = 0x03, "date, time and time zone";
        LANGUAGE = 0x04, "language setting";
        TIMING_ADVANCE = 0x05, "timing advance";
        ACCESS_TECHNOLOGY = 0x06, "access technology";
        IMEISV = 0x08, "IMEISV";
        SEARCH_MODE = 0x09, "search mode";
        BATTERY = 0x0A, "charge state of the battery";
    }
}

codes! {
    /// Qualifier of REFRESH (clause 8.6; 07: 3GPP TS 31.111).
    RefreshMode {
        INITIALIZE_AND_ALL_FILES = 0x00, "NAA initialization and full file change notification";
        FILES = 0x01, "file change notification";
        INITIALIZE_AND_FILES = 0x02, "NAA initialization and file change notification";
        INITIALIZE = 0x03, "NAA initialization";
        RESET = 0x04, "UICC reset";
        APPLICATION_RESET = 0x05, "NAA application reset";
        SESSION_RESET = 0x06, "NAA session reset";
        STEERING = 0x07, "steering of roaming";
    }
}

codes! {
    /// Qualifier of TIMER MANAGEMENT, bits 1 and 2 (clause 8.6).
    TimerAction {
        START = 0x00, "start";
        DEACTIVATE = 0x01, "deactivate";
        CURRENT_VALUE = 0x02, "get current value";
    }
}

codes! {
    /// Unit of a duration (clause 8.8).
    TimeUnit {
        MINUTES = 0x00, "minutes";
        SECONDS = 0x01, "seconds";
        TENTHS = 0x02, "tenths of a second";
    }
}
