//! The default alphabet of phones (3GPP TS 23.038 clause 6.2.1).

/// By code, 00 to 7F; 1B leads to the second table.
const BASIC: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];
/// Behind 1B.
const EXTENDED: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];
const ESCAPE: u8 = 0x1B;

/// The text of codes, a byte each. A code above 7F is no character of this alphabet and shown as `U+FFFD`; a second escape
/// is a space, and a code that the second table lacks is that of the first (TS 23.038 clause 6.2.1.1).
pub(super) fn decode(codes: impl IntoIterator<Item = u8>) -> String {
    let mut text = String::new();
    let mut escaped = false;
    for code in codes {
        if code == ESCAPE && !escaped {
            escaped = true;
            continue;
        }
        let second = EXTENDED.iter().find(|(at, _)| escaped && *at == code).map(|(_, character)| *character);
        let basic = BASIC.get(usize::from(code)).copied();
        text.push(second.or(basic).unwrap_or(char::REPLACEMENT_CHARACTER));
        escaped = false;
    }
    text
}

/// The codes of `text`; the first character that the alphabet lacks otherwise.
pub(super) fn encode(text: &str) -> Result<Vec<u8>, char> {
    let mut codes = Vec::new();
    for character in text.chars() {
        let basic = BASIC.iter().zip(0u8..).find(|(basic, code)| **basic == character && *code != ESCAPE);
        match (basic, EXTENDED.iter().find(|(_, extended)| *extended == character)) {
            (Some((_, code)), _) => codes.push(code),
            (None, Some((code, _))) => codes.extend([ESCAPE, *code]),
            (None, None) => return Err(character),
        }
    }
    Ok(codes)
}

/// Seven bits a character, the lowest first (TS 23.038 clause 6.1.2.1).
pub(super) fn pack(codes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let (mut bits, mut count) = (0u16, 0);
    for code in codes {
        bits |= u16::from(code & 0x7F) << count;
        count += 7;
        if count >= 8 {
            let [_, low] = bits.to_be_bytes();
            packed.push(low);
            bits >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        let [_, low] = bits.to_be_bytes();
        packed.push(low);
    }
    packed
}

/// The reverse of [`pack`], of as many whole characters as there are bits for.
pub(super) fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut codes = Vec::new();
    let (mut bits, mut count) = (0u16, 0);
    for byte in packed {
        bits |= u16::from(*byte) << count;
        count += 8;
        while count >= 7 {
            let [_, low] = bits.to_be_bytes();
            codes.push(low & 0x7F);
            bits >>= 7;
            count -= 7;
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_characters_come_back() {
        let text: String = BASIC.iter().chain(EXTENDED.iter().map(|(_, character)| character)).collect();
        let codes = encode(&text).unwrap_or_default();
        assert_eq!(codes.len(), 128 + 2 * EXTENDED.len());
        assert_eq!(decode(codes.iter().copied()), text);
        let unpacked = unpack(&pack(&codes));
        assert_eq!(unpacked.get(..codes.len()), Some(&codes[..]));
        assert_eq!(encode("一"), Err('一'));
    }
}
