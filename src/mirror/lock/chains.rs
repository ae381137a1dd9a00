//! Why an artifact is locked: chains of names, each from the entry that wants it down to the artifact itself.
//! Most artifacts of a lock hang on few others: what stands above the last name is held once for all of them.
//! Not here: how a chain comes about (`resolve`), or which of them are shown to whom (`why`).

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

const NEXT: &str = " > ";

/// One chain, as in `flink > a > b`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Chain {
    above: Option<Arc<str>>,
    last: Box<str>,
}

/// The chains of one artifact, sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chains(Box<[Chain]>);

/// What stands above the last names of chains, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Beginnings(HashSet<Arc<str>>);

impl Chain {
    /// Its names, the entry first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.above.iter().flat_map(|above| above.split(NEXT)).chain([&*self.last])
    }

    /// The last name: the artifact's own.
    pub fn last(&self) -> &str {
        &self.last
    }

    fn pieces(&self) -> [&str; 3] {
        match &self.above {
            Some(above) => [above, NEXT, &self.last],
            None => ["", "", &self.last],
        }
    }
}

impl From<&str> for Chain {
    fn from(text: &str) -> Chain {
        Beginnings::default().read(text)
    }
}

impl From<String> for Chain {
    fn from(text: String) -> Chain {
        text.as_str().into()
    }
}

impl From<Chain> for String {
    fn from(chain: Chain) -> String {
        chain.pieces().concat()
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().iter().try_for_each(|piece| out.write_str(piece))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\"{self}\"")
    }
}

impl Ord for Chain {
    fn cmp(&self, other: &Chain) -> Ordering {
        bytes(&self.pieces()).cmp(bytes(&other.pieces()))
    }
}

impl PartialOrd for Chain {
    fn partial_cmp(&self, other: &Chain) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq<&str> for Chain {
    fn eq(&self, text: &&str) -> bool {
        bytes(&self.pieces()).eq(text.bytes())
    }
}

fn bytes<'a>(pieces: &'a [&str]) -> impl Iterator<Item = u8> + 'a {
    pieces.iter().flat_map(|piece| piece.bytes())
}

impl Deref for Chains {
    type Target = [Chain];

    fn deref(&self) -> &[Chain] {
        &self.0
    }
}

impl<C: Into<Chain>> FromIterator<C> for Chains {
    /// In the order in which they come: a lock's text has them sorted, and is read back as it stands.
    fn from_iter<I: IntoIterator<Item = C>>(chains: I) -> Chains {
        Chains(chains.into_iter().map(Into::into).collect())
    }
}

impl Chains {
    /// These, and others with them.
    pub(super) fn join(&mut self, others: &Chains) {
        let mut all = std::mem::take(&mut self.0).into_vec();
        all.extend(others.iter().cloned());
        all.sort();
        all.dedup();
        self.0 = all.into();
    }

    /// The same, with what stands above the last names taken from there.
    pub(super) fn share(&mut self, beginnings: &mut Beginnings) {
        for above in self.0.iter_mut().filter_map(|chain| chain.above.as_mut()) {
            *above = beginnings.one(above);
        }
    }
}

impl Beginnings {
    /// A chain from its text.
    pub(super) fn read(&mut self, text: &str) -> Chain {
        match text.rsplit_once(NEXT) {
            Some((above, last)) => Chain { above: Some(self.one(above)), last: last.into() },
            None => Chain { above: None, last: text.into() },
        }
    }

    fn one(&mut self, text: &str) -> Arc<str> {
        if let Some(there) = self.0.get(text) {
            return Arc::clone(there);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_its_text() {
        let texts =
            ["", "a", "a > b", "a > b > c", "a>b", " > ", " > x", "x > ", "a > b ", "a >  > b", "b > a", "a! > b"];
        for one in texts {
            assert_eq!(Chain::from(one).to_string(), one);
            assert_eq!(Chain::from(one).names().collect::<Vec<_>>(), one.split(NEXT).collect::<Vec<_>>());
            assert_eq!(Some(Chain::from(one).last()), one.split(NEXT).last());
            for other in texts {
                assert_eq!(Chain::from(one).cmp(&Chain::from(other)), one.cmp(other), "{one:?} {other:?}");
                assert_eq!(Chain::from(one).eq(&other), one == other);
            }
        }
    }

    #[test]
    fn what_is_above_is_held_once() {
        let mut beginnings = Beginnings::default();
        let chains = ["a > b > c", "a > b > d"].map(|text| beginnings.read(text));
        let mut others: Chains = ["a > b > e"].into_iter().collect();
        others.share(&mut beginnings);
        let above = |chain: &Chain| chain.above.as_ref().map(|above| Arc::as_ptr(above).cast::<u8>());
        assert_eq!(above(&chains[0]), above(&chains[1]));
        assert_eq!(above(&chains[0]), above(&others[0]));
    }
}
