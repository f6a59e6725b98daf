//! Commands in a packet, in either format, executed one after the other (ETSI TS 102 226 clauses 5.2, 5.3).

use heapless::Vec;
use onecard_wire::{
    ins::{GET_RESPONSE, SELECT},
    layout::Reader,
    ota::script::{
        BAD_FORMAT, C_APDU, CHAINING, COMMANDS, COMMANDS_INDEFINITE, EXECUTED, INDEFINITE, R_APDU, RESPONSES,
        RESPONSES_INDEFINITE, bad_format, chaining,
    },
    status::{MORE_2G, MORE_BYTES, StatusWord},
    uicc::CLA_2G,
};

use super::proof::ProofData;
use crate::{
    apdu::{Command, Response},
    nvm::PowerLost,
};

/// CLA INS P1 P2 P3.
const COMPACT_HEADER_LEN: usize = 5;
/// The shortest answer of a command in the expanded format; behind every answer there is room for one more.
const R_APDU_MIN: usize = 4;

/// Who executes the commands.
pub(crate) trait Commands {
    /// Executes the command of that number in the packet; `answer`, empty before, becomes its data.
    fn execute(&mut self, number: u8, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, PowerLost>;

    /// Whether P3 of a command in the compact format counts data.
    fn carries_data(&self, cla: u8, ins: u8) -> bool;
}

/// What became of a script.
pub(crate) struct Outcome {
    pub(crate) answers: ProofData,
    /// Every command was executed, and none stopped it.
    pub(crate) to_the_end: bool,
}

/// Where a script stands in a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Chaining {
    First,
    FirstKept,
    Further,
    Last,
}

/// Whether data are in the expanded format.
pub(crate) const fn is_expanded(data: &[u8]) -> bool {
    matches!(data, [COMMANDS | COMMANDS_INDEFINITE, ..])
}

/// How an expanded script is chained; `None` if it is not.
pub(crate) fn chaining_of(data: &[u8]) -> Option<Chaining> {
    let mut reader = Reader::new(data);
    let indefinite = reader.u8()? == COMMANDS_INDEFINITE;
    if indefinite {
        reader.u8()?;
    } else {
        length(&mut reader).ok()?;
    }
    match reader.array()? {
        [CHAINING, 1, chaining::FIRST] => Some(Chaining::First),
        [CHAINING, 1, chaining::FIRST_KEPT] => Some(Chaining::FirstKept),
        [CHAINING, 1, chaining::FURTHER] => Some(Chaining::Further),
        [CHAINING, 1, chaining::LAST] => Some(Chaining::Last),
        _ => None,
    }
}

/// Whether a script goes on behind a status word. A blocked application is selected, for APPLICATION UNBLOCK comes behind it.
const fn goes_on(ins: u8, status: StatusWord) -> bool {
    let found_blocked = ins == SELECT && status.0 == StatusWord::FUNCTION_NOT_SUPPORTED.0;
    status.is_ok() || found_blocked || matches!(status.0 >> 8, 0x91 | 0x9F | 0x61 | 0x62 | 0x63)
}

/// Executes a script in the compact format.
///
/// # Errors
/// The power went.
pub(crate) fn compact(mut script: &[u8], room: usize, commands: &mut impl Commands) -> Result<Outcome, PowerLost> {
    let (mut executed, mut status, mut to_the_end) = (0_u8, StatusWord::OK, true);
    let (mut answer, mut waiting) = (Response::new(), None);
    while let Some((taken, rest)) = take_compact(script, commands) {
        executed = executed.saturating_add(1);
        answer.clear();
        let ins = taken.as_ref().map_or(0, |command| command.ins);
        status = match taken {
            Ok(command) if command.ins == GET_RESPONSE => fetch(&command, &mut waiting, &mut answer),
            Ok(command) => {
                waiting = None;
                let status = commands.execute(executed, &command, &mut answer)?;
                let waits = !answer.is_empty() && goes_on(ins, status) && !command.data.is_empty();
                if waits { announce(command.cla, status, &mut answer, &mut waiting) } else { status }
            }
            Err(wrong) => wrong,
        };
        script = rest;
        let fits = 3 + answer.len() <= room;
        if !fits {
            answer.clear();
            status = StatusWord::DATA_LOST;
        }
        if !fits || !goes_on(ins, status) {
            to_the_end = false;
            break;
        }
    }
    let [sw1, sw2] = status.to_bytes();
    let answers = [executed, sw1, sw2].into_iter().chain(answer).collect();
    Ok(Outcome { answers, to_the_end })
}

/// The first command, and what is behind it; 6700 in its place if it is not whole. `None` at the end.
fn take_compact<'s>(script: &'s [u8], commands: &impl Commands) -> Option<(Result<Command<'s>, StatusWord>, &'s [u8])> {
    if script.is_empty() {
        return None;
    }
    let not_whole = (Err(StatusWord::WRONG_LENGTH), &[][..]);
    let Some(([cla, ins, p1, p2, p3], rest)) = script.split_first_chunk::<COMPACT_HEADER_LEN>() else {
        return Some(not_whole);
    };
    let command = |data, le| Command { cla: *cla, ins: *ins, p1: *p1, p2: *p2, data, le };
    if *ins == GET_RESPONSE || !commands.carries_data(*cla, *ins) {
        return Some((Ok(command(&[], Some(*p3))), rest));
    }
    Some(rest.split_at_checked(usize::from(*p3)).map_or(not_whole, |(data, rest)| (Ok(command(data, None)), rest)))
}

