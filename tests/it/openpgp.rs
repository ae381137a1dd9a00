//! Hostile key rings and signatures, and honest ones beside them: what we say, and what real `gpg` says.
//! Where the two differ we are the stricter one; that is asserted, on what was written down of `gpg` and on the machine's own.
//! Not here: how signatures are used, which is in `trust`, `apt` and `maven`.

mod cases;
mod forge;
mod gpg;

use crate::project::Project;
use crate::upstream::Reply;
use cases::{CONTENT, Case, all};
use forge::{CERTIFY, Key, SIGN, SIGNED, about, bound, making, packet, plain, saying};
use pgp::packet::SignatureType;
use pnda::mirror::openpgp::{Error, Fingerprint, Keyring};

fn ours(case: &Case) -> Result<Fingerprint, Error> {
    let ring = Keyring::parse(&case.ring)?;
    let ring = if case.signers.is_empty() { ring } else { ring.only(&case.signers) };
    match std::str::from_utf8(&case.signature) {
        Ok(text) if text.starts_with("-----BEGIN PGP SIGNED MESSAGE") => ring.cleartext(text).map(|(_, by)| by),
        _ => ring.detached(&case.signature, || Ok(CONTENT)),
    }
}

#[test]
fn no_ring_makes_us_believe_more_than_gpg_does() {
    let cases = all();
    assert!(cases.len() >= 20, "the table has shrunk");
    let mut wrong = Vec::new();
    for case in &cases {
        let said = ours(case);
        let fits = match (&said, &case.ours) {
            (Ok(by), Ok(expected)) => by == expected,
            (Err(error), Err(part)) => error.to_string().contains(part),
            _ => false,
        };
        if !fits {
            wrong.push(format!("{}: we say {said:?}, expected {:?}", case.name, case.ours));
        }
        if said.is_ok() && !["GOODSIG", "EXPKEYSIG"].contains(&case.gpg) {
            wrong.push(format!("{}: we believe it, and gpg says {}", case.name, case.gpg));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn gpg_says_what_the_table_says() {
    if !gpg::is_there() {
        return left_out!("no gpg 2 is installed, so what it says of hostile keys stands in the table alone");
    }
    let mut wrong = Vec::new();
    for case in &all() {
        let inline = case.signature.starts_with(b"-----BEGIN PGP SIGNED");
        let content = Some(CONTENT).filter(|_| !inline);
        let said = gpg::ask(&case.ring, &case.signature, content, None);
        if said.verdict != case.gpg {
            wrong.push(format!("{}: gpg says {}, the table {}", case.name, said.verdict, case.gpg));
        }
        let Ok(by) = ours(case) else { continue };
        if said.primary.as_deref() != Some(by.as_str()) {
            wrong.push(format!("{}: we believe that {by} signed, gpg says {:?}", case.name, said.primary));
        }
        // What has expired since may count; it must have been good when it was made.
        let then = gpg::ask(&case.ring, &case.signature, content, Some(SIGNED + 1)).verdict;
        if then != "GOODSIG" {
            wrong.push(format!("{}: we believe it, and when it was made gpg said {then}", case.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// gpg takes the first key that has such a part, and says ERRSIG here. Nothing is lent to anybody: the victim signed.
#[test]
fn a_lent_key_does_not_stand_in_the_way_of_its_owner() {
    let (victim, attacker) = (Key::born(forge::BORN), Key::born(forge::BORN));
    let lent = making(SignatureType::SubkeyBinding, forge::BORN).of_pair(&attacker, &attacker, &victim);
    let ring = [plain(&attacker), bound(&victim, &[lent]), plain(&victim)].concat();
    let signature = packet(&making(SignatureType::Binary, SIGNED).by(&victim, CONTENT));
    for wanted in [vec![victim.fingerprint()], vec![victim.fingerprint(), attacker.fingerprint()]] {
        let ring = Keyring::parse(&ring).unwrap().only(&wanted);
        assert_eq!(ring.detached(&signature, || Ok(CONTENT)).unwrap(), victim.fingerprint());
    }
}

#[test]
fn a_served_key_file_cannot_lend_the_pinned_key_to_another() {
    let (victim, attacker) = (Key::born(forge::BORN), Key::born(forge::BORN));
    let lent = making(SignatureType::SubkeyBinding, forge::BORN).of_pair(&attacker, &attacker, &victim);
    let keys = [saying(&attacker, &[about(CERTIFY | SIGN)]), bound(&victim, &[lent])].concat();
    let evil = b"evil bytes";
    let signature = packet(&making(SignatureType::Binary, SIGNED).by(&attacker, evil));
    let project = Project::new();
    let manifest = |signer: &str| {
        format!(
            "[[file]]\nid = \"tool\"\nurls = [\"$UP/tool.tgz\"]\npath = \"mirror_misc/tool.tgz\"\n[file.signature]\n\
             url = \"$UP/tool.tgz.asc\"\nkeys = \"$UP/KEYS\"\nsigners = [\"{signer}\"]\n"
        )
    };
    project.upstream.on("/tool.tgz", [Reply::bytes(evil)]);
    project.upstream.on("/tool.tgz.asc", [Reply::bytes(signature)]);
    project.upstream.on("/KEYS", [Reply::bytes(keys)]);
    let refused = project.manifest(&manifest(victim.fingerprint().as_str())).run("mirror lock");
    refused.says(1, &format!("it was signed by {}", attacker.fingerprint()));
    assert_eq!(project.read("manifests/pnda.lock"), "");

    project.upstream.on("/KEYS", [Reply::bytes(plain(&attacker))]);
    project.manifest(&manifest(attacker.fingerprint().as_str())).run("mirror lock").says(0, "locked 1");
    let short = project.manifest(&manifest(attacker.key_id().as_str())).run("mirror lock");
    short.says(2, "all 40 digits");
}
