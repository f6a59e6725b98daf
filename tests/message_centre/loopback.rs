//! The gateway's link and the simulated message centre, over a socket.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use onecard_gateway::{
    carrier::{Carrier, Event, Ticket},
    smpp::{
        account::{Account, Bind, LinkTerms, Password},
        link::{Link, LinkState},
        session::Ended,
    },
};
use onecard_host::over_the_air::ProofWay;
use onecard_simulator::{
    message_centre::{
        faults::{Chance, Faults},
        network::{Network, Settings},
        server::{self, CentreTerms, Server},
        traffic::Counts,
    },
    sample::{SIM, Sample},
};
use onecard_wire::smpp::CommandStatus;
use zeroize::Zeroizing;

use crate::network::{Gateway, PATIENCE, network, phone, start};

/// A message centre in a thread of its own, until it is dropped.
pub(crate) struct Centre {
    pub(crate) address: String,
    stop: Arc<AtomicBool>,
    /// How often every connection is to be cut from now on.
    cuts: Arc<AtomicUsize>,
    thread: Option<JoinHandle<Server>>,
}

impl Centre {
    pub(crate) fn start(terms: CentreTerms, network: Network) -> Self {
        let mut server = Server::listen("127.0.0.1:0", terms, network).unwrap();
        let address = server.address().unwrap().to_string();
        let (stop, cuts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, cut) = (stop.clone(), cuts.clone());
        let thread = thread::spawn(move || {
            let look = |server: &mut Server| {
                if cut.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |cuts| cuts.checked_sub(1)).is_ok() {
                    server.cut();
                }
            };
            server.run(&stopped, look).unwrap();
            server
        });
        Self { address, stop, cuts, thread: Some(thread) }
    }

    pub(crate) fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }

    /// What has passed, once it is stopped.
    pub(crate) fn stop(mut self) -> Counts {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap().network().counts()
    }
}

pub(crate) const SYSTEM_ID: &str = "gateway";
pub(crate) const PASSWORD: &str = "s3cret!!";

pub(crate) fn account(password: &str) -> Account {
    Account::new(SYSTEM_ID, Password::from_text(password.as_bytes()).unwrap()).unwrap()
}

fn centre_terms() -> CentreTerms {
    let account = server::Account::new(SYSTEM_ID, Zeroizing::new(PASSWORD.as_bytes().to_vec()));
    CentreTerms { accounts: vec![account], ..CentreTerms::default() }
}

pub(crate) fn link_terms() -> LinkTerms {
    LinkTerms { receipts: true, hold: Duration::from_millis(20), ..LinkTerms::new("10086".parse().unwrap()) }
}

fn settings(faults: Faults) -> Settings {
    let delay_min = Duration::from_millis(1);
    let delay_max = Duration::from_millis(40);
    let faults = Faults { delay_min, delay_max, ..faults };
    let retry_after = Duration::from_millis(100);
    Settings { faults, retry_after, ..Settings::new("+8613800100500".parse().unwrap(), start()) }
}

/// Waits for something to be so.
pub(crate) fn until(link: &mut Link, what: &str, mut is_so: impl FnMut(&mut Link) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so(link) {
        assert!(Instant::now() < deadline, "not in a minute: {what}; {:?}, {:?}", link.state(), link.problem());
        link.wait(Duration::from_millis(5));
    }
}

#[test]
fn packets_and_proofs_over_a_bad_network_and_links_that_are_cut() {
    const PHONES: usize = 100;
    let sample = Sample::new("message centre").unwrap();
    let chip = sample.sim(SIM.iccid).unwrap();
    let percent = Chance::percent;
    let faults = Faults {
        lost: percent(10),
        repeated: percent(10),
        throttled: percent(10),
        unreachable: percent(10),
        ..Faults::NONE
    };
    let ways = [
        (ProofWay::Report, Bind::Transceiver),
        (ProofWay::Submit, Bind::Transceiver),
        (ProofWay::Submit, Bind::TransmitterAndReceiver),
    ];
    for (way, bind) in ways {
        let centre = Centre::start(centre_terms(), network(&chip, PHONES, settings(faults.clone()), 3));
        let mut gateway = Gateway::new(&sample, 1);
        let terms = LinkTerms { bind, ..link_terms() };
        let mut link = Link::new(&centre.address, account(PASSWORD), terms, 1);
        let (mut tickets, mut told, mut receipts) = (0, 0, 0);
        for round in 0..50 {
            for number in 0..PHONES {
                if gateway.proven.contains(&phone(number).to_string()) {
                    continue;
                }
                for message in gateway.messages(&phone(number), way) {
                    until(&mut link, "room", |link| {
                        link.room() > 0 && link.submit(Ticket(tickets), &message, PATIENCE).is_ok()
                    });
                    tickets += 1;
                }
                if round < 3 && number == 50 {
                    centre.cut();
                }
            }
            let over = Instant::now() + Duration::from_millis(300);
            until(&mut link, "the end of the round", |link| {
                for event in link.events() {
                    match event {
                        Event::Received { message, delivery } => {
                            gateway.received(&message);
                            link.acknowledge(delivery);
                        }
                        Event::Receipt { delivery, .. } => {
                            receipts += 1;
                            link.acknowledge(delivery);
                        }
                        _ => told += 1,
                    }
                }
                Instant::now() > over && told == tickets
            });
            if gateway.proven.len() == PHONES {
                break;
            }
        }
        assert_eq!(gateway.proven.len(), PHONES);
        assert!(link.binds() >= 2 && receipts > 0, "{} binds, {receipts} receipts", link.binds());
        assert!(link.close().iter().all(|event| matches!(event, Event::Received { .. } | Event::Receipt { .. })));
        println!("{way:?}: {tickets} messages, {:?}", centre.stop());
    }
}

