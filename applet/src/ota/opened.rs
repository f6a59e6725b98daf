//! A command packet taken apart and checked (ETSI TS 102 225 clause 5.1; the order is that of clause 19.2.4).

use onecard_wire::{
    layout::Reader,
    ota::{CHECKSUM_LEN, CLEAR_LEN, COUNTER_LEN, packet_status as status, proof, spi, tar},
};

use super::{
    checksum::{Integrity, RedundancyCheck},
    packet::{PacketKeys, algorithm_of},
    proof::Shape,
};
use crate::crypto::{ZERO_BLOCK, same};

/// CHL counts SPI, KIc, KID, TAR, CNTR, PCNTR, and the RC/CC field.
const CHL_WITHOUT_CHECK: usize = 13;

/// Who a packet is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    IssuerDomain,
    /// The UICC's files from the MF.
    Files,
    /// The same, in class A0 too.
    Files2g,
    /// The same from the USIM.
    FilesUsim,
    Enterprises,
}

impl Target {
    const fn of(tar: [u8; 3]) -> Option<Self> {
        match tar {
            tar::ISSUER_DOMAIN => Some(Self::IssuerDomain),
            tar::FILES | tar::FILES_SHARED => Some(Self::Files),
            tar::FILES_2G => Some(Self::Files2g),
            tar::FILES_USIM => Some(Self::FilesUsim),
            tar::ENTERPRISE => Some(Self::Enterprises),
            _ => None,
        }
    }

    /// Whether the operator may ask for another security than the highest.
    pub(crate) const fn is_files(self) -> bool {
        matches!(self, Self::Files | Self::Files2g | Self::FilesUsim)
    }
}

/// What a packet is checked by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Check {
    Nothing,
    Redundancy,
    Checksum,
}

impl Check {
    /// `None` for a signature.
    const fn of(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Nothing),
            spi::REDUNDANCY_CHECK => Some(Self::Redundancy),
            spi::CRYPTOGRAPHIC_CHECKSUM => Some(Self::Checksum),
            _ => None,
        }
    }
}

/// What becomes of the counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum CounterMode {
    Absent,
    Unchecked,
    Higher,
    Next,
}

impl CounterMode {
    /// Whether it is compared and kept.
    pub(crate) const fn counts(self) -> bool {
        matches!(self, Self::Higher | Self::Next)
    }
}

/// First byte of SPI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Security {
    check: Check,
    ciphered: bool,
    counter: CounterMode,
}

impl Security {
    /// `None` for a signature and bits that mean nothing.
    const fn parse(byte: u8) -> Option<Self> {
        if byte & !(spi::INTEGRITY | spi::CIPHERED | spi::COUNTER) != 0 {
            return None;
        }
        let Some(check) = Check::of(byte & spi::INTEGRITY) else { return None };
        let counter = match byte & spi::COUNTER {
            spi::COUNTER_UNCHECKED => CounterMode::Unchecked,
            spi::COUNTER_HIGHER => CounterMode::Higher,
            spi::COUNTER_NEXT => CounterMode::Next,
            _ => CounterMode::Absent,
        };
        Some(Self { check, ciphered: byte & spi::CIPHERED != 0, counter })
    }

    /// Whether nothing of it is less than `minimum` wants; (own) and no counter moves for one who has no key.
    fn suffices(self, minimum: Self) -> bool {
        let enough =
            self.check >= minimum.check && self.ciphered >= minimum.ciphered && self.counter >= minimum.counter;
        enough && (!self.counter.counts() || self.check == Check::Checksum)
    }
}

/// Whether a byte is a first byte of SPI that packets can have.
pub(crate) const fn is_security(byte: u8) -> bool {
    Security::parse(byte).is_some()
}

/// Second byte of SPI: the proof of receipt that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wish {
    always: bool,
    asked: bool,
    check: Check,
    ciphered: bool,
    pub(crate) by_submit: bool,
}

impl Wish {
    const fn parse(byte: u8) -> Option<Self> {
        let known = proof::WHEN | proof::INTEGRITY | proof::CIPHERED | proof::BY_SUBMIT;
        if byte & !known != 0 || byte & proof::WHEN == proof::WHEN {
            return None;
        }
        let Some(check) = Check::of((byte & proof::INTEGRITY) >> proof::INTEGRITY_SHIFT) else { return None };
        Some(Self {
            always: byte & proof::WHEN == proof::ALWAYS,
            asked: Self::asks(byte),
            check,
            ciphered: byte & proof::CIPHERED != 0,
            by_submit: byte & proof::BY_SUBMIT != 0,
        })
    }