/// Data that a command with data of its own answered, for GET RESPONSE.
struct Waiting {
    data: Response,
    status: StatusWord,
}

/// Keeps the answer for GET RESPONSE: 61xx, in class A0 9Fxx.
fn announce(cla: u8, status: StatusWord, answer: &mut Response, waiting: &mut Option<Waiting>) -> StatusWord {
    let word = if cla == CLA_2G { MORE_2G } else { MORE_BYTES };
    let length = answer.len();
    *waiting = Some(Waiting { data: core::mem::take(answer), status });
    more(word, length)
}

/// 256 is written as 00.
const fn more(word: StatusWord, length: usize) -> StatusWord {
    StatusWord(word.0 | (length as u16 & 0xFF))
}

/// GET RESPONSE. In class A0 what is not asked for is lost, else it waits on.
fn fetch(command: &Command<'_>, waiting: &mut Option<Waiting>, answer: &mut Response) -> StatusWord {
    let Some(Waiting { data, status }) = waiting.take().filter(|_| (command.p1, command.p2) == (0, 0)) else {
        return StatusWord::CONDITIONS_NOT_SATISFIED;
    };
    let wanted = match command.le {
        None | Some(0) => data.len(),
        Some(length) => usize::from(length),
    };
    let Some((taken, rest)) = data.split_at_checked(wanted) else {
        return StatusWord::right_length(data.len() as u8);
    };
    answer.extend(taken.iter().copied());
    if rest.is_empty() || command.cla == CLA_2G {
        return status;
    }
    let length = rest.len();
    *waiting = Some(Waiting { data: rest.iter().copied().collect(), status });
    more(MORE_BYTES, length)
}

/// Executes a script in the expanded format, or says why its chain does not go on.
///
/// # Errors
/// The power went.
pub(crate) fn expanded(
    script: &[u8],
    room: usize,
    unchained: Option<u8>,
    commands: &mut impl Commands,
) -> Result<Outcome, PowerLost> {
    let indefinite = script.first() == Some(&COMMANDS_INDEFINITE);
    let mut answers = Answers::new(indefinite, room);
    if let Some(error) = unchained {
        answers.refuse_chaining(error);
        return Ok(Outcome { answers: answers.finish(), to_the_end: false });
    }
    let to_the_end = match template(script, indefinite) {
        Ok(body) => run(body, indefinite, commands, &mut answers)?,
        Err(error) => Err(error),
    };
    if let Err(Stop::BadFormat(error)) = to_the_end {
        answers.bad_format(error);
    }
    Ok(Outcome { to_the_end: to_the_end.is_ok(), answers: answers.finish() })
}

/// Why a script did not come to its end.
enum Stop {
    BadFormat(u8),
    Status,
}

/// What is in the template: of definite length just that; else all of the rest, the end of contents too.
fn template(script: &[u8], indefinite: bool) -> Result<&[u8], Stop> {
    let mut reader = Reader::new(script);
    reader.u8();
    if indefinite {
        return match reader.u8() {
            Some(INDEFINITE) => Ok(reader.rest()),
            Some(_) => Err(Stop::BadFormat(bad_format::WRONG_LENGTH)),
            None => Err(Stop::BadFormat(bad_format::LENGTH_MISSING)),
        };
    }
    let length = length(&mut reader)?;
    if length == reader.rest().len() { Ok(reader.rest()) } else { Err(Stop::BadFormat(bad_format::WRONG_LENGTH)) }
}

fn run(
    body: &[u8],
    indefinite: bool,
    commands: &mut impl Commands,
    answers: &mut Answers,
) -> Result<Result<(), Stop>, PowerLost> {
    let mut rest = if chained(body) { body.get(3..).unwrap_or_default() } else { body };
    let mut answer = Response::new();
    loop {
        let command = match take_expanded(rest, indefinite) {
            Ok(Some((command, behind))) => {
                rest = behind;
                command
            }
            Ok(None) => return Ok(Ok(())),
            Err(stop) => return Ok(Err(stop)),
        };
        answer.clear();
        let number = answers.executed.saturating_add(1);
        let status = execute_whole(number, command, commands, &mut answer)?;
        let goes_on = goes_on(command.get(1).copied().unwrap_or_default(), status);
        let ends = !goes_on || rest.is_empty() || (indefinite && rest == [0, 0]);
        if !answers.put(&answer, status, ends) || !goes_on {
            return Ok(Err(Stop::Status));
        }
    }
}

const fn chained(body: &[u8]) -> bool {
    use chaining::{FIRST, FIRST_KEPT, FURTHER, LAST};
    matches!(body, [CHAINING, 1, FIRST | FIRST_KEPT | FURTHER | LAST, ..])
}

