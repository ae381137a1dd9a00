//! The one rule that says which changes of a node restart a service; the installer and `pnda cluster diff` both ask it.
//! It follows the links of the node: a program that is a link to a rendered wrapper is that wrapper, too.
//! Not here: what changed, and restarting anything.

use super::{Link, NodePath, Service};

impl Service {
    /// Where its unit file lies.
    pub fn unit_path(&self) -> String {
        format!("/etc/systemd/system/{}.service", self.name)
    }

    /// The first of the changed paths that the service reads when it starts.
    pub fn touched_by<'a>(
        &self,
        links: &[Link],
        changed: impl IntoIterator<Item = &'a NodePath>,
    ) -> Option<&'a NodePath> {
        let causes = self.restart_causes(links);
        changed.into_iter().find(|path| causes.iter().any(|cause| touches(path, cause)))
    }

    /// What the service reads when it starts: its unit, its program, what its role names, and where the node's links
    /// lead from there.
    pub fn restart_causes(&self, links: &[Link]) -> Vec<NodePath> {
        let unit = self.unit_path();
        let texts = [unit.clone(), format!("{unit}.d")];
        let program = self.command.first().cloned();
        let named = texts.into_iter().chain(program).filter_map(|text| NodePath::new(text).ok());
        let mut causes: Vec<NodePath> = named.chain(self.restart_on.iter().cloned()).collect();
        let mut at = 0;
        while let Some(cause) = causes.get(at).cloned() {
            let behind: Vec<NodePath> = links.iter().filter_map(|link| behind(link, &cause)).collect();
            causes.extend(behind.into_iter().filter(|path| !causes.contains(path)).collect::<Vec<_>>());
            // A circle of links ends by itself; one that grows at each turn does not.
            if causes.len() > MOST_CAUSES {
                break;
            }
            at += 1;
        }
        causes
    }
}

/// No service of a real node has as many.
const MOST_CAUSES: usize = 1000;

/// Where a path leads through one link, if it is or lies below that link.
fn behind(link: &Link, path: &NodePath) -> Option<NodePath> {
    if *path == link.path {
        return Some(link.to.clone());
    }
    let rest = path.as_str().strip_prefix(link.path.as_str())?;
    NodePath::new(format!("{}{}", link.to, rest.starts_with('/').then_some(rest)?)).ok()
}

/// A change of a folder, an archive or a link touches what lies below it; a change below touches what was named.
pub fn touches(changed: &NodePath, cause: &NodePath) -> bool {
    changed == cause || changed.is_below(cause) || cause.is_below(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Word;
    use crate::node::ServiceKind;

    fn path(text: &str) -> NodePath {
        NodePath::new(text).unwrap()
    }

    fn service(program: &str, restart_on: &[&str]) -> Service {
        Service {
            name: Word::new("hdfs-datanode").unwrap(),
            about: "DataNode".into(),
            kind: ServiceKind::Exec,
            user: Word::new("hdfs").unwrap(),
            command: vec![program.into(), "datanode".into()],
            environment: Default::default(),
            restart_on: restart_on.iter().map(|text| path(text)).collect(),
            unit: vec![],
            ready: None,
        }
    }

    fn link(from: &str, to: &str) -> Link {
        Link { path: path(from), to: path(to) }
    }

    fn touched(service: &Service, links: &[Link], changed: &str) -> bool {
        service.touched_by(links, [&path(changed)]).is_some()
    }

    #[test]
    fn what_a_service_reads_touches_it_and_nothing_else_does() {
        let service = service("/opt/pnda/jre/bin/java", &["/etc/pnda"]);
        for cause in [
            "/etc/pnda/agent.toml",
            "/opt/pnda/jre",
            "/etc/systemd/system/hdfs-datanode.service",
            "/etc/systemd/system/hdfs-datanode.service.d/memory.conf",
        ] {
            assert!(touched(&service, &[], cause), "{cause}");
        }
        for other in ["/opt/pnda/jre-17", "/etc/pnda2/x", "/etc/systemd/system/other.service"] {
            assert!(!touched(&service, &[], other), "{other}");
        }
    }

    #[test]
    fn a_program_that_is_a_link_is_what_it_leads_to() {
        let links = [link("/usr/bin/hdfs", "/opt/pnda/bin/hdfs"), link("/opt/pnda/bin/hdfs", "/opt/pnda/bin/hadoop")];
        let service = service("/usr/bin/hdfs", &[]);
        for cause in ["/usr/bin/hdfs", "/opt/pnda/bin/hdfs", "/opt/pnda/bin/hadoop"] {
            assert!(touched(&service, &links, cause), "{cause}");
        }
        assert!(!touched(&service, &links, "/opt/pnda/bin/flink"));
    }

    #[test]
    fn a_folder_behind_a_link_is_followed_and_circles_end() {
        let links = [link("/opt/hadoop", "/opt/hadoop-3.4.2"), link("/a", "/b"), link("/b", "/a"), link("/c", "/c/c")];
        let service = service("/opt/hadoop/bin/hdfs", &["/a", "/c/x"]);
        assert!(touched(&service, &links, "/opt/hadoop-3.4.2"));
        assert!(touched(&service, &links, "/b/file"));
    }
}
