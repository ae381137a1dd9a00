//! Who holds which token: a file with a line `NAME SHA-256 GROUPS…` for each, with the digest of a token and never a token.
//! A changed file is taken up with the next request; one with mistakes is told, and lets nobody in.
//! Not here: what somebody may do.

use disk::regular;
use rustix::fs::stat;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use words::digest::Sha256;
use words::names::Word;
use words::problem::{Origin, Problems, Source};

/// Nobody writes more than this by hand.
const LONGEST: u64 = 1 << 20;
/// Shorter ones could be guessed.
const SHORTEST_TOKEN: usize = 16;
const LONGEST_TOKEN: usize = 512;
const FORM: &str = "write NAME, the SHA-256 of the token as 64 digits, and the names of groups, with spaces between";

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) name: Word,
    pub(super) groups: Vec<Word>,
}

/// Why nobody can be known by a token.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The file cannot be read.
    #[error("cannot read the tokens in {}", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    /// It has mistakes.
    #[error("the file of tokens has mistakes:\n{0}")]
    Mistakes(Problems),
    /// The same, which was said before.
    #[error("the file of tokens still has mistakes")]
    StillMistakes,
}

type Lines = Arc<Vec<(Sha256, Holder)>>;
/// What tells a changed file from the one that was read.
type Seen = Option<(u64, i64, u64)>;

/// The file, as it is now.
pub(super) struct Tokens {
    file: PathBuf,
    read: Mutex<(Seen, Option<Lines>)>,
}

impl Tokens {
    /// Reads the file.
    pub(super) fn open(file: &Path) -> Result<Tokens, Error> {
        let read = Mutex::new((seen(file), Some(read(file)?)));
        Ok(Tokens { file: file.to_owned(), read })
    }

    /// Whose this token is. All lines are compared, each in the same time whatever it holds.
    pub(super) fn holder(&self, token: &str) -> Result<Option<Holder>, Error> {
        let lines = self.lines()?;
        if !(SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&token.len()) {
            return Ok(None);
        }
        let given = Sha256::of(token.as_bytes());
        let mut found = None;
        for (digest, holder) in lines.iter() {
            if same(digest, &given) {
                found = Some(holder);
            }
        }
        Ok(found.cloned())
    }

    fn lines(&self) -> Result<Lines, Error> {
        let now = seen(&self.file);
        let mut kept = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != now {
            // Whose token was taken back must not stay in because of a mistake in another line.
            *kept = (None, None);
            let read = read(&self.file);
            // What has mistakes is not read again until it is another one.
            if !matches!(read, Err(Error::Read { .. })) {
                kept.0 = now;
            }
            kept.1 = Some(read?);
        }
        kept.1.clone().ok_or(Error::StillMistakes)
    }
}

fn same(one: &Sha256, other: &Sha256) -> bool {
    let pairs = one.as_bytes().iter().zip(other.as_bytes());
    std::hint::black_box(pairs.fold(0, |differs, (one, other)| differs | (one ^ other))) == 0
}

fn seen(file: &Path) -> Seen {
    stat(file).ok().map(|found| (found.st_ino as _, found.st_mtime, found.st_mtime_nsec as _))
}

fn read(file: &Path) -> Result<Lines, Error> {
    let failed = |source| Error::Read { file: file.to_owned(), source };
    let text = regular::read_short_text(file, LONGEST).map_err(failed)?;
    parse(Source { file: &file.display().to_string(), text: &text }).map(Arc::new).map_err(Error::Mistakes)
}

fn parse(source: Source<'_>) -> Result<Vec<(Sha256, Holder)>, Problems> {
    let (mut lines, mut problems) = (Vec::<(Sha256, Holder)>::new(), Problems::default());
    for (number, line) in source.text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let Some(name) = words.next().filter(|word| !word.starts_with('#')) else { continue };
        let origin = Origin { line: Some(number + 1), ..Origin::of_file(source.file) };
        // No word of a line with a mistake is repeated: it may be a token.
        let mut wrong = |what: &str| problems.add(origin.problem(what.to_owned(), FORM));
        let digest = words.next().and_then(|digest| digest.parse::<Sha256>().ok());
        let groups: Result<Vec<Word>, _> = words.map(Word::new).collect();
        match (Word::new(name), digest, groups) {
            (Ok(name), _, _) if name.as_str() == "root" => wrong("nobody is root by a token"),
            (Ok(_), Some(digest), Ok(_)) if lines.iter().any(|(other, _)| *other == digest) => {
                wrong("another line has the same token");
            }
            (Ok(name), Some(digest), Ok(groups)) => lines.push((digest, Holder { name, groups })),
            _ => wrong("this is no line of a token"),
        }
    }
    problems.into_result(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, token: &str, groups: &str) -> String {
        format!("{name} {} {groups}\n", Sha256::of(token.as_bytes()))
    }

    const ALICE: &str = "alice-s-token-of-some-length";

    #[test]
    fn a_token_is_known_by_its_digest_and_taken_back_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        std::fs::write(&file, format!("# who\n\n{}", line("alice", ALICE, "dev ops"))).unwrap();
        let tokens = Tokens::open(&file).unwrap();
        let found = tokens.holder(ALICE).unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.groups.len()), ("alice", 2));
        for wrong in ["", "short", "another-token-of-some-length", &ALICE[1..], &format!("{ALICE}x"), &"x".repeat(9999)]
        {
            assert_eq!(tokens.holder(wrong).unwrap(), None, "{wrong}");
        }
        let digest = Sha256::of(ALICE.as_bytes()).to_string();
        assert_eq!(tokens.holder(&digest).unwrap(), None, "what stands in the file opens nothing");
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, line("bob", "bob-s-token-of-some-length", "")).unwrap();
        assert_eq!(tokens.holder(ALICE).unwrap(), None);
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, format!("{}bob\n", line("alice", ALICE, ""))).unwrap();
        assert!(matches!(tokens.holder(ALICE), Err(Error::Mistakes(_))), "a mistake lets nobody in");
        assert!(matches!(tokens.holder(ALICE), Err(Error::StillMistakes)), "and is said once");
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, line("alice", ALICE, "")).unwrap();
        assert!(tokens.holder(ALICE).unwrap().is_some());
    }

    #[test]
    fn every_mistake_is_told_with_its_line_and_no_word_is_repeated() {
        let short = "alice hush-hush-hush\n";
        let text =
            format!("{short}{}{}{}", line("root", ALICE, ""), line("bob", ALICE, "a/b"), line("carol", ALICE, ""));
        let text = format!("{text}{}", line("dave", ALICE, ""));
        let told = parse(Source { file: "tokens", text: &text }).unwrap_err().to_string();
        for part in
            ["tokens:1: this is no line", "tokens:2: nobody is root", "tokens:3: this is no", "tokens:5: another"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.contains("hush") && !told.contains("a/b"), "{told}");
    }
}