/// The first command, and what is behind it; `None` at the end.
#[expect(clippy::type_complexity, reason = "a command and the rest, the end, or what is wrong")]
fn take_expanded(body: &[u8], indefinite: bool) -> Result<Option<(&[u8], &[u8])>, Stop> {
    match body {
        [] if !indefinite => return Ok(None),
        [0, 0] if indefinite => return Ok(None),
        [C_APDU, ..] => {}
        [] | [0] | [0, 0, ..] if indefinite => return Err(Stop::BadFormat(bad_format::WRONG_LENGTH)),
        _ => return Err(Stop::BadFormat(bad_format::UNKNOWN_TAG)),
    }
    let mut reader = Reader::new(body);
    reader.u8();
    let length = length(&mut reader)?;
    let command = reader.slice(length).ok_or(Stop::BadFormat(bad_format::WRONG_LENGTH))?;
    Ok(Some((command, reader.rest())))
}

/// Executes an APDU; one whose Le was wrong, once more with the right one.
fn execute_whole(
    number: u8,
    apdu: &[u8],
    commands: &mut impl Commands,
    answer: &mut Response,
) -> Result<StatusWord, PowerLost> {
    let command = match Command::parse_short(apdu) {
        Ok(command) => command,
        Err(wrong) => return Ok(wrong),
    };
    let status = commands.execute(number, &command, answer)?;
    let [sw1, right] = status.to_bytes();
    if sw1 != 0x6C {
        return Ok(status);
    }
    answer.clear();
    commands.execute(number, &Command { le: Some(right), ..command }, answer)
}

/// A length in up to three bytes.
fn length(reader: &mut Reader<'_>) -> Result<usize, Stop> {
    match reader.u8() {
        None => Err(Stop::BadFormat(bad_format::LENGTH_MISSING)),
        Some(short @ ..=0x7F) => Ok(usize::from(short)),
        Some(0x81) => reader.u8().map(usize::from).ok_or(Stop::BadFormat(bad_format::LENGTH_MISSING)),
        Some(0x82) => reader.u16().map(usize::from).ok_or(Stop::BadFormat(bad_format::LENGTH_MISSING)),
        Some(_) => Err(Stop::BadFormat(bad_format::WRONG_LENGTH)),
    }
}

/// Answers in the expanded format, as far as there is room.
struct Answers {
    indefinite: bool,
    executed: u8,
    chaining: Option<u8>,
    objects: ProofData,
    /// Most bytes of `objects`.
    room: usize,
}

impl Answers {
    fn new(indefinite: bool, room: usize) -> Self {
        let frame = if indefinite { 4 } else { 3 + header_len(room) };
        Self { indefinite, executed: 0, chaining: None, objects: Vec::new(), room: room - frame }
    }

    fn refuse_chaining(&mut self, error: u8) {
        self.chaining = Some(error);
    }

    /// Adds what a command answered. False if the data had no room, or nothing more has any: 62F1 then, without them.
    fn put(&mut self, data: &[u8], status: StatusWord, ends: bool) -> bool {
        self.executed = self.executed.saturating_add(1);
        let length = data.len() + 2;
        let whole = header_len(length) + length;
        let behind = if ends { 0 } else { R_APDU_MIN };
        let fits = self.objects.len() + whole + behind <= self.room;
        let (data, status) = if fits { (data, status) } else { (&[][..], StatusWord::DATA_LOST) };
        put_header(&mut self.objects, R_APDU, data.len() + 2);
        put(&mut self.objects, data);
        put(&mut self.objects, &status.to_bytes());
        fits
    }

    fn bad_format(&mut self, error: u8) {
        put(&mut self.objects, &[BAD_FORMAT, 1, error]);
    }

    fn finish(self) -> ProofData {
        let mut whole = ProofData::new();
        let chaining: &[u8] = &self.chaining.map_or([0; 3], |error| [CHAINING, 1, error]);
        let chaining = if self.chaining.is_some() { chaining } else { &[] };
        if self.indefinite {
            put(&mut whole, &[RESPONSES_INDEFINITE, INDEFINITE]);
            put(&mut whole, chaining);
            put(&mut whole, &self.objects);
            put(&mut whole, &[0, 0]);
        } else {
            put_header(&mut whole, RESPONSES, chaining.len() + 3 + self.objects.len());
            put(&mut whole, chaining);
            put(&mut whole, &[EXECUTED, 1, self.executed]);
            put(&mut whole, &self.objects);
        }
        whole
    }
}

/// Length of a tag and a length.
const fn header_len(length: usize) -> usize {
    match length {
        ..0x80 => 2,
        0x80..0x100 => 3,
        _ => 4,
    }
}

fn put_header(into: &mut ProofData, tag: u8, length: usize) {
    let [high, low] = (length as u16).to_be_bytes();
    match header_len(length) {
        2 => put(into, &[tag, low]),
        3 => put(into, &[tag, 0x81, low]),
        _ => put(into, &[tag, 0x82, high, low]),
    }
}

/// There is room: every answer is measured before it comes here.
fn put(into: &mut ProofData, bytes: &[u8]) {
    let _ = into.extend_from_slice(bytes);
}
