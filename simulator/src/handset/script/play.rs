//! Playing steps.

use super::{
    Counter,
    step::{self, Choice, Expectation, Step},
};
use crate::handset::{Handset, HandsetError, screen::Screen, short_message::Sent, socket::Socket};

/// A step that was played.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Played {
    /// Line of the script, from 1.
    pub line: usize,
    /// What stands there; what was typed into a hidden input is dots.
    pub step: String,
    /// What the phone, or the terminal beside it, shows now; `None` for a step that only looked.
    pub shown: Option<String>,
}

pub(super) struct Player<'p, S> {
    handset: &'p mut Handset<S>,
    counter: &'p mut dyn Counter,
    /// Messages, reports and complaints that a step has looked at.
    messages: usize,
    reports: usize,
    complaints: usize,
    tapped: String,
}

impl<'p, S: Socket> Player<'p, S> {
    pub(super) fn new(handset: &'p mut Handset<S>, counter: &'p mut dyn Counter) -> Self {
        let (messages, reports) = (handset.sent().len(), handset.reports().len());
        let complaints = handset.complaints().len();
        Self { handset, counter, messages, reports, complaints, tapped: String::new() }
    }

    pub(super) fn play(&mut self, line: usize, text: &str, step: &Step) -> Result<Played, String> {
        if let Step::Expect(expectation) = step {
            if !matches!(expectation, Expectation::Complaint(_)) {
                self.finish()?;
            }
            self.check(expectation)?;
            return Ok(Played { line, step: text.to_owned(), shown: None });
        }
        self.finish()?;
        if let Step::Tap(order) = step {
            self.tapped = self.counter.tap(order)?;
            return Ok(Played { line, step: text.to_owned(), shown: Some(self.tapped.clone()) });
        }
        self.act(step).map_err(|error| error.to_string())?;
        Ok(Played { line, step: text.to_owned(), shown: Some(self.shown()) })
    }

    /// The step as it may be told: dots for what is typed where nothing shows that it may be seen.
    pub(super) fn told(&self, text: &str, step: &Step) -> String {
        let secret = match (step, self.handset.screen()) {
            (Step::Pin(_), _) => true,
            (Step::Type(_), Screen::Input(input)) => input.hidden,
            (Step::Type(_), screen) => !matches!(screen, Screen::Key(_)),
            _ => false,
        };
        if secret { step::dots(text) } else { text.to_owned() }
    }

    /// That nothing happened which no step expected.
    pub(super) fn finish(&self) -> Result<(), String> {
        match self.handset.complaints().get(self.complaints) {
            Some(complaint) => Err(format!("the card did what it must not: {complaint}")),
            None => Ok(()),
        }
    }

    /// What is on the screen, and what was shown in passing before it.
    pub(super) fn shown(&self) -> String {
        let screen = self.handset.screen().to_string();
        let shown = self.handset.notices().iter().map(String::as_str).chain([screen.as_str()]);
        shown.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }

    fn act(&mut self, step: &Step) -> Result<(), HandsetError> {
        let handset = &mut *self.handset;
        match step {
            Step::Boot => handset.boot()?,
            Step::Off => handset.power_off(),
            Step::Menu => handset.open_menu()?,
            Step::Choose(Choice::Text(text)) => handset.choose(text)?,
            Step::Choose(Choice::Number(number)) => handset.choose_number(*number)?,
            Step::Type(text) => handset.type_text(text)?,
            Step::Ok => handset.ok()?,
            Step::Back => handset.back()?,
            Step::Cancel => handset.cancel()?,
            Step::Help(number) => handset.help(*number)?,
            Step::TimeOut => handset.time_out()?,
            Step::Wait(time) => handset.wait(*time)?,
            Step::Answer(answer) => handset.answer(answer)?,
            Step::Next(kind, answer) => handset.answer_next(*kind, answer.clone()),
            Step::Receive { service_centre, tpdu } => handset.receive(service_centre, tpdu)?,
            Step::Language(language) => handset.set_language(language)?,
            Step::Profile(profile) => handset.settings_mut().profile = profile.clone(),
            Step::Date(start) => handset.settings_mut().start = Some(*start),
            Step::Pin(pin) => handset.settings_mut().pin = Some(pin.clone()),
            Step::Busy(busy) => handset.settings_mut().busy = *busy,
            Step::Network(network) => handset.settings_mut().network = *network,
            Step::MessageError(cause) => handset.settings_mut().message_error = *cause,
            Step::Tap(_) | Step::Expect(_) => {}
        }
        Ok(())
    }

