//! Flink's own client on this node: started for one submission, for a limited time, and what it leaves behind.
//! Its application is known by a tag; the id that it reserves is read from its log, and believed when YARN has it.
//! Not here: what it is told (`submit::client`), and what follows from how it ends (`decide`).

mod trail;

pub use trail::{id_in, trail};

use crate::act::Part;
use crate::submit::client::{Places, quoted, words};
use crate::submit::{Configuration, Job};
use disk::lock::{self, Hold};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use systems::bounded::{self, Task, Whose};
use words::flink::Version;
use words::names::Word;

/// The client sends the files of the program; it stays until the job runs, which nobody waits for.
pub const TIME: Duration = Duration::from_secs(180);
/// How much of what it says is kept.
const KEPT: usize = 16 << 10;
const LOCK: &str = "lock";
const BOOT: &str = "boot";
const LOG: &str = "client.log";
const SAID: &str = "said";

/// What this node needs to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Java's program.
    pub java: PathBuf,
    /// What Flink's programs tell it.
    pub java_options: Vec<String>,
    /// The folder of Hadoop's configuration.
    pub hadoop_conf: PathBuf,
}

/// What starts it: Java, or a test.
pub trait Runner: Send + Sync {
    /// Runs it to its end, or until it is enough.
    fn run(&self, launch: Launch, is_enough: &mut dyn FnMut() -> bool) -> io::Result<()>;
}

impl<T: Runner + ?Sized> Runner for Arc<T> {
    fn run(&self, launch: Launch, is_enough: &mut dyn FnMut() -> bool) -> io::Result<()> {
        self.as_ref().run(launch, is_enough)
    }
}

/// One start of it.
pub struct Launch {
    /// Its folder, in which its words are and its log will be.
    pub folder: PathBuf,
    /// Java's program.
    pub java: PathBuf,
    /// Its environment.
    pub environment: Vec<(String, OsString)>,
    /// Held until it ends, even where we are killed.
    pub lock: File,
}

/// What is told to it, and where that lies.
pub struct Order<'a> {
    /// The release.
    pub version: Version,
    /// The release on this node.
    pub home: &'a Path,
    /// Jars and folders of Hadoop.
    pub hadoop: &'a [String],
    /// What runs.
    pub job: &'a Job,
    /// With which configuration.
    pub configuration: &'a Configuration,
    /// The log settings of its containers.
    pub log: &'a Path,
}

/// The folder of a start of it.
pub fn folder(all: &Path, name: &Word) -> PathBuf {
    all.join(name.as_str())
}

/// Makes the folder of a start, which is its owner's alone; gives the lock of who runs in it.
pub fn make(folder: &Path) -> io::Result<File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Written before anything is started: what it says later is no proof after the machine was off.
    write(&folder.join(BOOT), &trail::boot_id()?)?;
    let file = lock::open(&folder.join(LOCK), 0o600)?;
    match lock::take(&file, Hold::Alone)? {
        true => Ok(file),
        false => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// What kept it from being started.
pub fn say(folder: &Path, what: &str) {
    // Where even that cannot be written it was never started, too.
    let _ = write(&folder.join(SAID), what);
}

/// Removes the folders of starts that are over: of which there is no record any more, and in which nothing runs.
pub fn sweep(all: &Path, open: &BTreeSet<&Word>) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_open = open.iter().any(|open| name == open.as_str());
        if !is_open && !trail::is_held(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Client {
    /// Lays out what it reads: its words, its configuration, the program's jars and files.
    pub fn lay_out(&self, folder: &Path, lock: File, order: &Order<'_>, parts: Vec<Part>) -> io::Result<Launch> {
        let home = folder.join("home");
        let (jars, conf, ship) = (home.join("usrlib"), folder.join("conf"), folder.join("ship"));
        for each in [&jars, &conf, &ship] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(each)?;
        }
        // Beside the folder of this name it looks for jars of programs.
        symlink(order.home.join("lib"), home.join("lib"))?;
        let mut shipped = BTreeSet::new();
        for part in parts {
            let target = match part.key.strip_prefix("usrlib/") {
                Some(jar) => jars.join(jar),
                None => {
                    shipped.extend(part.key.split('/').next().map(|top| ship.join(top)));
                    ship.join(&part.key)
                }
            };
            fs::create_dir_all(target.parent().unwrap_or(folder))?;
            fs::rename(&part.file, &target)?;
        }
        let mut set = order.configuration.pairs.clone();
        // It names the jar itself.
        set.remove("pipeline.jars");
        if !shipped.is_empty() {
            let all: Vec<_> = shipped.iter().map(|path| path.display().to_string()).collect();
            set.insert("yarn.ship-files".to_owned(), all.join(";"));
        }
        let text = crate::submit::client::text(order.version, &set)
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        write(&conf.join(order.version.configuration_file().name()), &text)?;
        fs::copy(order.log, conf.join("log4j.properties"))?;
        let log = folder.join("log4j-client.properties");
        write(&log, &log_settings(&folder.join(LOG)))?;
        let jars_of_flink = format!("{}/*", order.home.join("lib").display());
        let class_path = [&[jars_of_flink], order.hadoop].concat().join(":");
        let places = Places {
            java_options: &self.java_options,
            class_path: &class_path,
            log: &log.display().to_string(),
            jars: &jars.display().to_string(),
        };
        write(&folder.join("words"), &quoted(&words(order.version, order.job, &set, places)))?;
        let of = |name: &str, path: PathBuf| (name.to_owned(), path.into_os_string());
        let environment = vec![
            ("HADOOP_USER_NAME".to_owned(), order.job.owner.as_str().into()),
            of("HADOOP_CONF_DIR", self.hadoop_conf.clone()),
            of("HOME", folder.to_owned()),
            of("FLINK_CONF_DIR", conf),
            of("FLINK_LIB_DIR", home.join("lib")),
            of("FLINK_OPT_DIR", order.home.join("opt")),
            of("FLINK_PLUGINS_DIR", order.home.join("plugins")),
        ];
        Ok(Launch { folder: folder.to_owned(), java: self.java.clone(), environment, lock })
    }
}

/// Its own log goes into a file: what it prints may be lost with us.
fn log_settings(file: &Path) -> String {
    format!(
        "rootLogger.level = INFO\nrootLogger.appenderRef.file.ref = File\nappender.file.type = File\n\
         appender.file.name = File\nappender.file.fileName = {}\nappender.file.layout.type = PatternLayout\n\
         appender.file.layout.pattern = %d %-5p %c - %m%n\n",
        file.display()
    )
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())
}

/// The real one.
pub struct Jvm;

impl Runner for Jvm {
    fn run(&self, launch: Launch, is_enough: &mut dyn FnMut() -> bool) -> io::Result<()> {
        let Launch { folder, java, environment, lock } = launch;
        let task = Task {
            program: &java.display().to_string(),
            arguments: &[format!("@{}", folder.join("words").display())],
            environment,
            user: None,
            whose: Whose::Ours,
            time: TIME,
            kept: KEPT,
            lock: Some(lock),
        };
        let ended = bounded::run_until(task, is_enough)?;
        write(&folder.join(SAID), &String::from_utf8_lossy(&ended.output))
    }
}
