//! How the servers of a cluster are reached: each kind with the patience that it deserves, or all of them over one transport, as
//! a cluster in memory is.
//! Not here: where they are, and what is asked.

use crate::counts::{Counted, Counts};
use std::time::Duration;
use systems::call::{Caller, Times};
use systems::transport::Shared;
use systems::webhdfs;
use url::Url;

/// A JobManager answers at once or is not there; others wait meanwhile.
const OF_FLINK: Times = Times { connect: Duration::from_secs(2), answer: Duration::from_secs(5) };

/// What asks each kind of server.
#[derive(Debug, Clone)]
pub struct Network {
    /// ResourceManagers.
    pub yarn: Caller,
    /// NameNodes and DataNodes.
    pub hdfs: Shared,
    /// JobManagers.
    pub flink: Caller,
    /// NodeManagers.
    pub nodes: Caller,
    /// Oozie.
    pub oozie: Caller,
}

impl Network {
    /// The network of a cluster with these ResourceManagers. Where JobManagers are, those say who run there: one on this
    /// machine is believed only where a ResourceManager is on it, too.
    pub fn of(resource_managers: &[String]) -> Network {
        let caller = Caller::new(Times::default());
        let flink = match resource_managers.iter().any(|address| is_here(address)) {
            true => Caller::new(OF_FLINK),
            false => Caller::elsewhere(OF_FLINK),
        };
        let hdfs = webhdfs::http(webhdfs::Times::default());
        Network { yarn: caller.clone(), hdfs, flink, nodes: caller.clone(), oozie: caller }
    }

    /// All of them over one transport.
    pub fn over(transport: &Shared) -> Network {
        let caller = Caller::through(transport);
        let own = || caller.clone();
        Network { yarn: own(), hdfs: transport.clone(), flink: own(), nodes: own(), oozie: own() }
    }
}

impl Network {
    /// The same, with every request counted.
    pub fn counted(self, counts: &Counts) -> Network {
        let caller = |caller: &Caller, count| Caller::through(&Counted::over(caller.transport(), count));
        Network {
            yarn: caller(&self.yarn, &counts.yarn),
            hdfs: Counted::over(&self.hdfs, &counts.hdfs),
            flink: caller(&self.flink, &counts.flink),
            nodes: caller(&self.nodes, &counts.nodes),
            oozie: caller(&self.oozie, &counts.oozie),
        }
    }
}

/// Whether an address is of this machine alone.
fn is_here(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let found = url.socket_addrs(|| None).unwrap_or_default();
    !found.is_empty() && found.iter().all(|found| found.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use systems::jobmanager::JobManager;

    #[test]
    fn a_jobmanager_on_this_machine_is_asked_only_in_a_cluster_that_is_here() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string().parse().unwrap();
        let asked = move |resource_manager: &str| {
            let network = Network::of(&[resource_manager.to_owned()]);
            JobManager::through(network.flink, &address).jobs().unwrap_err().to_string()
        };
        let far = asked("http://192.0.2.1:8088");
        assert!(far.contains("is no other machine"), "{far}");
        let near = std::thread::spawn(move || asked("http://localhost:8088"));
        drop(listener.accept().unwrap());
        assert!(!near.join().unwrap().contains("is no other machine"));
    }
}
