//! A phone that answers whatever it likes. The toolkit never hangs: ended by the user, it is idle.
#![no_main]
use libfuzzer_sys::fuzz_target;
use onecard_applet::Interface;
use onecard_fuzz::Sim;

/// More screens in a row than any path has.
const SCREENS_MAX: usize = 64;
/// General result: proactive session terminated by the user.
const ENDED: [u8; 3] = [0x83, 0x01, 0x10];

fuzz_target!(|bytes: &[u8]| {
    let (profile, mut rest) = bytes.split_at(bytes.len().min(20));
    let mut phone = Phone { sim: Sim::new(), waiting: 0 };
    // A phone that can do everything, less what the first bytes take away.
    let profile: Vec<u8> = (0..20).map(|at| !profile.get(at).copied().unwrap_or(0)).collect();
    phone.send(&[&[0x80, 0x10, 0x00, 0x00, 20][..], &profile].concat());
    while let [head, tail @ ..] = rest {
        let (data, behind) = tail.split_at(usize::from(head & 0x3F).min(tail.len()));
        rest = behind;
        match phone.fetch() {
            Some(command) if head & 0x80 == 0 => phone.answer(&command, data),
            // Whatever else a phone may send at that moment.
            _ => phone.envelope(head & 0x40 != 0, data),
        }
    }
    for _ in 0..SCREENS_MAX {
        let Some(command) = phone.fetch() else { return };
        phone.answer(&command, &ENDED);
    }
    panic!("the toolkit does not come to rest");
});

struct Phone {
    sim: Sim,
    /// Length of the proactive command that was announced; 0 if none.
    waiting: usize,
}

impl Phone {
    fn send(&mut self, command: &[u8]) -> Vec<u8> {
        let mut answer = self.sim.send(Interface::Contact, command);
        let status = answer.split_off(answer.len() - 2);
        self.waiting = match status[..] {
            [0x91, 0] => 256,
            [0x91, length] => usize::from(length),
            _ => 0,
        };
        answer
    }

    /// The proactive command, if one waits.
    fn fetch(&mut self) -> Option<Vec<u8>> {
        if self.waiting == 0 {
            // STATUS, by which phones give the card its turn.
            self.send(&[0x80, 0xF2, 0x00, 0x0C]);
        }
        let length = self.waiting;
        (length != 0).then(|| {
            let command = self.send(&[0x80, 0x12, 0x00, 0x00, length as u8]);
            assert_eq!(command.len(), length, "FETCH brings what was announced");
            command
        })
    }

    /// TERMINAL RESPONSE: the details of the command, the devices, then `data`.
    fn answer(&mut self, command: &[u8], data: &[u8]) {
        let details = command.windows(5).find(|bytes| bytes.starts_with(&[0x81, 0x03])).expect("command details");
        let body = [details, &[0x82, 0x02, 0x82, 0x81], data].concat();
        self.send(&[&[0x80, 0x14, 0x00, 0x00, body.len() as u8][..], &body].concat());
    }

    /// ENVELOPE: of the menu, or of any kind.
    fn envelope(&mut self, of_menu: bool, data: &[u8]) {
        let body = match data {
            [item, ..] if of_menu => vec![0xD3, 0x07, 0x82, 0x02, 0x01, 0x81, 0x90, 0x01, *item],
            data => data.to_vec(),
        };
        self.send(&[&[0x80, 0xC2, 0x00, 0x00, body.len() as u8][..], &body].concat());
    }
}
