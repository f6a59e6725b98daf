//! A host's half of SCP03 with AES-128 and of SCP02, from the bare ciphers.

use aes::{Aes128, Aes128Enc};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use des::{Des, TdesEde2};
use hex_literal::hex;
use onecard_applet::PowerLost;
use sm4::Sm4;

use super::sim::{DEK, ENC, MAC, OWN_SCP02, Sim};

pub const SELECT: [u8; 14] = hex!("00A4040008A00000015100000000");
pub const AID: [u8; 8] = hex!("A000000151000000");
const CHALLENGE: [u8; 16] = hex!("0102030405060708090A0B0C0D0E0F10");

/// An open session.
#[derive(Clone)]
pub enum Host {
    Scp03(Scp03),
    Scp02(Scp02),
}

#[derive(Clone)]
pub struct Scp03 {
    pub level: u8,
    enc: [u8; 16],
    mac: [u8; 16],
    rmac: [u8; 16],
    dek: [u8; 16],
    mac_len: usize,
    chaining: [u8; 16],
    counter: u32,
}

#[derive(Clone)]
pub struct Scp02 {
    pub level: u8,
    enc: [u8; 16],
    mac: [u8; 16],
    dek: [u8; 16],
    last: Option<[u8; 8]>,
}

/// Static keys and how a session is opened.
#[derive(Clone, Copy)]
pub struct Login {
    pub version: u8,
    pub level: u8,
    pub s16: bool,
    pub enc: [u8; 16],
    pub mac: [u8; 16],
    pub dek: [u8; 16],
    pub channel: u8,
}

impl Login {
    pub const SCP03: Self = Self { version: 0x30, level: 0x33, s16: false, enc: ENC, mac: MAC, dek: DEK, channel: 0 };
    pub const SCP02: Self = Self { version: 0x20, level: 0x03, ..Self::SCP03 };

    /// For a chip whose two sets share no value.
    pub const SCP02_OWN: Self = Self { enc: OWN_SCP02[0], mac: OWN_SCP02[1], dek: OWN_SCP02[2], ..Self::SCP02 };

    /// SELECT and INITIALIZE UPDATE; the session to be, and its EXTERNAL AUTHENTICATE.
    pub fn begin(&self, sim: &mut Sim) -> Result<(Host, Vec<u8>), Vec<u8>> {
        let challenge = &CHALLENGE[..if self.s16 { 16 } else { 8 }];
        let command =
            [&[0x80 | self.channel, 0x50, self.version, 0x00, challenge.len() as u8][..], challenge, &[0]].concat();
        let mut answer = sim.try_send(&command).map_err(|PowerLost| Vec::new())?;
        let status = answer.split_off(answer.len() - 2);
        if status != hex!("9000") {
            return Err(status);
        }
        let host = if answer[11] == 0x02 { self.scp02(&answer) } else { self.scp03(challenge, &answer) };
        // The card has other keys.
        let Some(mut host) = host else { return Err(Vec::new()) };
        let cryptogram = match &host {
            Host::Scp02(scp02) => scp02.cryptogram(&[&answer[12..20], challenge].concat()).to_vec(),
            Host::Scp03(scp03) => scp03.cryptogram(0x01, challenge, &answer),
        };
        let header = [0x84, 0x82, self.level, 0x00];
        let mac = host.mac(header, &cryptogram);
        let mut command = [&header[..], &[2 * challenge.len() as u8], &cryptogram, &mac].concat();
        command[0] |= self.channel;
        Ok((host, command))
    }

    fn scp03(&self, challenge: &[u8], answer: &[u8]) -> Option<Host> {
        let length = challenge.len();
        let context = [challenge, &answer[13..13 + length]].concat();
        let derived = |key: &[u8; 16], constant| derive(key, constant, 16, &context).try_into().unwrap();
        let scp03 = Scp03 {
            level: self.level,
            enc: derived(&self.enc, 0x04),
            mac: derived(&self.mac, 0x06),
            rmac: derived(&self.mac, 0x07),
            dek: self.dek,
            mac_len: length,
            chaining: [0; 16],
            counter: 0,
        };
        if answer[13 + length..13 + 2 * length] != scp03.cryptogram(0x00, challenge, answer) {
            return None;
        }
        let sequence = &answer[13 + 2 * length..];
        assert_eq!(answer[13..13 + length], derive(&self.enc, 0x02, length, &[sequence, &AID].concat()));
        Some(Host::Scp03(scp03))
    }

