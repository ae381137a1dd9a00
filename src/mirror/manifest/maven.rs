//! `[[maven]]`: roots that are resolved together, and what changes their closure.
//! Order counts: Maven's mediation depends on it.
//! Not here: how a closure is resolved.

use crate::words::document::{Table, Text};
use crate::words::names::Word;
use std::fmt;

/// Maven roots that are resolved together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MavenWant {
    /// `group:artifact[:extension[:classifier]]:version`, in the order of the file: Maven's mediation depends on it.
    pub roots: Vec<String>,
    /// `group:artifact` patterns that are left out of the closure.
    pub exclude: Vec<String>,
    /// Coordinates whose version wins over what the closure asks for.
    pub managed: Vec<String>,
    /// BOMs whose management applies to the whole set.
    pub boms: Vec<String>,
    /// Whether dependencies come along.
    pub transitive: bool,
    /// Whether the jars also appear in PNDA's flat `mirror_apps`.
    pub apps: bool,
}

/// Reads one `[[maven]]`.
pub(super) fn read(table: &mut Table<'_>) -> Option<MavenWant> {
    let roots = table.required_list("roots", "org.apache.flink:flink-avro:1.20.3");
    let managed = table.list("managed");
    let boms = table.list("boms");
    let exclude = table.list("exclude");
    for text in roots.iter().chain(&managed).chain(&boms) {
        let parts: Vec<&str> = text.text.split(':').collect();
        if !(3..=5).contains(&parts.len()) || parts.iter().any(|part| Word::new(*part).is_err()) {
            let what = format!("`{}` is no Maven coordinate", text.text);
            let remedy = "write group:artifact:version, as in org.apache.flink:flink-avro:1.20.3";
            table.add(text.origin.problem(what, remedy));
        }
    }
    for text in &exclude {
        if text.text.split(':').count() != 2 {
            let what = format!("`{}` is no exclusion", text.text);
            table.add(text.origin.problem(what, "write group:artifact; either may be *"));
        }
    }
    let texts = |list: Vec<Text>| list.into_iter().map(|text| text.text).collect();
    Some(MavenWant {
        roots: texts(roots),
        exclude: texts(exclude),
        managed: texts(managed),
        boms: texts(boms),
        transitive: table.flag("transitive", true),
        apps: table.flag("apps", false),
    })
}

impl fmt::Display for MavenWant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "maven {}", self.roots.join(" "))?;
        let lists = [("exclude", &self.exclude), ("managed", &self.managed), ("boms", &self.boms)];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            write!(out, " {name} {}", list.join(" "))?;
        }
        if self.transitive { Ok(()) } else { out.write_str(" alone") }
    }
}
