//! The releases of Flink as they lie in HDFS: each has many folders, which are listed once and then only looked at from above
//! now and then. One that is named by its content stays as it is; one that a site names by its version is exchanged as a
//! whole, and what it had above is different then.
//! Not here: which releases there are, and bringing them there.

use crate::submit::Resource;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use systems::webhdfs::{self, Status, WebHdfs};

/// For so long nobody looks again.
const FRESH: Duration = Duration::from_secs(30);
/// After so long everything is listed again: somebody may have changed a file deep in it by hand.
const LISTED: Duration = Duration::from_secs(600);
/// What a release has in HDFS.
const PARTS: [&str; 2] = ["lib", "plugins"];

/// What was listed, by folder.
#[derive(Debug, Default)]
pub struct Staged(Mutex<BTreeMap<String, Known>>);

#[derive(Debug, Clone)]
struct Known {
    above: Vec<Status>,
    listed: Duration,
    looked: Duration,
    files: Arc<[Resource]>,
}

/// Why there is no listing.
#[derive(Debug)]
pub enum Error {
    /// HDFS does not answer.
    Hdfs(webhdfs::Error),
    /// This folder is not there.
    Missing(String),
}

impl From<webhdfs::Error> for Error {
    fn from(error: webhdfs::Error) -> Error {
        Error::Hdfs(error)
    }
}

impl Staged {
    /// The files of the release in a folder, `now` by a clock that never goes back.
    pub fn files(&self, hdfs: &WebHdfs, folder: &str, now: Duration) -> Result<Arc<[Resource]>, Error> {
        let held = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = held().get(folder).filter(|known| now < known.listed + LISTED).cloned();
        if let Some(known) = known.as_ref().filter(|known| now < known.looked + FRESH) {
            return Ok(known.files.clone());
        }
        let mut above = hdfs.list(folder)?.unwrap_or_default();
        above.retain(|status| PARTS.contains(&status.path_suffix.as_str()));
        let known = match known.filter(|known| known.above == above) {
            Some(known) => Known { looked: now, ..known },
            None => Known { files: list(hdfs, folder)?, above, listed: now, looked: now },
        };
        let files = known.files.clone();
        held().insert(folder.to_owned(), known);
        Ok(files)
    }
}

fn list(hdfs: &WebHdfs, folder: &str) -> Result<Arc<[Resource]>, Error> {
    let mut files = Vec::new();
    for name in PARTS {
        let folder = format!("{folder}/{name}");
        let found = hdfs.tree(&folder)?.ok_or_else(|| Error::Missing(folder.clone()))?;
        files.extend(found.into_iter().filter(|(_, status)| !status.is_folder()).map(|(path, status)| Resource {
            key: format!("{name}/{path}"),
            path: format!("{folder}/{path}"),
            size: status.length,
            time_ms: status.modification_time,
            is_public: true,
            is_archive: false,
        }));
    }
    Ok(files.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::webhdfs::Fake;

    #[test]
    fn a_release_is_listed_once_and_again_when_it_is_exchanged() {
        let (fake, staged) = (Fake::start(), Staged::default());
        let hdfs = fake.client();
        let put = |path: &str| hdfs.write(path, "644", 1, &mut &b"x"[..]).unwrap();
        let seen = |second: u64| {
            let files = staged.files(&hdfs, "/flink/1", Duration::from_secs(second));
            files.map(|files| files.iter().map(|file| file.key.clone()).collect::<Vec<_>>().join(" "))
        };
        put("/flink/1/lib/a.jar");
        assert!(matches!(seen(0), Err(Error::Missing(folder)) if folder == "/flink/1/plugins"));
        put("/flink/1/plugins/p/b.jar");
        assert_eq!(seen(0).unwrap(), "lib/a.jar plugins/p/b.jar");
        // Exchanged as a whole, as a release is.
        put("/flink/2/lib/c.jar");
        put("/flink/2/plugins/p/b.jar");
        hdfs.delete("/flink/1").unwrap();
        hdfs.rename_to_free("/flink/2", "/flink/1").unwrap();
        assert_eq!(seen(29).unwrap(), "lib/a.jar plugins/p/b.jar");
        assert_eq!(seen(30).unwrap(), "lib/c.jar plugins/p/b.jar");
        // By hand, and deep in it.
        put("/flink/1/plugins/p/d.jar");
        assert_eq!(seen(600).unwrap(), "lib/c.jar plugins/p/b.jar");
        assert_eq!(seen(630).unwrap(), "lib/c.jar plugins/p/b.jar plugins/p/d.jar");
    }
}
