//! Proof of the chain, from the bytes alone.

use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use super::{ChainHash, JournalError, Replay};
use crate::{batch::Books, numbers::LedgerState, washing::Washings};

/// A kind of journal: its first line, and how its lines are read.
type Kind = (String, fn(&str, &[u8]) -> Result<Read, JournalError>);

/// The kinds there are.
fn kinds() -> Vec<Kind> {
    vec![
        kind::<Books>(),
        kind::<LedgerState>(),
        kind::<Washings>(),
        #[cfg(test)]
        kind::<tests::Count>(),
    ]
}

fn kind<R: Replay>() -> Kind {
    (first_line::<R>(), |file, content| {
        let mut replayed = R::default();
        read_lines::<R>(file, content, |entry| replayed.apply(&entry))
    })
}

/// A chain that holds, of lines each of which may follow those before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// The kind and format its first line names.
    pub kind: String,
    /// Whole lines, the first included.
    pub lines: usize,
    /// The hash of the last whole line.
    pub head: ChainHash,
    /// Bytes of a torn line at the end, of which nobody was told.
    pub torn_bytes: usize,
}

/// Proves the chain of `content`, whatever kind of journal it is, and that its lines say what can be; `file` names it in errors.
///
/// # Errors
/// [`JournalError::Broken`]: the first line that does not fit.
pub fn verify(file: &str, content: &[u8]) -> Result<Verified, JournalError> {
    let first = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let kinds = kinds();
    let kind = kinds.iter().find(|(line, _)| line.as_bytes() == first && content.contains(&b'\n'));
    let Some((kind, read)) = kind else {
        let expected: Vec<&str> = kinds.iter().map(|(line, _)| line.as_str()).collect();
        return Err(broken(file, 1, &format!("it is no journal of a station: expected {}", expected.join(" or "))));
    };
    let read = read(file, content)?;
    let head = read.head.ok_or_else(|| broken(file, 1, "it is empty"))?;
    Ok(Verified { kind: kind.clone(), lines: read.lines, head, torn_bytes: content.len() - read.good })
}

/// What a reading found.
pub(super) struct Read {
    /// `None` if there is not even a first line.
    pub(super) head: Option<ChainHash>,
    pub(super) lines: usize,
    /// Bytes of whole lines.
    pub(super) good: usize,
}

/// Reads the lines of a journal of one kind and hands on each entry.
pub(super) fn read_lines<R: Replay>(
    file: &str,
    content: &[u8],
    mut apply: impl FnMut(R::Entry) -> Result<(), String>,
) -> Result<Read, JournalError> {
    read_chain(file, content, &first_line::<R>(), |_, json| {
        let entry = serde_json::from_str(json).map_err(|error| format!("no line of {}: {error}", first_line::<R>()))?;
        apply(entry)
    })
}

/// The first line of a kind of journal, without its line feed.
pub(super) fn first_line<R: Replay>() -> String {
    format!("{};{}", R::KIND, R::FORMAT)
}

/// The hash a chain begins with.
pub(super) fn first_hash(first_line: &str) -> ChainHash {
    ChainHash(Sha256::digest(first_line.as_bytes()).into())
}

/// The hash of the next line.
pub(super) fn step(before: ChainHash, json: &str) -> ChainHash {
    ChainHash(Sha256::new().chain_update(before.0).chain_update(json.as_bytes()).finalize().into())
}

fn read_chain(
    file: &str,
    content: &[u8],
    first: &str,
    mut apply: impl FnMut(usize, &str) -> Result<(), String>,
) -> Result<Read, JournalError> {
    let mut read = Read { head: None, lines: 0, good: 0 };
    let mut lines = content.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let (number, is_last) = (read.lines + 1, lines.peek().is_none());
        let head = match read.head {
            None => header(line, first, is_last).map_err(|problem| broken(file, number, &problem))?,
            Some(before) => match entry(before, line) {
                Some((head, json)) => {
                    apply(number, json).map_err(|problem| broken(file, number, &problem))?;
                    Some(head)
                }
                // Never finished, so nobody was told of it.
                None if is_last && may_be_torn(before, line) => None,
                None => return Err(broken(file, number, CHANGED)),
            },
        };
        let Some(head) = head else { break };
        (read.head, read.lines, read.good) = (Some(head), number, read.good + line.len());
    }
    Ok(read)
}

