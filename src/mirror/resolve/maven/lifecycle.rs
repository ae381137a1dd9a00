//! What a build uses without its POM saying so: the plug-ins that a release of Maven binds, and providers of tests.
//! Facts of others, one table each, with where they stand.
//! Not here: how any of it is resolved.

use super::coordinate::Coordinate;

const PLUGINS: &str = "org.apache.maven.plugins";

/// The plug-ins that a packaging `jar` gets, from `META-INF/plexus` of maven-core, and the one behind `mvn
/// dependency:tree`, from the POM that all others inherit from; by release of Maven.
const BOUND: [(&str, [(&str, &str); 9]); 2] = [
    (
        "maven-3.8",
        [
            ("maven-clean-plugin", "2.5"),
            ("maven-compiler-plugin", "3.1"),
            ("maven-dependency-plugin", "2.8"),
            ("maven-deploy-plugin", "2.7"),
            ("maven-install-plugin", "2.4"),
            ("maven-jar-plugin", "2.4"),
            ("maven-resources-plugin", "2.6"),
            ("maven-site-plugin", "3.3"),
            ("maven-surefire-plugin", "2.12.4"),
        ],
    ),
    (
        "maven-3.9.9",
        [
            ("maven-clean-plugin", "3.2.0"),
            ("maven-compiler-plugin", "3.13.0"),
            ("maven-dependency-plugin", "3.7.0"),
            ("maven-deploy-plugin", "3.1.2"),
            ("maven-install-plugin", "3.1.2"),
            ("maven-jar-plugin", "3.4.1"),
            ("maven-resources-plugin", "3.3.1"),
            ("maven-site-plugin", "3.12.1"),
            ("maven-surefire-plugin", "3.2.5"),
        ],
    ),
];

/// The releases of Maven whose bindings are known.
pub fn lifecycles() -> impl Iterator<Item = &'static str> {
    BOUND.iter().map(|(name, _)| *name)
}

/// The plug-ins that a release of Maven binds.
pub fn lifecycle(name: &str) -> Vec<Coordinate> {
    let bound = BOUND.iter().filter(|(known, _)| *known == name).flat_map(|(_, bound)| bound);
    bound.filter_map(|(artifact, version)| Coordinate::jar(PLUGINS, artifact, version).ok()).collect()
}

/// The plug-ins that a release of Maven looks at, and does not load, before it knows which one `dependency:` means.
const LOOKED_AT: [(&str, [(&str, &str); 2]); 2] = [
    ("maven-3.8", [("maven-antrun-plugin", "1.3"), ("maven-assembly-plugin", "2.2-beta-5")]),
    ("maven-3.9.9", [("maven-antrun-plugin", "3.1.0"), ("maven-assembly-plugin", "3.7.1")]),
];

/// The plug-ins whose jar alone a release of Maven asks for; without them it warns.
pub fn looked_at(name: &str) -> Vec<Coordinate> {
    let looked_at = LOOKED_AT.iter().filter(|(known, _)| *known == name).flat_map(|(_, looked_at)| looked_at);
    looked_at.filter_map(|(artifact, version)| Coordinate::jar(PLUGINS, artifact, version).ok()).collect()
}

/// The plug-ins that run tests, and load what fits the project's tests only then.
const RUNNERS: [&str; 2] = ["maven-surefire-plugin", "maven-failsafe-plugin"];

/// What a runner loads where the project's tests use an artifact: of the runner's own version, or of the artifact's.
const PROVIDERS: [(&str, &str, Loaded); 7] = [
    ("junit", "junit", Loaded::OfRunner("surefire-junit4")),
    ("org.testng", "testng", Loaded::OfRunner("surefire-testng")),
    ("org.junit.jupiter", "junit-jupiter-api", Loaded::OfRunner("surefire-junit-platform")),
    ("org.junit.jupiter", "junit-jupiter-api", Loaded::OfTests("org.junit.jupiter", "junit-jupiter-engine")),
    ("org.junit.platform", "junit-platform-engine", Loaded::OfRunner("surefire-junit-platform")),
    ("org.junit.platform", "junit-platform-commons", Loaded::OfTests("org.junit.platform", "junit-platform-launcher")),
    ("org.junit.vintage", "junit-vintage-engine", Loaded::OfRunner("surefire-junit-platform")),
];

#[derive(Clone, Copy)]
enum Loaded {
    OfRunner(&'static str),
    OfTests(&'static str, &'static str),
}

/// The first runner that knows the platform of JUnit 5; those before it never ask for it.
const FIRST_WITH_PLATFORM: &str = "2.22.0";

/// What these plug-ins load once they run tests that use these artifacts.
pub fn providers<'a>(plugins: &[Coordinate], tests: impl Iterator<Item = &'a Coordinate> + Clone) -> Vec<Coordinate> {
    let mut providers = Vec::new();
    let runners = plugins.iter().filter(|plugin| plugin.group() == PLUGINS && RUNNERS.contains(&plugin.artifact()));
    for runner in runners {
        let modern =
            super::version::Version::new(runner.version()) >= super::version::Version::new(FIRST_WITH_PLATFORM);
        for (group, artifact, loaded) in PROVIDERS {
            let used = tests.clone().filter(|test| test.group() == group && test.artifact() == artifact);
            for test in used.filter(|_| modern || !group.starts_with("org.junit")) {
                let coordinate = match loaded {
                    Loaded::OfRunner(name) => Coordinate::jar("org.apache.maven.surefire", name, runner.version()),
                    Loaded::OfTests(group, name) => Coordinate::jar(group, name, test.version()),
                };
                providers.extend(coordinate);
            }
        }
    }
    providers.sort();
    providers.dedup();
    providers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provided(runner: &str, tests: &[&str]) -> Vec<String> {
        let runner = Coordinate::jar(PLUGINS, "maven-surefire-plugin", runner).unwrap();
        let tests: Vec<Coordinate> = tests.iter().map(|text| text.parse().unwrap()).collect();
        providers(&[runner], tests.iter()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tests_bring_the_provider_that_fits_them() {
        assert_eq!(provided("2.12.4", &["junit:junit:4.13.2"]), ["org.apache.maven.surefire:surefire-junit4:2.12.4"]);
        assert_eq!(
            provided(
                "3.2.5",
                &["org.junit.jupiter:junit-jupiter-api:5.11.4", "org.junit.platform:junit-platform-commons:1.11.4"]
            ),
            [
                "org.apache.maven.surefire:surefire-junit-platform:3.2.5",
                "org.junit.jupiter:junit-jupiter-engine:5.11.4",
                "org.junit.platform:junit-platform-launcher:1.11.4",
            ]
        );
        assert!(provided("2.12.4", &["org.junit.jupiter:junit-jupiter-api:5.11.4"]).is_empty());
        assert!(provided("3.2.5", &[]).is_empty());
    }

    #[test]
    fn a_release_of_maven_binds_its_plug_ins() {
        assert!(lifecycles().all(|name| lifecycle(name).len() == 9));
        assert!(lifecycle("maven-1").is_empty());
    }
}
