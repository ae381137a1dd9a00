//! `[[maven]]`: roots that are resolved together, the plug-ins that build with them, and what changes their closures.
//! `roots` stand in the order of the project's POM, of every scope: Maven mediates them together, and order counts.
//! Not here: how a closure is resolved.

use crate::openpgp::Fingerprint;
use crate::resolve::maven::{Coordinate, Pattern, lifecycles};
use std::fmt;
use words::document::{Table, Text};
use words::problem::nearest;

/// Maven roots that are resolved together, and what builds them.
///
/// ```toml
/// [[maven]]
/// id = "application"
/// roots = [                                       # jars, parents and BOMs (`:pom:`), sources (`:jar:sources:`)
///     "org.apache.flink:flink-avro:1.20.3",
///     "org.junit.jupiter:junit-jupiter:5.11.4",   # what tests need is a root like any other
/// ]
/// lifecycle = "maven-3.8"                         # the plug-ins that this Maven binds to a jar, and dependency:tree
/// plugins = ["org.apache.maven.plugins:maven-shade-plugin:3.6.0"]
/// providers = []                                  # what a plug-in loads while it runs; those of surefire are found
/// signers = []                                    # names that signatures may bear besides those in the last lock
///
/// [[maven.plugin]]                                # a plug-in that the project gives dependencies of its own
/// plugin = "org.apache.maven.plugins:maven-checkstyle-plugin:3.3.1"
/// dependencies = ["com.puppycrawl.tools:checkstyle:10.12.4"]
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MavenWant {
    /// `group:artifact[:extension[:classifier]]:version`, in the order of the file: Maven's mediation depends on it.
    pub roots: Vec<String>,
    /// Plug-ins, each resolved by itself as Maven does.
    pub plugins: Vec<PluginWant>,
    /// What plug-ins load only while they run, each resolved by itself.
    pub providers: Vec<String>,
    /// The release of Maven whose bound plug-ins come along.
    pub lifecycle: Option<String>,
    /// `group:artifact` patterns that are left out of the closure of the roots.
    pub exclude: Vec<String>,
    /// Coordinates whose version wins over what the closure of the roots asks for.
    pub managed: Vec<String>,
    /// BOMs whose management applies to all roots.
    pub boms: Vec<String>,
    /// Names that may stand in signatures, besides those that the last lock knows of the same group. Where no key is
    /// given nobody verifies them, so a key id will do: it is held against what the signature names, not against a key.
    pub signers: Vec<Fingerprint>,
    /// Whether dependencies of the roots come along.
    pub transitive: bool,
    /// Whether the jars also appear in PNDA's flat `mirror_apps`.
    pub apps: bool,
}

/// A plug-in, and what the project loads it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginWant {
    /// The plug-in's coordinate.
    pub plugin: String,
    /// What the project declares below `<plugin>`.
    pub dependencies: Vec<String>,
}

/// Reads one `[[maven]]`.
pub(super) fn read(table: &mut Table<'_>) -> Option<MavenWant> {
    let mut plugins: Vec<PluginWant> = coordinates(table, "plugins")
        .into_iter()
        .map(|plugin| PluginWant { plugin, dependencies: Vec::new() })
        .collect();
    plugins.extend(table.tables("plugin", plugin).into_iter().flatten());
    let lifecycle = table.optional_parsed("lifecycle", "maven-3.8", known_lifecycle);
    let roots = if plugins.is_empty() && lifecycle.is_none() {
        let roots = table.required_list("roots", "org.apache.flink:flink-avro:1.20.3");
        checked(table, roots)
    } else {
        coordinates(table, "roots")
    };
    let exclude = table.list("exclude");
    for text in exclude.iter().filter(|text| text.text.parse::<Pattern>().is_err()) {
        let what = format!("`{}` is no exclusion", text.text);
        table.add(text.origin.problem(what, "write group:artifact; either may be *"));
    }
    Some(MavenWant {
        roots,
        plugins,
        providers: coordinates(table, "providers"),
        lifecycle,
        exclude: exclude.into_iter().map(|text| text.text).collect(),
        managed: coordinates(table, "managed"),
        boms: coordinates(table, "boms"),
        signers: signers(table),
        transitive: table.flag("transitive", true),
        apps: table.flag("apps", false),
    })
}

