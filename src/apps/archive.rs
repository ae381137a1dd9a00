//! What Flink leaves of a run in the archive of finished jobs, in the layouts of 1.x and 2.x: found by the run's ids.
//! Read as the application's owner, whose files they are.
//! Not here: what is in an archive (`systems::jobmanager`), and who is told of it.

use crate::journal::{End, Run, Verdict};
use systems::jobmanager::{Archive, JobState};
use systems::webhdfs::{Error, Status, WebHdfs};
use words::names::Word;

/// All archives of a run are smaller together: whose they are, may write what he likes there.
const LONGEST: u64 = 16 << 20;
/// Jobs of one program that are looked into.
const MOST_JOBS: usize = 10;

/// The archives of a run: of its jobs, and in 2.x of the program itself.
pub fn of_run(hdfs: &WebHdfs, folder: &str, (owner, run): (&Word, &Run)) -> Result<Vec<Archive>, Error> {
    let (mut archives, mut left) = (Vec::new(), LONGEST);
    for place in places(hdfs, folder, (owner, run))? {
        let bytes = match hdfs.read(&place, left) {
            Err(Error::TooLong { .. }) if !archives.is_empty() => break,
            read => read?.unwrap_or_default(),
        };
        left -= bytes.len() as u64;
        archives.extend(Archive::read(&bytes));
    }
    Ok(archives)
}

/// How a run of one job ended, as its archives tell: what failed counts first, then what was cancelled; none where they tell of
/// no end.
pub fn end(archives: &[Archive]) -> Option<End> {
    let rank = |state: &JobState| match state {
        JobState::Failed => 2,
        JobState::Canceled => 1,
        _ => 0,
    };
    let last = archives.iter().flat_map(Archive::ended).max_by_key(|one| (rank(&one.state), one.at_ms))?;
    let (verdict, how) = match last.state {
        JobState::Failed => (Verdict::Failed, "it failed"),
        JobState::Canceled => (Verdict::Cancelled, "it was cancelled"),
        _ => (Verdict::Succeeded, "it finished"),
    };
    let cause = archives.iter().find_map(|archive| Some(archive.failures(1)?.list.into_iter().next()?.cause));
    let cause = cause.filter(|_| verdict == Verdict::Failed).map(|cause| format!(": {cause}")).unwrap_or_default();
    let diagnostics = format!("YARN has forgotten it; Flink's archive says that {how}{cause}");
    Some(End { at_ms: Some(last.at_ms), ran_ms: Some(last.ran_ms), ..End::of(verdict, diagnostics) })
}

fn places(hdfs: &WebHdfs, folder: &str, (owner, run): (&Word, &Run)) -> Result<Vec<String>, Error> {
    // Everybody may write into this folder, and knows how things are called there.
    let is_owners = |status: &Status| status.owner == owner.as_str();
    let mut places = Vec::new();
    if let Some(job) = &run.job {
        let place = format!("{folder}/{job}");
        if hdfs.status(&place)?.is_some_and(|found| is_owners(&found)) {
            places.push(place);
        }
    }
    let own = format!("{folder}/{}", of_cluster(run.id.as_str()));
    match hdfs.status(&own)?.filter(is_owners) {
        Some(found) if found.is_folder() => {}
        // 1.x calls a job so that nobody named.
        Some(_) => return Ok([places, vec![own]].concat()),
        None => return Ok(places),
    }
    let applications = format!("{own}/applications");
    for one in hdfs.list(&applications)?.unwrap_or_default().into_iter().take(MOST_JOBS) {
        let application = format!("{applications}/{}", one.path_suffix);
        let jobs = hdfs.list(&format!("{application}/jobs"))?.unwrap_or_default().into_iter().take(MOST_JOBS);
        places.extend(jobs.map(|job| format!("{application}/jobs/{}", job.path_suffix)));
        places.push(format!("{application}/application-summary"));
    }
    Ok(places)
}

/// The folder in which Flink 2.x archives an application, and in 1.x the job that nobody named: Java's hash of the cluster's id, widened with its sign, and zeros.
pub fn of_cluster(cluster: &str) -> String {
    let hash = cluster.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    format!("{:016x}{:016x}", i64::from(hash), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As whom the tests write.
    fn owner() -> Word {
        Word::new("hdfs").unwrap()
    }

    fn run(id: &str) -> Run {
        Run { begun: true, accepted: true, ..Run::of(words::ids::ApplicationId::new(id).unwrap(), 1, 0) }
    }

    #[test]
    fn an_archive_of_2_x_is_found_by_its_application() {
        // As a Flink 2.3.0 named it.
        assert_eq!(of_cluster("application_1796023296291_0087"), "000000001a3923e40000000000000000");
        assert!(of_cluster("application_1796023296291_9999999").len() == 32);
    }

    #[test]
    fn a_job_that_nobody_named_is_found_in_1_x() {
        let fake = systems::webhdfs::Fake::start();
        let (hdfs, id) = (fake.client(), "application_1796023296291_0087");
        let run = run(id);
        assert_eq!(places(&hdfs, "/archive", (&owner(), &run)).unwrap(), [""; 0]);
        let path = format!("/archive/{}", of_cluster(id));
        hdfs.write(&path, "644", 2, &mut &b"{}"[..]).unwrap();
        assert_eq!(places(&hdfs, "/archive", (&owner(), &run)).unwrap(), [path]);
    }

    #[test]
    fn of_more_archives_than_anybody_needs_the_first_ones_are_read() {
        let fake = systems::webhdfs::Fake::start();
        let (hdfs, id) = (fake.client(), "application_1796023296291_0087");
        let run = run(id);
        let archive = format!("{{\"archive\": []}}{}", " ".repeat(LONGEST as usize / 5 * 2));
        for job in 1..=3 {
            let path = format!("/archive/{}/applications/a/jobs/{job}", of_cluster(id));
            hdfs.write(&path, "644", archive.len() as u64, &mut archive.as_bytes()).unwrap();
        }
        assert_eq!(of_run(&hdfs, "/archive", (&owner(), &run)).unwrap().len(), 2);
    }
}
