//! The journal's copy on this node, in SQLite: what is read when the manager starts, and asked for what has happened.
//! A record is in it only after it is in the journal; a copy that is damaged is put aside and made anew from there.
//! Not here: the journal itself, and what follows from records. No other file speaks SQL.

use super::record::{Fact, Record, Unreadable};
use super::snapshot::{Assembly, Snapshot, Unusable};
use rusqlite::{Connection, ErrorCode, Transaction, params};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use words::names::{ApplicationName, Word};

/// The format of the file. Another one is put aside: all of it can be read again from the journal.
const FORMAT: i64 = 2;
/// So many of the last records about an application are told.
const MOST_TOLD: u32 = 1000;

const BUSY: Duration = Duration::from_millis(500);

/// What each format has more than the one before.
const TABLES: [&str; 2] = [
    "CREATE TABLE record (number INTEGER PRIMARY KEY, application TEXT, text TEXT NOT NULL) STRICT;
     CREATE INDEX record_of_application ON record (application, number);",
    "CREATE TABLE snapshot (number INTEGER NOT NULL, line TEXT NOT NULL) STRICT;",
];

/// Records that a snapshot covers and nobody asks for any more: all but the last ones about each application that there is.
const COVERED: &str = "
    DELETE FROM record WHERE number <= ?1 AND (application IS NULL
        OR application NOT IN (SELECT value FROM json_each(?2))
        OR number <= (SELECT number FROM record AS later WHERE later.application = record.application
                      ORDER BY number DESC LIMIT 1 OFFSET ?3))
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
    /// The same of a snapshot.
    #[error("the journal's copy {}", file.display())]
    Snapshot { file: PathBuf, source: Unusable },
}

/// The copy.
pub struct Copy {
    file: PathBuf,
    sql: Connection,
}

impl Copy {
    /// Opens it, and looks at all records; one that is damaged, or of another format, is put aside and begun anew.
    pub fn open(file: &Path) -> Result<Copy, CopyError> {
        let look = |copy: Copy| copy.each(0, &mut |_| {}).and_then(|()| copy.snapshot()).map(|_| copy);
        match Copy::try_open(file).and_then(look) {
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
        if !(0..=FORMAT).contains(&format) {
            return Err(failed(rusqlite::Error::InvalidQuery));
        }
        let more = TABLES[format as usize..].concat();
        if !more.is_empty() {
            sql.execute_batch(&format!("BEGIN; {more} PRAGMA user_version = {FORMAT}; COMMIT;")).map_err(failed)?;
        }
        Ok(Copy { file: file.to_owned(), sql })
    }

    fn failed(&self, operation: &'static str) -> impl Fn(rusqlite::Error) -> CopyError + '_ {
        move |source| CopyError::Sql { operation, file: self.file.clone(), source }
    }

    /// Gives all records after one in their order, one at a time: together they may be larger than this node's memory.
    pub fn each(&self, after: u64, take: &mut dyn FnMut(Record)) -> Result<(), CopyError> {
        self.select("SELECT number, text FROM record WHERE number > ?1 ORDER BY number", params![after], take)
    }

    /// The snapshot after which its records go on.
    pub fn snapshot(&self) -> Result<Option<Snapshot>, CopyError> {
        let failed = self.failed("read");
        let unusable = |source| CopyError::Snapshot { file: self.file.clone(), source };
        let mut statement = self.sql.prepare("SELECT number, line FROM snapshot ORDER BY rowid").map_err(&failed)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?));
        let mut reading = None;
        for row in statement.query_map([], row).map_err(&failed)? {
            let (number, line) = row.map_err(&failed)?;
            let reading = reading.get_or_insert_with(|| Assembly::new(number));
            reading.take(line.as_bytes()).map_err(unusable)?;
        }
        reading.map(Assembly::finish).transpose().map_err(unusable)
    }

    /// Has nothing but this.
    pub fn begin(&mut self, snapshot: &Snapshot) -> Result<(), CopyError> {
        self.replace(snapshot, |all| all.execute("DELETE FROM record", []).map(drop))
    }

    /// Goes on from here; keeps what is told of applications.
    pub fn keep(&mut self, snapshot: &Snapshot) -> Result<(), CopyError> {
        let names: Vec<&str> = snapshot.state.applications.keys().map(ApplicationName::as_str).collect();
        let names = serde_json::to_string(&names).unwrap_or_default();
        let number = snapshot.state.number;
        self.replace(snapshot, |all| all.execute(COVERED, params![number, names, MOST_TOLD]).map(drop))
    }

