//! AUTHENTICATE (TS 31.102 clause 7.1): who the network is, that its challenge is fresh (TS 33.102 annex C), and the keys.

use onecard_wire::{
    fid::Fid,
    status::StatusWord,
    uicc::{
        AUTHENTICATED, GSM_CONTEXT, SYNCHRONISATION_FAILURE, UMTS_CONTEXT,
        status::{CONTEXT_NOT_SUPPORTED, NETWORK_MAC_WRONG},
    },
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    Uicc,
    access::Right,
    milenage::{Challenged, Milenage},
    place::{SEQUENCE_NUMBERS, SUBSCRIBER},
};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    nvm::{Journal, Memory, Transaction},
    platform::Platform,
};

/// Indices of sequence numbers: the low bits of SQN (TS 33.102 annex C.1.1.1).
const INDEX_BITS: u32 = 5;
/// How far SEQ may jump, so that nobody wears the counter out (annex C.2.1, Δ).
const SEQ_JUMP_MAX: u64 = 1 << 28;
/// AMF of a resynchronisation (clause 6.3.3).
const AMF_OF_RESYNCHRONISATION: [u8; 2] = [0, 0];
const SQN_LEN: usize = 6;

/// What the network sends beside RAND.
struct Token {
    concealed_sqn: [u8; SQN_LEN],
    amf: [u8; 2],
    mac: [u8; 8],
}

impl<P: Platform> Uicc<'_, P> {
    /// AUTHENTICATE in the 3G or the GSM context, in the USIM and after PIN1.
    pub(super) fn authenticate(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        if command.p1 != 0 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        match command.p2 {
            UMTS_CONTEXT | GSM_CONTEXT => {}
            // Contexts of other applications and services (TS 31.102 clause 7.1.2.1).
            0x82 | 0x84..=0x86 => return refuse(CONTEXT_NOT_SUPPORTED),
            _ => return refuse(StatusWord::WRONG_P1P2),
        }
        if !self.selection.application {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        self.require(Right::Pin1)?;
        match (command.p2, command.data) {
            (UMTS_CONTEXT, [16, rest @ ..]) => {
                let (rand, token) = rest.split_first_chunk().ok_or(StatusWord::WRONG_LENGTH)?;
                let token = Token::parse(token).ok_or(StatusWord::WRONG_LENGTH)?;
                self.in_umts_context(&self.challenged(rand), &token, answer)?;
            }
            (GSM_CONTEXT, [16, rand @ ..]) => {
                let rand = rand.try_into().map_err(|_| StatusWord::WRONG_LENGTH)?;
                let triplet = GsmKeys::of(&self.challenged(rand));
                put_field(answer, &triplet.sres)?;
                put_field(answer, &*triplet.kc)?;
            }
            _ => return refuse(StatusWord::WRONG_LENGTH),
        }
        Ok(StatusWord::OK)
    }

    /// RUN GSM ALGORITHM (TS 51.011 clause 9.2.16): SRES ‖ Kc, in DF GSM and after CHV1.
    pub(super) fn run_gsm_algorithm(
        &mut self,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        command.require_p1p2(0, 0)?;
        let rand = command.data.try_into().map_err(|_| StatusWord::WRONG_LENGTH)?;
        if self.selection.directory.fid != Fid::GSM {
            return refuse(StatusWord::SECURITY_NOT_SATISFIED);
        }
        self.require(Right::Pin1)?;
        let triplet = GsmKeys::of(&self.challenged(rand));
        put(answer, &triplet.sres)?;
        put(answer, &*triplet.kc)?;
        Ok(StatusWord::OK)
    }

    fn challenged(&self, rand: &[u8; 16]) -> Challenged {
        let key: Zeroizing<[u8; 16]> = Zeroizing::new(self.nvm.array(SUBSCRIBER.address));
        let opc: Zeroizing<[u8; 16]> = Zeroizing::new(self.nvm.array(SUBSCRIBER.address + 16));
        Milenage::new(&key, &opc).challenged(rand)
    }

    /// The network's MAC first, then that its sequence number is new; it is kept before anything is answered.
    fn in_umts_context(
        &mut self,
        challenged: &Challenged,
        token: &Token,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let (res, ak) = challenged.res_and_ak();
        let sqn = added(token.concealed_sqn, ak);
        let (mac, _) = challenged.macs(&sqn, token.amf);
        if !bool::from(mac.ct_eq(&token.mac)) {
            return refuse(NETWORK_MAC_WRONG);
        }
        if !is_fresh(self.nvm, sqn) {
            return Ok(put_resynchronisation(challenged, newest(self.nvm), answer)?);
        }
        let mut transaction = Transaction::new();
        transaction.write(address_of(sqn), &sqn)?;
        self.nvm.commit(transaction)?;
        let (ck, ik) = (Zeroizing::new(challenged.ck()), Zeroizing::new(challenged.ik()));
        put(answer, &[AUTHENTICATED])?;
        put_field(answer, &res)?;
        put_field(answer, &*ck)?;
        put_field(answer, &*ik)?;
        Ok(put_field(answer, &*kc(&ck, &ik))?)
    }
}

