//! How card and reader talk: protocol, and how fast (ISO/IEC 7816-3 clause 8).

use onecard_wire::layout::Reader;

/// The line between a card and its reader.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Answer to reset, 2 to 33 bytes.
    pub atr: Vec<u8>,
    /// The protocol in use; `None` if the service does not tell.
    pub protocol: Option<LineProtocol>,
    /// How fast.
    pub bit_rate: BitRate,
    /// The longest command that the reader takes, in bytes; `None` if its driver does not tell.
    pub longest_command: Option<usize>,
}

/// A transmission protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineProtocol {
    /// Byte by byte: an answer's data come by GET RESPONSE.
    T0,
    /// In blocks.
    T1,
    /// As the driver has it.
    Raw,
}

/// Bits per second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BitRate {
    /// The reader says that it uses this one.
    Told(u32),
    /// The card offers up to this one in its ATR; which the reader has chosen (PPS) it does not tell.
    Offered(u32),
    /// Neither tells: a contactless card's ATR, made by the reader, has none.
    Unknown,
}

impl LineProtocol {
    /// As the standard writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::T0 => "T=0",
            Self::T1 => "T=1",
            Self::Raw => "raw",
        }
    }
}

impl BitRate {
    /// Of a reader that tells clock (kHz), F and D.
    pub(super) fn of_reader(clock: Option<u32>, f: Option<u32>, d: Option<u32>) -> Option<Self> {
        let (clock, f, d) = (u64::from(clock?), u64::from(f?), u64::from(d?));
        let rate = (clock * 1000 * d).checked_div(f).and_then(|rate| u32::try_from(rate).ok())?;
        (rate > 0).then_some(Self::Told(rate))
    }

    /// What `atr` offers: `f(max) · Di / Fi` of TA1, or of the default value.
    pub(super) fn of_atr(atr: &[u8]) -> Self {
        offered(atr).map_or(Self::Unknown, Self::Offered)
    }
}

fn offered(atr: &[u8]) -> Option<u32> {
    let mut atr = Reader::new(atr);
    let (_ts, t0) = (atr.u8()?, atr.u8()?);
    let [ta1, _tb1, _tc1, td1] = interface_bytes(&mut atr, t0)?;
    if let Some(td1) = td1 {
        let [ta2, _tb2, _tc2, td2] = interface_bytes(&mut atr, td1)?;
        // PC/SC part 3: so begins what a reader makes up for a contactless card.
        let contactless = (t0 >> 4, td1, td2) == (0x8, 0x80, Some(0x01));
        // Specific mode with values that the ATR does not tell.
        let implicit = ta2.is_some_and(|ta2| ta2 & 0x10 != 0);
        if contactless || implicit {
            return None;
        }
    }
    let ta1 = ta1.unwrap_or(DEFAULT_TA1);
    let (f, clock_max) = *CLOCKS.get(usize::from(ta1 >> 4))?;
    let d = *DIVISORS.get(usize::from(ta1 & 0x0F))?;
    (f > 0 && d > 0).then(|| clock_max * d / f)
}

/// TA, TB, TC, TD behind a T0 or TD byte.
fn interface_bytes(atr: &mut Reader<'_>, indicator: u8) -> Option<[Option<u8>; 4]> {
    let mut bytes = [None; 4];
    for (byte, bit) in bytes.iter_mut().zip(4..) {
        if indicator >> bit & 1 == 1 {
            *byte = Some(atr.u8()?);
        }
    }
    Some(bytes)
}

/// F = 372, D = 1.
const DEFAULT_TA1: u8 = 0x11;
/// Fi and the highest clock in Hz, by the high digit of TA1 (ISO/IEC 7816-3 table 7); 0: reserved.
const CLOCKS: [(u32, u32); 16] = [
    (372, 4_000_000),
    (372, 5_000_000),
    (558, 6_000_000),
    (744, 8_000_000),
    (1_116, 12_000_000),
    (1_488, 16_000_000),
    (1_860, 20_000_000),
    (0, 0),
    (0, 0),
    (512, 5_000_000),
    (768, 7_500_000),
    (1_024, 10_000_000),
    (1_536, 15_000_000),
    (2_048, 20_000_000),
    (0, 0),
    (0, 0),
];
/// Di, by the low digit of TA1 (table 8); 0: reserved.
const DIVISORS: [u32; 16] = [0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0];

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn the_rate_comes_from_the_reader_or_the_atr() {
        assert_eq!(BitRate::of_reader(Some(4_000), Some(372), Some(1)), Some(BitRate::Told(10_752)));
        assert_eq!(BitRate::of_reader(Some(4_000), Some(512), Some(32)), Some(BitRate::Told(250_000)));
        for (clock, f, d) in
            [(None, Some(372), Some(1)), (Some(4_000), Some(0), Some(1)), (Some(0), Some(372), Some(1))]
        {
            assert_eq!(BitRate::of_reader(clock, f, d), None, "{clock:?} {f:?} {d:?}");
        }
        let offers = |atr: &[u8]| BitRate::of_atr(atr);
        // TA1 = 95: 512, 16, 5 MHz; none: the default; TA1 = 18: 372, 12.
        assert_eq!(offers(&hex!("3B 95 95 40 20 68 01 02 00 00")), BitRate::Offered(156_250));
        assert_eq!(offers(&hex!("3B 02 14 50")), BitRate::Offered(13_440));
        assert_eq!(offers(&hex!("3B 7D 18 00 00")), BitRate::Offered(161_290));
    }

    #[test]
    fn what_nobody_tells_is_unknown() {
        // Contactless; specific mode with implicit values; a reserved TA1; torn off.
        for atr in [
            &hex!("3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A")[..],
            &hex!("3B 90 95 10 10"),
            &hex!("3B 10 71"),
            &hex!("3B 10 1A"),
            &hex!("3B 10"),
            &hex!("3B"),
            &[],
        ] {
            assert_eq!(BitRate::of_atr(atr), BitRate::Unknown, "{atr:02X?}");
        }
    }
}
