//! A terminal with the program at it: what it shows is read, and what people type is typed when it waits for it.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    process::{Child, Command},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

/// The program at its terminal.
pub(crate) struct Terminal {
    screen: Receiver<Vec<u8>>,
    keyboard: File,
    child: Child,
    /// All that was shown so far.
    pub(crate) seen: String,
    /// Where what was not yet looked for begins.
    read: usize,
}

/// Longest that anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

impl Terminal {
    /// Starts `onecard` with the words of `line` in `folder`.
    pub(crate) fn start(folder: &Path, line: &str) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = || File::options().read(true).write(true).open(&name).unwrap();
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_onecard")])
            .args(line.split_whitespace())
            .current_dir(folder)
            .stdin(slave())
            .stdout(slave())
            .stderr(slave())
            .spawn()
            .unwrap();
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone().unwrap();
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The other side is closed when the program ends.
            while let Ok(length @ 1..) = screen.read(&mut bytes) {
                if sender.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { screen: receiver, keyboard, child, seen: String::new(), read: 0 }
    }

    /// Reads until `text` is shown, and tells what was shown up to its end.
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen[self.read..].find(text) {
                let end = self.read + at + text.len();
                let part = self.seen[self.read..end].to_owned();
                self.read = end;
                return part;
            }
            let bytes = self.screen.recv_timeout(PATIENCE);
            let bytes = bytes.unwrap_or_else(|_| panic!("{text:?} was not shown, but {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// Types a line as soon as the terminal shows nothing of it.
    pub(crate) fn type_unseen(&mut self, line: &str) {
        let since = Instant::now();
        while tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ECHO) {
            assert!(since.elapsed() < PATIENCE, "what is typed would be shown");
            thread::sleep(Duration::from_millis(2));
        }
        self.type_line(line);
    }

    /// The process id of the program itself, while it runs.
    pub(crate) fn id(&self) -> u32 {
        let setsid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{setsid}/task/{setsid}/children")).unwrap_or_default();
        children.split_whitespace().next().map_or(setsid, |id| id.parse().unwrap())
    }

    /// Waits for its end, which must be by `code`; all that was shown.
    pub(crate) fn end(mut self, code: i32) -> String {
        let status = self.child.wait().unwrap();
        while let Ok(bytes) = self.screen.recv_timeout(Duration::from_millis(500)) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        assert_eq!(status.code(), Some(code), "{}", self.seen);
        self.seen
    }
}
