//! Every rule of the map as a table, lines that are no rules, hostile names, and the script that decided before as a judge.
//! Maps here are PNDA's own and random ones.
//! Not here: the command, and what runs in the queue.

use super::*;
use crate::decide::{self, Observed, Seen, is_moved};
use crate::journal::{Component, Run, Wanted};
use crate::status;
use std::fs;
use std::process::Command;
use systems::yarn::{FinalStatus, State};
use words::application::State as Told;
use words::ids::ApplicationId;

/// PNDA's maps for its two distributions of Hadoop.
const HDP: &str = "pnda: default\n:prod prod\n:prod dev\n:dev dev\n";
const CDH: &str =
    "pnda: root.default\n:prod root.applications.prod\n:prod root.applications.dev\n:dev root.applications.dev\n";

fn map(text: &str) -> Map {
    let (map, mistakes) = Map::parse(Source { file: "map.txt", text });
    assert!(mistakes.is_empty(), "{mistakes}");
    map
}

fn mistakes(text: &str) -> String {
    Map::parse(Source { file: "map.txt", text }).1.to_string()
}

/// The queue, or the script's exit code.
fn decided(map: &Map, user: &str, groups: &[&str], requested: &str) -> Result<String, i32> {
    let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
    match decide(map, user, &groups, Some(requested).filter(|queue| !queue.is_empty())) {
        Ok(queue) => Ok(queue.to_string()),
        Err(Refused::NoRule { .. }) => Err(2),
        Err(Refused::NotHis { .. }) => Err(3),
    }
}

#[test]
fn every_rule_of_pnda_s_map_holds() {
    let all = "# who\n  # indented\n\n* all\n";
    for (text, user, groups, requested, queue) in [
        // A user, and the group of that name, which is another thing.
        (HDP, "pnda", &["pnda"][..], "", Ok("default")),
        (HDP, "joe", &["pnda"], "", Err(2)),
        // The first rule that fits counts; what is asked for chooses among the rules that fit.
        (HDP, "prod1", &["prod"], "", Ok("prod")),
        (HDP, "prod1", &["prod"], "dev", Ok("dev")),
        (HDP, "prod1", &["prod"], "default", Err(3)),
        (HDP, "dev1", &["users", "dev"], "", Ok("dev")),
        (HDP, "dev1", &["dev"], "prod", Err(3)),
        (HDP, "both", &["dev", "prod"], "", Ok("prod")),
        (HDP, "both", &["dev", "prod"], "dev", Ok("dev")),
        (HDP, "joe", &["users"], "", Err(2)),
        (HDP, "joe", &["users"], "dev", Err(3)),
        (HDP, "joe", &[], "", Err(2)),
        // A group is its whole name.
        (HDP, "joe", &["dev-ops", "mydev", "dev.x"], "", Err(2)),
        (CDH, "dev1", &["dev"], "", Ok("root.applications.dev")),
        (CDH, "dev1", &["dev"], "dev", Err(3)),
        // Comments and empty lines are none; everybody is everybody.
        (all, "joe", &[], "", Ok("all")),
        (all, "joe", &[], "all", Ok("all")),
        (all, "#", &["#"], "who", Err(3)),
        ("#joe: own\n #* own\n", "#joe", &[], "", Err(2)),
        ("* all\njoe: own\n", "joe", &[], "", Ok("all")),
        ("* all\njoe: own\n", "joe", &[], "own", Ok("own")),
        ("joe: own\n* all\n", "joe", &[], "", Ok("own")),
        // Where both a user and a group are given, the group does not count.
        ("joe:dev own\n", "joe", &["users"], "", Ok("own")),
        ("joe:dev own\n", "ann", &["dev"], "", Err(2)),
        // Blanks are blanks, what follows the queue is not read, and the last line needs no end.
        ("\t:dev\t  dev  # ours\r\n", "dev1", &["dev"], "", Ok("dev")),
        (":dev dev prod", "dev1", &["dev"], "prod", Err(3)),
        (":dev dev prod", "dev1", &["dev"], "", Ok("dev")),
        ("", "joe", &["dev"], "", Err(2)),
        // Capitals are letters of their own.
        (HDP, "Pnda", &["Dev"], "", Err(2)),
    ] {
        let found = decided(&map(text), user, groups, requested);
        assert_eq!(found, queue.map(str::to_owned), "{user} {groups:?} {requested:?} by {text:?}");
    }
}

