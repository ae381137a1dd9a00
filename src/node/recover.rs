//! Makes a switch whole: journal first, then the renames, then the state, which is the point of no return.
//! What an interrupted install left is undone before that point and finished after it.
//! Not here: what is switched.

use super::home::{self, Home};
use super::journal::{self, Journal};
use super::state::State;
use super::switch;
use disk::root_dir::RootDir;
use std::path::PathBuf;

/// Why a switch did not happen, or left something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It failed and was undone.
    #[error("the switch failed; everything on the node is as it was before")]
    Failed(#[source] Cause),
    /// It failed, and undoing it too.
    #[error("the switch failed ({failed}) and could not be undone; the next install tries again, from {}", journal.display())]
    Stuck { failed: Box<Cause>, journal: PathBuf, source: switch::Error },
    /// It is done, but old things could not be removed.
    #[error("everything is placed, but what it replaced could not be removed; the next install tries again")]
    Untidy(#[source] Cause),
    /// An earlier one cannot be taken up.
    #[error("an interrupted install left {}, which cannot be carried out", journal.display())]
    Journal { journal: PathBuf, source: journal::Error },
    /// An earlier one cannot be undone or finished.
    #[error("what an interrupted install left cannot be {verb}; its journal is {}", journal.display())]
    Left { verb: &'static str, journal: PathBuf, source: Cause },
}

/// What it failed on.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// A rename, or another change of the node.
    #[error(transparent)]
    Switch(switch::Error),
    /// The installer's own folder.
    #[error(transparent)]
    Home(home::Error),
}

/// What became of an interrupted install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recovered {
    /// There was none.
    Nothing,
    /// It is as if it had never begun.
    Undone,
    /// It was done but for tidying up.
    Finished,
}

/// Takes up what an interrupted install left.
pub(super) fn recover(ground: &RootDir, home: &Home, text: Option<&str>, state: &State) -> Result<Recovered, Error> {
    let Some(text) = text else { return Ok(Recovered::Nothing) };
    let path = home.journal_path();
    let journal = Journal::parse(text).map_err(|source| Error::Journal { journal: path.clone(), source })?;
    let (verb, done, recovered) = match journal.run == state.run {
        true => ("finished", switch::finish(ground, &journal), Recovered::Finished),
        false => ("undone", switch::undo(ground, &journal), Recovered::Undone),
    };
    let dropped = done.map_err(Cause::Switch).and_then(|()| home.drop_journal().map_err(Cause::Home));
    dropped.map_err(|source| Error::Left { verb, journal: path, source })?;
    Ok(recovered)
}

/// Carries out a journal that is on the disk; `next` gives the state to keep once everything has its place.
pub(super) fn switch(
    ground: &RootDir,
    home: &Home,
    journal: &Journal,
    next: impl FnOnce() -> Result<State, switch::Error>,
) -> Result<(), Error> {
    let switched = home
        .keep_journal(&journal.render())
        .map_err(Cause::Home)
        .and_then(|()| switch::perform(ground, journal).map_err(Cause::Switch))
        .and_then(|()| next().map_err(Cause::Switch))
        .and_then(|state| home.keep_state(&state).map_err(Cause::Home));
    if let Err(cause) = switched {
        return Err(abandon(ground, home, journal, cause));
    }
    let tidied = switch::finish(ground, journal).map_err(Cause::Switch);
    tidied.and_then(|()| home.drop_journal().map_err(Cause::Home)).map_err(Error::Untidy)
}

/// Undoes what was begun and tells why.
fn abandon(ground: &RootDir, home: &Home, journal: &Journal, cause: Cause) -> Error {
    match switch::undo(ground, journal) {
        Ok(()) => match home.drop_journal() {
            // Undoing it once more changes nothing.
            Ok(()) | Err(_) => Error::Failed(cause),
        },
        Err(source) => Error::Stuck { failed: Box::new(cause), journal: home.journal_path(), source },
    }
}

/// Removes what was staged when staging itself failed.
pub(super) fn clear(ground: &RootDir, home: &Home, journal: &Journal) {
    let unstaged = Journal { staged: false, ..journal.clone() };
    // The journal stays if this fails, and the next install clears it.
    if switch::undo(ground, &unstaged).is_ok() {
        let _ = home.drop_journal();
    }
}
