//! `onecard ota send`.

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use anyhow::bail;
use clap::Args;
use onecard_gateway::{
    carrier::{Carrier, Delivery, Event, ShortMessage, Ticket},
    smpp::{link::Link, session::Ended},
};
use onecard_host::over_the_air::{
    Answer, ProofWhen,
    message::{Address, Assembly, PacketKind, UserData},
};
use onecard_wire::smpp::CommandStatus;
use serde::Serialize;

use super::{
    decode::Decoded,
    fields::{Row, user_data_row},
    packet::{Made, PacketOptions},
};
use crate::{
    centre_link::CentreLink,
    output::{Exit, Output},
};

/// How long at once the link is waited at.
const LOOK: Duration = Duration::from_millis(100);

/// Options of `ota send`.
#[derive(Args, Debug)]
pub(crate) struct Send {
    #[command(flatten)]
    packet: PacketOptions,
    /// The phone's number.
    #[arg(long, value_name = "NUMBER")]
    to: Address,
    /// How long the proof is waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    within: u64,
    #[command(flatten)]
    link: CentreLink,
}

/// What became of it.
#[derive(Serialize)]
#[serde(untagged)]
enum Sent {
    Answered(Decoded),
    /// The centre has taken it, and no proof was asked for, or none came.
    Unanswered {
        messages: usize,
        message_ids: Vec<String>,
        proof_asked: bool,
        waited_seconds: u64,
    },
}

/// Sends it.
pub(super) fn run(options: &Send) -> anyhow::Result<Output> {
    let made = options.packet.make()?;
    let link = options.link.open(|_| ())?;
    let asked = made.packet.terms.spi.proof.when != ProofWhen::Never;
    let mut sending = Sending::new(options, &made, link);
    let answer = sending.until_answered(asked)?;
    let Sending { link, message_ids, .. } = sending;
    // What comes on the way out stays with the centre.
    let _ = link.close();
    let (exit, sent) = match answer {
        Some((answer, fields)) => {
            let decoded = Decoded::of(&made.script, &answer, fields);
            (if decoded.proven { Exit::Done } else { Exit::Found }, Sent::Answered(decoded))
        }
        None => {
            let messages = made.parts.len();
            let sent = Sent::Unanswered { messages, message_ids, proof_asked: asked, waited_seconds: options.within };
            (if asked { Exit::Unknown } else { Exit::Done }, sent)
        }
    };
    Output::new("onecard.ota-send/1", exit, &sent)
}

/// A packet on its way.
struct Sending<'s> {
    options: &'s Send,
    made: &'s Made,
    link: Link,
    /// Parts that are to go, by their place.
    waiting: VecDeque<usize>,
    message_ids: Vec<String>,
    /// Of an answer in parts, and what is acknowledged when it is whole.
    assembly: Option<Assembly>,
    deliveries: Vec<Delivery>,
    fields: Vec<Row>,
    /// What proves nothing and may be the last word.
    hint: Option<(Answer, Vec<Row>)>,
}

impl<'s> Sending<'s> {
    fn new(options: &'s Send, made: &'s Made, link: Link) -> Self {
        Self {
            options,
            made,
            link,
            waiting: (0..made.parts.len()).collect(),
            message_ids: Vec::new(),
            assembly: None,
            deliveries: Vec::new(),
            fields: Vec::new(),
            hint: None,
        }
    }

    /// What was proven; or a hint, if nothing else came; or nothing.
    fn until_answered(&mut self, asked: bool) -> anyhow::Result<Option<(Answer, Vec<Row>)>> {
        let deadline = Instant::now() + Duration::from_secs(self.options.within);
        while Instant::now() < deadline {
            self.submit();
            for event in self.link.events() {
                if let Some(answer) = self.heard(event)? {
                    return Ok(Some(answer));
                }
            }
            if let Some(refused @ Ended::BindRefused(_)) = self.link.problem() {
                bail!("{}: {refused} 短信中心拒绝登录", self.options.link.centre);
            }
            if !asked && self.message_ids.len() == self.made.parts.len() {
                return Ok(None);
            }
            self.link.wait(LOOK);
        }
        if self.hint.is_none() && self.link.binds() == 0 {
            let why = self.link.problem().map(ToString::to_string).unwrap_or_default();
            bail!(
                "{} was not reached in {} s, nothing was sent 未能连接短信中心: {why}",
                self.options.link.centre,
                self.options.within
            );
        }
        Ok(self.hint.take())
    }

    fn submit(&mut self) {
        let within = Duration::from_secs(self.options.within);
        while let Some(place) = self.waiting.front().copied() {
            let Some(part) = self.made.parts.get(place) else { return };
            let message = ShortMessage { phone: self.options.to.clone(), user_data: part.to_bytes() };
            if self.link.room() == 0 || self.link.submit(Ticket(place as u64), &message, within).is_err() {
                return;
            }
            self.waiting.pop_front();
        }
    }

    fn heard(&mut self, event: Event) -> anyhow::Result<Option<(Answer, Vec<Row>)>> {
        match event {
            Event::Accepted { message_id, .. } => self.message_ids.push(message_id),
            // Byte for byte: the card takes it once.
            Event::Throttled { ticket } | Event::Unanswered { ticket } => self.waiting.push_back(ticket.0 as usize),
            Event::Refused { status, .. } => {
                bail!("the message centre does not take it 短信中心拒绝: {}", CommandStatus(status));
            }
            Event::Receipt { .. } => {}
            Event::Received { message, delivery } => return Ok(self.received(&message, delivery)),
        }
        Ok(None)
    }

    /// What is for others, or for other packets, is not acknowledged: the centre keeps it.
    fn received(&mut self, message: &ShortMessage, delivery: Delivery) -> Option<(Answer, Vec<Row>)> {
        let part = UserData::parse(&message.user_data).ok().filter(|_| message.phone == self.options.to)?;
        let row = user_data_row(&part);
        let packet = if part.concatenation.is_none() {
            Some((part.packet?, part.body))
        } else {
            let goes_on = self.assembly.as_mut().is_some_and(|assembly| assembly.add(part.clone()).is_ok());
            if !goes_on {
                self.assembly = Assembly::begin(part);
                self.deliveries.clear();
                self.fields.clear();
            }
            self.assembly.as_ref().and_then(Assembly::packet)
        };
        self.deliveries.push(delivery);
        self.fields.push(row);
        let (kind, packet) = packet?;
        let answer =
            (kind == PacketKind::Response).then(|| Answer::read(&self.made.keys, &self.made.packet.terms, &packet));
        let (fields, deliveries) = (std::mem::take(&mut self.fields), std::mem::take(&mut self.deliveries));
        let answer = answer?.ok()?;
        deliveries.into_iter().for_each(|delivery| self.link.acknowledge(delivery));
        // Written before anything ends.
        self.link.room();
        if matches!(answer, Answer::Proven(_)) {
            return Some((answer, fields));
        }
        self.hint = Some((answer, fields));
        None
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(decoded) => decoded.fmt(f),
            Self::Unanswered { messages, message_ids, proof_asked: false, .. } => {
                writeln!(
                    f,
                    "Sent; no proof was asked for 已发送，未要求响应: {} of {messages} messages taken",
                    message_ids.len()
                )
            }
            Self::Unanswered { messages, message_ids, waited_seconds, .. } => {
                writeln!(
                    f,
                    "Unknown 结果未知: no proof came in {waited_seconds} s, {} of {messages} messages taken.",
                    message_ids.len()
                )?;
                f.write_str(
                    "The card may have done it: send the same packet again, with the same counter 请以同一计数器重发\n",
                )
            }
        }
    }
}