    /// Whether the status of a packet that is not right is asked for.
    const fn asks(byte: u8) -> bool {
        matches!(byte & proof::WHEN, proof::ALWAYS | proof::OF_ERRORS)
    }

    /// Whether it is wanted for a packet that was not right.
    pub(crate) const fn asked(self) -> bool {
        self.asked
    }

    /// Whether it is wanted for a packet that was right.
    pub(crate) const fn always(self) -> bool {
        self.always
    }

    /// Its check, if it is asked for.
    const fn wanted_check(self) -> Check {
        if self.asked { self.check } else { Check::Nothing }
    }

    const fn wants_ciphering(self) -> bool {
        self.asked && self.ciphered
    }
}

/// A packet that is right as far as it can be seen without the counter.
pub(crate) struct Opened<'p> {
    pub(crate) target: Target,
    /// Version of its key set; 0 if it has none.
    pub(crate) key_set: u8,
    pub(crate) counter: [u8; COUNTER_LEN],
    pub(crate) mode: CounterMode,
    pub(crate) wish: Wish,
    pub(crate) proof: Shape,
    /// Secured data without padding.
    pub(crate) data: &'p [u8],
}

/// Why a packet is not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// It has no TAR to answer for, or wants no answer.
    Silently,
    /// It asks for its status.
    Told { tar: [u8; 3], status: u8 },
}

/// What the card knows that decides about a packet.
pub(crate) trait Authority {
    /// The least first byte of SPI for a target.
    fn minimum(&self, target: Target) -> u8;
    /// KIc and KID of a key set that packets may name.
    fn keys(&self, version: u8) -> Option<PacketKeys>;
}

/// The fields in clear.
struct Header {
    chl: u8,
    security: [u8; 2],
    kic: u8,
    kid: u8,
    tar: [u8; 3],
}

impl Header {
    fn parse(packet: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(packet);
        reader.u16()?;
        Some(Self {
            chl: reader.u8()?,
            security: reader.array()?,
            kic: reader.u8()?,
            kid: reader.u8()?,
            tar: reader.array()?,
        })
    }
}

/// Checks 1 to 6; deciphers the packet where it lies.
///
/// # Errors
/// The status, if one is asked for.
pub(crate) fn open<'p>(packet: &'p mut [u8], authority: &impl Authority) -> Result<Opened<'p>, Refused> {
    let header = Header::parse(packet).ok_or(Refused::Silently)?;
    let [_, second] = header.security;
    let tar = header.tar;
    open_for(packet, &header, authority).map_err(|status| match Wish::asks(second) {
        true => Refused::Told { tar, status },
        false => Refused::Silently,
    })
}

fn open_for<'p>(packet: &'p mut [u8], header: &Header, authority: &impl Authority) -> Result<Opened<'p>, u8> {
    let [first, second] = header.security;
    let security = Security::parse(first).ok_or(status::UNIDENTIFIED_SECURITY_ERROR)?;
    let wish = Wish::parse(second).ok_or(status::UNIDENTIFIED_SECURITY_ERROR)?;
    let check_len = check_len(packet, header, security).ok_or(status::UNIDENTIFIED_SECURITY_ERROR)?;
    let target = Target::of(header.tar).ok_or(status::TAR_UNKNOWN)?;
    // A minimum that cannot be would be a fault of this program; nothing is less than the highest.
    let minimum = Security::parse(authority.minimum(target)).ok_or(status::INSUFFICIENT_SECURITY)?;
    if !security.suffices(minimum) {
        return Err(status::INSUFFICIENT_SECURITY);
    }
    let Unsealed { key_set, data, proof } = unseal(packet, header, (security, check_len), wish, authority)?;
    Ok(Opened { target, key_set, counter: proof.counter, mode: security.counter, wish, proof, data })
}

/// What steps 4 to 6 make of a packet.
struct Unsealed<'p> {
    key_set: u8,
    proof: Shape,
    data: &'p [u8],
}

fn unseal<'p>(
    packet: &'p mut [u8],
    header: &Header,
    (security, check_len): (Security, usize),
    wish: Wish,
    authority: &impl Authority,
) -> Result<Unsealed<'p>, u8> {
    let (key_set, keys) = named_keys(header, security, wish, authority)?;
    let redundancy = RedundancyCheck::of(header.kid);
    let proof_redundancy = match wish.wanted_check() {
        Check::Redundancy => Some(redundancy.ok_or(status::UNIDENTIFIED_SECURITY_ERROR)?),
        Check::Nothing | Check::Checksum => None,
    };
    let integrity = integrity(security.check, keys.as_ref(), redundancy)?;
    if integrity.len() != check_len {
        return Err(status::UNIDENTIFIED_SECURITY_ERROR);
    }
    let block_len = match keys.as_ref().filter(|_| security.ciphered) {
        Some(keys) => decipher(packet, keys)?,
        None => 1,
    };
    let (counter, data) = checked(packet, &integrity, block_len)?;
    let proof = Shape {
        tar: header.tar,
        counter,
        redundancy: proof_redundancy,
        with_checksum: wish.wanted_check() == Check::Checksum,
        ciphered: wish.wants_ciphering(),
        keys,
    };
    Ok(Unsealed { key_set, proof, data })
}