fn plugin(table: &mut Table<'_>) -> Option<PluginWant> {
    let plugin = table.required("plugin", "org.apache.maven.plugins:maven-checkstyle-plugin:3.3.1");
    let plugin = checked(table, plugin.into_iter().collect()).pop();
    let dependencies = coordinates(table, "dependencies");
    Some(PluginWant { plugin: plugin?, dependencies })
}

fn known_lifecycle(text: String) -> Result<String, String> {
    if lifecycles().any(|known| known == text) {
        return Ok(text);
    }
    let known: Vec<&str> = lifecycles().collect();
    let near = nearest(&text, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
    let near = near.unwrap_or_default();
    Err(format!("`{text}` is no release whose bindings are known; those are {}{near}", known.join(" and ")))
}

fn coordinates(table: &mut Table<'_>, key: &'static str) -> Vec<String> {
    let texts = table.list(key);
    checked(table, texts)
}

fn checked(table: &Table<'_>, texts: Vec<Text>) -> Vec<String> {
    for text in &texts {
        if let Err(why) = text.text.parse::<Coordinate>() {
            let what = format!("`{}` is no Maven coordinate: {}", text.text, why.why());
            let remedy = "write group:artifact:version, as in org.apache.flink:flink-avro:1.20.3";
            table.add(text.origin.problem(what, remedy));
        }
    }
    texts.into_iter().map(|text| text.text).collect()
}

fn signers(table: &mut Table<'_>) -> Vec<Fingerprint> {
    let mut signers = Vec::new();
    for text in table.list("signers") {
        match Fingerprint::new(&text.text) {
            Ok(signer) => signers.push(signer),
            Err(error) => table.add(text.origin.problem(error.to_string(), "`gpg --show-keys` shows it")),
        }
    }
    signers
}

impl fmt::Display for MavenWant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("maven")?;
        self.roots.iter().try_for_each(|root| write!(out, " {root}"))?;
        let lists = [
            ("exclude", &self.exclude),
            ("managed", &self.managed),
            ("boms", &self.boms),
            ("providers", &self.providers),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            write!(out, " {name} {}", list.join(" "))?;
        }
        for PluginWant { plugin, dependencies } in &self.plugins {
            write!(out, " plugin {plugin}")?;
            dependencies.iter().try_for_each(|dependency| write!(out, "+{dependency}"))?;
        }
        if let Some(lifecycle) = &self.lifecycle {
            write!(out, " lifecycle {lifecycle}")?;
        }
        if self.transitive { Ok(()) } else { out.write_str(" alone") }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::parse;

    fn told(text: &str) -> String {
        match parse(&[("m.toml".into(), format!("[[maven]]\nid = \"a\"\n{text}"))]) {
            Ok(manifest) => manifest.request(),
            Err(problems) => problems.to_string(),
        }
    }

    #[test]
    fn a_build_says_what_builds_it() {
        let text = "lifecycle = \"maven-3.8\"\nplugins = [\"g:p:1\"]\nproviders = [\"g:r:1\"]\n\
            [[maven.plugin]]\nplugin = \"g:q:1\"\ndependencies = [\"g:x:1\", \"g:y:1\"]\n";
        assert_eq!(told(text), "a maven providers g:r:1 plugin g:p:1 plugin g:q:1+g:x:1+g:y:1 lifecycle maven-3.8\n");
    }

    #[test]
    fn mistakes_are_told_with_what_helps() {
        for (text, expected) in [
            ("", "roots"),
            ("lifecycle = \"maven-3.7\"\n", "did you mean `maven-3.8`?"),
            ("roots = [\"../x:b:1\"]\n", "`../x:b:1` is no Maven coordinate: its group"),
            ("roots = [\"g:a:${v}\"]\n", "its version"),
            ("plugins = [\"g:p\"]\n", "m.toml:3: `g:p` is no Maven coordinate"),
            ("roots = [\"g:a:1\"]\nsigners = [\"12\"]\n", "is no OpenPGP fingerprint"),
            ("roots = [\"g:a:1\"]\nexclude = [\"g\"]\n", "`g` is no exclusion"),
        ] {
            assert!(told(text).contains(expected), "{expected} is not in\n{}", told(text));
        }
    }
}