    fn check(&mut self, expectation: &Expectation) -> Result<(), String> {
        let screen = self.handset.screen();
        let list = screen.list();
        match expectation {
            Expectation::Shown(text) => wanted(self.shown().contains(text), || format!("{text:?} is not shown")),
            Expectation::NotShown(text) => wanted(!self.shown().contains(text), || format!("{text:?} is shown")),
            Expectation::Title(title) => {
                let found = list.and_then(|menu| menu.title.as_ref());
                wanted(found == Some(title), || format!("the title is {found:?} and not {title:?}"))
            }
            Expectation::Items(items) => {
                let found: Vec<_> =
                    list.map(|menu| menu.items.iter().map(|item| item.text.clone()).collect()).unwrap_or_default();
                wanted(found == *items, || {
                    format!("the items are {:?} and not {:?}", found.join(" | "), items.join(" | "))
                })
            }
            Expectation::Input { hidden, digits, min, max } => wanted(
                matches!(&screen, Screen::Input(input)
                    if (input.hidden, input.digits_only, input.min, input.max) == (*hidden, *digits, *min, *max)),
                || format!("{} is shown, and not that input", screen.name()),
            ),
            Expectation::Key(kind) => wanted(matches!(&screen, Screen::Key(key) if key.accepts == *kind), || {
                format!("{} is shown, and not that question", screen.name())
            }),
            Expectation::Idle => wanted(matches!(screen, Screen::Idle(_)), || format!("{} is shown", screen.name())),
            Expectation::Menu => wanted(matches!(screen, Screen::Menu(_)), || format!("{} is shown", screen.name())),
            Expectation::NoMenu => {
                let menu = self.handset.menu_set_up();
                wanted(menu.items.is_empty(), || format!("the card has set up a menu, {:?}", menu.title))
            }
            Expectation::Tap(text) => {
                wanted(self.tapped.contains(text), || format!("the terminal showed {:?}", self.tapped))
            }
            Expectation::Message { .. } | Expectation::NoMessage => self.expect_message(expectation),
            Expectation::Acknowledged | Expectation::NotAcknowledged(_) => self.expect_report(expectation),
            Expectation::Complaint(text) => self.expect_complaint(text),
        }
    }

    fn expect_message(&mut self, expectation: &Expectation) -> Result<(), String> {
        let sent = self.handset.sent().get(self.messages..).unwrap_or_default();
        let Expectation::Message { tar, to, parts } = expectation else {
            return wanted(sent.is_empty(), || format!("a short message was sent: {}", listed(sent)));
        };
        let Some(first) = sent.first() else {
            return Err("no short message was sent".to_owned());
        };
        let right = tar.is_none_or(|tar| first.submit.tar() == Some(tar))
            && to.as_ref().is_none_or(|to| sent.iter().all(|message| message.submit.destination == *to))
            && parts.is_none_or(|parts| parts == sent.len());
        wanted(right, || format!("what was sent is {}", listed(sent)))?;
        self.messages = self.handset.sent().len();
        Ok(())
    }

    fn expect_report(&mut self, expectation: &Expectation) -> Result<(), String> {
        let report = self.handset.reports().get(self.reports).ok_or("the network was told of no short message")?;
        let right = match expectation {
            Expectation::NotAcknowledged(tpdu) => {
                !report.acknowledged && tpdu.as_ref().is_none_or(|tpdu| *tpdu == report.tpdu)
            }
            _ => report.acknowledged,
        };
        let kind = if report.acknowledged { "ack" } else { "error" };
        wanted(right, || format!("the network was told {kind} {:02X?}", report.tpdu))?;
        self.reports += 1;
        Ok(())
    }

    fn expect_complaint(&mut self, text: &str) -> Result<(), String> {
        let complaints = self.handset.complaints().get(self.complaints..).unwrap_or_default();
        let found = complaints.first().map(ToString::to_string);
        wanted(found.as_ref().is_some_and(|found| found.contains(text)), || match &found {
            Some(found) => format!("the complaint is {found:?}"),
            None => "there is nothing to complain of".to_owned(),
        })?;
        self.complaints += 1;
        Ok(())
    }
}

fn wanted(right: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if right { Ok(()) } else { Err(problem()) }
}

fn listed(sent: &[Sent]) -> String {
    sent.iter().map(|message| message.submit.to_string()).collect::<Vec<_>>().join("; ")
}