/// Length of the RC/CC field by CHL, if CPL, CHL and SPI agree.
fn check_len(packet: &[u8], header: &Header, security: Security) -> Option<usize> {
    let (cpl, behind) = packet.split_first_chunk::<2>()?;
    (usize::from(u16::from_be_bytes(*cpl)) == behind.len()).then_some(())?;
    let length = usize::from(header.chl).checked_sub(CHL_WITHOUT_CHECK)?;
    let fits = match security.check {
        Check::Nothing => length == 0,
        Check::Redundancy => matches!(length, 2 | 4),
        Check::Checksum => length == CHECKSUM_LEN,
    };
    (fits && behind.len() > usize::from(header.chl)).then_some(length)
}

/// The key set that KIc and KID name, as far as packet or proof need them (19.2.3): 0 if they need none.
fn named_keys(
    header: &Header,
    security: Security,
    wish: Wish,
    authority: &impl Authority,
) -> Result<(u8, Option<PacketKeys>), u8> {
    let (of_kic, of_kid) = (header.kic >> 4, header.kid >> 4);
    let ciphered = security.ciphered || wish.wants_ciphering();
    let version = match (ciphered, security.check.max(wish.wanted_check()) != Check::Nothing) {
        (true, true) if of_kic != of_kid => return Err(status::UNIDENTIFIED_SECURITY_ERROR),
        (_, true) => of_kid,
        (true, false) => of_kic,
        (false, false) => return Ok((0, None)),
    };
    let keys = authority.keys(version).ok_or(status::UNIDENTIFIED_SECURITY_ERROR)?;
    let named = |byte: u8, key| byte & 0x0F == algorithm_of(key);
    let with_checksum = Check::Checksum == security.check || Check::Checksum == wish.wanted_check();
    let kic_right = !ciphered || named(header.kic, &keys.ciphering);
    let kid_right = !with_checksum || named(header.kid, &keys.checksum);
    if kic_right && kid_right { Ok((version, Some(keys))) } else { Err(status::UNIDENTIFIED_SECURITY_ERROR) }
}

fn integrity(
    check: Check,
    keys: Option<&PacketKeys>,
    redundancy: Option<RedundancyCheck>,
) -> Result<Integrity<'_>, u8> {
    match (check, keys, redundancy) {
        (Check::Nothing, ..) => Ok(Integrity::Nothing),
        (Check::Redundancy, _, Some(redundancy)) => Ok(Integrity::Redundancy(redundancy)),
        (Check::Checksum, Some(keys), _) => Ok(Integrity::Checksum(&keys.checksum)),
        _ => Err(status::UNIDENTIFIED_SECURITY_ERROR),
    }
}

/// Deciphers what is behind TAR; the cipher's block length.
fn decipher(packet: &mut [u8], keys: &PacketKeys) -> Result<usize, u8> {
    let block_len = keys.ciphering.block_len();
    let enciphered = packet.get_mut(CLEAR_LEN..).filter(|behind| behind.len().is_multiple_of(block_len));
    keys.ciphering.decipher_cbc(ZERO_BLOCK, enciphered.ok_or(status::CIPHERING_ERROR)?);
    Ok(block_len)
}

