//! What the sources must be like, so that it stays true.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Most lines of a file.
const FILE_LINES_MAX: usize = 500;
/// Most lines of a function, its braces included.
const FUNCTION_LINES_MAX: usize = 70;
/// Names that say nothing.
const EMPTY_NAMES: [&str; 9] = ["util", "utils", "common", "helper", "helpers", "manager", "types", "misc", "prelude"];
const CRATES: [&str; 10] =
    ["wire", "applet", "host", "station", "gateway", "simulator", "vectors", "conformance", "tests", "cli"];

#[test]
fn files_are_short() {
    for path in sources() {
        let lines = read(&path).lines().count();
        assert!(lines < FILE_LINES_MAX, "{}: {lines} lines", path.display());
    }
}

/// What git leaves of a merge that somebody has to end is text to every judge of documents.
#[test]
fn no_merge_is_left_half_done() {
    let folders = CRATES.iter().chain(&["docs"]).map(|name| root().join(name));
    let mut files: Vec<PathBuf> =
        folders.flat_map(|folder| files_of(&folder, &["rs", "md", "toml", "trycmd"])).collect();
    files.push(root().join("README.md"));
    for path in files {
        let text = read(&path);
        let left = text.lines().position(|line| ["<<<<<<< ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark)));
        assert!(left.is_none(), "{}:{}: a merge is half done", path.display(), left.unwrap_or_default() + 1);
    }
}

#[test]
fn functions_are_short() {
    let mut functions = 0;
    for path in sources() {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let Some(indent) = function_indent(line) else { continue };
            // rustfmt closes a function by a brace in its own column.
            let closing = format!("{}}}", " ".repeat(indent));
            let Some(length) = lines[start..].iter().position(|line| *line == closing) else { continue };
            // A signature of more than one line without a body.
            let end_of_signature = format!("{})", " ".repeat(indent));
            let after = lines[start..start + length].iter().find(|line| line.starts_with(&end_of_signature));
            if after.is_some_and(|line| line.ends_with(';')) {
                continue;
            }
            functions += 1;
            assert!(length < FUNCTION_LINES_MAX, "{}:{}: {length} lines", path.display(), start + 1);
        }
    }
    assert!(functions > 500, "only {functions} functions were seen");
}

/// Columns in front of a line that opens a function with a body.
fn function_indent(line: &str) -> Option<usize> {
    let code = line.trim_start();
    let words = ["pub ", "pub(crate) ", "pub(super) ", "pub(in ", "const ", "async ", "fn "];
    let begins = words.iter().any(|word| code.starts_with(word)) && code.contains("fn ");
    (begins && !code.ends_with(';') && !code.ends_with('}')).then(|| line.len() - code.len())
}

#[test]
fn modules_have_names_that_say_something() {
    for path in sources() {
        let names = path.iter().filter_map(|part| part.to_str()).map(|part| part.trim_end_matches(".rs"));
        for name in names {
            assert!(!EMPTY_NAMES.contains(&name), "{}", path.display());
        }
        let text = read(&path);
        for name in EMPTY_NAMES {
            assert!(!text.contains(&format!("mod {name} {{")), "{}: mod {name}", path.display());
        }
        assert!(!text.contains(concat!("fn ", "get_")), "{}: a name begins with get_", path.display());
    }
}

/// Shared names belong in `wire`; whatever authenticates or moves money is written twice.
#[test]
fn card_and_host_do_not_know_each_other() {
    for (manifest, stranger) in [
        ("host", "onecard-applet"),
        ("host", "onecard-simulator"),
        ("applet", "onecard-host"),
        ("applet", "onecard-simulator"),
        ("wire", "onecard-applet"),
        ("wire", "onecard-host"),
        ("cli", "onecard-applet"),
        ("conformance", "onecard-applet"),
        ("station", "onecard-applet"),
        ("gateway", "onecard-applet"),
        ("vectors", "onecard-applet"),
        ("vectors", "onecard-host"),
    ] {
        let text = read(&root().join(manifest).join("Cargo.toml"));
        assert!(!text.contains(stranger), "{manifest} depends on {stranger}");
    }
    for path in sources_of(&root().join("wire").join("src")) {
        for cipher in ["des::", "cipher::", "aes::"] {
            assert!(!read(&path).contains(cipher), "{} computes something", path.display());
        }
    }
}

#[test]
fn no_crate_has_unsafe_code() {
    for name in CRATES {
        let source = root().join(name).join("src");
        let crate_root = if source.join("lib.rs").exists() { "lib.rs" } else { "main.rs" };
        assert!(read(&source.join(crate_root)).contains("#![forbid(unsafe_code)]"), "{name}");
    }
    for path in sources() {
        assert!(!read(&path).contains(concat!("unsafe", " {")), "{}", path.display());
    }
}

#[test]
fn the_card_needs_neither_std_nor_heap() {
    for name in ["wire", "applet"] {
        assert!(read(&root().join(name).join("src").join("lib.rs")).contains("no_std"), "{name}");
        for path in sources_of(&root().join(name).join("src")) {
            let code = before_tests(&read(&path));
            for word in ["std::", "extern crate alloc", "alloc::"] {
                assert!(!code.contains(word), "{}: {word}", path.display());
            }
        }
    }
}

#[test]
fn nothing_panics_outside_tests() {
    for name in ["wire", "applet", "host", "station", "gateway", "simulator", "vectors", "conformance", "cli"] {
        for path in sources_of(&root().join(name).join("src")) {
            if path.iter().any(|part| part == "tests") || path.ends_with("tests.rs") {
                continue;
            }
            for (line, code) in before_tests(&read(&path)).lines().zip(1..).map(|(code, line)| (line, code)) {
                let code = code.split("//").next().unwrap_or_default();
                for word in [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!("] {
                    assert!(!code.contains(word), "{}:{line}: {word}", path.display());
                }
            }
        }
    }
}

/// The part of a file in front of its first test module; what is only for tests elsewhere stands behind `#[cfg(test)]` too.
fn before_tests(text: &str) -> String {
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

#[test]
fn a_lint_is_allowed_for_a_reason() {
    for path in sources() {
        let text = read(&path);
        let is_test = |at: usize| text[..at].contains("mod tests") || text[..at].contains("#[cfg(test)]");
        for marker in [concat!("#[", "allow("), concat!("#[", "expect("), concat!("#![", "allow(")] {
            for (at, _) in text.match_indices(marker) {
                let attribute = text[at..].split(")]").next().unwrap_or_default();
                let whole_file_of_tests =
                    path.iter().any(|part| part == "tests" || part == "tests.rs" || part == "benches");
                let excused = attribute.contains("reason") || is_test(at) || whole_file_of_tests;
                assert!(excused, "{}: {attribute}", path.display());
            }
        }
    }
}

/// The map in the README names nothing that is not there.
#[test]
fn the_map_is_true() {
    let readme = read(&root().join("README.md"));
    let named: Vec<&str> = readme
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| CRATES.iter().chain(&["docs"]).any(|top| name.starts_with(&format!("{top}/"))))
        .collect();
    assert!(named.len() >= CRATES.len(), "the README maps {named:?} only");
    for name in named {
        let pattern = name.split(['*', '{', ':', ' ']).next().unwrap_or_default();
        assert!(root().join(pattern.trim_end_matches('/')).exists(), "README.md names {name}, which is not there");
    }
}

/// A document that says which test tries an attack names a test that is there.
#[test]
fn the_tests_that_documents_name_are_there() {
    let mut named = 0;
    for document in ["docs/attacks.md", "docs/figures.md"] {
        let text = read(&root().join(document));
        for (place, _) in text.match_indices(".rs::") {
            let start = text[..place].rfind([' ', '`', '|']).map_or(0, |at| at + 1);
            let rest = &text[place + 5..];
            let name = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())];
            let file = root().join(format!("{}.rs", &text[start..place]));
            assert!(read(&file).contains(&format!("fn {name}(")), "{document}: {}::{name}", file.display());
            named += 1;
        }
    }
    assert!(named >= 20, "{named} tests were named");
}

#[test]
fn no_document_has_a_merge_left_in_it() {
    let folder = |name: &str| fs::read_dir(root().join(name)).unwrap().map(|entry| entry.unwrap().path());
    let documents: Vec<_> = ["", "docs", "docs/specification"].into_iter().flat_map(folder).collect();
    let documents = documents.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    for path in documents {
        let text = read(path);
        let left = text.lines().find(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "));
        assert_eq!(left, None, "{}", path.display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every Rust file of the workspace.
fn sources() -> Vec<PathBuf> {
    let all: Vec<PathBuf> = CRATES.iter().flat_map(|name| sources_of(&root().join(name))).collect();
    assert!(all.len() > 100, "only {} files were seen", all.len());
    all
}

fn sources_of(folder: &Path) -> Vec<PathBuf> {
    files_of(folder, &["rs"])
}

/// Those with one of these extensions.
fn files_of(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(files_of(&path, extensions));
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|one| extension == *one)) {
            found.push(path.strip_prefix(root()).map_or(path.clone(), |inside| root().join(inside)));
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