#[test]
fn a_line_that_is_no_rule_is_told_and_fits_nobody() {
    let text = "pnda default\n:dev dev\n*\n: prod\n:prod\njoe: a/b\n** all\n";
    let (map, told) = Map::parse(Source { file: "map.txt", text });
    assert_eq!(
        told.to_string(),
        "map.txt:1: `pnda` is neither a user nor a group\n    write `* QUEUE`, `USER: QUEUE` or `:GROUP QUEUE`\n\
         map.txt:3: the rule for `*` has no queue\n    write `* QUEUE`, `USER: QUEUE` or `:GROUP QUEUE`\n\
         map.txt:4: `:` names nobody\n    write `* QUEUE`, `USER: QUEUE` or `:GROUP QUEUE`\n\
         map.txt:5: the rule for `:prod` has no queue\n    write `* QUEUE`, `USER: QUEUE` or `:GROUP QUEUE`\n\
         map.txt:6: `a/b` cannot be used as a name: only letters, digits and . _ + - are allowed\n    \
         write the queue as in `dev` or `root.dev`\n\
         map.txt:7: `**` is neither a user nor a group\n    write `* QUEUE`, `USER: QUEUE` or `:GROUP QUEUE`"
    );
    assert_eq!(decided(&map, "pnda", &["prod", ""], ""), Err(2));
    assert_eq!(decided(&map, "dev1", &["dev"], ""), Ok("dev".to_owned()));
}

#[test]
fn hostile_names_choose_nothing_and_are_told_on_one_line() {
    let rules = map(HDP);
    let hostile = [
        "",
        "*",
        ":",
        "a b",
        "dev\n",
        "../dev",
        "$(id)",
        "-yqu",
        "dev\0",
        "\u{1b}[31mdev",
        "\u{202e}ved",
        "dev ",
        "de*",
    ];
    for name in hostile {
        assert_eq!(decided(&rules, name, &[name], ""), Err(2), "{name:?}");
        let groups = ["dev".to_owned()];
        let refused = decide(&rules, name, &groups, Some(name)).unwrap_err().to_string();
        assert!(refused.contains("may use dev, and not"), "{refused}");
        assert!(!refused.contains(|c: char| c.is_control() || c == '\u{202e}'), "{refused:?}");
        // As a queue it is refused, or read as the words that stand there.
        let (read, told) = Map::parse(Source { file: "map.txt", text: &format!("* {name}\n") });
        let queue = decide(&read, "joe", &[], None).map(Word::to_string);
        assert!(queue.as_ref().map_or(!told.is_empty(), |queue| ["a", "dev"].contains(&queue.as_str())), "{name:?}");
        assert!(!told.to_string().contains(|c: char| c.is_control() && c != '\n'), "{told}");
    }
    assert!(mistakes("* -yqu").contains("`-yqu` cannot be used as a name"), "no queue becomes an option");
}

/// The script that decided before, without its own words.
const SCRIPT: &str = r#"
user=$1; groups=" $2 "; wanted=$3
fits() {
    case $1 in
        '*') return 0 ;;
        :*) case $groups in *" ${1#:} "*) return 0 ;; *) return 1 ;; esac ;;
        *:*) [ "${1%%:*}" = "$user" ] ;;
        *) return 1 ;;
    esac
}
while read -r member queue _; do
    case $member in '' | '#'*) continue ;; esac
    fits "$member" || continue
    if [ -z "$wanted" ] || [ "$wanted" = "$queue" ]; then echo "$queue"; exit 0; fi
done
[ -n "$wanted" ] && exit 3
exit 2
"#;

#[test]
fn the_script_that_decided_before_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (script, file) = (folder.path().join("policy"), folder.path().join("map.txt"));
    fs::write(&script, SCRIPT).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let names = ["a", "b", "a-b", "a.b", "A"];
    let (mut chosen, mut refused) = (0, 0);
    for _ in 0..300 {
        let mut pick = |from: &[&str]| from[random.usize(..from.len())].to_owned();
        let mut lines = String::new();
        for _ in 0..6 {
            let who = pick(&["*", "a:", "b:", ":a", ":b", ":a-b", ":A", "a:b", "a", "**", "#", "# a:", "\\a:", "*:"]);
            lines += &format!(
                "{}{who}{}{}{}\n",
                pick(&["", " ", "\t"]),
                pick(&[" ", "\t "]),
                pick(&names),
                pick(&["", " ", " b # c"])
            );
        }
        let (user, groups, wanted) = (pick(&names), [pick(&names), pick(&names)], pick(&["", "", "a", "a.b", "x"]));
        fs::write(&file, &lines).unwrap();
        let mut command = Command::new("sh");
        command.arg(&script).args([&user, &groups.join(" "), &wanted]).stdin(fs::File::open(&file).unwrap());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let before = output.status.code().filter(|code| *code != 0).map_or(Ok(said), Err);
        let (now, _) = Map::parse(Source { file: "map.txt", text: &lines });
        let now = decided(&now, &user, &[&groups[0], &groups[1]], &wanted);
        assert_eq!(now, before, "{user} {groups:?} {wanted:?} by\n{lines}");
        *(if now.is_ok() { &mut chosen } else { &mut refused }) += 1;
    }
    assert!(chosen > 50 && refused > 50, "{chosen} chosen, {refused} refused");
}