    fn scp02(&self, answer: &[u8]) -> Option<Host> {
        let sequence = [answer[12], answer[13]];
        let derived = |key: &[u8; 16], constant: [u8; 2]| {
            let mut data = [&constant[..], &sequence, &[0; 12]].concat();
            des_cbc(key, &mut data);
            data.try_into().unwrap()
        };
        let scp02 = Scp02 {
            level: self.level,
            enc: derived(&self.enc, [0x01, 0x82]),
            mac: derived(&self.mac, [0x01, 0x01]),
            dek: derived(&self.dek, [0x01, 0x81]),
            last: None,
        };
        if answer[20..28] != scp02.cryptogram(&[&CHALLENGE[..8], &answer[12..20]].concat()) {
            return None;
        }
        assert_eq!(answer[14..20], retail(&scp02.mac, [0; 8], &padded(&AID, 8))[..6]);
        Some(Host::Scp02(scp02))
    }

    /// SELECTs the domain and opens a session.
    pub fn open(&self, sim: &mut Sim) -> Host {
        let mut select = SELECT;
        select[0] |= self.channel;
        sim.ok(&select);
        self.authenticate(sim)
    }

    /// Whether these keys open a session.
    pub fn works(&self, sim: &mut Sim) -> bool {
        sim.ok(&SELECT);
        self.begin(sim).is_ok_and(|(_, command)| sim.send(&command) == hex!("9000"))
    }

    /// SELECT and both halves, with the power that may go.
    pub fn try_open(&self, sim: &mut Sim) -> Option<Host> {
        sim.try_send(&SELECT).ok()?;
        let (host, command) = self.begin(sim).ok()?;
        (sim.try_send(&command).ok()? == hex!("9000")).then_some(host)
    }

    pub fn authenticate(&self, sim: &mut Sim) -> Host {
        let (host, command) = self.begin(sim).unwrap();
        assert_eq!(sim.send(&command), hex!("9000"));
        host
    }
}

impl Host {
    /// Sends a command with secure messaging; the plain data and the status. `CLA INS P1 P2` in clear, CLA with its channel.
    pub fn try_send(&mut self, sim: &mut Sim, header: [u8; 4], data: &[u8]) -> Result<(Vec<u8>, u16), PowerLost> {
        let command = self.wrapped(header, data);
        let answer = sim.try_send(&command)?;
        Ok(self.unwrapped(answer))
    }

    pub fn send(&mut self, sim: &mut Sim, header: [u8; 4], data: &[u8]) -> (Vec<u8>, u16) {
        self.try_send(sim, header, data).unwrap()
    }

    /// The status must be 9000.
    pub fn ok(&mut self, sim: &mut Sim, header: [u8; 4], data: &[u8]) -> Vec<u8> {
        let (data, status) = self.send(sim, header, data);
        assert_eq!(status, 0x9000, "{header:02X?}");
        data
    }

    /// The status alone; there must be no data unless it says so.
    pub fn status(&mut self, sim: &mut Sim, header: [u8; 4], data: &[u8]) -> u16 {
        self.send(sim, header, data).1
    }

    pub fn wrapped(&mut self, header: [u8; 4], data: &[u8]) -> Vec<u8> {
        let channel = header[0] & 0x03;
        let header = [0x84, header[1], header[2], header[3]];
        let (body, mac) = match self {
            Self::Scp03(scp03) => {
                scp03.counter += 1;
                let enciphered = scp03.level & 0x02 != 0 && !data.is_empty();
                let body = if enciphered { scp03.enciphered(0x00, data) } else { data.to_vec() };
                let mac = self.mac(header, &body);
                (body, mac)
            }
            Self::Scp02(_) => {
                let mac = self.mac(header, data);
                let Self::Scp02(scp02) = self else { panic!() };
                let mut body = data.to_vec();
                if scp02.level & 0x02 != 0 {
                    body = padded(data, 8);
                    des_cbc(&scp02.enc, &mut body);
                }
                (body, mac)
            }
        };
        let header = [header[0] | channel, header[1], header[2], header[3], (body.len() + mac.len()) as u8];
        [&header[..], &body, &mac, &[0]].concat()
    }

