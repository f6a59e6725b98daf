//! `onecard card inspect`: everything a card tells, in plain words, and as JSON complete enough to restore it from.

mod facts;
mod reading;
mod text;

pub(super) use self::reading::Content;

use anyhow::Context;
use clap::Args;
use onecard_host::{
    card::{select, verify_pin},
    sam::Sam,
};
use onecard_wire::aid;

use self::{facts::Inspection, reading::Reading};
use crate::{
    args::{Enterprise, SamSource},
    output::Output,
    passphrase::PassphraseSource,
    pin::PinSource,
    reader::{CardReader, Faults, tap},
    terminal_sam::TerminalSam,
    trace::Trace,
};

/// Options of `card inspect`.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    #[command(flatten)]
    card: CardReader,
    /// Read with a MAC by this SAM (a service desk's) or keys:FILE: then holder and logs are shown, and every file is proven
    /// genuine.
    #[arg(long, value_name = "SAM")]
    sam: Option<SamSource>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    enterprise: Enterprise,
    #[command(flatten)]
    pin: PinSource,
}

pub(super) fn run(options: &Inspect) -> anyhow::Result<Output> {
    let enterprise = options.enterprise.enterprise;
    let trace = Trace::new(false);
    let open = |source| TerminalSam::open(source, &options.passphrase, enterprise, &trace);
    let mut sam = options.sam.as_ref().map(open).transpose()?;
    let pin = options.pin.offered()?;
    let name = aid::enterprise_application(sam.as_ref().map_or(enterprise, |sam| sam.enterprise));
    let inspection = tap(&options.card, &Faults::default(), &trace, |mut card| {
        let application = select(&mut card, &name)?;
        if let Some(pin) = &pin {
            verify_pin(&mut card, &application, pin)?;
        }
        let sam = sam.as_mut().map(|sam| sam.sam() as &mut dyn Sam);
        let mut reading = Reading::new(card, &application, sam);
        Inspection::read(&mut reading)
    })?;
    let inspection = inspection.with_context(|| options.card.to_string())?;
    Output::view("onecard.card-inspect/1", &inspection)
}
