//! One large file over several connections, piece by piece, in the order of the file.
//! The digest follows behind the writers, so that it is known with the last byte; a journal keeps what is there.
//! Not here: small files, and servers that give no ranges: those go over one connection.

use super::journal::{self, Journal, Known};
use super::landing::BUFFER;
use super::{Error, Expected, Tries, broken, closed_early, stream};
use crate::http::{Answer, Http, Question};
use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use words::digest::{Hasher, Sha256};
use words::event::{Event, Tell};
use words::location::Location;
use words::parallel::AtEnd;

/// Fills the file and verifies it.
pub(super) fn fill(http: &Http, from: &Location, expected: Expected, partial: &Path, tell: Tell) -> Result<(), Error> {
    let mut known = known(http, expected, partial);
    tell(Event::Bytes(known.bytes()));
    let mut todo: VecDeque<u64> = (0..known.pieces()).filter(|at| !known.done.contains(at)).collect();
    let first = match todo.pop_front() {
        None => None,
        Some(at) => match open_first(http, from, &known, at, tell)? {
            answer if answer.is_part => Some((at, answer)),
            whole => {
                tell(Event::Lost(known.bytes()));
                super::empty(partial).map_err(|source| Error::Write { path: partial.to_owned(), source })?;
                return stream::fill(http, from, expected, partial, Some(whole), tell);
            }
        },
    };
    if let Some((_, answer)) = &first {
        same_file(from, &known, answer)?;
        known.of = answer.validator.clone().map(|validator| (validator, journal::named(from)));
    }
    let work = Work { http, from, partial, tell };
    let found = work.run(&known, todo, first)?;
    if found != expected.sha256 {
        return Err(Error::Differs { location: from.clone(), expected: expected.sha256, found });
    }
    journal::remove(partial).map_err(|source| work.written(source))
}

/// Receives a large file of which nobody knows what it must be, in pieces; `whole` is the open answer to a question for
/// all of it. Gives the digest of what came: who asks knows whom to hold it against.
pub fn receive(
    http: &Http,
    from: &Location,
    whole: Answer,
    size: u64,
    file: &Path,
    tell: Tell,
) -> Result<Sha256, Error> {
    let of = whole.validator.clone().map(|validator| (validator, journal::named(from)));
    let known = Known { size, piece: piece(http, size), of, done: BTreeSet::new() };
    let work = Work { http, from, partial: file, tell };
    let received = work.run(&known, (1..known.pieces()).collect(), Some((0, whole)));
    // Nothing that nobody vouches for is gone on with by another run.
    journal::remove(file).map_err(|source| work.written(source))?;
    received
}

/// The size of every piece but the last.
fn piece(http: &Http, size: u64) -> u64 {
    (size / 32).max(http.split().piece).max(1)
}

/// What an earlier run left, as pieces.
fn known(http: &Http, expected: Expected, partial: &Path) -> Known {
    let Expected { size, .. } = expected;
    match journal::read(partial) {
        Some(known) if known.size == size => known,
        _ => {
            let piece = piece(http, size);
            let left =
                if journal::place(partial).exists() { 0 } else { fs::metadata(partial).map_or(0, |file| file.len()) };
            let mut known = Known { size, piece, of: None, done: BTreeSet::new() };
            known.done = (0..known.pieces()).take_while(|at| known.bounds(*at).1 <= left).collect();
            known
        }
    }
}

/// The first answer, which shows whether the server gives ranges at all.
fn open_first(http: &Http, from: &Location, known: &Known, at: u64, tell: Tell) -> Result<Answer, Error> {
    let (start, end) = known.bounds(at);
    let named = journal::named(from);
    let validator = known.of.as_ref().filter(|(_, place)| *place == named).map(|(validator, _)| validator.as_str());
    let question = Question { start, end: Some(end), validator, ..Question::default() };
    let answer = http.retrying(tell, || http.ask(from, question));
    answer.map_err(|source| Error::Http { location: from.clone(), source })
}

/// Whether a part is of the file that is wanted, as far as its headers tell.
fn same_file(from: &Location, known: &Known, answer: &Answer) -> Result<(), Error> {
    let location = from.clone();
    match answer.total {
        Some(total) if total > known.size => return Err(Error::TooLong { location, expected: known.size }),
        Some(found) if found < known.size => return Err(Error::TooShort { location, expected: known.size, found }),
        _ => {}
    }
    match &known.of {
        Some((validator, place)) if *place == journal::named(from) && answer.validator.as_ref() != Some(validator) => {
            Err(Error::Changed { location })
        }
        _ => Ok(()),
    }
}

/// One file, one place.
struct Work<'a> {
    http: &'a Http,
    from: &'a Location,
    partial: &'a Path,
    tell: Tell<'a>,
}

/// What the connections of one file share.
struct Board<'a> {
    known: &'a Known,
    file: File,
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    todo: VecDeque<u64>,
    done: BTreeSet<u64>,
    journal: Journal,
    stopped: bool,
    failed: Option<Error>,
}