/// The link says how long a message is of use, and the centre keeps to it; without that it tries until it gives it up.
#[test]
fn a_message_expires_at_the_centre() {
    let sample = Sample::new("message centre").unwrap();
    let chip = sample.sim(SIM.iccid).unwrap();
    let unreachable = Faults { unreachable: Chance::ALWAYS, ..Faults::NONE };
    for (validity_min, expired, given_up) in [(Some(Duration::from_secs(1)), 1, 0), (None, 0, 1)] {
        let settings = Settings { tries: 20, ..settings(unreachable.clone()) };
        let centre = Centre::start(centre_terms(), network(&chip, 1, settings, 1));
        let message = Gateway::new(&sample, 1).messages(&phone(0), ProofWay::Report).swap_remove(0);
        let terms = LinkTerms { validity_min, ..link_terms() };
        let mut link = Link::new(&centre.address, account(PASSWORD), terms, 1);
        until(&mut link, "room", |link| {
            link.room() > 0 && link.submit(Ticket(1), &message, Duration::from_millis(10)).is_ok()
        });
        let mut receipts = Vec::new();
        until(&mut link, "the receipt", |link| {
            for event in link.events() {
                if let Event::Receipt { delivered, delivery, .. } = event {
                    receipts.push(delivered);
                    link.acknowledge(delivery);
                }
            }
            !receipts.is_empty()
        });
        let counts = centre.stop();
        let seen = (receipts.as_slice(), counts.expired, counts.given_up, counts.delivered);
        assert_eq!(seen, (&[false][..], expired, given_up, 0), "{counts:?}");
    }
}

#[test]
fn a_wrong_password_is_told_and_tried_ever_more_seldom() {
    let sample = Sample::new("message centre").unwrap();
    let centre = Centre::start(centre_terms(), network(&sample.sim(SIM.iccid).unwrap(), 1, settings(Faults::NONE), 1));
    let mut link = Link::new(&centre.address, account("wrong"), link_terms(), 1);
    until(&mut link, "the refusal", |link| link.problem().is_some());
    assert_eq!(link.problem(), Some(&Ended::BindRefused(CommandStatus::INVALID_PASSWORD)));
    assert!(matches!(link.state(), LinkState::Waiting(_)));
    assert_eq!((link.binds(), link.room()), (0, 0));
    assert!(!format!("{link:?}").contains("wrong"));
    centre.stop();
}

#[test]
fn a_link_without_words_is_kept_by_asking_and_one_without_answers_is_given_up() {
    let sample = Sample::new("message centre").unwrap();
    let chip = sample.sim(SIM.iccid).unwrap();
    let quick = Duration::from_millis(50);
    let centre_terms = CentreTerms { enquire_after: quick, answer_within: quick * 4, ..centre_terms() };
    let centre = Centre::start(centre_terms, network(&chip, 1, settings(Faults::NONE), 1));
    let terms = LinkTerms { enquire_after: quick, answer_within: quick * 4, ..link_terms() };
    let mut link = Link::new(&centre.address, account(PASSWORD), terms, 1);
    until(&mut link, "the bind", |link| link.room() > 0);
    let later = Instant::now() + Duration::from_secs(1);
    until(&mut link, "a second", |link| {
        link.events();
        Instant::now() > later
    });
    assert_eq!((link.state(), link.binds()), (LinkState::Bound, 1));
    // The gateway says nothing: the centre gives it up, and it comes again.
    thread::sleep(Duration::from_secs(1));
    until(&mut link, "another bind", |link| link.room() > 0 && link.binds() == 2);
    centre.stop();
    until(&mut link, "the end", |link| link.room() == 0);
}
