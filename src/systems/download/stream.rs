//! One file over one connection at a time, from its beginning to its end.
//! A connection that breaks is followed by one that asks for the rest; a server that cannot give a rest starts over.
//! Not here: several connections.

use super::landing::{BUFFER, Landing};
use super::{Error, Expected, Tries, broken, closed_early};
use crate::http::{Answer, Http, Question};
use disk::regular::{self, Links};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use words::event::Tell;
use words::location::Location;

/// Where the bytes come from, and what the last answer said of them.
struct Stream<'a> {
    http: &'a Http,
    from: &'a Location,
    expected: Expected,
    tell: Tell<'a>,
    validator: Option<String>,
    is_page: bool,
}

/// Fills the file and verifies it; `open` is an answer to a question for the whole that is there already.
pub(super) fn fill(
    http: &Http,
    from: &Location,
    expected: Expected,
    partial: &Path,
    mut open: Option<Answer>,
    tell: Tell,
) -> Result<(), Error> {
    let opened = Landing::open(partial, tell);
    let mut landing = opened.map_err(|source| Error::Write { path: partial.to_owned(), source })?;
    let mut stream = Stream { http, from, expected, tell, validator: None, is_page: false };
    let filled = stream.fill(&mut landing, &mut open);
    filled.map_err(|error| match stream.is_page && error.is_mismatch() {
        true => Error::Page { location: from.clone(), source: Box::new(error) },
        false => error,
    })
}

impl Stream<'_> {
    fn fill(&mut self, landing: &mut Landing, open: &mut Option<Answer>) -> Result<(), Error> {
        let Expected { size, sha256 } = self.expected;
        let mut tries = Tries::new(landing.size());
        while open.is_some() || landing.size() < size || size == 0 {
            let Err(error) = self.once(landing, open.take()) else { break };
            tries.again(self.http, error, landing.size(), self.tell)?;
        }
        if landing.size() > size {
            return Err(Error::TooLong { location: self.from.clone(), expected: size });
        }
        let found = landing.hasher().finish();
        if found != sha256 {
            return Err(Error::Differs { location: self.from.clone(), expected: sha256, found });
        }
        Ok(())
    }

    /// One connection's worth.
    fn once(&mut self, landing: &mut Landing, open: Option<Answer>) -> Result<(), Error> {
        let size = self.expected.size;
        let mut body = self.body(landing, open)?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = body.read(&mut buffer).map_err(|source| broken(self.from, source))?;
            if count == 0 {
                break;
            }
            if landing.size() + count as u64 > size {
                return Err(Error::TooLong { location: self.from.clone(), expected: size });
            }
            landing.append(&buffer[..count], self.tell)?;
        }
        let found = landing.size();
        if found == size {
            return Ok(());
        }
        Err(match self.from {
            Location::Path(_) => Error::TooShort { location: self.from.clone(), expected: size, found },
            Location::Web(_) | Location::Led(_) => closed_early(self.from),
        })
    }

    /// The bytes that are still missing; starts over where the server cannot resume.
    fn body(&mut self, landing: &mut Landing, open: Option<Answer>) -> Result<Box<dyn Read>, Error> {
        let have = landing.size();
        if let Location::Path(path) = self.from {
            let opened =
                regular::open(path, Links::Follow).and_then(|mut file| file.seek(SeekFrom::Start(have)).map(|_| file));
            let file = opened.map_err(|source| Error::Read { location: self.from.clone(), source })?;
            return Ok(Box::new(file));
        }
        let answer = match open {
            Some(answer) => answer,
            None => {
                let question = Question { start: have, validator: self.validator.as_deref(), ..Question::default() };
                let asked = self.http.ask(self.from, question);
                asked.map_err(|source| Error::Http { location: self.from.clone(), source })?
            }
        };
        if have > 0 && answer.is_part && answer.validator != self.validator && self.validator.is_some() {
            return Err(Error::Changed { location: self.from.clone() });
        }
        if answer.start != have {
            landing.restart(self.tell)?;
        }
        self.is_page = answer.media_type == "text/html";
        self.validator = answer.validator.clone();
        self.announced(&answer, landing.size())?;
        Ok(answer.body)
    }

    /// A length that cannot be right is told before a byte is read.
    fn announced(&self, answer: &Answer, have: u64) -> Result<(), Error> {
        let (location, expected) = (self.from.clone(), self.expected.size);
        match answer.length.map(|length| have.saturating_add(length)) {
            Some(length) if length > expected => Err(Error::TooLong { location, expected }),
            Some(found) if found < expected => Err(Error::TooShort { location, expected, found }),
            _ => Ok(()),
        }
    }
}
