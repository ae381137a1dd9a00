//! What is written into the journal: what people order, on any node, and what the manager has found or is about to do, on the
//! node that manages. Nothing is written that the state does not allow any more.
//! Not here: what follows from it.

use super::{Manager, lock, unavailable};
use crate::callbacks::changes;
use crate::journal::{AppendError, Fact, NoteError, State};
use crate::orders::Refusal;
use words::chain::chain;
use words::names::Word;

/// So often something else may be written at the same moment before an order is refused.
const TRIES: usize = 5;

/// Why something is not written down.
enum Unnoted {
    /// Others have written something, and nothing of this.
    Overtaken(String),
    /// It cannot be, or must not.
    Refused(Refusal),
}

impl From<Refusal> for Unnoted {
    fn from(refusal: Refusal) -> Unnoted {
        Unnoted::Refused(refusal)
    }
}

impl Unnoted {
    fn into_refusal(self) -> Refusal {
        match self {
            Unnoted::Overtaken(why) => unavailable(why),
            Unnoted::Refused(refusal) => refusal,
        }
    }
}

impl Manager {
    /// Counts an order that is about to be recorded.
    pub(super) fn another_order(&self, by: &Word) -> Result<(), Refusal> {
        lock(&self.pace).another_order(by, self.share, self.clock.passed())
    }

    /// Writes down what somebody orders, if the state still allows it. A node that stands by does so too: what follows from the
    /// journal is done by whoever manages. Where something else is written at the same moment the rule is asked again.
    pub(super) fn take<T>(
        &self,
        by: &Word,
        rule: impl Fn(&State) -> Result<(Vec<Fact>, T), Refusal>,
    ) -> Result<T, Refusal> {
        for _ in 1..TRIES {
            match self.write(by, &rule) {
                Err(Unnoted::Overtaken(_)) => {}
                taken => return taken.map_err(Unnoted::into_refusal),
            }
        }
        self.write(by, &rule).map_err(Unnoted::into_refusal)
    }

    /// Writes down what the manager itself has found or is about to do, if the state still allows it.
    pub(super) fn note<T>(
        &self,
        by: &Word,
        rule: impl FnOnce(&State) -> Result<(Vec<Fact>, T), Refusal>,
    ) -> Result<T, Refusal> {
        // Where another node does what follows from the journal, none of it is done here.
        if let Some(why) = lock(&self.since).elsewhere.clone() {
            return Err(unavailable(why));
        }
        self.write(by, rule).map_err(Unnoted::into_refusal)
    }

    /// `rule` looks at the very state that its facts are added to.
    fn write<T>(&self, by: &Word, rule: impl FnOnce(&State) -> Result<(Vec<Fact>, T), Refusal>) -> Result<T, Unnoted> {
        let unreadable = || lock(&self.unread).clone().map_or(Ok(()), |why| Err(unavailable(why)));
        unreadable()?;
        let mut held = lock(&self.book);
        // Whoever waited for one to whom HDFS did not answer need not wait for that himself.
        unreadable()?;
        if let Some(why) = lock(&self.unwritten).clone() {
            return Err(unavailable(why).into());
        }
        let Some(book) = held.as_mut() else { return Err(unavailable("the journal was not read yet").into()) };
        let (facts, value) = rule(&book.state)?;
        let mut is_first = true;
        for fact in facts {
            let line = format!("{by}: {}", fact.line());
            let (at_ms, before, written) = (self.clock.now_ms(), book.state.clone(), fact.clone());
            let noted = self.counts.appends.of(|| book.note(by, at_ms, fact), Result::is_err);
            let is_away = match &noted {
                Err(NoteError::Append(error)) => matches!(error, AppendError::Unavailable { .. }),
                Err(NoteError::Copy(_) | NoteError::Behind(_)) => true,
                Ok(()) | Err(NoteError::Misfit(_)) => false,
            };
            *lock(&self.unwritten) = noted.as_ref().err().filter(|_| is_away).map(|error| chain(error));
            let is_overtaken = matches!(noted, Err(NoteError::Append(AppendError::Superseded { .. })));
            if is_overtaken {
                // What others wrote counts; what was to be done is decided anew from it. Until it can be read nothing is.
                if let Err(error) = book.catch_up() {
                    *lock(&self.unread) = Some(chain(&error));
                }
            }
            *lock(&self.known) = Some(book.state.clone());
            noted.map_err(|error| match error {
                NoteError::Append(AppendError::TooLong { .. }) => Unnoted::Refused(Refusal::Invalid(chain(&error))),
                error if is_overtaken && is_first => Unnoted::Overtaken(chain(&error)),
                error => unavailable(chain(&error)).into(),
            })?;
            is_first = false;
            (self.tell)(&line);
            self.call_back(changes(&before, &book.state, &written));
        }
        Ok(value)
    }
}
