//! A phone played from a text, one step a line.
//!
//! ```text
//! profile no-sms          # what the phone can do; full, or what it lacks (see `Lack::word`); before boot
//! language en             # the user's language, before boot or while the phone is on
//! date 20261129           # what its clock shows when it is first switched on, at 12:00; before boot
//! pin 1234                # PIN1, before boot
//! boot                    # power on, up to the idle screen
//! menu                    # open the card's menu
//! choose 余额             # an item by its text, or the only one that contains it; #2: the second
//! expect "One Card"       # on the screen, or shown in passing since the last key
//! expect-not 删除         # not there
//! expect-title 一卡通     # of the list on the screen
//! expect-items 余额 | 卡片信息 | 语言      # exactly these
//! expect-input hidden digits 6-6           # hidden or shown, digits or text, fewest-most characters
//! expect-key yes-no       # a question for one key: digit, text or yes-no
//! expect-idle             # the idle screen
//! expect-menu             # the card's menu
//! expect-no-menu          # the card has set up none
//! type 123456             # a text, confirmed; or one key; yes, no
//! ok                      # confirm a text that was read
//! back                    # 后退
//! cancel                  # 挂机键, to the idle screen
//! help 2                  # help on the second item, or on what is shown
//! timeout                 # the user does nothing
//! wait 30s                # time passes: ms, s, m or h
//! busy / free             # something else has the screen, or no longer
//! network off / on
//! sms-error 29 / sms-error none    # the network refuses short messages by that RP cause (hexadecimal)
//! answer 20 01            # any result to what waits for the user, hexadecimal, with additional information
//! next SEND SHORT MESSAGE 35 29    # the same for the next command of that type
//! receive 91214365 440401…         # a short message for the card: service centre, SMS-DELIVER
//! expect-report ack       # what the network was told of it: ack, or error and its bytes
//! expect-sms TAR=4F4E45 TO=10086 PARTS=1   # sent since the last such line, in full
//! expect-no-sms
//! tap pay 5.00            # the terminal beside the phone
//! expect-tap 已扣款       # what it said
//! expect-complaint "terminal profile"      # the card did what it must not; unexpected, this fails the next step
//! off                     # power off
//! ```
//!
//! Words may stand in double quotes; `#` begins a comment, but for a number right behind it. A step that fails ends the
//! script: by its line, what was expected and what the phone showed.

mod play;
mod step;

use std::fmt;

pub use self::play::Played;
use self::step::Step;
use super::{Handset, socket::Socket};

/// Steps of a script, with the lines they stand on.
#[derive(Clone, Debug)]
pub struct Script {
    steps: Vec<(usize, String, Step)>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// [`Failure`] with the first line that is no step.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let lines = text.lines().zip(1..).map(|(line, number)| (number, step::words(line)));
        let steps = lines.filter(|(_, words)| !words.is_empty()).map(|(line, words)| {
            let text = words.join(" ");
            match Step::parse(&words) {
                Ok(step) => Ok((line, text, step)),
                Err(problem) => Err(Failure { line, step: step::told(&words), problem, shown: String::new() }),
            }
        });
        Ok(Self { steps: steps.collect::<Result<_, _>>()? })
    }

    /// Plays the script; `watch` is told of each step when it is done.
    ///
    /// # Errors
    /// [`Failure`] with the first step that did not go as written.
    pub fn play<S: Socket>(
        &self,
        handset: &mut Handset<S>,
        counter: &mut dyn Counter,
        watch: &mut dyn FnMut(&Played),
    ) -> Result<(), Failure> {
        let mut player = play::Player::new(handset, counter);
        for (line, text, step) in &self.steps {
            let text = player.told(text, step);
            match player.play(*line, &text, step) {
                Ok(played) => watch(&played),
                Err(problem) => return Err(Failure { line: *line, step: text, problem, shown: player.shown() }),
            }
        }
        player.finish().map_err(|problem| Failure {
            line: self.steps.last().map_or(0, |(line, ..)| *line),
            step: "end".to_owned(),
            problem,
            shown: player.shown(),
        })
    }
}

/// A terminal beside the phone, which the card can be tapped on.
pub trait Counter {
    /// Does what a step says behind `tap`, and what the terminal shows then.
    ///
    /// # Errors
    /// What is wrong with the order, or that no terminal is there.
    fn tap(&mut self, order: &str) -> Result<String, String>;
}

/// No terminal.
#[derive(Clone, Copy, Debug)]
pub struct NoCounter;

impl Counter for NoCounter {
    fn tap(&mut self, order: &str) -> Result<String, String> {
        Err(format!("there is no terminal beside this phone to do {order:?}"))
    }
}

/// Why a script ended before its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Line of the script, from 1.
    pub line: usize,
    /// What stands there; dots where it may be a PIN or a password.
    pub step: String,
    /// What was expected and what happened.
    pub problem: String,
    /// What the phone showed.
    pub shown: String,
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, step, problem, shown } = self;
        write!(f, "line {line}: {step}: {problem}")?;
        if shown.is_empty() { Ok(()) } else { write!(f, "; the phone showed:\n{shown}") }
    }
}
