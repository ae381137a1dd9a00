//! Decides what is prepared once and what is brought about in HDFS; like the rest of a plan, from values alone.
//! What was prepared and is gone is data that was lost: it is never prepared again by itself.
//! Not here: doing it.

use super::hdfs::{Copy, Remote, followed};
use super::observe::Observed;
use super::plan::{Plan, Step};
use super::services;
use super::state::{OnceRecord, Prepared, State};
use std::collections::BTreeSet;
use words::names::{NodePath, Word};
use words::node::{Node, Once, Scope, touches};

/// Adds what is to be prepared; obstacles are lines for people.
pub(super) fn once(
    plan: &mut Plan,
    node: &Node,
    state: &State,
    observed: &Observed,
    again: &BTreeSet<Word>,
) -> Vec<String> {
    let mut obstacles: Vec<String> = again
        .iter()
        .filter(|name| node.once.iter().all(|once| once.name != **name))
        .map(|name| format!("--again {name}: the document prepares nothing of this name"))
        .collect();
    let Some(made) = &observed.made else {
        let unmade = node.once.iter().map(|once| format!("{} is prepared where the machine itself runs", once.name));
        plan.notes.extend(unmade);
        return obstacles;
    };
    for once in &node.once {
        if node.scope == Scope::System && !known(once, node, observed) {
            obstacles
                .push(format!("{} should prepare {}, but there is no such user on this node", once.user, once.name));
        }
        match decide(once, made.contains(&once.name), state.once.get(&once.name), again.contains(&once.name)) {
            Decision::Nothing => {}
            Decision::Run => plan.steps.push(Step::Prepare { once: once.clone(), aside: None }),
            Decision::RunAnew => {
                let aside = observed.free.get(&once.creates).cloned();
                plan.steps.push(Step::Prepare { once: once.clone(), aside });
            }
            Decision::Stop(why) => obstacles.push(why),
        }
    }
    obstacles
}

fn known(once: &Once, node: &Node, observed: &Observed) -> bool {
    observed.owners.accounts.contains_key(&once.user) || node.users.iter().any(|user| user.name == once.user)
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Nothing,
    Run,
    /// What is there is half of it: it moves aside first.
    RunAnew,
    Stop(String),
}

fn decide(once: &Once, there: bool, record: Option<&OnceRecord>, again: bool) -> Decision {
    let (name, creates) = (&once.name, &once.creates);
    match record.map(|record| (record.how, &record.creates)) {
        _ if again && there => {
            Decision::Stop(format!("--again {name}: {creates} is there; stop what uses it and move it away first"))
        }
        _ if again => Decision::Run,
        Some((Prepared::Begun, was)) if there && was == creates => Decision::RunAnew,
        Some((Prepared::Done, was)) if !there => Decision::Stop(lost(name, creates, was)),
        _ if there => Decision::Nothing,
        _ => Decision::Run,
    }
}

fn lost(name: &Word, creates: &NodePath, was: &NodePath) -> String {
    if was != creates {
        return format!(
            "{name} made {was} here, but the document now wants {creates}: move it there; \
             if it is really to begin empty, give --again {name}"
        );
    }
    format!(
        "{creates} was there, made by {name}, and is gone: data was lost or a disk is not mounted; \
         mount it or bring it back; if it is really to begin empty, give --again {name}"
    )
}

/// What is there and was not remembered yet: somebody prepared it before, or a run ended before it could say so.
pub(super) fn adopted(node: &Node, state: &State, observed: &Observed) -> Vec<(Word, OnceRecord)> {
    let Some(made) = &observed.made else { return Vec::new() };
    let new = |once: &&Once| {
        let begun = |record: &OnceRecord| record.how == Prepared::Begun && record.creates == once.creates;
        let done = |record: &OnceRecord| record.how == Prepared::Done && record.creates == once.creates;
        made.contains(&once.name) && !state.once.get(&once.name).is_some_and(|record| begun(record) || done(record))
    };
    let record = |once: &Once| OnceRecord { creates: once.creates.clone(), how: Prepared::Done };
    node.once.iter().filter(new).map(|once| (once.name.clone(), record(once))).collect()
}

