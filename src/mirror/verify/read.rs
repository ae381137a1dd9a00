//! Reads the files of a mirror on all cores and says how each differs from what is listed.
//! The largest come first, so that no core is left alone with one at the end.
//! Not here: which files are read.

use super::Difference;
use crate::words::digest::{Hasher, Sha256};
use crate::words::event::{Event, Tell};
use crate::words::generation::Listed;
use crate::words::names::SafePath;
use rustix::fs::{Advice, fadvise};
use std::cmp::Reverse;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Mutex;

/// Fits the caches of a core, and a file system is asked seldom enough.
const BUFFER: usize = 256 << 10;
/// Files from this length on are read ahead, and heard of while they are read.
const LARGE: u64 = 4 << 20;

/// One file, and whether its bytes are read or only its length is looked at.
pub(super) struct Job<'a> {
    pub(super) path: &'a SafePath,
    pub(super) listed: &'a Listed,
    pub(super) read: bool,
}

/// Holds files against what is listed; the differences come in no order.
pub(super) fn compare(folder: &Path, mut jobs: Vec<Job<'_>>, tell: Tell) -> Vec<Difference> {
    jobs.sort_by_key(|job| (Reverse(if job.read { job.listed.size } else { 0 }), job.path));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let queue = Mutex::new(jobs.into_iter());
    let found = Mutex::new(Vec::new());
    let next = || queue.lock().ok()?.next();
    let worker = || {
        let mut buffer = vec![0; BUFFER];
        while let Some(job) = next() {
            if let (Some(difference), Ok(mut found)) = (compare_one(folder, &job, &mut buffer, tell), found.lock()) {
                found.push(difference);
            }
            tell(Event::Step(job.path.file_name().to_owned()));
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(worker))));
    found.into_inner().unwrap_or_default()
}

fn compare_one(folder: &Path, job: &Job<'_>, buffer: &mut [u8], tell: Tell) -> Option<Difference> {
    let path = job.path;
    let look = || {
        // Neither a link to elsewhere nor a pipe is what was published.
        let metadata = std::fs::symlink_metadata(path.under(folder))?;
        if metadata.is_file() { Ok(metadata.len()) } else { Err(io::Error::other("it is no ordinary file")) }
    };
    match look() {
        Ok(size) if size != job.listed.size => Some(Difference::Size(path.clone(), job.listed.size, size)),
        Ok(_) if !job.read => None,
        Ok(size) => match digest(&path.under(folder), size, buffer, tell) {
            Ok(sha256) if sha256 == job.listed.sha256 => None,
            Ok(_) => Some(Difference::Content(path.clone())),
            Err(error) => Some(Difference::Unreadable(path.clone(), error.to_string())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Difference::Missing(path.clone())),
        Err(error) => Some(Difference::Unreadable(path.clone(), error.to_string())),
    }
}

fn digest(path: &Path, size: u64, buffer: &mut [u8], tell: Tell) -> io::Result<Sha256> {
    let mut file = File::open(path)?;
    if size >= LARGE {
        // Advice that is not taken costs only time.
        let _ = fadvise(&file, 0, None, Advice::Sequential);
    }
    let mut hasher = Hasher::default();
    let mut untold = 0;
    loop {
        let count = match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        untold += count as u64;
        if count == 0 || untold >= LARGE {
            tell(Event::Bytes(untold));
            untold = 0;
        }
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..count]);
    }
}