    /// A command without data in the form [`Self::wrapped`] does not make: SCP03 a block of padding, SCP02 nothing at all.
    pub fn wrapped_padding(&mut self, header: [u8; 4]) -> Vec<u8> {
        let header = [0x84, header[1], header[2], header[3]];
        let body = match self {
            Self::Scp03(scp03) => {
                scp03.counter += 1;
                scp03.enciphered(0x00, &[])
            }
            Self::Scp02(_) => Vec::new(),
        };
        let mac = self.mac(header, &body);
        [&header[..], &[(body.len() + mac.len()) as u8], &body, &mac, &[0]].concat()
    }

    /// Under the DEK, as PUT KEY and INSTALL want it; whole blocks.
    pub fn sensitive(&self, key: &[u8]) -> Vec<u8> {
        match self {
            Self::Scp03(scp03) => {
                let mut data = key.to_vec();
                aes_cbc(&scp03.dek, [0; 16], &mut data);
                data
            }
            Self::Scp02(scp02) => {
                let mut data = key.to_vec();
                data.chunks_mut(8).for_each(|block| des_cbc(&scp02.dek, block));
                data
            }
        }
    }

    fn mac(&mut self, header: [u8; 4], body: &[u8]) -> Vec<u8> {
        match self {
            Self::Scp03(scp03) => {
                let length = (body.len() + scp03.mac_len) as u8;
                let input = [&scp03.chaining[..], &header, &[length], body].concat();
                scp03.chaining = cmac(&scp03.mac, &input);
                scp03.chaining[..scp03.mac_len].to_vec()
            }
            Self::Scp02(scp02) => {
                let initial = scp02.last.map_or([0; 8], |mut last| {
                    Des::new(&half(&scp02.mac, 0).into()).encrypt_block((&mut last).into());
                    last
                });
                let input = [&header[..], &[body.len() as u8 + 8], body].concat();
                let mac = retail(&scp02.mac, initial, &padded(&input, 8));
                scp02.last = Some(mac);
                mac.to_vec()
            }
        }
    }

    pub fn unwrapped(&self, mut answer: Vec<u8>) -> (Vec<u8>, u16) {
        let status = answer.split_off(answer.len() - 2);
        let word = u16::from_be_bytes([status[0], status[1]]);
        let Self::Scp03(scp03) = self else { return (answer, word) };
        let protected = scp03.level & 0x10 != 0 && (word == 0x9000 || matches!(status[0], 0x62 | 0x63));
        if !protected {
            return (answer, word);
        }
        let mac = answer.split_off(answer.len() - scp03.mac_len);
        let expected = cmac(&scp03.rmac, &[&scp03.chaining[..], &answer, &status].concat());
        assert_eq!(mac, expected[..scp03.mac_len], "R-MAC");
        if scp03.level & 0x20 != 0 && !answer.is_empty() {
            scp03.decipher(0x80, &mut answer);
        }
        (answer, word)
    }
}

impl Scp03 {
    fn cryptogram(&self, constant: u8, challenge: &[u8], answer: &[u8]) -> Vec<u8> {
        let length = challenge.len();
        derive(&self.mac, constant, length, &[challenge, &answer[13..13 + length]].concat())
    }

    fn iv(&self, first: u8) -> [u8; 16] {
        let mut block = [0; 16];
        block[0] = first;
        block[12..].copy_from_slice(&self.counter.to_be_bytes());
        Aes128::new(&self.enc.into()).encrypt_block((&mut block).into());
        block
    }

    fn enciphered(&self, first: u8, data: &[u8]) -> Vec<u8> {
        let mut data = padded(data, 16);
        aes_cbc(&self.enc, self.iv(first), &mut data);
        data
    }

    fn decipher(&self, first: u8, data: &mut Vec<u8>) {
        let mut previous = self.iv(first);
        for block in data.chunks_mut(16) {
            let enciphered: [u8; 16] = block.try_into().unwrap();
            let mut plain = enciphered;
            Aes128::new(&self.enc.into()).decrypt_block((&mut plain).into());
            block.iter_mut().zip(plain).zip(previous).for_each(|((to, plain), iv)| *to = plain ^ iv);
            previous = enciphered;
        }
        while data.pop().unwrap() == 0 {}
    }
}

