//! The choice of Python packages on small indexes that stand in the text: what is taken, and how conflicts are told.
//! Each test is one rule of the choice.
//! Not here: pages and files of a real index.

use super::*;
use crate::python::{Platform, Python, Target};

/// Lines of `project version [sdist|yanked] : needs, …`; `?` for needs that nobody knows.
struct Index(Vec<(Word, Candidate, String)>);

fn index(text: &str) -> Index {
    let line = |line: &str| {
        let (name, needs) = line.split_once(':').unwrap();
        let words: Vec<&str> = name.split_whitespace().collect();
        let version = words[1].parse().unwrap();
        let (wheel, yanked) = (!words.contains(&"sdist"), words.contains(&"yanked"));
        (Word::new(words[0]).unwrap(), Candidate { version, wheel, yanked, at: 0 }, needs.trim().to_owned())
    };
    Index(text.lines().filter(|line| line.contains(':')).map(line).collect())
}

impl Catalogue for Index {
    fn candidates(&self, project: &Word) -> Result<Arc<[Candidate]>, Error> {
        Ok(self.0.iter().filter(|(name, ..)| name == project).map(|(_, candidate, _)| candidate.clone()).collect())
    }

    fn needs(&self, project: &Word, candidate: &Candidate) -> Result<Needs, Error> {
        let found = self.0.iter().find(|(name, there, _)| name == project && there == candidate).unwrap();
        if found.2 == "?" {
            return Ok(Needs::Unknown("its setup.py is not run".into()));
        }
        Ok(Needs::Known(requirements(&found.2).into()))
    }
}

fn requirements(text: &str) -> Vec<Requirement> {
    text.split(", ").filter(|one| !one.is_empty()).map(|one| Requirement::parse(one).unwrap()).collect()
}

struct Asked<'a> {
    roots: &'a str,
    constraints: &'a str,
    prefer: &'a [(&'a str, &'a str)],
}

fn ask(index: &Index, asked: &Asked<'_>) -> Result<BTreeMap<Word, Choice>, Error> {
    let target =
        Target::new(&Python::parse("3.11").unwrap(), &Platform::parse("manylinux2014_x86_64").unwrap()).unwrap();
    let prefer = asked.prefer.iter();
    let prefer = prefer.map(|(p, v)| (Word::new(*p).unwrap(), BTreeSet::from([v.parse().unwrap()]))).collect();
    let (roots, constraints) = (requirements(asked.roots), requirements(asked.constraints));
    let environment = target.environment();
    let question =
        Question { roots: &roots, constraints: &constraints, environment, prefer: &prefer, transitive: true };
    solve(&question, index)
}

fn plain(roots: &str) -> Asked<'_> {
    Asked { roots, constraints: "", prefer: &[] }
}

