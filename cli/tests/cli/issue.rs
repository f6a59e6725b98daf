//! Batches: their transcripts, and a station killed (kill -9) again and again.

mod killed;
mod secrets;
mod stock;
mod washed;

use std::{fs, path::Path};

use crate::run::write_secret;

/// The transcripts of tests/cmd/issue, each in a folder with profiles and lists.
#[test]
fn transcripts_of_batches() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("issue");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/issue")).unwrap();
    let (transcripts, inputs): (Vec<_>, Vec<_>) = files
        .map(|entry| entry.unwrap().path())
        .partition(|path| path.extension().is_some_and(|extension| extension == "trycmd"));
    for transcript in transcripts {
        let to = root.join(transcript.file_name().unwrap());
        fs::copy(&transcript, &to).unwrap();
        let folder = to.with_extension("in");
        fs::create_dir(&folder).unwrap();
        for input in &inputs {
            fs::copy(input, folder.join(input.file_name().unwrap())).unwrap();
        }
        // For cards that the operator has washed.
        fs::create_dir(folder.join("stack")).unwrap();
        write_secret(&folder.join("master.pin"), "20261129");
        write_secret(&folder.join("wrong.pin"), "11292026");
    }
    trycmd::TestCases::new().case(root.join("*.trycmd"));
}
