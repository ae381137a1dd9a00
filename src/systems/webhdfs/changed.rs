//! When anything was changed in a folder of HDFS, which its own time does not tell: that moves with what lies directly in it.
//! How much is looked through has a bound, for anybody may write there.
//! Not here: what follows from it.

use super::{Error, WebHdfs};

/// So many files and folders are looked at.
const MOST: usize = 5000;

impl WebHdfs {
    /// When a file, or anything in a folder and below, was changed last; none if nothing is there.
    pub fn changed(&self, path: &str) -> Result<Option<u64>, Error> {
        let Some(own) = self.status(path)? else { return Ok(None) };
        let (mut newest, mut seen) = (own.modification_time, 0);
        let mut left: Vec<String> = own.is_folder().then(|| path.to_owned()).into_iter().collect();
        while let Some(folder) = left.pop() {
            let list = self.list(&folder)?.unwrap_or_default();
            seen += list.len();
            if seen > MOST {
                return Err(self.odd("list", path, format!("more than {MOST} files and folders lie in it")));
            }
            for one in list {
                newest = newest.max(one.modification_time);
                left.extend(one.is_folder().then(|| format!("{folder}/{}", one.path_suffix)));
            }
        }
        Ok(Some(newest))
    }
}
