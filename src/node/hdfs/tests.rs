//! What an install brings about in HDFS, against the scripted server of `systems::webhdfs`.
//! Each test is one state of HDFS and what becomes of it.
//! Not here: a real NameNode; that one is tried in `tests/clients`.

use super::super::look;
use super::super::systemd::tests::scripted;
use super::super::tests::site::Site;
use std::fs;
use systems::webhdfs::Fake;
use words::event::silent;
use words::report::{Kind, Report};

/// A site that wants two folders and Flink's programs in HDFS.
fn site() -> (Site, Fake) {
    let (mut site, fake) = (Site::new(), Fake::start());
    site.more = wants(&fake);
    (site, fake)
}

fn wants(fake: &Fake) -> String {
    let common = format!("web = \"{}\"\nuser = \"hdfs\"\n", fake.web);
    format!(
        "[[hdfs_directory]]\n{common}path = \"/pnda\"\nowner = \"hdfs\"\ngroup = \"hadoop\"\nmode = \"0755\"\n\
         [[hdfs_directory]]\n{common}path = \"/pnda/flink\"\nowner = \"pnda\"\ngroup = \"pnda\"\nmode = \"1777\"\n\
         [[hdfs_upload]]\n{common}from = \"/opt/pnda/flink/bin\"\nto = \"/pnda/lib/flink\"\n\
         owner = \"hdfs\"\ngroup = \"hadoop\"\nmode = \"0644\"\n"
    )
}

fn hdfs(report: &Report) -> Vec<String> {
    let lines = report.steps.iter().filter(|line| line.kind == Kind::Hdfs);
    lines.map(|line| format!("{} {}", line.what, line.change)).collect()
}

const WHOLE: [&str; 5] = [
    "/pnda hdfs:hadoop 755 /",
    "/pnda/flink pnda:pnda 1777 /",
    "/pnda/lib hdfs:hadoop 755 /",
    "/pnda/lib/flink hdfs:hadoop 755 /",
    "/pnda/lib/flink/flink hdfs:hadoop 644 one",
];

#[test]
fn folders_and_programs_come_into_hdfs_and_are_left_alone_after() {
    let (site, fake) = site();
    site.publish();
    let planned = hdfs(&look(&site.request(), &silent).unwrap());
    assert_eq!(planned.len(), 3);
    assert_eq!(planned[1], "/pnda/flink new, pnda:pnda 1777");
    assert!(planned[2].starts_with("/pnda/lib/flink copied from /opt/pnda/flink/bin"), "{planned:?}");
    assert_eq!(fake.listing().len(), 1);
    site.again().unwrap();
    assert_eq!(fake.listing()[1..], WHOLE);
    fake.changes();
    assert!(site.again().unwrap().is_empty());
    assert_eq!(fake.changes(), Vec::<String>::new());
}

#[test]
fn another_content_takes_the_place_of_the_old_one_at_once() {
    let (mut site, fake) = site();
    site.install().unwrap();
    site.flink = "flink-2";
    fake.changes();
    site.install().unwrap();
    assert_eq!(fake.listing().last().unwrap(), "/pnda/lib/flink/flink hdfs:hadoop 644 two");
    let last: Vec<String> = fake.changes().into_iter().rev().take(3).collect();
    let renamed = ["DELETE /pnda/lib/.flink.pnda-old", "RENAME /pnda/lib/.flink.pnda-edge-1", "RENAME /pnda/lib/flink"];
    assert_eq!(last, renamed);
    assert_eq!(fake.listing().len(), 6);
}

#[test]
fn what_an_earlier_document_put_elsewhere_stays_as_it_is() {
    let (mut site, fake) = site();
    site.install().unwrap();
    site.flink = "flink-2";
    site.more = site.more.replace("/pnda/lib/flink", "/pnda/lib/new");
    site.install().unwrap();
    let new = ["/pnda/lib/new hdfs:hadoop 755 /", "/pnda/lib/new/flink hdfs:hadoop 644 two"];
    assert_eq!(fake.listing()[1..], [WHOLE.as_slice(), new.as_slice()].concat());
    fake.changes();
    assert!(site.again().unwrap().is_empty());
    assert_eq!(fake.changes(), Vec::<String>::new());
}

