//! What a Python distribution says of itself: by its file's name, in its metadata, and for which interpreters it is.
//! The PEPs decide: 425 and 427 for wheels, 440 for versions, 503 for names, 508 for requirements, 643 for metadata.
//! Not here: an index, or choosing between distributions.

mod archive;
mod describe;
mod filename;
mod metadata;
mod requirement;
mod target;

pub use archive::Error as ArchiveError;
pub use describe::{Description, Error, describe, describe_text};
pub use filename::{Filename, Form, Tags, normalise};
pub use requirement::{BadRequirement, Requirement};
pub use target::{BadTarget, Platform, Python, Target};
