//! A packet through the message centre of the program to a SIM in a file, and its proof.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::run::{json, onecard, set_mode, write_secret};

/// A key set over the air of one SIM.
const OTA_KEYS: &str = "protocol = \"scp03\"
version = \"01\"
enc = \"51515151515151515151515151515151\"
mac = \"52525252525252525252525252525252\"
dek = \"53535353535353535353535353535353\"
";
const PHONE: &str = "+8613900000000";

/// The program as a message centre, until it is dropped.
struct Centre {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Centre {
    fn start(folder: &Path, options: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onecard"));
        command.args(["--json", "message-centre", "--listen", "127.0.0.1:0", "--for", "60"]);
        command.args(options.split_whitespace()).current_dir(folder).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(
            (&listening["event"], &listening["schema"]),
            (&"listening".into(), &"onecard.message-centre/1".into())
        );
        Self { child, lines, address: listening["address"].as_str().unwrap().to_owned() }
    }

    fn next(&mut self, event: &str) -> Value {
        loop {
            let line: Value = serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap();
            if line["event"] == event {
                return line;
            }
        }
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn files(folder: &Path) {
    write_secret(&folder.join("ota.keys"), OTA_KEYS);
    write_secret(&folder.join("password"), "s3cret\n");
    write_secret(&folder.join("guessed"), "guessed\n");
    std::fs::write(folder.join("iccid.script"), "select-file 2FE2\n00B000000A\n").unwrap();
}

#[test]
fn a_packet_is_sent_and_proven_or_it_is_said_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    files(folder);
    let mut centre =
        Centre::start(folder, "--phones 2 --key-file ota.keys --system-id gateway --password-file password");
    let send = format!(
        "ota send iccid.script --tar files --key-file ota.keys --centre {} --system-id gateway",
        centre.address
    );
    // In the delivery report, and by a message of the card's.
    for (counter, spi, event) in [(1, "1619", "delivered"), (2, "1639", "sent by card")] {
        let line = format!("{send} --counter 000000000{counter} --spi {spi} --to {PHONE} --password-file password");
        let sent = json(folder, &line, 0);
        assert_eq!((&sent["proven"], &sent["executed"]), (&true.into(), &2.into()));
        assert!(sent.to_string().contains("986800622143658709F0"), "{sent}");
        let told = centre.next(event);
        assert_eq!(told["phone"], PHONE);
    }
    let again = json(folder, &format!("{send} --counter 0000000002 --to {PHONE} --password-file password"), 0);
    assert_eq!((&again["proven"], &again["status"]), (&true.into(), &2.into()));

    let stranger = onecard(folder, &format!("{send} --counter 0000000003 --to 10000 --password-file password"));
    assert!(stranger.code == 1 && stranger.err.contains("ESME_RINVDSTADR"), "{}", stranger.err);
    let guessed = onecard(folder, &format!("{send} --counter 0000000003 --to {PHONE} --password-file guessed"));
    assert!(guessed.code == 1 && guessed.err.contains("ESME_RINVPASWD"), "{}", guessed.err);
    assert!(!guessed.err.contains("guessed"));
    set_mode(&folder.join("password"), 0o644);
    let open = onecard(folder, &format!("{send} --counter 0000000003 --to {PHONE} --password-file password"));
    assert!(open.code == 1 && open.err.contains("chmod 600"), "{}", open.err);
}

#[test]
fn without_a_proof_the_outcome_is_unknown_and_without_a_centre_nothing_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    files(folder);
    let centre = Centre::start(folder, "--phones 1 --key-file ota.keys --lost 100%");
    let send = format!(
        "ota send iccid.script --tar files --key-file ota.keys --to {PHONE} --system-id gateway --password-file password"
    );
    let lost = json(folder, &format!("{send} --counter 0000000001 --centre {} --within 2", centre.address), 3);
    assert_eq!((&lost["proof_asked"], lost["message_ids"].as_array().unwrap().len()), (&true.into(), 1));
    let address = centre.address.clone();
    drop(centre);
    let nobody = onecard(folder, &format!("{send} --counter 0000000001 --centre {address} --within 1"));
    assert!(nobody.code == 1 && nobody.err.contains("nothing was sent"), "{}", nobody.err);
    let twice = onecard(folder, "message-centre --phone 1=sim:none.sim");
    assert!(twice.code == 1 && twice.err.contains("none.sim"), "{}", twice.err);
}