impl Scp02 {
    fn cryptogram(&self, data: &[u8]) -> [u8; 8] {
        let mut data = padded(data, 8);
        des_cbc(&self.enc, &mut data);
        data[data.len() - 8..].try_into().unwrap()
    }
}

/// A command of an enterprise's application by radio under line protection, triple DES (specification 4.6).
pub fn protected(sim: &mut Sim, key: &[u8; 16], header: [u8; 4], data: &[u8], enciphered: bool) -> Vec<u8> {
    let challenge = sim.radio(&hex!("0084000004"));
    let mut initial = [0; 8];
    initial[..4].copy_from_slice(&challenge[..4]);
    let mut body = data.to_vec();
    if enciphered {
        body.insert(0, data.len() as u8);
        if !body.len().is_multiple_of(8) {
            body = padded(&body, 8);
        }
        body.chunks_mut(8).for_each(|block| des_cbc(key, block));
    }
    let length = body.len() as u8 + 4;
    let mac = retail(key, initial, &padded(&[&header[..], &[length], &body].concat(), 8));
    [&header[..], &[length], &body, &mac[..4]].concat()
}

pub fn aes_check_value(key: &[u8; 16]) -> [u8; 3] {
    let mut block = [1; 16];
    Aes128::new(key.into()).encrypt_block((&mut block).into());
    [block[0], block[1], block[2]]
}

pub fn sm4_check_value(key: &[u8; 16]) -> [u8; 3] {
    let mut block = [0; 16];
    Sm4::new(key.into()).encrypt_block((&mut block).into());
    [block[0], block[1], block[2]]
}

pub fn des_check_value(key: &[u8; 16]) -> [u8; 3] {
    let mut block = [0; 8];
    des_cbc(key, &mut block);
    [block[0], block[1], block[2]]
}

fn cmac(key: &[u8; 16], data: &[u8]) -> [u8; 16] {
    let mut mac = Cmac::<Aes128Enc>::new(key.into());
    mac.update(data);
    mac.finalize().into_bytes().0
}

fn derive(key: &[u8; 16], constant: u8, length: usize, context: &[u8]) -> Vec<u8> {
    let [high, low] = (length as u16 * 8).to_be_bytes();
    let label = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, constant, 0, high, low, 1];
    cmac(key, &[&label, context].concat())[..length].to_vec()
}

fn padded(data: &[u8], block: usize) -> Vec<u8> {
    let mut data = [data, &[0x80]].concat();
    data.resize(data.len().next_multiple_of(block), 0);
    data
}

fn aes_cbc(key: &[u8; 16], mut previous: [u8; 16], data: &mut [u8]) {
    for block in data.chunks_mut(16) {
        block.iter_mut().zip(previous).for_each(|(to, iv)| *to ^= iv);
        let block: &mut [u8; 16] = block.try_into().unwrap();
        Aes128::new(key.into()).encrypt_block(block.into());
        previous = *block;
    }
}

fn des_cbc(key: &[u8; 16], data: &mut [u8]) {
    let mut previous = [0; 8];
    for block in data.chunks_mut(8) {
        block.iter_mut().zip(previous).for_each(|(to, iv)| *to ^= iv);
        let block: &mut [u8; 8] = block.try_into().unwrap();
        TdesEde2::new(key.into()).encrypt_block(block.into());
        previous = *block;
    }
}

fn retail(key: &[u8; 16], mut value: [u8; 8], data: &[u8]) -> [u8; 8] {
    let (left, right) = (Des::new(&half(key, 0).into()), Des::new(&half(key, 8).into()));
    for block in data.chunks(8) {
        value.iter_mut().zip(block).for_each(|(to, byte)| *to ^= byte);
        left.encrypt_block((&mut value).into());
    }
    right.decrypt_block((&mut value).into());
    left.encrypt_block((&mut value).into());
    value
}

fn half(key: &[u8; 16], at: usize) -> [u8; 8] {
    key[at..at + 8].try_into().unwrap()
}
