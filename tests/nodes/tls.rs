//! A history server with a certificate: its keystore is root's alone, and the password of that is a secret by reference.
//! Neither comes into anything that others can read; who asks over TLS is answered, the agent too.
//! Not here: TLS between Flink's own processes.

use crate::node::Node;
use crate::shell::until;
use crate::site::Site;
use std::time::Duration;

const SERVICE: &str = "flink-history-server";
const PASSWORDS: [&str; 2] = ["Tr0ub4dor-of-the-keystore", "correct:horse@battery-staple"];

/// Plain before, TLS after, and a new password later.
pub(crate) fn speaks_tls_and_keeps_its_secret(node: &Node, site: &Site, folder: &str) {
    let references = [
        "flink.history_server.tls_keystore=/etc/pnda-tls/keystore.p12",
        "flink.history_server.tls_password=file:/etc/pnda-tls/password",
        "flink.history_server.tls_authority=/etc/pnda-tls.pem",
        "flink.history_server.name=manager",
    ];
    site.render("standard", &references);
    node.copy(&site.node(&node.name), folder);
    let refused = node.run(&format!("sh {folder}/install.sh")).exited(1);
    assert!(
        refused.stderr.contains("the secret file:/etc/pnda-tls/password is not on this node"),
        "{}",
        refused.told()
    );

    node.run("mkdir --mode 0700 /etc/pnda-tls && cd /etc/pnda-tls && umask 077 && openssl req -x509 -newkey rsa:2048 -nodes -days 9 \
              -keyout key -out cert -subj /CN=manager -addext subjectAltName=DNS:manager -addext basicConstraints=critical,CA:FALSE 2>&1 && install -m 0644 cert /etc/pnda-tls.pem")
        .ok();
    for password in PASSWORDS {
        let before = node.property(SERVICE, "MainPID");
        node.write("/etc/pnda-tls/password", &format!("{password}\n"));
        let pack = "openssl pkcs12 -export -in cert -inkey key -out keystore.p12 -passout file:password";
        node.run(&format!(
            "cd /etc/pnda-tls && chmod 600 password && umask 077 && {pack} && cp -n keystore.p12 first.p12"
        ))
        .ok();
        let installed = node.run(&format!("sh {folder}/install.sh --json")).ok();
        assert!(!installed.told().contains(password), "{}", installed.told());
        assert_ne!(node.property(SERVICE, "MainPID"), before, "{}", installed.told());
        until("it answers over TLS", Duration::from_secs(90), || {
            let asked = node.run("curl --silent --fail --cacert /etc/pnda-tls.pem https://manager:8082/config");
            asked.stdout.contains("flink-version").then_some(())
        });
        nobody_sees(node, password);
    }
    assert_ne!(node.run("curl --silent --fail http://manager:8082/config").code, Some(0), "no more in the clear");
    until("the agent is well with it", Duration::from_secs(60), || {
        node.run("curl --silent http://127.0.0.1:8084/health").stdout.contains("\"OK\"").then_some(())
    });
    let agent = "/opt/pnda/agent/pnda-agent";
    node.run(&format!("{agent} verify")).ok();
    // The keystore is the site's: whoever goes back to an old password brings the file that it opens.
    node.run("cp /etc/pnda-tls/first.p12 /etc/pnda-tls/keystore.p12").ok();
    node.run(&format!("{agent} rollback")).ok();
    let path = "/etc/pnda/flink-history-server/*/config.yaml";
    assert!(node.run(&format!("cat {path}")).ok().stdout.contains(PASSWORDS[0]), "the password of then is back");
    assert!(!node.run(&format!("{agent} verify --json")).ok().told().contains(PASSWORDS[0]));
}

/// Not in a file that others can read, nor in the journal, nor on a command line, nor in anybody's environment.
fn nobody_sees(node: &Node, secret: &str) {
    // What looks for it has it neither on its own command line nor in its environment.
    node.write("/srv/pattern", &format!("{secret}\n"));
    node.run("chmod 600 /srv/pattern").ok();
    for look in [
        "find / -xdev -type f -perm /o=r ! -path '/proc/*' ! -path '/sys/*' -exec grep -lFf /srv/pattern {} +",
        "journalctl --no-pager | grep -Ff /srv/pattern",
        "grep -lFf /srv/pattern /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null",
    ] {
        let found = node.run(look);
        assert_eq!(found.text(), "", "{}", found.told());
    }
    let mode = node.run("stat --format '%a %U:%G' /etc/pnda/flink-history-server/*/config.yaml").ok();
    assert_eq!(mode.text(), "640 root:pnda");
}