impl Board<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece that nobody has taken; none, once something failed.
    fn next(&self) -> Option<u64> {
        let mut state = self.state();
        if state.stopped { None } else { state.todo.pop_front() }
    }

    fn finish(&self, at: u64) -> io::Result<()> {
        let mut state = self.state();
        state.journal.done(at)?;
        state.done.insert(at);
        self.moved.notify_all();
        Ok(())
    }

    fn fail(&self, error: Error) {
        let mut state = self.state();
        state.stopped = true;
        state.failed.get_or_insert(error);
        self.moved.notify_all();
    }

    fn has_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Waits until a piece is there; the error, if it never will be.
    fn wait_for(&self, at: u64) -> Result<(), Error> {
        let mut state = self.state();
        loop {
            if let Some(error) = state.failed.take() {
                return Err(error);
            }
            if state.done.contains(&at) {
                return Ok(());
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Work<'_> {
    fn written(&self, source: io::Error) -> Error {
        Error::Write { path: self.partial.to_owned(), source }
    }

    /// Brings the missing pieces and gives the digest of the whole.
    fn run(&self, known: &Known, todo: VecDeque<u64>, first: Option<(u64, Answer)>) -> Result<Sha256, Error> {
        let journal = Journal::begin(self.partial, known).map_err(|source| self.written(source))?;
        let opened = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(self.partial);
        let file = opened.map_err(|source| self.written(source))?;
        let connections = self.http.split().connections.clamp(1, todo.len() + 1);
        let state = Mutex::new(State { todo, done: known.done.clone(), journal, stopped: false, failed: None });
        let board = Board { known, file, state, moved: Condvar::new() };
        std::thread::scope(|scope| {
            let mut first = first;
            for _ in 0..connections {
                let (board, first) = (&board, first.take());
                scope.spawn(move || self.connection(board, first));
            }
            self.follow(&board)
        })
    }

    /// Brings one piece after the other; the answer for its first one may be there already.
    fn connection(&self, board: &Board, mut first: Option<(u64, Answer)>) {
        // A piece that a panic took along would be waited for; the scope hands the panic on.
        let _end = AtEnd(|| {
            if std::thread::panicking() {
                board.fail(closed_early(self.from));
            }
        });
        loop {
            let (at, open) = match first.take() {
                Some((at, answer)) => (at, Some(answer)),
                None => match board.next() {
                    Some(at) => (at, None),
                    None => return,
                },
            };
            let brought = self.piece(board, at, open);
            let finished = brought.and_then(|()| board.finish(at).map_err(|source| self.written(source)));
            if let Err(error) = finished {
                return board.fail(error);
            }
        }
    }

    /// Brings one piece, over as many connections as it takes.
    fn piece(&self, board: &Board, at: u64, mut open: Option<Answer>) -> Result<(), Error> {
        let (mut reached, end) = board.known.bounds(at);
        let mut tries = Tries::new(reached);
        while reached < end {
            let answer = open.take().map_or_else(|| self.open(board, reached, end), Ok);
            let poured = answer.and_then(|answer| self.pour(board, answer, &mut reached, end));
            if let Err(error) = poured {
                if board.has_stopped() {
                    return Err(error);
                }
                tries.again(self.http, error, reached, self.tell)?;
            }
        }
        Ok(())
    }

    fn open(&self, board: &Board, start: u64, end: u64) -> Result<Answer, Error> {
        let validator = board.known.of.as_ref().map(|(validator, _)| validator.as_str());
        let question = Question { start, end: Some(end), validator, ..Question::default() };
        let answer = self.http.ask(self.from, question);
        let answer = answer.map_err(|source| Error::Http { location: self.from.clone(), source })?;
        if !answer.is_part {
            return Err(Error::Changed { location: self.from.clone() });
        }
        same_file(self.from, board.known, &answer)?;
        Ok(answer)
    }

    /// Writes what an answer brings to its place.
    fn pour(&self, board: &Board, answer: Answer, reached: &mut u64, end: u64) -> Result<(), Error> {
        let mut body = answer.body.take(end - *reached);
        let mut buffer = vec![0; BUFFER];
        while *reached < end {
            let count = body.read(&mut buffer).map_err(|source| broken(self.from, source))?;
            if count == 0 || board.has_stopped() {
                return Err(closed_early(self.from));
            }
            board.file.write_all_at(&buffer[..count], *reached).map_err(|source| self.written(source))?;
            *reached += count as u64;
            (self.tell)(Event::Bytes(count as u64));
        }
        Ok(())
    }

    /// Hashes what is there, from the beginning on, as it comes.
    fn follow(&self, board: &Board) -> Result<Sha256, Error> {
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; BUFFER];
        for at in 0..board.known.pieces() {
            board.wait_for(at)?;
            let (mut start, end) = board.known.bounds(at);
            while start < end {
                let portion = buffer.len().min((end - start) as usize);
                if let Err(source) = board.file.read_exact_at(&mut buffer[..portion], start) {
                    let error = self.written(source);
                    board.fail(self.written(io::Error::other("it cannot be read back")));
                    return Err(error);
                }
                hasher.update(&buffer[..portion]);
                start += portion as u64;
            }
        }
        Ok(hasher.finish())
    }
}