    fn replace(
        &mut self,
        snapshot: &Snapshot,
        remove: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), CopyError> {
        let Copy { file, sql } = self;
        let failed = |source| CopyError::Sql { operation: "write", file: file.clone(), source };
        let all = sql.transaction().map_err(failed)?;
        all.execute("DELETE FROM snapshot", []).map_err(failed)?;
        for line in snapshot.lines() {
            let row = params![snapshot.state.number, line];
            all.execute("INSERT INTO snapshot (number, line) VALUES (?1, ?2)", row).map_err(failed)?;
        }
        remove(&all).map_err(failed)?;
        all.commit().map_err(failed)
    }

    /// The last records about an application, oldest first.
    pub fn of_application(&self, name: &ApplicationName) -> Result<Vec<Record>, CopyError> {
        let last = "SELECT number, text FROM record WHERE application = ?1 ORDER BY number DESC LIMIT ?2";
        let mut records = Vec::new();
        self.select(last, params![name.as_str(), MOST_TOLD], &mut |record| records.push(record))?;
        records.reverse();
        Ok(records)
    }

    /// So many records after a number, in their order.
    pub fn after(&self, number: u64, most: u32) -> Result<Vec<Record>, CopyError> {
        let next = "SELECT number, text FROM record WHERE number > ?1 ORDER BY number LIMIT ?2";
        let mut records = Vec::new();
        self.select(next, params![number, most], &mut |record| records.push(record))?;
        Ok(records)
    }

    /// The number up to which records may be gone.
    pub fn covered(&self) -> Result<u64, CopyError> {
        let most = "SELECT coalesce(max(number), 0) FROM snapshot";
        self.sql.query_row(most, [], |row| row.get(0)).map_err(self.failed("read"))
    }

    /// Who had made an application when this record was written.
    pub fn maker(&self, name: &ApplicationName, number: u64) -> Result<Maker, CopyError> {
        let made = "SELECT number, text FROM record WHERE application = ?1
                    AND json_extract(text, '$.fact.kind') = 'application-created' ORDER BY number";
        let mut maker = Maker::Covered;
        self.select(made, params![name.as_str()], &mut |record| match (record.fact, &maker) {
            (Fact::ApplicationCreated { owner, .. }, _) if record.number <= number => maker = Maker::Known(owner),
            (_, Maker::Covered) => maker = Maker::Later,
            _ => {}
        })?;
        Ok(maker)
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

/// Who has made an application.
pub enum Maker {
    /// He.
    Known(Word),
    /// It was made later than that, and whose it was before is not kept.
    Later,
    /// It was made before all that is kept.
    Covered,
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
            CopyError::Snapshot { source, .. } => matches!(source, Unusable::Damaged { .. }),
        }
    }
}

impl Fact {
    /// The application that it is about.
    pub fn application(&self) -> Option<&ApplicationName> {
        match self {
            Fact::PackageDeployed { .. } | Fact::PackageUndeployed { .. } => None,
            Fact::CleaningOrdered(cleaning) => cleaning.application.as_ref(),
            Fact::CleaningEnded { application, .. } => application.as_ref(),
            Fact::ApplicationCreated { application, .. }
            | Fact::StartOrdered { application, .. }
            | Fact::StopOrdered { application, .. }
            | Fact::SavepointOrdered { application, .. }
            | Fact::DeleteOrdered { application }
            | Fact::ApplicationDeleted { application }
            | Fact::RescaleOrdered { application, .. }
            | Fact::Upgrade { application, .. } => Some(application),
            Fact::StartFailed { of, .. }
            | Fact::RespawnFailed { of, .. }
            | Fact::ScheduleSet { of, .. }
            | Fact::RunIntended { of, .. }
            | Fact::ClientIntended { of, .. }
            | Fact::ClientBegun { of, .. }
            | Fact::ClientFound { of, .. }
            | Fact::ClientEnded { of, .. }
            | Fact::SubmissionBegun { of, .. }
            | Fact::RunAccepted { of, .. }
            | Fact::RunEnded { of, .. }
            | Fact::SavepointIntended { of, .. }
            | Fact::SavepointCompleted { of, .. }
            | Fact::SavepointFailed { of, .. }
            | Fact::DisposalOrdered { of, .. }
            | Fact::SavepointDisposed { of, .. }
            | Fact::RunAdopted { of, .. }
            | Fact::Trial { of, .. }
            | Fact::Workflow { of, .. }
            | Fact::StateAdopted { of, .. }
            | Fact::RescaleEnded { of, .. }
            | Fact::KillIntended { of, .. } => Some(&of.application),
        }
    }
}
