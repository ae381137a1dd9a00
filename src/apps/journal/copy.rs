//! The journal's copy on this node, in SQLite: what is read when the manager starts, and asked for what has happened.
//! A record is in it only after it is in the journal; a copy that is damaged is put aside and made anew from there.
//! Not here: the journal itself, and what follows from records. No other file speaks SQL.

use super::record::{Fact, Record, Unreadable};
use rusqlite::{Connection, ErrorCode, params};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use words::names::ApplicationName;

/// The format of the file. Another one is put aside: all of it can be read again from the journal.
const FORMAT: i64 = 1;
/// So many of the last records about an application are told.
const MOST_TOLD: u32 = 1000;

const BUSY: Duration = Duration::from_millis(500);

const TABLES: &str = "
    CREATE TABLE record (number INTEGER PRIMARY KEY, application TEXT, text TEXT NOT NULL) STRICT;
    CREATE INDEX record_of_application ON record (application, number);
";

/// Why the copy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Its file cannot be made.
    #[error("cannot make the journal's copy {}", file.display())]
    File { file: PathBuf, source: io::Error },
    /// SQLite does not do it.
    #[error("cannot {operation} the journal's copy {}", file.display())]
    Sql { operation: &'static str, file: PathBuf, source: rusqlite::Error },
    /// A later release wrote a record, or one is damaged.
    #[error("the journal's copy {}", file.display())]
    Unreadable { file: PathBuf, source: Unreadable },
}

/// The copy.
pub struct Copy {
    file: PathBuf,
    sql: Connection,
}

impl Copy {
    /// Opens it, and looks at all records; one that is damaged, or of another format, is put aside and begun anew.
    pub fn open(file: &Path) -> Result<Copy, CopyError> {
        match Copy::try_open(file).and_then(|copy| copy.each(&mut |_| {}).map(|()| copy)) {
            Err(error) if error.is_damage() => {
                let aside = file.with_extension("damaged");
                fs::rename(file, aside).map_err(|source| CopyError::File { file: file.to_owned(), source })?;
                Copy::try_open(file)
            }
            opened => opened,
        }
    }

    fn try_open(file: &Path) -> Result<Copy, CopyError> {
        let failed = |source| CopyError::File { file: file.to_owned(), source };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        // SQLite would make it readable by everybody.
        OpenOptions::new().create(true).append(true).mode(0o600).open(file).map_err(failed)?;
        let failed = |source| CopyError::Sql { operation: "open", file: file.to_owned(), source };
        let sql = Connection::open(file).map_err(failed)?;
        // Somebody who reads it, a backup for example, is done in a moment.
        sql.busy_timeout(BUSY).map_err(failed)?;
        // On the disk before anybody is told.
        sql.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        let format: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        if format == 0 {
            let begin = format!("BEGIN; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT;");
            sql.execute_batch(&begin).map_err(failed)?;
        } else if format != FORMAT {
            return Err(failed(rusqlite::Error::InvalidQuery));
        }
        Ok(Copy { file: file.to_owned(), sql })
    }

    fn failed(&self, operation: &'static str) -> impl Fn(rusqlite::Error) -> CopyError + '_ {
        move |source| CopyError::Sql { operation, file: self.file.clone(), source }
    }

    /// Gives all records in their order, one at a time: together they may be larger than this node's memory.
    pub fn each(&self, take: &mut dyn FnMut(Record)) -> Result<(), CopyError> {
        self.select("SELECT number, text FROM record ORDER BY number", [], take)
    }

    /// The last records about an application, oldest first.
    pub fn of_application(&self, name: &ApplicationName) -> Result<Vec<Record>, CopyError> {
        let last = "SELECT number, text FROM record WHERE application = ?1 ORDER BY number DESC LIMIT ?2";
        let mut records = Vec::new();
        self.select(last, params![name.as_str(), MOST_TOLD], &mut |record| records.push(record))?;
        records.reverse();
        Ok(records)
    }

    fn select(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
        take: &mut dyn FnMut(Record),
    ) -> Result<(), CopyError> {
        let failed = self.failed("read");
        let mut statement = self.sql.prepare(query).map_err(&failed)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?));
        for row in statement.query_map(parameters, row).map_err(&failed)? {
            let (number, text) = row.map_err(&failed)?;
            let unreadable = |source| CopyError::Unreadable { file: self.file.clone(), source };
            take(Record::read(number, text.as_bytes()).map_err(unreadable)?);
        }
        Ok(())
    }

    /// Takes records that the journal has: all of them, or none.
    pub fn add(&mut self, records: &[Record]) -> Result<(), CopyError> {
        let Copy { file, sql } = self;
        let failed = |source| CopyError::Sql { operation: "write", file: file.clone(), source };
        let all = sql.transaction().map_err(failed)?;
        for record in records {
            let application = record.fact.application().map(ApplicationName::as_str);
            let row = params![record.number, application, record.text()];
            all.execute("INSERT INTO record (number, application, text) VALUES (?1, ?2, ?3)", row).map_err(failed)?;
        }
        all.commit().map_err(failed)
    }
}

impl CopyError {
    /// What it has is of no use to anybody.
    fn is_damage(&self) -> bool {
        match self {
            CopyError::File { .. } => false,
            CopyError::Sql { source: rusqlite::Error::InvalidQuery, .. } => true,
            CopyError::Sql { source, .. } => {
                matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            CopyError::Unreadable { source, .. } => matches!(source, Unreadable::Damaged { .. }),
        }
    }
}

impl Fact {
    /// The application that it is about.
    pub fn application(&self) -> Option<&ApplicationName> {
        match self {
            Fact::PackageDeployed { .. } | Fact::PackageUndeployed { .. } => None,
            Fact::ApplicationCreated { application, .. }
            | Fact::StartOrdered { application, .. }
            | Fact::StopOrdered { application, .. }
            | Fact::DeleteOrdered { application }
            | Fact::ApplicationDeleted { application } => Some(application),
            Fact::StartFailed { of, .. }
            | Fact::RespawnFailed { of, .. }
            | Fact::RunIntended { of, .. }
            | Fact::SubmissionBegun { of, .. }
            | Fact::RunAccepted { of, .. }
            | Fact::RunEnded { of, .. }
            | Fact::SavepointIntended { of, .. }
            | Fact::SavepointCompleted { of, .. }
            | Fact::SavepointFailed { of, .. } => Some(&of.application),
        }
    }
}
