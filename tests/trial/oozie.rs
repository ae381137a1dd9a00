//! A real Oozie beside the trial's Hadoop: a coordinator makes its run in time, and that runs a Flink job on YARN whose end is the
//! end of its action; one is held, goes on, and is ended; its end is seen coming on the agent's page; strangers end nothing.
//! Not here: the forms of answers, which are tested beside the client.

use pnda::systems::call::{Caller, Times};
use pnda::systems::hadoop::User;
use pnda::systems::oozie::{EXTERNAL_ID, Error, Job, JobId, Oozie, State, Verb};
use pnda::systems::webhdfs::{self, WebHdfs};
use pnda::systems::yarn::{Application, FinalStatus, ResourceManager};
use pnda::words::moment::utc_ms;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The trial with Oozie, which acts as whoever runs this, as all of the trial does.
pub fn settings() -> Vec<String> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let user = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap().trim().to_owned();
    let all = [
        "stacks=hadoop,oozie".to_owned(),
        format!("oozie.port={port}"),
        format!("oozie.user={user}"),
        "oozie.check=2s".to_owned(),
    ];
    all.into_iter().flat_map(|one| ["--set".to_owned(), one]).collect()
}

/// What a workflow of the guide runs: Flink's own client, out of the folder of Flink in HDFS, waits for its job.
const SCRIPT: &str = include_str!("oozie/count.sh");
const WORKFLOW: &str = include_str!("oozie/workflow.xml");
const COORDINATOR: &str = include_str!("oozie/coordinator.xml");

struct Site {
    oozie: Oozie,
    hdfs: WebHdfs,
    yarn: ResourceManager,
    user: User,
    filesystem: String,
    resource_manager: String,
    flink: String,
    agent: String,
    jar: PathBuf,
}

impl Site {
    fn of(folder: &Path) -> Site {
        let table = |name: &str| -> toml::Table {
            std::fs::read_to_string(folder.join("node/etc/pnda").join(name)).unwrap().parse().unwrap()
        };
        let (agent, applications) = (table("agent.toml"), table("applications.toml"));
        let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
        let user = text(&applications["user"]);
        let caller = Caller::new(Times::default());
        Site {
            oozie: Oozie::through(caller.clone(), &text(&agent["oozie"]["url"])).unwrap(),
            hdfs: WebHdfs::new(&text(&applications["name_nodes"][0]), &user, webhdfs::Times::default()).unwrap(),
            yarn: ResourceManager::through(caller, &[text(&applications["resource_managers"][0])])
                .unwrap()
                .reading_as(User::simple(&user)),
            user: User::simple(&user),
            filesystem: text(&applications["filesystem"]),
            resource_manager: resource_manager(folder),
            flink: text(&applications["release"][0]["staged"]),
            agent: format!("http://{}/health", text(&agent["listen"])),
            jar: folder.join("mirror/current/mirror_apps/flink-examples-streaming-1.20.0.jar"),
        }
    }

    /// The folder of the workflow in HDFS, with all that it needs.
    fn deployed(&self) -> String {
        let folder = format!("/user/{}/counts", self.user.name());
        let jar = std::fs::read(&self.jar).unwrap();
        for (name, bytes) in [
            ("workflow.xml", WORKFLOW.as_bytes()),
            ("coordinator.xml", COORDINATOR.as_bytes()),
            ("count.sh", SCRIPT.as_bytes()),
            ("job.jar", &jar),
        ] {
            self.hdfs.write(&format!("{folder}/{name}"), "644", bytes.len() as u64, &mut &bytes[..]).unwrap();
        }
        folder
    }

    fn submit(&self, folder: &str, more: &[(&str, String)]) -> JobId {
        let path = format!("{}{folder}", self.filesystem);
        let own = [
            ("nameNode", self.filesystem.clone()),
            ("resourceManager", self.resource_manager.clone()),
            ("folder", path),
            ("flink", format!("{}{}", self.filesystem, self.flink)),
            ("main", "org.apache.flink.streaming.examples.wordcount.WordCount".to_owned()),
        ];
        let all = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.clone()));
        self.oozie.submit(&self.user, &all.collect::<BTreeMap<_, _>>()).unwrap()
    }

    fn job(&self, id: &JobId) -> Job {
        self.oozie.job(&self.user, id).unwrap().unwrap()
    }

    fn until(&self, id: &JobId, is_good: impl Fn(&Job) -> bool) -> Job {
        let deadline = Instant::now() + Duration::from_secs(240);
        loop {
            let job = self.job(id);
            if is_good(&job) {
                return job;
            }
            assert!(Instant::now() < deadline, "{job:?}");
            sleep(Duration::from_millis(500));
        }
    }

    fn flink_jobs(&self) -> Vec<Application> {
        self.yarn.of_type("Apache Flink", &[]).unwrap()
    }

    /// The agent's page, once it is so.
    fn health(&self, is_good: impl Fn(&str) -> bool) -> String {
        let client = pnda::systems::site::client(Duration::from_secs(20));
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let text = String::from_utf8(client.get(&self.agent, 1 << 20).unwrap()).unwrap();
            if is_good(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "{text}");
            sleep(Duration::from_millis(500));
        }
    }
}

