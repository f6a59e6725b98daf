//! Programs as users start them: this project's own, and other people's.

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use onecard_host::issuing::SamRole;
use onecard_simulator::{image_file::Durability, sample::Sample};
use onecard_wire::number::ApplicationSerial;

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// `onecard`, built with what the sources are now.
pub(crate) fn onecard() -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let build = ["build", "--package", "onecard-cli", "--features", "pcsc", "--locked"];
        let built = Command::new(env!("CARGO")).args(build).current_dir(root()).status().unwrap();
        assert!(built.success(), "onecard does not build");
        // This test is in deps, beside it.
        std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("onecard")
    });
    Command::new(program)
}

/// Runs a program to its end: its standard output. It must be installed, and end by `code`.
pub(crate) fn run(command: &mut Command, code: i32) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{name}: {error}; the packages opensc, pcsc-tools, python3-pyscard and python3-pycryptodome have what is needed")
    });
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{name}\n{out}{err}");
    out.into_owned()
}

/// `onecard` with the words of `line`, in `folder`: its JSON.
pub(crate) fn json(folder: &Path, line: &str) -> serde_json::Value {
    let out = run(onecard().args(["--json"]).args(line.split_whitespace()).current_dir(folder), 0);
    serde_json::from_str(&out).unwrap()
}

/// A folder with `wang.card`, of balance 0 and the sample's PIN, `till.sam` and `dev.keys`.
pub(crate) fn station() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut sample = Sample::new("foreign clients").unwrap();
    let mut card = sample.card(ApplicationSerial::from_parts(31, 1, 7).unwrap()).unwrap();
    card.store(&at("wang.card"), Durability::ProcessKill).unwrap();
    let mut sam = sample.sam("000000000001".parse().unwrap(), &[SamRole::Till]).unwrap();
    sam.store(&at("till.sam"), Durability::ProcessKill).unwrap();
    let mut roots = toml::Table::new();
    roots.insert("roots".to_owned(), toml::Value::try_from(sample.roots()).unwrap());
    let head = format!("format = \"onecard-development-keys;1\"\nenterprise = \"{}\"\n", Sample::ENTERPRISE);
    fs::write(at("dev.keys"), head + &toml::to_string(&roots).unwrap()).unwrap();
    fs::set_permissions(at("dev.keys"), Permissions::from_mode(0o600)).unwrap();
    folder
}

/// `onecard simulate`, with its cards in the readers. Dropped, it is killed.
pub(crate) struct Simulation {
    program: Child,
    _out: BufReader<ChildStdout>,
}

impl Simulation {
    /// Begins with what `options` say, and waits until `cards` cards are inserted.
    pub(crate) fn begin(folder: &Path, options: &str, cards: usize) -> Self {
        let words: Vec<&str> = ["simulate"].into_iter().chain(options.split_whitespace()).collect();
        Self::of(folder, &words, "\"inserted\"", cards)
    }

    /// `onecard trace record`, with what it records in the second reader too.
    pub(crate) fn recorder(folder: &Path, file: &str) -> Self {
        let words = ["trace", "record", file, "--reader", "pcsc:PCD 00 00", "--vpcd", "127.0.0.1:35964"];
        Self::of(folder, &words, "\"recording\"", 1)
    }

    fn of(folder: &Path, words: &[&str], told: &str, times: usize) -> Self {
        let mut command = onecard();
        command.arg("--json").args(words).args(["--for", "120"]).current_dir(folder);
        let mut program = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(program.stdout.take().unwrap());
        for _ in 0..times {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            assert!(line.contains(told), "{words:?}: {line}");
        }
        Self { program, _out: out }
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended_by(mut self, code: i32) {
        assert_eq!(self.program.wait().unwrap().code(), Some(code));
    }

    /// Ends it in order.
    pub(crate) fn end(mut self) {
        let killed = Command::new("kill").args(["-TERM", &self.program.id().to_string()]).status().unwrap();
        assert!(killed.success() && self.program.wait().unwrap().success());
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        // It has ended, unless a test failed.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
