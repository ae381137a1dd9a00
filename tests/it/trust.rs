//! What vouches for artifacts: digests, checksum files, signatures, nobody; what a site demands, and its exceptions.
//! The publisher is a scripted server and real keys.
//! Not here: signatures of Maven, Debian or RPM repositories; their real clients check those.

use crate::project::Project;
use crate::upstream::Reply;
use pnda::mirror::openpgp::Signer;
use pnda::words::digest::Sha256;

const BYTES: &[u8] = b"a tool";

fn wanting(more: &str) -> Project {
    let project = Project::new();
    let text =
        format!("[[file]]\nid = \"tool\"\nurls = [\"$UP/tool-1.tgz\"]\npath = \"mirror_misc/tool.tgz\"\n{more}\n");
    project.manifest(&text);
    project.upstream.on("/tool-1.tgz", [Reply::bytes(BYTES)]);
    project
}

#[test]
fn a_file_without_any_voucher_must_say_so() {
    wanting("").run("mirror lock").says(2, "nothing vouches for this [[file]]");
    let project = wanting("first-use = true");
    project.run("mirror lock").says(1, "tool/tool.tgz: first-use vouches for it, the policy of file demands checksum");
    let waived =
        "first-use = true\n[[waiver]]\nartifact = \"tool/*\"\nallows = \"first-use\"\nreason = \"no other way\"";
    let project = wanting(waived);
    project.run("mirror lock").says(0, "locked 1 artifacts");
    assert!(project.read("manifests/pnda.lock").contains("reason = \"no other way\""));
    let reason = "tool/* needs no more than first-use: no other way";
    project.run("mirror build --dry-run").says(4, "would make the signing key");
    for report in ["lock", "build", "verify --mirror mirror", "status --mirror mirror --manifests manifests"] {
        project.run(&format!("mirror {report}")).says(0, &format!("exception: {reason}"));
        project.run(&format!("mirror {report} --json")).says(0, "\"reason\": \"no other way\"");
    }
    let bill = project.run("mirror sbom --mirror mirror").says(0, reason).out;
    assert!(bill.contains("\"name\": \"pnda:waiver\""), "{bill}");
}

#[test]
fn an_exception_needs_a_reason() {
    let project = wanting("first-use = true\n[[waiver]]\nartifact = \"tool/*\"\nallows = \"first-use\"");
    project.run("mirror lock").says(2, "this [[waiver]] has no `reason`");
}

#[test]
fn a_checksum_file_is_read_and_believed() {
    let project = wanting("checksum = \"$UP/sums\"");
    let line = format!("{}  tool-1.tgz\n", Sha256::of(BYTES));
    project.upstream.on("/sums", [Reply::bytes(format!("{}  other.tgz\n{line}", "0".repeat(64)))]);
    project.run("mirror lock").says(0, "locked 1");
    assert!(project.read("manifests/pnda.lock").contains("vouched = \"checksum file\""));

    let project = wanting("checksum = \"$UP/sums\"");
    project.upstream.on("/sums", [Reply::bytes(format!("{}  tool-1.tgz\n", "0".repeat(64)))]);
    project.run("mirror lock").says(1, "its checksum file says 0000");
    project.upstream.on("/sums", [Reply::bytes("<html>sign in</html>")]);
    project.run("mirror lock").says(1, "has no SHA-256 or SHA-512 of tool-1.tgz");
    assert_eq!(project.read("manifests/pnda.lock"), "");
}

fn signed_by(project: &Project, name: &str) -> (Signer, String) {
    let signer = Signer::load_or_make(&project.path(name)).unwrap();
    let keys = signer.public_armored().unwrap();
    project.upstream.on("/tool-1.tgz.asc", [Reply::bytes(signer.detached(BYTES).unwrap())]);
    (signer, keys)
}

fn signature(keys: &str, more: &str) -> String {
    format!("[file.signature]\nurl = \"$UP/tool-1.tgz.asc\"\nkeys = \"\"\"\n{keys}\"\"\"\n{more}")
}

#[test]
fn a_signature_is_checked_and_its_signer_pinned() {
    let project = wanting("");
    let (signer, keys) = signed_by(&project, "publisher");
    let base = "[[file]]\nid = \"tool\"\nurls = [\"$UP/tool-1.tgz\"]\npath = \"mirror_misc/tool.tgz\"\n";
    project.manifest(&format!("{base}{}", signature(&keys, "")));
    project.run("mirror lock").says(0, "locked 1");
    let lock = project.read("manifests/pnda.lock");
    let pinned = format!("signer = \"{}\"", signer.fingerprint());
    assert!(lock.contains("vouched = \"signature\"") && lock.contains(&pinned), "{lock}");

    let (stranger, others) = signed_by(&project, "stranger");
    let refused = project.run("mirror lock").says(1, "its signature is not good");
    assert!(refused.err.contains(&stranger.fingerprint().to_string()), "{}", refused.err);
    project.manifest(&format!("{base}{}", signature(&format!("{keys}{others}"), "")));
    project.run("mirror lock").says(1, "it was signed by").says(1, stranger.fingerprint().as_str());
    assert_eq!(project.read("manifests/pnda.lock"), lock, "the lock stays as it was");
}

#[test]
fn keys_from_an_address_need_a_fingerprint() {
    let project = wanting("[file.signature]\nurl = \"$UP/tool-1.tgz.asc\"\nkeys = \"$UP/KEYS\"");
    project.run("mirror lock").says(2, "keys from an address prove nothing by themselves");
    let (signer, keys) = signed_by(&project, "publisher");
    project.upstream.on("/KEYS", [Reply::bytes(format!("people of the project\n{keys}"))]);
    let text = format!(
        "[[file]]\nid = \"tool\"\nurls = [\"$UP/tool-1.tgz\"]\npath = \"mirror_misc/tool.tgz\"\n\
         [file.signature]\nurl = \"$UP/tool-1.tgz.asc\"\nkeys = \"$UP/KEYS\"\nsigners = [\"{}\"]\n",
        signer.fingerprint()
    );
    project.manifest(&text).run("mirror lock").says(0, "locked 1");
}

#[test]
fn minisign_is_understood_too() {
    let project = wanting("");
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let sign = |bytes: &[u8]| minisign::sign(None, &pair.sk, bytes, None, None).unwrap().into_string();
    let text = format!(
        "[[file]]\nid = \"tool\"\nurls = [\"$UP/tool-1.tgz\"]\npath = \"mirror_misc/tool.tgz\"\n\
         [file.signature]\nurl = \"$UP/tool-1.tgz.minisig\"\nminisign = \"{}\"\n",
        pair.pk.to_base64()
    );
    project.manifest(&text);
    project.upstream.on("/tool-1.tgz.minisig", [Reply::bytes(sign(b"another tool"))]);
    project.run("mirror lock").says(1, "its signature is not good");
    project.upstream.on("/tool-1.tgz.minisig", [Reply::bytes(sign(BYTES))]);
    project.run("mirror lock").says(0, "locked 1");
}