#[test]
fn no_line_is_too_strange_to_read() {
    let mut random = fastrand::Rng::with_seed(11);
    let parts = [
        ":", "*", "#", " ", "\t", "\n", "\r\n", "dev", "pnda", "\0", "ä", "\u{feff}", "\u{1b}", "-", "\\", "\u{2028}",
        "$(",
    ];
    for _ in 0..20_000 {
        let text: String = (0..random.usize(..40)).map(|_| parts[random.usize(..parts.len())]).collect();
        let (map, told) = Map::parse(Source { file: "map.txt", text: &text });
        assert!(map.0.len() + told.len() <= text.lines().count(), "{text:?}");
        let groups = ["dev".to_owned()];
        if let Ok(queue) = decide(&map, "pnda", &groups, None) {
            assert_eq!(decide(&map, "pnda", &groups, Some(queue.as_str())), Ok(queue), "{text:?}");
        }
    }
}

#[test]
fn a_map_is_read_from_a_file_and_whoever_it_is_for_is_asked_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let daemon = Account::named("daemon").unwrap();
    let choose = |name: &str, requested| {
        choose(&at(name), &daemon, requested).map(|(queue, told)| (queue.to_string(), told.len()))
    };
    // A comment in Latin-1, a line that is none, and the group's rule.
    fs::write(at("map.txt"), b"# f\xfcr alle\ndaemon x\n:daemon own\n:root\xff dev\n").unwrap();
    assert_eq!(choose("map.txt", None).unwrap(), ("own".to_owned(), 1));
    let refused = choose("map.txt", Some("dev")).unwrap_err();
    assert!(!refused.is_passing());
    let text = words::chain::chain(&refused);
    assert!(text.starts_with("Error: No matching queue: daemon may use own, and not dev\n"), "{text}");
    assert!(text.contains("map.txt:2: `daemon` is neither a user nor a group"), "{text}");
    let missing = choose("none.txt", None).unwrap_err();
    assert_eq!(missing.to_string(), format!("{} file missing", at("none.txt").display()));
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    fs::write(at("long.txt"), "#".repeat((LONGEST + 1) as usize)).unwrap();
    for (name, why) in [("", "a directory"), ("pipe", "not a regular file"), ("long.txt", "longer than")] {
        let told = words::chain::chain(&choose(name, None).unwrap_err());
        assert!(told.starts_with("cannot read the map of queues") && told.contains(why), "{told}");
    }
    let gone = Account { name: "no such user".to_owned(), group: 54_321_012 };
    assert!(super::choose(&at("map.txt"), &gone, None).is_err(), "no group, no rule");
}

#[test]
fn a_run_that_yarn_put_elsewhere_says_so() {
    let word = |text: &str| Word::new(text).unwrap();
    for (asked, found, moved) in [
        ("dev", "dev", false),
        ("dev", "root.dev", false),
        ("dev", "root.applications.dev", false),
        ("root.applications.dev", "dev", false),
        ("applications.dev", "root.applications.dev", false),
        ("dev", "root.default", true),
        ("dev", "root.mydev", true),
        ("mydev", "dev", true),
        ("root.a.dev", "root.b.dev", true),
    ] {
        assert_eq!(is_moved(Some(&word(asked)), found), moved, "{asked} {found}");
    }
    assert!(!is_moved(None, "root.default"), "nobody asked");
    let id = ApplicationId::new("application_1_1").unwrap();
    let run = Run { queue: Some(word("dev")), begun: true, accepted: true, ..Run::of(id, 1, 0) };
    let component = Component { changed: 1, run: Some(run), ..Component::default() };
    let state = |queue: &str, diagnostics: &str| {
        let seen = Seen {
            state: State::Accepted,
            final_status: FinalStatus::Undefined,
            diagnostics: diagnostics.to_owned(),
            queue: queue.to_owned(),
            had_master: false,
            finished_ms: None,
            ran_ms: None,
            is_placeholder: false,
            job: decide::Job::None,
            saved: decide::Saved::None,
            attempt: None,
            master: None,
        };
        let observed = Observed { as_of: 1, yarn: decide::Yarn::Known(Box::new(seen)) };
        status::state(&Wanted::Created, &component, Some(&observed))
    };
    let moved = "asked for queue dev, YARN put it into root.default";
    assert_eq!(state("root.default", ""), (Told::Waiting, moved.to_owned()));
    assert_eq!(state("root.default", "no room").1, format!("no room; {moved}"));
    assert_eq!(state("root.dev", "no room").1, "no room");
    assert_eq!(state("", "").1, "", "YARN has not put it anywhere yet");
}