#[test]
fn what_somebody_changed_in_hdfs_is_kept_beside_and_put_back() {
    let (site, fake) = site();
    site.install().unwrap();
    fake.client().write("/pnda/lib/flink/flink", "0644", 3, &mut &b"bad"[..]).unwrap();
    fake.client().write("/pnda/lib/flink/extra", "0644", 1, &mut &b"x"[..]).unwrap();
    fake.client().set_mode("/pnda/flink", "0700").unwrap();
    let planned = hdfs(&look(&site.request(), &silent).unwrap());
    assert_eq!(planned[0], "/pnda/flink now pnda:pnda 1777, was pnda:pnda 0700");
    assert!(planned[1].contains("1 files, 3 B") && planned[1].contains("such as flink, extra"), "{planned:?}");
    site.again().unwrap();
    let expected =
        ["/pnda/lib/flink.pnda-saved/extra hdfs:hadoop 644 x", "/pnda/lib/flink.pnda-saved/flink hdfs:hadoop 644 bad"];
    let listing = fake.listing();
    assert!(expected.iter().all(|line| listing.iter().any(|found| found == line)), "{listing:#?}");
    assert!(WHOLE.iter().all(|line| listing.iter().any(|found| found == line)), "{listing:#?}");
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn what_an_upload_never_made_is_kept_whole() {
    let (site, fake) = site();
    fake.client().make_folder("/pnda/lib/flink", "0755").unwrap();
    fake.client().write("/pnda/lib/flink/theirs", "0644", 1, &mut &b"x"[..]).unwrap();
    site.install().unwrap();
    let listing = fake.listing();
    assert!(listing.iter().any(|line| line == "/pnda/lib/flink.pnda-saved/theirs hdfs:hadoop 644 x"), "{listing:#?}");
    assert!(!listing.iter().any(|line| line.contains("/flink/theirs")));
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn what_changes_on_the_node_in_the_same_run_arrives_with_it() {
    let (mut site, fake) = site();
    site.more = site.more.replace("/opt/pnda/flink/bin", "/etc/pnda");
    site.install().unwrap();
    assert!(site.again().unwrap().is_empty());
    site.config = "port = 2\n";
    site.install().unwrap();
    assert_eq!(fake.listing().last().unwrap(), "/pnda/lib/flink/agent.toml hdfs:hadoop 644 port = 2\n");
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn two_nodes_that_upload_the_same_do_it_once() {
    let (site, fake) = site();
    site.install().unwrap();
    let second = Site { more: site.more.clone(), ..Site::new() };
    fake.changes();
    second.install().unwrap();
    assert_eq!(fake.changes(), Vec::<String>::new());
}

#[test]
fn a_cut_off_upload_is_begun_again() {
    let (site, fake) = site();
    fake.client().make_folder("/pnda/lib", "0755").unwrap();
    fake.client().make_folder("/pnda/lib/.flink.pnda-edge-1", "0700").unwrap();
    fake.client().write("/pnda/lib/.flink.pnda-edge-1/half", "0644", 1, &mut &b"x"[..]).unwrap();
    site.install().unwrap();
    assert_eq!(fake.listing()[1..], WHOLE);
}

#[test]
fn safe_mode_and_missing_datanodes_are_waited_for() {
    let (site, fake) = site();
    fake.refuse("SafeModeException", "Name node is in safe mode.", 1);
    fake.refuse("IOException", "Failed to find datanode, suggest to check cluster health.", 1);
    fake.refuse("RetriableException", "NameNode still not started", 1);
    site.install().unwrap();
    assert_eq!(fake.listing()[1..], WHOLE);
}

#[test]
fn hdfs_that_does_not_answer_is_a_note_in_a_user_s_folder() {
    let (mut site, fake) = site();
    site.more = site.more.replace(&fake.web, "http://127.0.0.1:9");
    site.install().unwrap();
    let report = site.again().unwrap();
    assert!(report.notes.iter().any(|note| note.contains("HDFS does not answer at http://127.0.0.1:9")), "{report:#?}");
}

#[test]
fn a_link_in_what_is_uploaded_is_refused() {
    let (mut site, fake) = site();
    site.more = site.more.replace("/opt/pnda/flink/bin\"", "/opt/pnda/flink-1\"");
    let error = super::super::tests::site::chain(&site.install().unwrap_err());
    assert!(error.contains("/opt/pnda/flink-1/flink is neither a file nor a folder"), "{error}");
    assert!(fs::exists(site.at("/opt/pnda/flink-1")).unwrap() && fake.listing().len() > 1);
}

#[test]
fn folders_come_before_the_services_that_start_after_their_namenode() {
    let Some(mut site) = Site::system() else { return };
    let (folder, fake) = (site.folder.path().join("bin"), Fake::start());
    fs::create_dir(&folder).unwrap();
    site.systemd = Some(scripted(&folder, &["ActiveState=active\nUnitFileState=enabled\n"; 2].join("\n")));
    let service = |name: &str, gate: &str, within: u32| {
        format!(
            "[[service]]\nname = \"{name}\"\nabout = \"x\"\nkind = \"exec\"\nuser = \"root\"\ncommand = [\"/bin/x\"]\n\
             [service.ready]\nat = \"{gate}\"\nwithin = {within}\n"
        )
    };
    let namenode = service("namenode", &fake.web.replace("http", "tcp"), 20);
    site.more = [wants(&fake), namenode, service("history", "tcp://127.0.0.1:9", 0)].concat();
    let error = super::super::tests::site::chain(&site.install().unwrap_err());
    assert!(error.contains("service history is active, but does not do its work"), "{error}");
    assert_eq!(fake.listing()[1..], WHOLE[..2], "its folders are there, the upload comes last");
}
