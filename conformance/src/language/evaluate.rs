//! What an expression is worth.
//!
//! | function | gives |
//! |---|---|
//! | `random(N)` | N random bytes of the tester, N one byte |
//! | `key()` | a new random key of the cipher of the byte `algorithm`; `key(bytes)` this one, 8 bytes of DES |
//! | `bytes(key)` | its value, for a key record |
//! | `enc(key, data)`, `dec(key, data)` | ECB, enciphering pads if needed (clauses 4.1.1, 4.1.2) |
//! | `line(key, challenge, message)` | line-protection MAC (4.1.4) |
//! | `session(key, block)` | the session key of a block of 8 bytes (4.1.8) |
//! | `mac(session key, message)` | transaction MAC (4.1.3) |
//! | `tac(key, message)` | transaction MAC by the folded key (4.1.5) |
//! | `head(data, N)`, `tail(data, N)`, `from(data, N)` | the first or last N bytes; all but the first N |
//! | `len(data)` | one byte |
//! | `times(byte, N)` | the byte N times |
//! | `flip(data)` | with one bit of the last byte changed |

use onecard_host::crypto::{DesKey, Key, LineKey, MAC_LEN, cbc_mac};
use onecard_wire::key::Algorithm;
use rand_core::CryptoRng;

use super::{
    LanguageError,
    expression::{Expression, Sign},
    value::{Names, Value},
};

/// The value of `expression`.
pub(crate) fn evaluate(
    expression: &Expression,
    names: &Names,
    random: &mut dyn CryptoRng,
) -> Result<Value, LanguageError> {
    match expression {
        Expression::Hex(bytes) => Ok(Value::Bytes(bytes.clone())),
        Expression::Name(name) => names.value(name).cloned(),
        Expression::Joined(parts) => {
            let mut joined = Vec::new();
            for part in parts {
                joined.extend(bytes_of(part, names, random)?);
            }
            Ok(Value::Bytes(joined))
        }
        Expression::Sum(left, sign, right) => {
            let (left, right) = (bytes_of(left, names, random)?, bytes_of(right, names, random)?);
            Ok(Value::Bytes(sum(&left, *sign, &right)))
        }
        Expression::Call(name, arguments) => {
            let values = arguments.iter().map(|argument| evaluate(argument, names, random));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            call(name, &values, names, random)
        }
    }
}

/// The same, which must be bytes.
pub(crate) fn bytes_of(
    expression: &Expression,
    names: &Names,
    random: &mut dyn CryptoRng,
) -> Result<Vec<u8>, LanguageError> {
    match evaluate(expression, names, random)? {
        Value::Bytes(bytes) => Ok(bytes),
        Value::Key(_) => Err(LanguageError::Kind(format!("{expression:?}"), "bytes belong there")),
    }
}

fn call(name: &str, values: &[Value], names: &Names, random: &mut dyn CryptoRng) -> Result<Value, LanguageError> {
    let wrong = |why| LanguageError::Value(name.to_owned(), why);
    let bytes = match (name, values) {
        ("random", [Value::Bytes(length)]) => random_bytes(number(length), random),
        ("key", []) => return new_key(names, random).map(Value::Key),
        ("key", [Value::Bytes(value)]) => return key_of(value, names).map(Value::Key),
        ("bytes", [Value::Key(key)]) => exposed(key),
        ("enc", [Value::Key(key), Value::Bytes(data)]) => key.encipher(data),
        ("dec", [Value::Key(key), Value::Bytes(data)]) => {
            key.decipher(data).ok_or_else(|| wrong("not whole blocks"))?.to_vec()
        }
        ("line", [Value::Key(key), Value::Bytes(challenge), Value::Bytes(message)]) => {
            key.mac(block(challenge), message).to_vec()
        }
        ("session", [Value::Key(key), Value::Bytes(input)]) => {
            return session(key, input).map(Value::Key).ok_or_else(|| wrong("a block of 8 bytes belongs there"));
        }
        // A session key of DES has 8 bytes and folds to itself; of SM4 and AES no key is folded.
        ("mac" | "tac", [Value::Key(key), Value::Bytes(message)]) => transaction_mac(key, message).to_vec(),
        ("head", [Value::Bytes(data), Value::Bytes(length)]) => {
            data.get(..number(length)).ok_or_else(|| wrong("too short"))?.to_vec()
        }
        ("tail", [Value::Bytes(data), Value::Bytes(length)]) => {
            let start = data.len().checked_sub(number(length)).ok_or_else(|| wrong("too short"))?;
            data.get(start..).unwrap_or_default().to_vec()
        }
        ("from", [Value::Bytes(data), Value::Bytes(length)]) => {
            data.get(number(length)..).ok_or_else(|| wrong("too short"))?.to_vec()
        }
        ("len", [Value::Bytes(data)]) => vec![u8::try_from(data.len()).map_err(|_| wrong("too long"))?],
        ("times", [Value::Bytes(byte), Value::Bytes(count)]) => byte.repeat(number(count)),
        ("flip", [Value::Bytes(data)]) => flipped(data),
        _ => return Err(wrong("no function of that name takes these values")),
    };
    Ok(Value::Bytes(bytes))
}

