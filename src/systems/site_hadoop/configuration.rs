//! Hadoop's `*-site.xml` as keys and values, and what a client must find in them.
//! Only what no client works without is asked for; a value that Hadoop fills in later (`${…}`) is left to it.
//! Not here: reading the files, or whether the addresses answer.

use std::collections::BTreeMap;

/// The files that a client needs, in the order in which `faults` takes them.
pub(super) const FILES: [&str; 3] = ["core-site.xml", "hdfs-site.xml", "yarn-site.xml"];

/// One file.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    values: BTreeMap<String, String>,
    /// It takes in other files, which are not looked at: what it lacks may be there.
    includes: bool,
}

impl Configuration {
    /// Reads a file's text.
    pub(super) fn parse(text: &str) -> Result<Configuration, String> {
        let document = roxmltree::Document::parse(text).map_err(|error| format!("it is no XML: {error}"))?;
        let root = document.root_element();
        if root.tag_name().name() != "configuration" {
            return Err(format!("its element is <{}>, and not <configuration>", root.tag_name().name()));
        }
        let mut file = Configuration::default();
        for property in root.children().filter(roxmltree::Node::is_element) {
            if property.tag_name().name() == "include" {
                file.includes = true;
            }
            let part = |name: &str| property.children().find(|child| child.tag_name().name() == name);
            let text = |name: &str| part(name).and_then(|child| child.text()).map(|text| text.trim().to_owned());
            if let (Some(name), Some(value)) = (text("name"), text("value")) {
                file.values.insert(name, value);
            }
        }
        Ok(file)
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// What a client would miss.
pub(super) fn faults(conf: &str, core: &Configuration, hdfs: &Configuration, yarn: &Configuration) -> Vec<String> {
    let [core_file, hdfs_file, yarn_file] = FILES.map(|name| format!("{conf}/{name}"));
    let mut faults = Vec::new();
    match core.get("fs.defaultFS").or_else(|| core.get("fs.default.name")) {
        None if core.includes => {}
        None => faults.push(format!("{core_file} names no fs.defaultFS: it is not the configuration of a cluster")),
        Some(url) if url.starts_with("file:") => {
            faults
                .push(format!("{core_file} says fs.defaultFS is {url}: jobs need a file system that all nodes share"));
        }
        Some(url) => faults.extend(nameservice(url, core, hdfs).map(|fault| format!("{hdfs_file} {fault}"))),
    }
    if !yarn.includes {
        faults.extend(resource_manager(yarn).map(|fault| format!("{yarn_file} {fault}")));
    }
    faults
}

/// A name that several NameNodes share must say who they are.
fn nameservice(url: &str, core: &Configuration, hdfs: &Configuration) -> Option<String> {
    let authority = url.strip_prefix("hdfs://")?.split('/').next()?;
    if authority.contains([':', '$']) || hdfs.includes || core.includes {
        return None;
    }
    let get = |key: &str| hdfs.get(key).or_else(|| core.get(key));
    let services = get("dfs.nameservices")?;
    if !services.split(',').any(|service| service.trim() == authority) {
        // A host's name without a port is fine too.
        return None;
    }
    let key = format!("dfs.ha.namenodes.{authority}");
    let Some(members) = get(&key) else { return Some(format!("names no {key}, but fs.defaultFS is {url}")) };
    let keys = members.split(',').map(|member| format!("dfs.namenode.rpc-address.{authority}.{}", member.trim()));
    keys.into_iter().find(|key| get(key).is_none()).map(|key| format!("names no {key}"))
}

fn resource_manager(yarn: &Configuration) -> Option<String> {
    let there = |suffix: &str| {
        let keys = ["yarn.resourcemanager.address", "yarn.resourcemanager.hostname"];
        keys.iter().filter_map(|key| yarn.get(&format!("{key}{suffix}"))).any(|value| !value.starts_with("0.0.0.0"))
    };
    if yarn.get("yarn.resourcemanager.ha.enabled") != Some("true") {
        let lacking = "names no yarn.resourcemanager.address and no yarn.resourcemanager.hostname";
        return (!there("")).then(|| lacking.to_owned());
    }
    let Some(members) = yarn.get("yarn.resourcemanager.ha.rm-ids") else {
        return Some("names no yarn.resourcemanager.ha.rm-ids, but high availability is on".to_owned());
    };
    let lost = members.split(',').map(str::trim).find(|member| !there(&format!(".{member}")));
    lost.map(|member| format!("names neither yarn.resourcemanager.address.{member} nor …hostname.{member}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(pairs: &[(&str, &str)]) -> Configuration {
        let properties = pairs.iter().map(|(name, value)| {
            format!("<property>\n<name>{name}</name>\n<value> {value} </value><final>true</final></property>")
        });
        let text = properties.collect::<String>();
        Configuration::parse(&format!("<?xml version=\"1.0\"?>\n<configuration>{text}</configuration>")).unwrap()
    }

    fn told(core: &[(&str, &str)], hdfs: &[(&str, &str)], yarn: &[(&str, &str)]) -> String {
        faults("/c", &file(core), &file(hdfs), &file(yarn)).join("\n")
    }

    const CORE: (&str, &str) = ("fs.defaultFS", "hdfs://nn:8020");
    const YARN: (&str, &str) = ("yarn.resourcemanager.hostname", "rm");

    #[test]
    fn a_client_needs_a_shared_file_system_and_a_resource_manager() {
        assert_eq!(told(&[CORE], &[], &[YARN]), "");
        assert_eq!(told(&[("fs.default.name", "hdfs://nn")], &[], &[("yarn.resourcemanager.address", "rm:8032")]), "");
        assert_eq!(
            told(&[], &[], &[("yarn.resourcemanager.address", "0.0.0.0:8032")]),
            "/c/core-site.xml names no fs.defaultFS: it is not the configuration of a cluster\n\
             /c/yarn-site.xml names no yarn.resourcemanager.address and no yarn.resourcemanager.hostname"
        );
        assert!(told(&[("fs.defaultFS", "file:///")], &[], &[YARN]).contains("a file system that all nodes share"));
    }

    #[test]
    fn who_shares_a_name_must_be_named() {
        let core = [("fs.defaultFS", "hdfs://ha")];
        let service = ("dfs.nameservices", "ha,other");
        assert!(
            told(&core, &[service], &[YARN]).contains("names no dfs.ha.namenodes.ha, but fs.defaultFS is hdfs://ha")
        );
        let two = ("dfs.ha.namenodes.ha", "nn1, nn2");
        let (first, second) = ("dfs.namenode.rpc-address.ha.nn1", "dfs.namenode.rpc-address.ha.nn2");
        assert!(told(&core, &[service, two, (first, "a:8020")], &[YARN]).contains(second));
        assert_eq!(told(&core, &[service, two, (first, "a:8020"), (second, "b:8020")], &[YARN]), "");
        let ha = ("yarn.resourcemanager.ha.enabled", "true");
        assert!(told(&[CORE], &[], &[ha]).contains("rm-ids"));
        let ids = ("yarn.resourcemanager.ha.rm-ids", "rm1,rm2");
        let lost = told(&[CORE], &[], &[ha, ids, ("yarn.resourcemanager.hostname.rm1", "a")]);
        assert!(lost.contains("names neither yarn.resourcemanager.address.rm2"), "{lost}");
    }

    #[test]
    fn what_is_no_configuration_is_refused_and_what_is_elsewhere_is_not_missed() {
        assert!(Configuration::parse("<html/>").unwrap_err().contains("<html>"));
        assert!(Configuration::parse("fs.defaultFS=hdfs://nn").unwrap_err().starts_with("it is no XML"));
        let other = Configuration::parse(
            "<configuration xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"x.xml\"/></configuration>",
        );
        let other = other.unwrap();
        assert!(faults("/c", &other, &file(&[]), &other).is_empty());
    }
}