const CHANGED: &str = "its hash does not follow from the lines before: it, or one before it, was changed, taken out or put in. \
                       Keep the file as it is, and go on from a copy made before";

fn header(line: &[u8], first: &str, is_last: bool) -> Result<Option<ChainHash>, String> {
    match line.strip_suffix(b"\n") {
        Some(found) if found == first.as_bytes() => Ok(Some(first_hash(first))),
        _ if is_last && may_be_torn_header(line, first) => Ok(None),
        _ => Err(format!("expected {first:?}: another kind of file, or of another release")),
    }
}

/// A file can have got its length before its bytes, which are zero until then.
fn may_be_torn_header(line: &[u8], first: &str) -> bool {
    let whole = first.bytes().chain([b'\n']);
    line.len() <= whole.clone().count() && line.iter().zip(whole).all(|(byte, whole)| [0, whole].contains(byte))
}

/// A line that was written whole has its line feed and no zero byte: JSON has none. Of one that was not, a part is missing at its
/// end, or at its front and there are zeros. Anything else is damage to a line that somebody may have been told of.
fn may_be_torn(before: ChainHash, line: &[u8]) -> bool {
    let end = line.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let front = line.iter().position(|byte| *byte != 0).unwrap_or(end);
    let written = line.get(front..end).unwrap_or_default();
    let is_cut = front > 0 || end < line.len() || !line.ends_with(b"\n");
    let only_its_line_feed_differs =
        line.split_last().is_some_and(|(last, rest)| *last != 0 && entry(before, &[rest, b"\n"].concat()).is_some());
    is_cut && !written.contains(&0) && !only_its_line_feed_differs
}

fn entry(before: ChainHash, line: &[u8]) -> Option<(ChainHash, &str)> {
    let text = core::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (hash, json) = text.split_once(' ')?;
    let head = step(before, json);
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    (hash == head.to_string()).then_some((head, json))
}

