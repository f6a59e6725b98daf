//! A phone that fetches, answers as told, and writes down what it shows. Its reading of commands is its own.

use crate::sim::Sim;

/// Everything the menu can use.
pub const ALL: [u8; 20] = [0xFF; 20];

/// A fetched command, taken apart.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub bytes: Vec<u8>,
    pub number: u8,
    pub kind: u8,
    pub qualifier: u8,
    pub objects: Vec<(u8, Vec<u8>)>,
}

impl Fetched {
    fn parse(bytes: &[u8]) -> Self {
        assert_eq!(bytes[0], 0xD0);
        let (length, body) =
            if bytes[1] == 0x81 { (bytes[2] as usize, &bytes[3..]) } else { (bytes[1] as usize, &bytes[2..]) };
        assert!(bytes[1] < 0x80 || bytes[1] == 0x81 && bytes[2] >= 0x80, "the shortest form of a length");
        assert_eq!(length, body.len());
        let objects = objects(body);
        let ((0x81, details), (0x82, devices)) = (&objects[0], &objects[1]) else { panic!("{bytes:02X?}") };
        assert_eq!(devices[0], 0x81);
        let to = match details[1] {
            0x13 => 0x83,
            0x21 => 0x02,
            _ => 0x82,
        };
        assert_eq!(devices[1], to, "{bytes:02X?}");
        Self { bytes: bytes.to_vec(), number: details[0], kind: details[1], qualifier: details[2], objects }
    }

    pub fn value(&self, tag: u8) -> &[u8] {
        &self.objects.iter().find(|(found, _)| found & 0x7F == tag).unwrap_or_else(|| panic!("{tag:02X}")).1
    }

    pub fn has(&self, tag: u8) -> bool {
        self.objects.iter().any(|(found, _)| found & 0x7F == tag)
    }

    /// One line: what a person would see.
    pub fn line(&self) -> String {
        match self.kind {
            0x21 => format!("[{}]", string(self.value(0x0D)).replace('\n', " / ")),
            0x23 => format!(
                "{} {}{:?}",
                string(self.value(0x0D)),
                if self.qualifier & 0x04 == 0 { "" } else { "hidden " },
                self.value(0x11)
            ),
            0x24 | 0x25 => {
                let items = self.objects.iter().filter(|(tag, _)| tag & 0x7F == 0x0F);
                let items: Vec<String> = items.map(|(_, item)| format!("{}={}", item[0], alpha(&item[1..]))).collect();
                let kind = if self.kind == 0x25 { "menu " } else { "" };
                let preset = if self.has(0x10) { format!(" *{}", self.value(0x10)[0]) } else { String::new() };
                format!("{kind}{}: {}{preset}", alpha(self.value(0x05)), items.join(", "))
            }
            0x13 => format!("sending <{}>", alpha(self.value(0x05))),
            0x26 => format!("local information {:02X}", self.qualifier),
            0x05 => format!("events {:02X?}", self.value(0x19)),
            0x01 => format!("refresh {:02X} {:02X?}", self.qualifier, self.value(0x12)),
            0x27 => format!("timer {} {:02X?}", self.value(0x24)[0], self.value(0x25)),
            other => panic!("{other:02X}"),
        }
    }
}