/// Where the ResourceManager takes what is submitted.
fn resource_manager(folder: &Path) -> String {
    let site = std::fs::read_to_string(folder.join("node/etc/hadoop/conf/yarn-site.xml")).unwrap();
    let (_, after) = site.split_once("<name>yarn.resourcemanager.address</name><value>").unwrap();
    after.split_once('<').unwrap().0.to_owned()
}

/// A time of `seconds` from now as Oozie reads it.
fn at(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    format!("{}Z", &utc_ms(now.checked_add_signed(seconds).unwrap() * 1000)[..16])
}

/// A coordinator runs a Flink job on YARN in time, is seen to end, held and ended.
pub fn a_flink_job_runs_in_time(folder: &Path) {
    let site = Site::of(folder);
    let before = site.flink_jobs().len();
    let place = site.deployed();
    let times = [("start", at(0)), ("end", at(3 * 3600))];
    let path = ("oozie.coord.application.path", format!("{}{place}", site.filesystem));
    let id = site.submit(&place, &[&times[..], &[path]].concat());
    let warned = site.health(|page| page.contains("the coordinator counts of"));
    assert!(warned.contains("ends in 2 h 5") && warned.contains(id.as_str()), "{warned}");

    let made = site.until(&id, |job| job.actions.iter().any(|run| run.external_id.is_some()));
    let run = JobId::new(made.actions[0].external_id.clone().unwrap()).unwrap();
    let ended = site.until(&run, |job| job.state.is_final());
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let jobs = site.flink_jobs();
    assert_eq!(jobs.len(), before + 1, "{jobs:?}");
    let job = jobs.iter().max_by_key(|job| job.id.number()).unwrap();
    assert_eq!((job.final_status.clone(), job.name.as_str()), (FinalStatus::Succeeded, "counts"), "{job:?}");

    let stranger = site.oozie.tell(&User::simple("mallory"), &id, Verb::Kill);
    assert!(
        matches!(&stranger, Err(Error::Refused { code, .. }) if code == "E0509" || code == "E0508"),
        "{stranger:?}"
    );
    site.oozie.tell(&site.user, &id, Verb::Suspend).unwrap();
    site.until(&id, |job| matches!(job.state, State::Suspended { .. }));
    site.oozie.tell(&site.user, &id, Verb::Resume).unwrap();
    site.until(&id, |job| matches!(job.state, State::Running { .. }));
    site.oozie.tell(&site.user, &id, Verb::Kill).unwrap();
    site.until(&id, |job| job.state == State::Killed);
    site.health(|page| !page.contains("the coordinator counts of"));
    what_was_submitted_is_found_again(&site, &place);
}

/// By its external id, where the answer was lost; and a job that fails fails its workflow.
fn what_was_submitted_is_found_again(site: &Site, place: &str) {
    let token = format!("trial-{}", std::process::id());
    assert_eq!(site.oozie.workflow_with(&site.user, &token).unwrap(), None);
    let path = ("oozie.wf.application.path", format!("{}{place}", site.filesystem));
    let id = site.submit(place, &[path, (EXTERNAL_ID, token.clone()), ("main", "no.such.Class".to_owned())]);
    assert_eq!(site.oozie.workflow_with(&site.user, &token).unwrap(), Some(id.clone()));
    assert_eq!(site.job(&id).state, State::Prepared, "it waits to be started");
    site.oozie.tell(&site.user, &id, Verb::Start).unwrap();
    let ended = site.until(&id, |job| job.state.is_final());
    assert_eq!(ended.state, State::Killed, "a job that fails fails its action: {ended:?}");
    site.hdfs.delete(place).unwrap();
}
