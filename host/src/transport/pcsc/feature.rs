//! What a reader's driver tells of itself (PC/SC part 10, TLV properties): how long a command may be.

use onecard_wire::layout::Reader;

/// Asks the driver for its features: tag, length 4, control code (big-endian) each.
pub(super) const GET_FEATURES: u32 = 3400;
/// Tag of the feature that tells the properties.
const TLV_PROPERTIES: u8 = 0x12;
/// Tag of the property `dwMaxAPDUDataSize`, little-endian.
const DATA_SIZE_MAX: u8 = 0x0A;

/// Control code of the properties, if the driver has that feature.
pub(super) fn properties_code(features: &[u8]) -> Option<u32> {
    let value = value_of(features, TLV_PROPERTIES)?;
    value.try_into().ok().map(u32::from_be_bytes)
}

/// The longest command, in bytes, that a driver with these properties takes; `None` if it does not tell.
///
/// A data size of 0 stands for short commands; so does anything up to 256, which no driver means less by.
pub(super) fn longest_command(properties: &[u8]) -> Option<usize> {
    let data_size = u32::from_le_bytes(value_of(properties, DATA_SIZE_MAX)?.try_into().ok()?);
    let data_size = usize::try_from(data_size).ok()?;
    Some(if data_size <= 256 { SHORT_COMMAND_MAX } else { EXTENDED_OVERHEAD + data_size.min(EXTENDED_DATA_MAX) })
}

/// Header, Lc, 255 bytes, Le.
pub(super) const SHORT_COMMAND_MAX: usize = 261;
/// Header, Lc of 3 bytes, Le of 2.
const EXTENDED_OVERHEAD: usize = 9;
const EXTENDED_DATA_MAX: usize = 65_535;

/// The value behind `tag` in a list of tag, length, value.
fn value_of(list: &[u8], tag: u8) -> Option<&[u8]> {
    let mut list = Reader::new(list);
    loop {
        let (found, length) = (list.u8()?, list.u8()?);
        let value = list.slice(usize::from(length))?;
        if found == tag {
            return Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn a_driver_names_its_control_code() {
        assert_eq!(properties_code(&hex!("06 04 42330006 12 04 42330012")), Some(0x4233_0012));
        assert_eq!(properties_code(&hex!("06 04 42330006")), None);
        assert_eq!(properties_code(&hex!("12 04 4233")), None);
        assert_eq!(properties_code(&[]), None);
    }

    #[test]
    fn a_command_may_be_as_long_as_the_driver_says() {
        let cases = [
            (&hex!("0B 02 E608 0A 04 00000000")[..], Some(261)),
            (&hex!("0A 04 00010000"), Some(261)),
            (&hex!("0A 04 01010000"), Some(266)),
            (&hex!("0A 04 00000100 0B 02 E608"), Some(65_544)),
            (&hex!("0A 04 FFFFFFFF"), Some(65_544)),
            (&hex!("0B 02 E608"), None),
            (&hex!("0A 02 0001"), None),
            (&hex!("0A 04 0000"), None),
        ];
        for (properties, longest) in cases {
            assert_eq!(longest_command(properties), longest, "{properties:02X?}");
        }
    }
}
