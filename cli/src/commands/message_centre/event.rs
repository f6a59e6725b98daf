//! What is told while messages pass: a line each.

use std::fmt;

use onecard_simulator::message_centre::traffic::{Counts, Happening, What};
use serde::Serialize;

/// Something passed.
#[derive(Serialize, Default)]
pub(super) struct Event {
    event: &'static str,
    #[serde(skip)]
    chinese: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phones: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    everybody: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platforms: Option<Vec<String>>,
}

/// The last line.
#[derive(Serialize)]
pub(super) struct Ended {
    event: &'static str,
    taken: u64,
    throttled: u64,
    refused: u64,
    delivered: u64,
    not_reached: u64,
    given_up: u64,
    expired: u64,
    reports: u64,
    sent_by_cards: u64,
    acknowledged: u64,
    lost: u64,
    repeated: u64,
}

impl Event {
    pub(super) fn listening(address: &str, phones: usize, everybody: bool) -> Self {
        Self {
            event: "listening",
            chinese: "监听",
            address: Some(address.to_owned()),
            phones: Some(phones),
            everybody: Some(everybody),
            ..Self::default()
        }
    }

    pub(super) fn bound(platforms: &[String]) -> Self {
        Self { event: "bound", chinese: "已绑定平台", platforms: Some(platforms.to_vec()), ..Self::default() }
    }

    pub(super) fn of(happening: &Happening) -> Self {
        let (event, chinese) = match happening.what {
            What::Taken { .. } => ("taken", "接收"),
            What::Throttled => ("throttled", "限流"),
            What::Lost => ("lost", "丢失"),
            What::Repeated => ("repeated", "重复"),
            What::Delivered { .. } => ("delivered", "送达"),
            What::NotReached { .. } => ("not reached", "未送达"),
            What::GivenUp { .. } => ("given up", "放弃"),
            What::Expired { .. } => ("expired", "过期"),
            What::Sent { .. } => ("sent by card", "卡上行"),
        };
        let (id, to, bytes) = match &happening.what {
            What::Taken { id, length } => (Some(*id), None, Some(*length)),
            What::Delivered { id, report } => (Some(*id), None, Some(*report)),
            What::NotReached { id } | What::GivenUp { id } | What::Expired { id } => (Some(*id), None, None),
            What::Sent { to, length } => (None, Some(to.to_string()), Some(*length)),
            What::Throttled | What::Lost | What::Repeated => (None, None, None),
        };
        Self {
            event,
            chinese,
            at_ms: Some(happening.at.as_millis()),
            phone: Some(happening.phone.to_string()),
            message_id: id.map(|id| id.to_string()),
            to,
            bytes,
            ..Self::default()
        }
    }
}

impl Ended {
    pub(super) const fn of(counts: Counts) -> Self {
        let Counts { taken, throttled, refused, delivered, not_reached, given_up, .. } = counts;
        let Counts { expired, reports, sent_by_cards, acknowledged, lost, repeated, .. } = counts;
        Self {
            event: "ended",
            taken,
            throttled,
            refused,
            delivered,
            not_reached,
            given_up,
            expired,
            reports,
            sent_by_cards,
            acknowledged,
            lost,
            repeated,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, chinese, .. } = self;
        if let (Some(address), Some(phones)) = (&self.address, self.phones) {
            write!(f, "Listening at {address} for SMPP 3.4, phones: {phones} 短信中心已启动，手机数 {phones}")?;
            let open = self.everybody == Some(true);
            return if open {
                f.write_str("\nEverybody is let in: name --system-id. 未设帐号，任何平台均可接入。")
            } else {
                Ok(())
            };
        }
        if let Some(platforms) = &self.platforms {
            return match platforms.as_slice() {
                [] => f.write_str("No platform is bound 无平台接入"),
                names => write!(f, "Bound 平台接入: {}", names.join(", ")),
            };
        }
        let seconds = self.at_ms.unwrap_or_default();
        let phone = self.phone.as_deref().unwrap_or_default();
        write!(f, "{:>6}.{:03}  {phone:<16}  {event} {chinese}", seconds / 1_000, seconds % 1_000)?;
        self.message_id.iter().try_for_each(|id| write!(f, "  {id}"))?;
        self.to.iter().try_for_each(|to| write!(f, "  to {to}"))?;
        match (*event, self.bytes) {
            ("delivered", Some(0)) => f.write_str("  no report 无报告"),
            ("delivered", Some(bytes)) => write!(f, "  report of {bytes} bytes 报告{bytes}字节"),
            (_, Some(bytes)) => write!(f, "  {bytes} bytes"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taken, throttled, refused, delivered, not_reached, given_up, .. } = self;
        let Self { expired, reports, sent_by_cards, acknowledged, lost, repeated, .. } = self;
        writeln!(f, "Ended 已结束")?;
        writeln!(f, "  from platforms 下行: {taken} taken, {throttled} throttled, {refused} refused")?;
        writeln!(
            f,
            "  at cards 到卡: {delivered} delivered, {not_reached} tries in vain, {given_up} given up, {expired} expired"
        )?;
        writeln!(
            f,
            "  from cards 上行: {reports} reports, {sent_by_cards} messages; {acknowledged} acknowledged by platforms"
        )?;
        write!(f, "  on the way 途中: {lost} lost, {repeated} repeated")
    }
}
