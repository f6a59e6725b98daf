//! The report in its three files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use ed25519_dalek::SigningKey;
use onecard_host::disk::DiskFile;
use onecard_station::{
    batch::{BatchJournal, Fate, Stock},
    journal::{Verified, verify},
    numbers::Serial,
    report::{Exports, Extent, Line, Summary, Void, sign, write_csv, write_html},
};
use serde::Serialize;

use super::{
    batch::IssueBatch,
    inputs::{Named, Read},
    washing::ExportCount,
};
use crate::{journal::beside, private_file};

/// Where it goes.
pub(super) struct Files {
    page: PathBuf,
    list: PathBuf,
    signature: PathBuf,
}

/// What was written.
#[derive(Clone, Serialize)]
pub(super) struct Report {
    pub(super) rows: u64,
    pub(super) missing_rows: u64,
    pub(super) stock: Stock,
    pub(super) missing: Option<u64>,
    /// Of a batch by a key master card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exports: Option<Exports>,
    pub(super) journal_lines: usize,
    pub(super) journal_head: String,
    pub(super) files: Vec<String>,
}

impl Files {
    /// Beside the list, or the journal that was named.
    pub(super) fn beside(file: &Path) -> Self {
        let with = |ending| beside(file, ending);
        Self { page: with(".report.html"), list: with(".report.csv"), signature: with(".report") }
    }
}

/// Writes page, list and signature anew.
pub(super) fn write<F: DiskFile>(
    files: &Files,
    options: &IssueBatch,
    read: &Read,
    journal: &BatchJournal<F>,
    key: &SigningKey,
    at: String,
    exports: Option<&ExportCount<'_, '_>>,
) -> anyhow::Result<Report> {
    let books = journal.replayed();
    let (stock, rows) = (books.stock(), read.lines().len() as u64);
    let head = journal.head();
    let exported = exports.map(|count| count.all(books, &read.profile.series)).transpose()?;
    let inputs = options.inputs();
    let summary = Summary {
        batch: books.identity().map(|identity| identity.batch.clone()).unwrap_or_default(),
        enterprise: read.profile.enterprise.to_string(),
        kind: read.profile.kind_name().to_owned(),
        profile: [inputs.profile_name(), read.profile_hash.clone()],
        list: [inputs.list_name(), read.list_hash.clone()],
        at,
        rows,
        stock,
        journal: Extent { lines: journal.lines(), head },
        ledger: extent(&inputs.ledger(&read.profile))?,
        exports: exported,
    };
    let lines = || lines(read, journal, exports);
    let (mut page, mut list) = (Vec::new(), Vec::new());
    write_html(&mut page, &summary, lines(), &voids(read, journal)).context("the report cannot be made")?;
    write_csv(&mut list, lines()).context("the report cannot be made")?;
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let signed = [(name(&files.page), page), (name(&files.list), list)];
    let contents: Vec<(&str, &[u8])> =
        signed.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    let signature = sign(key, summary.journal, summary.ledger, &contents)?;
    for (path, (_, content)) in [&files.page, &files.list].into_iter().zip(&signed) {
        private_file::replace(path, "report", std::str::from_utf8(content).context("the report is no text")?)?;
    }
    private_file::replace(&files.signature, "report", &signature)?;
    Ok(Report {
        rows,
        missing_rows: rows - stock.good,
        stock,
        missing: stock.missing(),
        exports: exported,
        journal_lines: journal.lines(),
        journal_head: head.to_string(),
        files: [&files.page, &files.list, &files.signature].map(|path| path.display().to_string()).to_vec(),
    })
}

/// How far the ledger of numbers has come.
fn extent(ledger: &Path) -> anyhow::Result<Extent> {
    let name = ledger.display().to_string();
    let content = fs::read(ledger).with_context(|| format!("ledger of numbers {name} cannot be read"))?;
    let Verified { lines, head, .. } = verify(&name, &content)?;
    Ok(Extent { lines, head })
}

/// Good cards in the order of the list.
fn lines<'r, 'k, F: DiskFile>(
    read: &'r Read,
    journal: &'r BatchJournal<F>,
    exports: Option<&'r ExportCount<'r, 'k>>,
) -> impl Iterator<Item = Line> + use<'r, 'k, F> {
    let books = journal.replayed();
    read.lines().into_iter().filter_map(move |row| {
        let number = books.row(row)?;
        books.number(number).filter(|numbered| numbered.fate == Fate::Good)?;
        let Named { name, staff_number, department } = read.named(row);
        let serial = read.profile.series.serial(number)?;
        let (printed, exports) = match serial {
            Serial::Application { serial, printed } => {
                (Some(printed.to_string()), exports.map(|count| count.of(serial)))
            }
            Serial::Sam(_) => (None, None),
        };
        Some(Line { row, name, staff_number, department, serial: serial.to_string(), printed, exports })
    })
}

fn voids<F: DiskFile>(read: &Read, journal: &BatchJournal<F>) -> Vec<Void> {
    let nobodys =
        journal.replayed().numbers().filter(|(_, numbered)| matches!(numbered.fate, Fate::Bad | Fate::GivenUp));
    nobodys
        .filter_map(|(number, numbered)| {
            let serial = read.profile.series.serial(number)?.to_string();
            Some(Void { row: numbered.row, serial, spoilt: numbered.fate == Fate::Bad })
        })
        .collect()
}