/// Adds what differs in HDFS.
pub(super) fn hdfs(plan: &mut Plan, node: &Node, observed: &Observed) -> Vec<String> {
    let wants = !node.hdfs_directories.is_empty() || !node.hdfs_uploads.is_empty();
    let Some(look) = observed.hdfs.as_ref().filter(|_| wants) else {
        if wants {
            plan.notes.push("what goes into HDFS is brought there where the machine itself runs".into());
        }
        return Vec::new();
    };
    // In a user's folder the services are the caller's: while they do not run there is nothing to wait for.
    let later = node.scope == Scope::User;
    let (mut obstacles, mut silent) = (Vec::new(), BTreeSet::new());
    for (wanted, seen) in node.hdfs_directories.iter().zip(&look.directories) {
        match seen {
            Remote::File => {
                obstacles.push(format!("{} in HDFS must be a folder, but a file is there: move it away", wanted.path));
            }
            Remote::Unseen(why) if later => drop(silent.insert(why)),
            seen if seen.is_right(&wanted.access) => {}
            seen => {
                silent.extend(if let Remote::Unseen(why) = seen { Some(why) } else { None });
                plan.steps.push(Step::HdfsFolder(wanted.clone(), seen.clone()));
            }
        }
    }
    let changed = services::changed(plan);
    for (wanted, seen) in node.hdfs_uploads.iter().zip(&look.uploads) {
        let from = followed(node, &wanted.from);
        let moves = changed.iter().any(|path| touches(path, &from) || touches(path, &wanted.from));
        // What was compared is not what will be there then.
        let seen = if moves && !matches!(seen, Copy::Unseen(_)) { &Copy::Later } else { seen };
        match seen {
            Copy::Same => {}
            Copy::Unseen(why) if later => drop(silent.insert(why)),
            seen => {
                silent.extend(if let Copy::Unseen(why) = seen { Some(why) } else { None });
                plan.steps.push(Step::HdfsUpload(wanted.clone(), seen.clone()));
            }
        }
    }
    let what = if later { "install again once its services run" } else { "it is waited for" };
    plan.notes.extend(silent.into_iter().map(|why| format!("what is in HDFS is not known: {why}; {what}")));
    obstacles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once_at(creates: &str) -> Once {
        Once {
            name: Word::new("format").unwrap(),
            user: Word::new("hdfs").unwrap(),
            command: vec!["/bin/true".into()],
            environment: Default::default(),
            creates: NodePath::new(creates).unwrap(),
        }
    }

    #[test]
    fn what_was_prepared_is_never_prepared_again_by_itself() {
        let once = once_at("/data/nn");
        let record = |how, creates: &str| OnceRecord { creates: NodePath::new(creates).unwrap(), how };
        let done = record(Prepared::Done, "/data/nn");
        let begun = record(Prepared::Begun, "/data/nn");
        assert_eq!(decide(&once, false, None, false), Decision::Run);
        assert_eq!(decide(&once, true, None, false), Decision::Nothing);
        assert_eq!(decide(&once, true, Some(&done), false), Decision::Nothing);
        assert_eq!(decide(&once, true, Some(&begun), false), Decision::RunAnew);
        assert_eq!(decide(&once, false, Some(&begun), false), Decision::Run);
        assert_eq!(decide(&once, false, Some(&done), true), Decision::Run);
        for (there, record, again, expected) in [
            (false, &done, false, "was there, made by format, and is gone: data was lost or a disk is not mounted"),
            (
                false,
                &record(Prepared::Done, "/old/nn"),
                false,
                "made /old/nn here, but the document now wants /data/nn",
            ),
            (true, &done, true, "move it away first"),
        ] {
            let Decision::Stop(why) = decide(&once, there, Some(record), again) else { panic!("{expected}") };
            assert!(why.contains(expected), "{why}");
        }
    }
}