fn shown(chosen: BTreeMap<Word, Choice>) -> String {
    let one = |(project, choice): (&Word, &Choice)| format!("{project}=={}", choice.candidate.version);
    chosen.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn check(index: &str, asked: &Asked<'_>, expected: &str) {
    match ask(&self::index(index), asked) {
        Ok(chosen) => assert_eq!(shown(chosen), expected),
        Err(error) => panic!("{error}"),
    }
}

fn refused(index: &str, asked: &Asked<'_>, expected: &str) {
    assert_eq!(ask(&self::index(index), asked).unwrap_err().to_string(), expected);
}

#[test]
fn the_newest_that_all_accept_is_chosen() {
    let index = "a 1.0 : b<3\na 1.1 : b<3\nb 1 :\nb 2 : c ; python_version < '3'\nb 3 :\nc 1 :";
    check(index, &plain("a"), "a==1.1 b==2");
    check(index, &Asked { constraints: "b<2, c==7", ..plain("a") }, "a==1.1 b==1");
    check(index, &plain("a==1.0, b>=2"), "a==1.0 b==2");
}

#[test]
fn a_choice_that_turns_out_wrong_is_taken_back() {
    let index = "a 1 : b==1\na 2 : b==2\nb 1 :\nb 2 : c==2\nc 1 :\nd 1 : c==1\nx 1 :\nx 2 :";
    check(index, &plain("x, a, d"), "a==1 b==1 c==1 d==1 x==2");
    // What has nothing to do with it is not tried again and again.
    let many: String = (10..50).flat_map(|p| (0..40).map(move |v| format!("p{p} {v} :\n"))).collect();
    let roots: String = (10..50).map(|p| format!("p{p}, ")).collect();
    let chosen: String = (10..50).map(|p| format!(" p{p}==39")).collect();
    let index = format!("{many}a 1 : b==1\na 2 : b==2\nb 1 :\nb 2 : c==2\nc 1 :\nc 2 : d==9\nd 1 :");
    check(&index, &plain(&format!("a, {roots}d")), &format!("a==1 b==1 d==1{chosen}"));
}

#[test]
fn a_conflict_is_told_with_both_chains() {
    let index = "flink 1.20.5 : a, b\na 1 : numpy<1.22\nb 2 : numpy>=1.24\nnumpy 1.21 :\nnumpy 1.24 :";
    refused(
        index,
        &plain("flink"),
        "no version of numpy is good for all\n    \
         a==1 wants numpy<1.22 (it is there for flink==1.20.5)\n    \
         b==2 wants numpy>=1.24 (it is there for flink==1.20.5)\n    \
         what fits there: 1.24, 1.21",
    );
    refused(
        index,
        &Asked { constraints: "numpy<1", ..plain("a") },
        "no version of numpy is good for all\n    a==1 wants numpy<1.22\n    \
         a constraint of the manifest wants numpy<1\n    what fits there: 1.24, 1.21",
    );
    refused(
        index,
        &plain("c>=1"),
        "no version of c will do\n    the manifest wants c>=1\n    the index has no file of it that fits",
    );
}

#[test]
fn extras_bring_what_they_need_and_may_name_one_another() {
    let index = "a 1 : b ; extra == 'x', a[x] ; extra == 'all', c\nb 1 :\nc 1 : a[all]\nd 1 : a";
    check(index, &plain("a[x]"), "a==1 b==1 c==1");
    check("a 1 : b ; extra == 'x'\nb 1 :\nd 1 : a[x]", &plain("a, d"), "a==1 b==1 d==1");
    check("a 1 : b ; extra == 'x'\nb 1 :", &plain("a[y]"), "a==1");
}

#[test]
fn pre_releases_and_what_was_taken_back_need_a_reason() {
    let index = "a 1.0 :\na 2.0rc1 :\nb 1.0 :\nb 1.1 yanked :\nc 0.1a1 :";
    check(index, &plain("a, b, c"), "a==1.0 b==1.0 c==0.1a1");
    check(index, &plain("a>=2.0rc0, b==1.1"), "a==2.0rc1 b==1.1");
}

#[test]
fn what_was_agreed_stays_while_it_satisfies_and_wheels_come_before_sources() {
    let index = "a 1 :\na 2 :\na 3 sdist :";
    check(index, &plain("a"), "a==2");
    check(index, &plain("a>2"), "a==3");
    check(index, &Asked { prefer: &[("a", "1")], ..plain("a") }, "a==1");
    check(index, &Asked { prefer: &[("a", "1")], ..plain("a>1") }, "a==2");
}

#[test]
fn what_nobody_knows_stops_at_once_if_there_is_no_other_version() {
    let index = "top 1 : crc\ntop 2 : crc\ncrc 1.6 sdist : ?\ncrc 1.7 sdist : ?";
    refused(index, &plain("top"), "nobody can say what crc==1.7 needs: its setup.py is not run\n    top==2 wants crc");
    check("a 1 :\na 2 : ?", &plain("a"), "a==1");
}

#[test]
fn a_bomb_of_dependencies_is_bounded() {
    let bomb: String = (0..2100).map(|n| format!("p{n} 1 : p{}\n", n + 1)).collect();
    assert!(matches!(ask(&index(&bomb), &plain("p0")), Err(Error::TooMuch { what: "projects", .. })));
}

#[test]
fn each_choice_has_its_chain() {
    let chosen = ask(&index("a 1 : b\nb 2 : c\nc 3 :"), &plain("a")).unwrap();
    assert_eq!(chosen[&Word::new("c").unwrap()].chain, ["a==1", "b==2", "c==3"]);
}