/// What the user, or the phone, does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Performed; with these objects behind the result.
    Done(Vec<u8>),
    Choose(u8),
    Type(&'static str),
    /// A general result, and what is behind it.
    Result(u8, &'static [u8]),
}

pub const OK: Act = Act::Done(Vec::new());
pub const BACK: Act = Act::Result(0x11, &[]);
pub const CANCEL: Act = Act::Result(0x10, &[]);
pub const HELP: Act = Act::Result(0x13, &[]);
pub const TIME_OUT: Act = Act::Result(0x12, &[]);

pub struct Phone {
    pub sim: Sim,
    pub date: [u8; 7],
    pub language: [u8; 2],
    /// Every command fetched.
    pub lines: Vec<String>,
    status: [u8; 2],
}

impl Phone {
    /// Sends TERMINAL PROFILE and serves what needs no person.
    pub fn boot(sim: Sim, profile: &[u8], language: [u8; 2]) -> Self {
        let mut phone = Self::off(sim, language);
        phone.profile(profile);
        phone.serve();
        phone
    }

    /// Before TERMINAL PROFILE. It is 2026-11-29.
    pub fn off(sim: Sim, language: [u8; 2]) -> Self {
        let date = [0x62, 0x11, 0x92, 0x70, 0x00, 0x00, 0x23];
        Self { sim, date, language, lines: Vec::new(), status: [0x90, 0x00] }
    }

    pub fn profile(&mut self, profile: &[u8]) -> [u8; 2] {
        self.send(&[&[0x80, 0x10, 0, 0, profile.len() as u8][..], profile].concat())
    }

    /// Sends a command without answer data.
    pub fn send(&mut self, command: &[u8]) -> [u8; 2] {
        let answer = self.sim.send(command);
        self.status = answer[answer.len() - 2..].try_into().unwrap();
        self.status
    }

    pub fn envelope(&mut self, bytes: &[u8]) -> [u8; 2] {
        self.send(&[&[0x80, 0xC2, 0, 0, bytes.len() as u8][..], bytes].concat())
    }

    /// Opens the One Card menu.
    pub fn open(&mut self) -> Fetched {
        assert_eq!(self.envelope(&[0xD3, 0x07, 0x82, 0x02, 0x01, 0x81, 0x90, 0x01, 0x01])[0], 0x91);
        self.serve().expect("the menu")
    }

    /// The command that 91xx announced, if one is.
    pub fn fetch(&mut self) -> Option<Fetched> {
        if self.status[0] != 0x91 {
            return None;
        }
        let answer = self.sim.send(&[0x80, 0x12, 0, 0, self.status[1]]);
        let (bytes, status) = answer.split_at(answer.len() - 2);
        assert_eq!(status, [0x90, 0x00], "FETCH");
        assert_eq!(bytes.len() as u8, self.status[1]);
        let fetched = Fetched::parse(bytes);
        self.lines.push(fetched.line());
        Some(fetched)
    }

    pub fn respond(&mut self, to: &Fetched, act: &Act) -> [u8; 2] {
        let (result, behind, objects) = match act {
            Act::Done(objects) => (0x00, &[][..], objects.clone()),
            Act::Choose(item) => (0x00, &[][..], vec![0x90, 0x01, *item]),
            Act::Type(text) => (0x00, &[][..], [&[0x8D, text.len() as u8 + 1, 0x04][..], text.as_bytes()].concat()),
            Act::Result(result, behind) => (*result, *behind, Vec::new()),
        };
        let details = [0x81, 0x03, to.number, to.kind, to.qualifier, 0x82, 0x02, 0x82, 0x81];
        let result = [&[0x83, behind.len() as u8 + 1, result][..], behind].concat();
        let data = [&details[..], &result, &objects].concat();
        self.send(&[&[0x80, 0x14, 0, 0, data.len() as u8][..], &data].concat())
    }

    /// Answers what needs no person until something is shown or nothing is left.
    pub fn serve(&mut self) -> Option<Fetched> {
        while let Some(fetched) = self.fetch() {
            let act = match (fetched.kind, fetched.qualifier) {
                (0x26, 0x04) => Act::Done([&[0xAD, 0x02][..], &self.language].concat()),
                (0x26, 0x03) => Act::Done([&[0xA6, 0x07][..], &self.date].concat()),
                (0x01 | 0x25 | 0x05 | 0x27, _) => OK,
                _ => return Some(fetched),
            };
            self.respond(&fetched, &act);
        }
        None
    }

    /// Opens the menu and acts; returns what is shown after each, the last being nothing if the dialogue ended.
    pub fn walk(&mut self, acts: &[Act]) -> Vec<String> {
        let mut shown = self.open();
        let mut lines = vec![shown.line()];
        for (at, act) in acts.iter().enumerate() {
            self.respond(&shown, act);
            match self.serve() {
                Some(next) => shown = next,
                None => {
                    assert_eq!(at + 1, acts.len(), "the dialogue ended early: {lines:#?}");
                    lines.push("-".to_owned());
                    return lines;
                }
            }
            lines.push(shown.line());
        }
        // Whatever is shown, the user can leave.
        self.respond(&shown, &CANCEL);
        assert!(self.serve().is_none());
        lines
    }
}

/// COMPREHENSION-TLVs.
pub fn objects(mut rest: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [tag, length, behind @ ..] = rest {
        let (length, behind) = if *length == 0x81 { (behind[0], &behind[1..]) } else { (*length, behind) };
        found.push((*tag, behind[..length as usize].to_vec()));
        rest = &behind[length as usize..];
    }
    assert!(rest.is_empty());
    found
}

fn string(value: &[u8]) -> String {
    match value[0] {
        0x04 => ascii(&value[1..]),
        0x08 => ucs2(&value[1..]),
        other => panic!("coding {other:02X}"),
    }
}

fn alpha(value: &[u8]) -> String {
    if value.first() == Some(&0x80) { ucs2(&value[1..]) } else { ascii(value) }
}

fn ucs2(bytes: &[u8]) -> String {
    assert!(bytes.len().is_multiple_of(2));
    let units: Vec<u16> = bytes.chunks(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect();
    String::from_utf16(&units).unwrap()
}

/// The default alphabet where it is ASCII's.
fn ascii(bytes: &[u8]) -> String {
    assert!(bytes.iter().all(|byte| *byte == 0x0A || (0x20..0x7B).contains(byte) && !b"$@[\\]^_`".contains(byte)));
    String::from_utf8(bytes.to_vec()).unwrap()
}
