//! Batches: their transcripts, and a station killed (kill -9) again and again.

mod killed;
mod secrets;

use std::{fs, path::Path};

/// The transcript of tests/cmd/issue, in a folder with profile and lists.
#[test]
fn transcripts_of_batches() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("issue");
    let _ = fs::remove_dir_all(&root);
    let folder = root.join("batch.in");
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/issue")).unwrap() {
        let path = entry.unwrap().path();
        let to = if path.extension().is_some_and(|extension| extension == "trycmd") { &root } else { &folder };
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
    trycmd::TestCases::new().case(root.join("*.trycmd"));
}
