//! The terminal profile: what a phone can do, a bit each (clause 5.2).

/// One bit of the terminal profile.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Facility {
    /// Byte, from 1 as in the standard.
    pub byte: u8,
    /// Bit, 1 to 8.
    pub bit: u8,
}

impl Facility {
    /// Whether `profile`, as TERMINAL PROFILE carries it, has this bit. Bytes that are missing are zero.
    #[must_use]
    pub fn is_in(self, profile: &[u8]) -> bool {
        profile.get(self.index()).is_some_and(|byte| byte & self.mask() != 0)
    }

    /// Sets the bit in `profile`; false if the profile is too short for it.
    pub fn set_in(self, profile: &mut [u8]) -> bool {
        match profile.get_mut(self.index()) {
            Some(byte) => {
                *byte |= self.mask();
                true
            }
            None => false,
        }
    }

    /// Clears the bit in `profile`, if it is there.
    pub fn clear_in(self, profile: &mut [u8]) {
        if let Some(byte) = profile.get_mut(self.index()) {
            *byte &= !self.mask();
        }
    }

    const fn index(self) -> usize {
        self.byte.saturating_sub(1) as usize
    }

    const fn mask(self) -> u8 {
        match self.bit {
            1..=8 => 1 << (self.bit - 1),
            _ => 0,
        }
    }
}

macro_rules! facilities {
    ($($constant:ident = $byte:literal, $bit:literal, $text:literal;)*) => {
        impl Facility {
            $(#[doc = concat!("Byte ", stringify!($byte), ", bit ", stringify!($bit), ": ", $text, ".")]
            pub const $constant: Self = Self { byte: $byte, bit: $bit };)*

            /// Those with a name, in the profile's order.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];

            /// What the standard calls it; `None` for a bit without a name here.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match (self.byte, self.bit) {
                    $(($byte, $bit) => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

facilities! {
    PROFILE_DOWNLOAD = 1, 1, "profile download";
    SMS_PP_DOWNLOAD = 1, 2, "SMS-PP data download";
    CELL_BROADCAST_DOWNLOAD = 1, 3, "cell broadcast data download";
    MENU_SELECTION = 1, 4, "menu selection";
    SMS_PP_ERROR_DATA = 1, 5, "response data of a failed SMS-PP data download";
    TIMER_EXPIRATION = 1, 6, "timer expiration";
    COMMAND_RESULT = 2, 1, "command result";
    MO_SHORT_MESSAGE_CONTROL = 2, 4, "MO short message control";
    UCS2_ENTRY = 2, 6, "UCS2 entry";
    UCS2_DISPLAY = 2, 7, "UCS2 display";
    DISPLAY_TEXT = 3, 1, "DISPLAY TEXT";
    GET_INKEY = 3, 2, "GET INKEY";
    GET_INPUT = 3, 3, "GET INPUT";
    MORE_TIME = 3, 4, "MORE TIME";
    PLAY_TONE = 3, 5, "PLAY TONE";
    POLL_INTERVAL = 3, 6, "POLL INTERVAL";
    POLLING_OFF = 3, 7, "POLLING OFF";
    REFRESH = 3, 8, "REFRESH";
    SELECT_ITEM = 4, 1, "SELECT ITEM";
    SEND_SHORT_MESSAGE = 4, 2, "SEND SHORT MESSAGE";
    SEND_SS = 4, 3, "SEND SS";
    SEND_USSD = 4, 4, "SEND USSD";
    SET_UP_CALL = 4, 5, "SET UP CALL";
    SET_UP_MENU = 4, 6, "SET UP MENU";
    LOCATION_AND_IMEI = 4, 7, "PROVIDE LOCAL INFORMATION (location, IMEI)";
    NETWORK_MEASUREMENT = 4, 8, "PROVIDE LOCAL INFORMATION (NMR)";
    SET_UP_EVENT_LIST = 5, 1, "SET UP EVENT LIST";
    EVENT_USER_ACTIVITY = 5, 6, "event user activity";
    EVENT_IDLE_SCREEN = 5, 7, "event idle screen available";
    EVENT_LANGUAGE_SELECTION = 6, 1, "event language selection";
    TIMER_START_STOP = 8, 1, "TIMER MANAGEMENT (start, stop)";
    TIMER_VALUE = 8, 2, "TIMER MANAGEMENT (get current value)";
    DATE_TIME = 8, 3, "PROVIDE LOCAL INFORMATION (date, time, time zone)";
    INKEY_YES_NO = 8, 4, "GET INKEY (yes or no)";
    SET_UP_IDLE_MODE_TEXT = 8, 5, "SET UP IDLE MODE TEXT";
    SUSTAINED_TEXT = 9, 1, "DISPLAY TEXT (sustained, immediate response)";
    LANGUAGE = 9, 4, "PROVIDE LOCAL INFORMATION (language)";
    LANGUAGE_NOTIFICATION = 9, 6, "LANGUAGE NOTIFICATION";
    TEXT_TIME_OUT = 18, 1, "DISPLAY TEXT (variable time-out)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_one() {
        let mut profile = [0; 9];
        assert!(Facility::SET_UP_MENU.set_in(&mut profile) && Facility::LANGUAGE.set_in(&mut profile));
        assert_eq!(profile, [0, 0, 0, 0x20, 0, 0, 0, 0, 0x08]);
        assert!(Facility::SET_UP_MENU.is_in(&profile) && !Facility::SELECT_ITEM.is_in(&profile));
        assert!(!Facility::TEXT_TIME_OUT.set_in(&mut profile) && !Facility::TEXT_TIME_OUT.is_in(&profile));
        Facility::LANGUAGE.clear_in(&mut profile);
        assert_eq!(profile, [0, 0, 0, 0x20, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn each_bit_has_one_name() {
        for (at, facility) in Facility::ALL.iter().enumerate() {
            assert!(facility.name().is_some() && (1..=8).contains(&facility.bit));
            assert!(Facility::ALL.iter().take(at).all(|other| other < facility), "{facility:?}");
        }
    }
}