/// CNTR, and the data without padding. A PCNTR that cannot be and a wrong checksum are told alike, after the same work.
fn checked<'p>(
    packet: &'p [u8],
    integrity: &Integrity<'_>,
    block_len: usize,
) -> Result<([u8; COUNTER_LEN], &'p [u8]), u8> {
    let (clear, behind) = packet.split_at_checked(CLEAR_LEN).ok_or(status::UNIDENTIFIED_SECURITY_ERROR)?;
    let mut reader = Reader::new(behind);
    let counter = reader.array().ok_or(status::UNIDENTIFIED_SECURITY_ERROR)?;
    let padding = usize::from(reader.u8().ok_or(status::UNIDENTIFIED_SECURITY_ERROR)?);
    let check = reader.slice(integrity.len()).ok_or(status::UNIDENTIFIED_SECURITY_ERROR)?;
    let counters = behind.get(..=COUNTER_LEN).unwrap_or_default();
    let right = same(&integrity.over(&[clear, counters, reader.rest()]), check);
    let data_len = reader.rest().len().checked_sub(padding).filter(|_| padding < block_len);
    match data_len.and_then(|length| reader.rest().get(..length)) {
        Some(data) if right => Ok((counter, data)),
        _ => Err(status::INTEGRITY_FAILED),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    extern crate std;

    use onecard_vectors::{Vectors, secured_packet::CommandPacket};
    use std::{collections::BTreeMap, println, string::String, vec::Vec};

    use super::*;
    use crate::{crypto::DomainKey, ota::packet::tests::key};

    /// The keys of a vector, under every version; whatever is asked for is enough.
    struct OfVector<'v>(&'v CommandPacket);

    impl Authority for OfVector<'_> {
        fn minimum(&self, _: Target) -> u8 {
            0
        }

        fn keys(&self, version: u8) -> Option<PacketKeys> {
            (version != 0).then_some(())?;
            let one = |named, value: &[u8]| key(named, value).or_else(|| Some(DomainKey::Aes128([0x5A; 16])));
            Some(PacketKeys {
                ciphering: one(self.0.kic, &self.0.ciphering_key)?,
                checksum: one(self.0.kid, &self.0.checksum_key)?,
            })
        }
    }

    fn unsealed(vector: &CommandPacket, packet: &[u8]) -> Result<([u8; 5], Vec<u8>), u8> {
        let mut packet = packet.to_vec();
        let header = Header::parse(&packet).unwrap();
        let [first, second] = header.security;
        let (security, wish) = (Security::parse(first).ok_or(6)?, Wish::parse(second).ok_or(6)?);
        let check_len = check_len(&packet, &header, security).ok_or(6)?;
        let unsealed = unseal(&mut packet, &header, (security, check_len), wish, &OfVector(vector))?;
        Ok((unsealed.proof.counter, unsealed.data.to_vec()))
    }

    #[test]
    fn published_packets_are_opened() {
        let mut refused = BTreeMap::<u8, Vec<String>>::new();
        let mut opened = 0;
        for vector in Vectors::embedded().unwrap().command_packet {
            let packet = &vector.body;
            match unsealed(packet, &packet.packet) {
                Ok(found) => {
                    assert_eq!(found, (packet.counter, packet.data.clone()), "{}", vector.name);
                    opened += 1;
                }
                Err(status) => refused.entry(status).or_default().push(vector.name),
            }
        }
        println!("{opened} opened; refused by status: {refused:?}");
        // Single DES, key set 0, a checksum of four bytes.
        assert_eq!(refused.keys().copied().collect::<Vec<_>>(), [status::UNIDENTIFIED_SECURITY_ERROR]);
        assert!(opened >= 8, "{opened}");
    }

    #[test]
    fn no_bit_of_a_published_packet_with_a_checksum_can_be_another() {
        for vector in Vectors::embedded().unwrap().command_packet {
            let packet = &vector.body;
            if !packet.has_checksum() || unsealed(packet, &packet.packet).is_err() {
                continue;
            }
            for bit in 0..8 * packet.packet.len() {
                let mut changed = packet.packet.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                // Without a checksum or a set of keys any more it is not this packet's keys that open it.
                let without = Security::parse(changed[3]).is_some_and(|security| security.check != Check::Checksum);
                let seen = unsealed(packet, &changed);
                assert!(without || seen.is_err(), "{} bit {bit}: {seen:02X?}", vector.name);
            }
        }
    }

    #[test]
    fn nothing_less_than_the_minimum_is_enough() {
        let of = |byte| Security::parse(byte).unwrap();
        for (first, minimum, enough) in [
            (0x16, 0x16, true),
            (0x1E, 0x16, true),
            (0x16, 0x1E, false),
            (0x12, 0x16, false),
            (0x0E, 0x16, false),
            (0x06, 0x16, false),
            (0x15, 0x16, false),
            (0x06, 0x02, true),
            (0x09, 0x01, true),
            (0x00, 0x00, true),
            // A counter that nobody vouches for does not move.
            (0x10, 0x00, false),
            (0x15, 0x01, false),
            (0x1C, 0x00, false),
            (0x12, 0x00, true),
        ] {
            assert_eq!(of(first).suffices(of(minimum)), enough, "{first:02X} where {minimum:02X} is wanted");
        }
        assert_eq!([0x03, 0x20, 0x40, 0x80].map(Security::parse), [None; 4]);
        assert_eq!([0x03, 0x0D, 0x40, 0x80].map(Wish::parse), [None; 4]);
    }
}