impl Token {
    /// AUTN: length, SQN ⊕ AK, AMF, MAC-A.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let ([length], rest) = bytes.split_first_chunk()?;
        let (concealed_sqn, rest) = rest.split_first_chunk()?;
        let (amf, mac) = rest.split_first_chunk()?;
        let mac = mac.try_into().ok()?;
        (*length == 16).then_some(Self { concealed_sqn: *concealed_sqn, amf: *amf, mac })
    }
}

/// What a 2G network gets (TS 33.102 clause 6.8.1.2: c2 and c3).
struct GsmKeys {
    sres: [u8; 4],
    kc: Zeroizing<[u8; 8]>,
}

impl GsmKeys {
    fn of(challenged: &Challenged) -> Self {
        let (res, _) = challenged.res_and_ak();
        let res = u64::from_be_bytes(res);
        let sres = ((res >> 32) as u32 ^ res as u32).to_be_bytes();
        let (ck, ik) = (Zeroizing::new(challenged.ck()), Zeroizing::new(challenged.ik()));
        Self { sres, kc: kc(&ck, &ik) }
    }
}

/// c3: the halves of CK and IK, added.
fn kc(ck: &[u8; 16], ik: &[u8; 16]) -> Zeroizing<[u8; 8]> {
    let keys = Zeroizing::new(u128::from_be_bytes(*ck) ^ u128::from_be_bytes(*ik));
    Zeroizing::new(((*keys >> 64) as u64 ^ *keys as u64).to_be_bytes())
}

/// `DC 0E` AUTS: the newest sequence number, concealed, and MAC-S (TS 33.102 clause 6.3.3).
fn put_resynchronisation(
    challenged: &Challenged,
    newest: [u8; SQN_LEN],
    answer: &mut Response,
) -> Result<(), StatusWord> {
    let (_, mac) = challenged.macs(&newest, AMF_OF_RESYNCHRONISATION);
    put(answer, &[SYNCHRONISATION_FAILURE, (SQN_LEN + mac.len()) as u8])?;
    put(answer, &added(newest, challenged.ak_of_resynchronisation()))?;
    put(answer, &mac)
}

/// Whether SEQ is greater than any accepted with this index, and not by too much (TS 33.102 annex C.2).
fn is_fresh<M: Memory>(nvm: &Journal<M>, sqn: [u8; SQN_LEN]) -> bool {
    let seq = number(sqn) >> INDEX_BITS;
    let accepted = number(nvm.array(address_of(sqn))) >> INDEX_BITS;
    let newest = number(newest(nvm)) >> INDEX_BITS;
    seq > accepted && seq.saturating_sub(newest) <= SEQ_JUMP_MAX
}

/// The greatest sequence number accepted, SQN_MS.
fn newest<M: Memory>(nvm: &Journal<M>) -> [u8; SQN_LEN] {
    let all = (0..1 << INDEX_BITS).map(|index| nvm.array(SEQUENCE_NUMBERS.address + index * SQN_LEN));
    all.max().unwrap_or_default()
}

/// Where the last one of that index is kept.
fn address_of(sqn: [u8; SQN_LEN]) -> usize {
    let index = number(sqn) as usize & ((1 << INDEX_BITS) - 1);
    SEQUENCE_NUMBERS.address + index * SQN_LEN
}

fn number([a, b, c, d, e, f]: [u8; SQN_LEN]) -> u64 {
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

fn added(mut sqn: [u8; SQN_LEN], ak: [u8; SQN_LEN]) -> [u8; SQN_LEN] {
    sqn.iter_mut().zip(ak).for_each(|(to, from)| *to ^= from);
    sqn
}

/// Length, then the field.
fn put_field(answer: &mut Response, field: &[u8]) -> Result<(), StatusWord> {
    put(answer, &[field.len() as u8])?;
    put(answer, field)
}
