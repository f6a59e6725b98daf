//! Runs the program.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// What one run gave.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `onecard` in `folder` with the words of `line`.
pub(crate) fn onecard(folder: &Path, line: &str) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_onecard"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs `script` in a shell; `$onecard` is the program.
pub(crate) fn shell(folder: &Path, script: &str) -> Run {
    let output = Command::new("sh")
        .args(["-c", script])
        .env("onecard", env!("CARGO_BIN_EXE_onecard"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs it with `--json`; it must end with `code`.
pub(crate) fn json(folder: &Path, line: &str, code: i32) -> serde_json::Value {
    let run = onecard(folder, &format!("--json {line}"));
    assert_eq!(run.code, code, "{line}\n{}{}", run.out, run.err);
    let text = if run.out.is_empty() { run.err } else { run.out };
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(value["schema"].as_str().unwrap().starts_with("onecard."), "{value}");
    value
}

/// Makes a file with the mode of a secret.
pub(crate) fn write_secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    set_mode(path, 0o600);
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
