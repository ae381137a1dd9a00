//! What goes wrong while a node is installed: each cause alone, on a node that works, with the real file systems and systemd.
//! The error says what, where and what to do; what was there goes on; without the cause the next run converges; it goes back.
//! Not here: kills, which engine.rs and tests/it have, and a port that is taken (engine.rs).

use crate::engine::{Bed, More};

/// What the service is to wait: two texts that differ, and neither waits.
const OLD: &str = "0";
const NEW: &str = "00";

/// Of everything that is fetched: more than a small disk has.
const BLOB: usize = 3 << 20;

/// Cuts off what it sends of the blob, and is gone.
const BROKEN_MIRROR: &str = r#"use strict; use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8199, Listen => 5, ReuseAddr => 1) or die "$!\n";
while (my $c = $s->accept) {
    my ($path) = <$c> =~ m{^GET /(\S+)}; while (<$c> =~ /\S/) {}
    open(my $f, '<', "/srv/engine/mirror/$path") or next; local $/; my $all = <$f>; my $n = length $all;
    print $c "HTTP/1.1 200 OK\r\nContent-Length: $n\r\nConnection: close\r\n\r\n";
    if ($path eq 'blob') { print $c substr($all, 0, $n / 2); close $c; exit }
    print $c $all; close $c;
}
"#;

/// One cause, and what becomes of it.
struct Fault<'a> {
    /// Shell that brings it about.
    cause: &'a str,
    /// Shell that takes it away.
    cure: &'a str,
    /// What is wanted besides.
    more: More,
    /// Options of the install that fails.
    options: &'a str,
    /// What is said.
    said: &'a [&'a str],
}

pub(crate) fn leave_what_works(bed: &Bed) {
    bed.render(OLD, &More::default());
    bed.install().ok();
    for fault in [full(), gone(), masked(), read_only()] {
        meets(bed, &fault);
    }
    fills_after_the_switch(bed);
    is_told_of_what_others_did(bed);
}

fn meets(bed: &Bed, fault: &Fault) {
    let node = bed.node;
    bed.render(NEW, &fault.more);
    node.run(fault.cause).ok();
    let refused = bed.agent(&format!("install --node /srv/engine/node {}", fault.options)).exited(1);
    fault.said.iter().for_each(|said| assert!(refused.stderr.contains(said), "{said}: {}", refused.told()));
    stands(bed, OLD);
    node.run(fault.cure).ok();
    bed.install().ok();
    stands(bed, NEW);
    goes_back(bed);
}

fn stands(bed: &Bed, delay: &str) {
    assert_eq!(bed.node.run("curl --silent http://127.0.0.1:8123/").ok().text(), "ok");
    assert_eq!(bed.node.run("cat /etc/web/delay").ok().text(), delay);
}

fn goes_back(bed: &Bed) {
    bed.agent("rollback").ok();
    stands(bed, OLD);
    bed.agent("verify").ok();
}

/// A download into a folder of its own.
fn blob() -> More {
    let folder = "[[directory]]\npath = \"/srv/full\"\nowner = \"root\"\ngroup = \"root\"\nmode = \"0755\"\n";
    let bytes: Vec<u8> = (0..BLOB).map(|at| (at % 251) as u8).collect();
    More { document: folder.into(), download: Some(("/srv/full/blob", bytes)), ..More::default() }
}

fn full() -> Fault<'static> {
    Fault {
        cause: "mkdir /srv/full && mount -t tmpfs -o size=1m,mode=0755 tmpfs /srv/full",
        cure: "umount /srv/full && rmdir /srv/full",
        more: blob(),
        options: "",
        said: &["nothing was changed", "there is not enough free disk space", "/srv/full: needs 3.", "more"],
    }
}

fn gone() -> Fault<'static> {
    Fault {
        cause: "systemd-run --quiet --unit mirror /usr/bin/perl /srv/engine/broken.pl; \
                until curl --silent --output /dev/null http://127.0.0.1:8199/generation.toml; do sleep 0.1; done",
        cure: "true",
        more: More { file: Some(("broken.pl", BROKEN_MIRROR)), ..blob() },
        options: "--mirror http://127.0.0.1:8199",
        said: &["cannot fetch blob from the mirror", "http://127.0.0.1:8199/blob"],
    }
}

fn masked() -> Fault<'static> {
    Fault {
        cause: "ln -sf /dev/null /etc/systemd/system/web.service && systemctl daemon-reload",
        cure: "systemctl unmask web",
        more: More::default(),
        options: "",
        said: &["service web is masked", "systemctl unmask web"],
    }
}

fn read_only() -> Fault<'static> {
    Fault {
        cause: "mount --bind /opt/web /opt/web && mount -o remount,bind,ro /opt/web",
        cure: "umount /opt/web",
        more: More { placed: Some(("/opt/web/motd", "well met\n")), ..More::default() },
        options: "",
        said: &["cannot write /opt/web/motd beside its place", "Read-only file system"],
    }
}

/// The disk of the installer's memory fills up when the service starts: everything is placed by then.
fn fills_after_the_switch(bed: &Bed) {
    let (node, home) = (bed.node, "/var/lib/pnda/install");
    bed.render(NEW, &More::default());
    let drop_in = "/etc/systemd/system/web.service.d";
    node.run(&format!(
        "mount -t tmpfs -o size=8m,mode=0700 tmpfs /mnt && cp -a {home}/. /mnt && mount --bind /mnt {home} && mkdir {drop_in} && \
         printf '[Service]\\nExecStartPre=-+/usr/bin/dd status=none if=/dev/zero bs=4k of={home}/filler\\n' > {drop_in}/fill.conf && systemctl daemon-reload"
    ))
    .ok();
    let refused = bed.install().exited(1);
    for said in [home, "No space left on device"] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.told());
    }
    stands(bed, NEW);
    node.run(&format!("rm -r {home}/filler {drop_in}")).ok();
    bed.install().ok();
    goes_back(bed);
    node.run(&format!("umount {home} && rm -r {home} && cp -a /mnt {home} && umount /mnt")).ok();
    bed.agent("verify").ok();
}

/// What somebody else did and what can be put right is put right, or kept, and told.
fn is_told_of_what_others_did(bed: &Bed) {
    let node = bed.node;
    bed.render(OLD, &More::default());
    node.run("chown nobody:nogroup /srv/web && chmod 0777 /srv/web && echo 5 > /etc/web/delay").ok();
    node.run("sed -i 's,:/srv/web:,:/srv/elsewhere:,' /etc/passwd").ok();
    let did = bed.install().ok().told();
    for said in [
        "now web:web 0750",
        "kept as /etc/web/delay.pnda-saved",
        "- 5",
        "user web is left as it is, though it is not what was asked for: its home is /srv/elsewhere, not /srv/web",
    ] {
        assert!(did.contains(said), "{said}: {did}");
    }
    node.run("sed -i 's,:/srv/elsewhere:,:/srv/web:,' /etc/passwd && rm /etc/web/delay.pnda-saved").ok();
    stands(bed, OLD);
    let left = node.run("find / -xdev -name '*.pnda-*' -not -path '/proc/*'").ok();
    assert_eq!(left.text(), "", "nothing that was staged is left");
}