/// The last bit but one of the last byte: no cipher takes it for a parity bit.
pub(crate) fn flipped(data: &[u8]) -> Vec<u8> {
    let mut flipped = data.to_vec();
    if let Some(last) = flipped.last_mut() {
        *last ^= 0x02;
    }
    flipped
}

fn sum(left: &[u8], sign: Sign, right: &[u8]) -> Vec<u8> {
    let wide = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let sum = match sign {
        Sign::Plus => wide(left).wrapping_add(wide(right)),
        Sign::Minus => wide(left).wrapping_sub(wide(right)),
    };
    let bytes = sum.to_be_bytes();
    bytes.get(bytes.len().saturating_sub(left.len())..).unwrap_or_default().to_vec()
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn random_bytes(length: usize, random: &mut dyn CryptoRng) -> Vec<u8> {
    let mut bytes = vec![0; length];
    random.fill_bytes(&mut bytes);
    bytes
}

fn cipher(names: &Names) -> Algorithm {
    match names.bytes("algorithm") {
        Some([0x04]) => Algorithm::Sm4,
        Some([0x06]) => Algorithm::Aes,
        _ => Algorithm::Des,
    }
}

fn new_key(names: &Names, random: &mut dyn CryptoRng) -> Result<LineKey, LanguageError> {
    key_of(&random_bytes(Key::LEN, random), names)
}

fn key_of(value: &[u8], names: &Names) -> Result<LineKey, LanguageError> {
    if let Ok(eight) = <[u8; DesKey::LEN]>::try_from(value) {
        return Ok(DesKey::from_bytes(eight).into());
    }
    let sixteen = value.try_into();
    let sixteen = sixteen.map_err(|_| LanguageError::Value("key".to_owned(), "a key has 8 or 16 bytes"))?;
    Ok(Key::new(cipher(names), sixteen).into())
}

fn exposed(key: &LineKey) -> Vec<u8> {
    match key {
        LineKey::Single(key) => key.expose().to_vec(),
        LineKey::Whole(key) => key.expose().to_vec(),
    }
}

fn block(challenge: &[u8]) -> [u8; 8] {
    let mut block = [0; 8];
    block.iter_mut().zip(challenge).for_each(|(to, from)| *to = *from);
    block
}

fn session(key: &LineKey, input: &[u8]) -> Option<LineKey> {
    let input: [u8; 8] = input.try_into().ok()?;
    let enciphered = key.encipher(&input);
    match key {
        LineKey::Single(_) => Some(DesKey::from_bytes(enciphered.try_into().ok()?).into()),
        LineKey::Whole(key) if key.algorithm() == Algorithm::Des => {
            Some(DesKey::from_bytes(enciphered.try_into().ok()?).into())
        }
        LineKey::Whole(key) => Some(Key::new(key.algorithm(), enciphered.try_into().ok()?).into()),
    }
}

fn transaction_mac(key: &LineKey, message: &[u8]) -> [u8; MAC_LEN] {
    match key {
        LineKey::Single(key) => cbc_mac(key, [0; 8], message),
        LineKey::Whole(key) => key.folded_mac(message),
    }
}
