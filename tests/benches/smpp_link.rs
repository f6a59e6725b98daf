//! Messages a second from the gateway's link to the simulated message centre and back, over loopback: submit_sm, its answer, the card's
//! proof as deliver_sm, its answer. Beside it an echo of the same bytes over a bare socket in the same run.
//!
//! `cargo bench -p onecard-tests --bench smpp_link`
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a benchmark")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use onecard_gateway::{
    carrier::{Carrier, Event, ShortMessage, Ticket},
    smpp::{
        account::{Account, LinkTerms, Password},
        link::Link,
    },
};
use onecard_simulator::{
    message_centre::{
        faults::Faults,
        network::{Network, Settings},
        server::{CentreTerms, Server},
    },
    sample::{SIM, Sample},
};
use onecard_wire::date::Moment;

const MESSAGES: u64 = 20_000;
const PHONES: u64 = 500;
const WINDOW: usize = 200;
/// submit_sm, submit_sm_resp, deliver_sm and deliver_sm_resp of one message.
const ECHO_LEN: usize = 110 + 25 + 130 + 17;

fn main() {
    let echo = echo();
    println!("bare echo of as many bytes, {WINDOW} at once: {:.0} a second", MESSAGES as f64 / echo.as_secs_f64());
    for (what, cards) in
        [("links and network alone (a text for nobody)", false), ("with a card that refuses the packet", true)]
    {
        let time = messages(cards);
        println!(
            "{what}: {:.0} a second, {:.4} of the echo",
            MESSAGES as f64 / time.as_secs_f64(),
            echo.as_secs_f64() / time.as_secs_f64()
        );
    }
}

fn echo() -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = vec![0; ECHO_LEN / 2 * WINDOW];
        while stream.read_exact(&mut buffer).is_ok() {
            stream.write_all(&buffer).unwrap();
        }
    });
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; ECHO_LEN / 2 * WINDOW];
    let start = Instant::now();
    for _ in 0..MESSAGES / WINDOW as u64 {
        stream.write_all(&buffer).unwrap();
        stream.read_exact(&mut buffer).unwrap();
    }
    start.elapsed()
}

/// From the first message to the last answer: receipts for texts, proofs of cards.
fn messages(cards: bool) -> Duration {
    let start = Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0, 0]).unwrap();
    let none = Duration::ZERO;
    let faults = Faults { delay_min: none, delay_max: none, ..Faults::NONE };
    let settings = Settings { faults, ..Settings::new("10085".parse().unwrap(), start) };
    let mut network = Network::new(settings, 1);
    let chip = Sample::new("bench").unwrap().sim(SIM.iccid).unwrap();
    let phone = |number: u64| format!("+86138{number:08}").parse().unwrap();
    for number in 0..PHONES {
        network.insert(phone(number), chip.snapshot());
    }
    let mut server = Server::listen("127.0.0.1:0", CentreTerms::default(), network).unwrap();
    let address = server.address().unwrap().to_string();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::spawn(move || server.run(&stopped, |_| ()).unwrap());
    let account = Account::new("bench", Password::from_text(b"x").unwrap()).unwrap();
    let terms = LinkTerms { window: WINDOW, receipts: !cards, ..LinkTerms::new("10086".parse().unwrap()) };
    let mut link = Link::new(&address, account, terms, 1);
    while link.room() == 0 {
        link.wait(Duration::from_millis(10));
    }
    // A packet of the right form whose checksum is wrong is answered in the report; without element 70 nothing is.
    let wrong =
        [&[0x02, 0x70, 0x00, 0x00, 0x28, 0x15, 0x16, 0x19, 0x12, 0x12, 0xB0, 0x00, 0x00][..], &[0x55; 31]].concat();
    let user_data = if cards { wrong } else { vec![0x03, 0x01, 0x01, 0x00] };
    let (mut sent, mut heard, begun) = (0, 0, Instant::now());
    while heard < MESSAGES {
        for _ in 0..link.room() {
            if sent < MESSAGES {
                let message = ShortMessage { phone: phone(sent % PHONES), user_data: user_data.clone() };
                link.submit(Ticket(sent), &message, Duration::from_secs(120)).unwrap();
                sent += 1;
            }
        }
        for event in link.events() {
            match event {
                Event::Received { delivery, .. } | Event::Receipt { delivery, .. } => {
                    link.acknowledge(delivery);
                    heard += 1;
                }
                Event::Accepted { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        link.wait(Duration::from_millis(1));
    }
    let time = begun.elapsed();
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    time
}
