//! The machine that POMs ask about: always the same one, so that a lock does not depend on who makes it.
//! It decides which profiles of a POM are active.
//! Not here: what an active profile changes.

use super::pom::{Activation, File, Os, Profile};
use std::collections::BTreeMap;

/// The fixed environment: Linux on amd64 with a given Java that had some updates and has the properties that every JVM has; no
/// environment variables, no user properties.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    java: String,
    properties: BTreeMap<String, String>,
}

impl Environment {
    /// The environment with this feature release of Java, such as 17.
    pub(super) fn new(java: u32) -> Environment {
        let (specification, version) = match java {
            ..9 => (format!("1.{java}"), format!("1.{java}.0_392")),
            // A release that is a year old has had some updates.
            9.. => (java.to_string(), format!("{java}.0.9")),
        };
        let properties = [
            ("java.version", version.as_str()),
            ("java.specification.version", &specification),
            ("java.vm.specification.version", &specification),
            ("java.home", "/opt/java"),
            ("java.io.tmpdir", "/tmp"),
            ("java.vendor", "Eclipse Adoptium"),
            ("java.vm.name", "OpenJDK 64-Bit Server VM"),
            ("java.vm.vendor", "Eclipse Adoptium"),
            ("os.name", "Linux"),
            ("os.arch", "amd64"),
            ("os.version", "6.1"),
            ("file.separator", "/"),
            ("path.separator", ":"),
            ("line.separator", "\n"),
            ("file.encoding", "UTF-8"),
            ("user.dir", "/build"),
            ("user.home", "/build"),
            ("user.name", "build"),
        ];
        let java = version.clone();
        let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Environment { java, properties }
    }

    /// A system property.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    /// The active ones of a POM's profiles, in their order: those by default only if no other one is.
    pub(super) fn active<'a>(&self, profiles: &'a [Profile]) -> Vec<&'a Profile> {
        let explicit: Vec<&Profile> = profiles.iter().filter(|profile| self.meets(&profile.activation)).collect();
        if explicit.is_empty() {
            profiles.iter().filter(|profile| profile.activation.by_default).collect()
        } else {
            explicit
        }
    }

    /// Whether there are conditions and all of them hold.
    fn meets(&self, activation: &Activation) -> bool {
        let conditions = [
            activation.jdk.as_ref().map(|jdk| self.is_java(jdk)),
            activation.os.as_ref().map(is_os),
            activation.property.as_ref().map(|(name, value)| self.has_property(name, value.as_deref())),
            activation.file.as_ref().map(has_file),
        ];
        let mut held = conditions.into_iter().flatten().peekable();
        held.peek().is_some() && held.all(|held| held)
    }

    /// Maven's rule for `<jdk>`: a prefix, a prefix that must not be, or a range.
    fn is_java(&self, wanted: &str) -> bool {
        if let Some(unwanted) = wanted.strip_prefix('!') {
            return !self.java.starts_with(unwanted);
        }
        if wanted.starts_with(['[', '(']) { in_range(&self.java, wanted) } else { self.java.starts_with(wanted) }
    }

    fn has_property(&self, name: &str, value: Option<&str>) -> bool {
        let (name, unset) = name.strip_prefix('!').map_or((name, false), |name| (name, true));
        let found = self.property(name);
        match value {
            None if unset => found.is_none(),
            None => found.is_some(),
            Some(value) => match value.strip_prefix('!') {
                Some(value) => found != Some(value),
                None => found == Some(value),
            },
        }
    }
}

/// A range of Java releases compares three numbers, as Maven does, and not versions.
fn in_range(java: &str, range: &str) -> bool {
    let java = three_numbers(java);
    let (low, high) = range.split_once(',').unwrap_or((range, ""));
    let bare = |bound: &str| bound.trim_matches(['[', ']', '(', ')', ' ']).to_owned();
    let above = match bare(low) {
        low if low.is_empty() => true,
        text if low.starts_with('[') => java >= three_numbers(&text),
        text => java > three_numbers(&text),
    };
    let below = match bare(high) {
        high if high.is_empty() => true,
        text if high.ends_with(']') => java <= three_numbers(&text),
        text => java < three_numbers(&text),
    };
    above && below
}