fn broken(file: &str, line: usize, problem: &str) -> JournalError {
    JournalError::Broken { file: file.to_owned(), line, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
    use onecard_host::disk::SystemDisk;
    use onecard_simulator::fragile_disk::FragileDisk;

    use super::*;
    use crate::journal::ChainFile;

    #[derive(Default, Debug)]
    pub(super) struct Count(u64);

    impl Replay for Count {
        const KIND: &'static str = "onecard-count";
        const FORMAT: u8 = 1;
        type Entry = u64;

        fn apply(&mut self, entry: &u64) -> Result<(), String> {
            if *entry != self.0 + 1 {
                return Err(format!("{} was expected", self.0 + 1));
            }
            self.0 = *entry;
            Ok(())
        }
    }

    type Counted = ChainFile<Count>;

    /// A journal of three entries.
    fn three(folder: &tempfile::TempDir) -> (std::path::PathBuf, Vec<u8>) {
        let path = folder.path().join("count");
        let mut file = Counted::open_on(&SystemDisk, &path).unwrap();
        (1..=3).for_each(|entry| file.record(&entry).unwrap());
        assert!(matches!(file.record(&9), Err(JournalError::Refused { .. })));
        let content = std::fs::read(&path).unwrap();
        let verified = verify("count", &content).unwrap();
        assert_eq!((verified.lines, verified.head, verified.torn_bytes), (4, file.head(), 0));
        (path, content)
    }

    fn line_of(error: JournalError) -> usize {
        let JournalError::Broken { line, .. } = error else { panic!("{error}") };
        line
    }

    #[test]
    fn every_changed_byte_is_found_and_its_line_named() {
        let folder = tempfile::tempdir().unwrap();
        let (path, content) = three(&folder);
        drop(path);
        let last = content.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2).unwrap().0;
        for at in 0..content.len() {
            let line = content[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            for byte in [content[at] ^ 0x01, 0] {
                let mut changed = content.clone();
                changed[at] = byte;
                match verify("count", &changed) {
                    Err(error) => assert!([line, 1].contains(&line_of(error)), "byte {at}"),
                    // The first or last byte of the last line alone, if it is zero, may be what a torn write leaves.
                    Ok(verified) => {
                        assert!(byte == 0 && [last + 1, content.len() - 1].contains(&at), "byte {at}");
                        assert!(verified.lines == 3 && verified.torn_bytes > 0, "byte {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_chain_of_lines_that_cannot_follow_is_no_proof() {
        let folder = tempfile::tempdir().unwrap();
        let (_, mut content) = three(&folder);
        let head = step(verify("count", &content).unwrap().head, "3");
        content.extend(format!("{head} 3\n").bytes());
        let error = verify("count", &content).unwrap_err();
        assert!(error.to_string().ends_with("line 5: 4 was expected"), "{error}");
        // The same of a number that a batch starts twice.
        let begun =
            r#"{"what":"begun","at":"","batch":"b","enterprise":"1000000000000001","profile":"","list":"","rows":2}"#;
        let started = |row| format!(r#"{{"what":"started","at":"","row":{row},"number":7,"serial":""}}"#);
        let first = first_line::<Books>();
        let (mut text, mut head) = (format!("{first}\n"), first_hash(&first));
        for (json, holds) in [(begun.to_owned(), true), (started(2), true), (started(3), false)] {
            head = step(head, &json);
            text.push_str(&format!("{head} {json}\n"));
            assert_eq!(verify("journal", text.as_bytes()).is_ok(), holds, "{json}");
        }
    }

    #[test]
    fn after_a_write_that_failed_nothing_more_is_written() {
        let (disk, path) = (FragileDisk::default(), std::path::Path::new("count"));
        let mut file = ChainFile::<Count, _>::open_on(&disk, path).unwrap();
        file.record(&1).unwrap();
        disk.die_after(0);
        assert!(matches!(file.record(&2), Err(JournalError::Io { .. })));
        assert!(matches!(file.record(&3), Err(JournalError::Unusable(_))));
    }

    #[test]
    fn what_was_to_be_there_and_is_not_is_not_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("count");
        let open = || Counted::open_begun_on(&SystemDisk, &path);
        assert!(matches!(open(), Err(JournalError::NotBegun(_))) && !path.exists());
        // Empty, or cut in its first line.
        for torn in ["", "onecard-co", "onecard-count;1"] {
            std::fs::write(&path, torn).unwrap();
            assert!(matches!(open(), Err(JournalError::NotBegun(_))), "{torn}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), torn);
        }
        Counted::open_on(&SystemDisk, &path).unwrap().record(&1).unwrap();
        assert_eq!(open().unwrap().replayed().0, 1);
    }

    #[test]
    fn a_line_taken_out_put_in_or_moved_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (_, content) = three(&folder);
        let lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').collect();
        let of =
            |order: &[usize]| verify("count", &order.iter().flat_map(|at| lines[*at].to_vec()).collect::<Vec<_>>());
        for (order, line) in [(&[0, 2, 3][..], 2), (&[0, 1, 1, 2], 3), (&[0, 2, 1, 3], 2), (&[1, 2], 1)] {
            assert_eq!(line_of(of(order).unwrap_err()), line, "{order:?}");
        }
        // Lines taken off the end leave a chain that holds: the report's signature tells.
        assert_eq!(of(&[0, 1]).unwrap().lines, 2);
    }

    #[test]
    fn a_torn_last_line_is_cut_off_wherever_it_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let (path, content) = three(&folder);
        for length in 0..content.len() {
            for zeros in [0, content.len() - length] {
                std::fs::write(&path, [&content[..length], &vec![0; zeros]].concat()).unwrap();
                let whole = content[..length].iter().filter(|byte| **byte == b'\n').count();
                // The first line is alone until it is durable.
                if zeros > 0 && whole == 0 {
                    continue;
                }
                let opened = Counted::open_on(&SystemDisk, &path);
                let mut file = opened.unwrap_or_else(|error| panic!("{length} {zeros}: {error}"));
                assert_eq!(file.replayed().0 as usize, whole.saturating_sub(1), "{length} {zeros}");
                file.record(&(file.replayed().0 + 1)).unwrap();
            }
        }
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        for other in ["onecard-terminal-journal;1\n", "hello\n", "", "onecard-count;1"] {
            assert_eq!(line_of(verify("x", other.as_bytes()).unwrap_err()), 1);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "onecard-count;2\n").unwrap();
        assert_eq!(line_of(Counted::open_on(&SystemDisk, &path).unwrap_err()), 1);
    }
}