fn three_numbers(text: &str) -> [u64; 3] {
    let mut numbers = text.split(['.', '-', '_']).map(|part| {
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_default()
    });
    std::array::from_fn(|_| numbers.next().unwrap_or_default())
}

fn is_os(os: &Os) -> bool {
    let check = |wanted: &Option<String>, holds: fn(&str) -> bool| {
        wanted.as_ref().is_none_or(|wanted| match wanted.strip_prefix('!') {
            Some(unwanted) => !holds(&unwanted.to_lowercase()),
            None => holds(&wanted.to_lowercase()),
        })
    };
    check(&os.family, |family| matches!(family, "unix" | "linux"))
        && check(&os.name, |name| name == "linux")
        && check(&os.arch, |arch| arch == "amd64")
        // A kernel's release is nobody's business here: none matches.
        && check(&os.version, |_| false)
}

/// No file exists on a machine that is not there; of missing ones only absolute paths count, as for Maven.
fn has_file(file: &File) -> bool {
    match file {
        File::Exists => false,
        File::Missing(path) => ["/", "${java.home}", "${user.home}"].iter().any(|start| path.starts_with(start)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::maven::pom::Pom;

    /// The activations that hold, by index.
    fn active(java: u32, activations: &[&str]) -> Vec<usize> {
        let profiles = activations.iter().map(|text| format!("<profile><activation>{text}</activation></profile>"));
        let text = format!("<project><profiles>{}</profiles></project>", profiles.collect::<String>());
        let pom = Pom::parse(text.as_bytes()).unwrap();
        let active = Environment::new(java).active(&pom.profiles);
        let index = |one: &&Profile| pom.profiles.iter().position(|profile| std::ptr::eq(*one, profile)).unwrap();
        active.iter().map(index).collect()
    }

    #[test]
    fn java_is_matched_by_prefix_or_range() {
        let jdk = |text: &str| format!("<jdk>{text}</jdk>");
        let holds = |java, text: &str| !active(java, &[&jdk(text)]).is_empty();
        // As a real JDK 17 with some updates has it, which is above 17.
        for text in ["17", "17.0", "[1.8,)", "[17.0.1,18)", "!1.8", "[11,18)", "(17,)", "[17,)"] {
            assert!(holds(17, text), "{text}");
        }
        for text in ["1.8", "(,1.8]", "[1.5,1.9)", "!17", "(,17]", "[9,17]", "[9,17)"] {
            assert!(!holds(17, text), "{text}");
        }
        assert!(holds(8, "1.8") && holds(8, "[1.7,9)"));
    }

    #[test]
    fn all_conditions_must_hold() {
        let linux = "<os><family>unix</family><name>Linux</name><arch>amd64</arch></os>";
        assert_eq!(active(17, &[linux, &format!("{linux}<jdk>1.8</jdk>"), ""]), [0]);
        assert_eq!(active(17, &["<os><family>windows</family></os>", "<os><family>!windows</family></os>"]), [1]);
    }

    #[test]
    fn a_property_counts_only_if_it_is_set() {
        let property = |text: &str| format!("<property>{text}</property>");
        assert!(active(17, &[&property("<name>performRelease</name><value>true</value>")]).is_empty());
        assert!(!active(17, &[&property("<name>!skip</name>")]).is_empty());
        assert!(!active(17, &[&property("<name>os.arch</name><value>amd64</value>")]).is_empty());
        for name in ["java.home", "java.vendor", "user.home", "line.separator", "java.io.tmpdir"] {
            assert!(!active(17, &[&property(&format!("<name>{name}</name>"))]).is_empty(), "every JVM has {name}");
        }
    }

    #[test]
    fn a_default_profile_yields_to_another() {
        let default = "<activeByDefault>true</activeByDefault>";
        assert_eq!(active(17, &[default]), [0]);
        assert_eq!(active(17, &[default, "<jdk>17</jdk>"]), [1]);
    }

    #[test]
    fn no_file_exists() {
        assert!(active(17, &["<file><exists>/etc/passwd</exists></file>"]).is_empty());
        assert!(active(17, &["<file><missing>src/main</missing></file>"]).is_empty());
        assert!(!active(17, &["<file><missing>${java.home}/../lib/tools.jar</missing></file>"]).is_empty());
    }
}
