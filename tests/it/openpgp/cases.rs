//! The table: rings and signatures, what we must say of each, and what gpg 2.2.40 said.
//! Each is one attack or one honest key that resembles it.
//! Not here: how keys and signatures are put together (`forge`).

use super::forge::*;
use pgp::composed::{ArmorOptions, CleartextSignedMessage};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{Notation, RevocationCode, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{Duration, KeyDetails, Password, RevocationKey, RevocationKeyClass, Timestamp};
use pnda::mirror::openpgp::Fingerprint;

/// What is signed.
pub const CONTENT: &[u8] = b"a release\r\nof two lines\n";

/// A ring, a signature, and what is said of them.
pub struct Case {
    pub name: &'static str,
    pub ring: Vec<u8>,
    pub signature: Vec<u8>,
    /// Whom the site demands; nobody is anybody in the ring.
    pub signers: Vec<Fingerprint>,
    /// Who signed, or a part of why it does not count.
    pub ours: Result<Fingerprint, &'static str>,
    /// The first verdict among its status lines.
    pub gpg: &'static str,
}

fn good(name: &'static str, ring: Vec<u8>, signature: Vec<u8>, by: &Key, gpg: &'static str) -> Case {
    Case { name, ring, signature, signers: Vec::new(), ours: Ok(by.fingerprint()), gpg }
}

fn bad(name: &'static str, ring: Vec<u8>, signature: Vec<u8>, why: &'static str, gpg: &'static str) -> Case {
    Case { name, ring, signature, signers: Vec::new(), ours: Err(why), gpg }
}

impl Case {
    fn only(mut self, signers: &[Fingerprint]) -> Case {
        self.signers = signers.to_vec();
        self
    }
}

fn document() -> Making {
    making(SignatureType::Binary, SIGNED)
}

/// An ordinary signature of the content.
fn signed(key: &Key) -> Vec<u8> {
    packet(&document().by(key, CONTENT))
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// All of the table.
pub fn all() -> Vec<Case> {
    [
        honest(),
        lent(),
        bindings(),
        purposes(),
        times(),
        words(),
        revoked(),
        revoked_elsewhere(),
        digests(),
        kinds(),
        marks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn honest() -> Vec<Case> {
    let (key, subkey) = (Key::born(BORN), Key::born(BORN));
    let with_subkey = joined(&[&plain(&key), &bound(&subkey, &[binding(&key, &subkey).of_pair(&key, &key, &subkey)])]);
    let short = about(CERTIFY | SIGN).key_lives(100 * DAY);
    let longer = making(SignatureType::CertPositive, SIGNED - DAY).flags(CERTIFY | SIGN).key_lives(9000 * DAY);
    let over = saying(&key, &[about(CERTIFY | SIGN).key_lives(300 * DAY)]);
    let (old, renewed) = (saying(&key, std::slice::from_ref(&short)), saying(&key, &[short.clone(), longer.clone()]));
    vec![
        good("a key signs", plain(&key), signed(&key), &key, "GOODSIG"),
        good("its subkey signs", with_subkey.clone(), signed(&subkey), &key, "GOODSIG"),
        good("its subkey is demanded", with_subkey.clone(), signed(&subkey), &key, "GOODSIG")
            .only(&[subkey.fingerprint()]),
        good("the key of a subkey is demanded", with_subkey, signed(&subkey), &key, "GOODSIG")
            .only(&[key.fingerprint()]),
        good("the key has expired since", over, signed(&key), &key, "EXPKEYSIG"),
        good("the key was renewed", renewed, signed(&key), &key, "GOODSIG"),
        good("an old copy comes first", joined(&[&old, &saying(&key, &[longer])]), signed(&key), &key, "GOODSIG"),
        good("a name is a key id", plain(&key), packet(&document().by_id_alone().by(&key, CONTENT)), &key, "GOODSIG"),
        good(
            "no flags, as in old keys",
            saying(&key, &[making(SignatureType::CertPositive, BORN)]),
            signed(&key),
            &key,
            "GOODSIG",
        ),
    ]
}

fn lent() -> Vec<Case> {
    let (victim, attacker) = (Key::born(BORN), Key::born(BORN));
    let bare = making(SignatureType::SubkeyBinding, BORN).of_pair(&attacker, &attacker, &victim);
    let lent = joined(&[&plain(&attacker), &bound(&victim, &[bare])]);
    let forged = making(SignatureType::KeyBinding, BORN).naming(&victim).of_pair(&attacker, &attacker, &victim);
    let flagged = making(SignatureType::SubkeyBinding, BORN).flags(SIGN);
    let flagged =
        flagged.with(SubpacketData::EmbeddedSignature(Box::new(forged))).of_pair(&attacker, &attacker, &victim);
    let agreed = joined(&[&plain(&attacker), &bound(&victim, &[flagged])]);
    let pinned = [victim.fingerprint()];
    let claims = document().naming(&victim).by(&attacker, CONTENT);
    let by_id = document().naming(&victim).by_id_alone().by(&attacker, CONTENT);
    let both = joined(&[&plain(&victim), &lent]);
    vec![
        bad(
            "the pinned key hangs under the attacker's",
            lent.clone(),
            signed(&attacker),
            "none of the trusted",
            "GOODSIG",
        )
        .only(&pinned),
        bad(
            "likewise with a forged back signature",
            agreed.clone(),
            signed(&attacker),
            "none of the trusted",
            "GOODSIG",
        )
        .only(&pinned),
        bad("what the victim signed passes for the attacker's", agreed, signed(&victim), "did not agree", "ERRSIG"),
        bad("likewise without flags", lent.clone(), signed(&victim), "not for signing", "ERRSIG"),
        good("the victim's own key is beside it", both, signed(&victim), &victim, "GOODSIG").only(&pinned),
        bad("the attacker names the victim", plain(&victim), packet(&claims), "does not fit", "BADSIG"),
        bad("the attacker names the victim's key id", plain(&victim), packet(&by_id), "does not fit", "BADSIG"),
        bad("only a key id is pinned", plain(&victim), signed(&victim), "none of the trusted", "GOODSIG")
            .only(&[victim.key_id()]),
        bad("a stranger signed", plain(&victim), signed(&attacker), "none of the trusted", "ERRSIG"),
    ]
}

fn bindings() -> Vec<Case> {
    let (key, subkey, stranger) = (Key::born(BORN), Key::born(BORN), Key::born(BORN));
    let with = |word: Signature| joined(&[&plain(&key), &bound(&subkey, &[word])]);
    let bind = || making(SignatureType::SubkeyBinding, BORN).flags(SIGN);
    let embedded = |one: Signature| SubpacketData::EmbeddedSignature(Box::new(one));
    let foreign = making(SignatureType::KeyBinding, BORN).naming(&subkey).of_pair(&stranger, &key, &subkey);
    let over = making(SignatureType::KeyBinding, BORN).lives(DAY).of_pair(&subkey, &key, &subkey);
    let elsewhere = making(SignatureType::KeyBinding, BORN).of_pair(&subkey, &stranger, &subkey);
    let none = bind().of_pair(&key, &key, &subkey);
    let forged = bind().with(embedded(foreign)).of_pair(&key, &key, &subkey);
    let aged = bind().with(embedded(over)).of_pair(&key, &key, &subkey);
    let other = bind().with(embedded(elsewhere)).of_pair(&key, &key, &subkey);
    let wrong = binding(&key, &subkey).naming(&key).of_pair(&stranger, &key, &subkey);
    let named = binding(&key, &subkey).of_pair(&stranger, &key, &subkey);
    let outdated = binding(&key, &subkey).lives(DAY).of_pair(&key, &key, &subkey);
    let unsure = binding(&key, &subkey).critical(mark()).of_pair(&key, &key, &subkey);
    vec![
        bad("no back signature", with(none), signed(&subkey), "did not agree", "ERRSIG"),
        bad("a back signature by another", with(forged), signed(&subkey), "did not agree", "ERRSIG"),
        bad("a back signature for another", with(other), signed(&subkey), "did not agree", "ERRSIG"),
        bad("a back signature that has expired", with(aged), signed(&subkey), "did not agree", "GOODSIG"),
        bad("bound by another who names the key", with(wrong), signed(&subkey), "does not belong", "ERRSIG"),
        bad("bound by another", with(named), signed(&subkey), "does not belong", "ERRSIG"),
        bad("a binding that has expired", with(outdated), signed(&subkey), "does not belong", "ERRSIG"),
        bad("a binding with an unknown mark", with(unsure), signed(&subkey), "does not belong", "ERRSIG"),
    ]
}

fn purposes() -> Vec<Case> {
    let (key, subkey) = (Key::born(BORN), Key::born(BORN));
    let with = |word: Making| joined(&[&plain(&key), &bound(&subkey, &[word.of_pair(&key, &key, &subkey)])]);
    let bind = || making(SignatureType::SubkeyBinding, BORN).with(back(&key, &subkey));
    let later = making(SignatureType::CertPositive, BORN + DAY).flags(CERTIFY);
    let narrowed = saying(&key, &[about(CERTIFY | SIGN), later.clone()]);
    let copies = joined(&[&plain(&key), &saying(&key, &[later])]);
    let direct = making(SignatureType::Key, BORN).flags(CERTIFY).by(&key, &key.covered());
    let direct = joined(&[&key.packet(), &packet(&direct), &plain(&key)[key.packet().len()..]]);
    vec![
        bad("a subkey for encryption signs", with(bind().flags(ENCRYPT)), signed(&subkey), "not for signing", "ERRSIG"),
        bad("a subkey for nothing in particular signs", with(bind()), signed(&subkey), "not for signing", "GOODSIG"),
        bad("a key for certifying signs", saying(&key, &[about(CERTIFY)]), signed(&key), "not for signing", "ERRSIG"),
        bad("a key that no longer signs", narrowed, signed(&key), "not for signing", "ERRSIG"),
        bad("likewise in the second copy", copies, signed(&key), "not for signing", "ERRSIG"),
        bad("likewise by its own direct word", direct, signed(&key), "not for signing", "ERRSIG"),
    ]
}

fn times() -> Vec<Case> {
    let (key, subkey) = (Key::born(BORN), Key::born(BORN));
    let (young, branch) = (Key::born(SIGNED + DAY), Key::born(SIGNED + DAY));
    let bind = |word: Making| joined(&[&plain(&key), &bound(&subkey, &[word.of_pair(&key, &key, &subkey)])]);
    let expired = saying(&key, &[about(CERTIFY | SIGN).key_lives(100 * DAY)]);
    let with_subkey = joined(&[&expired, &bound(&subkey, &[binding(&key, &subkey).of_pair(&key, &key, &subkey)])]);
    let made = making(SignatureType::CertPositive, SIGNED + DAY).flags(CERTIFY | SIGN);
    let grown = making(SignatureType::SubkeyBinding, SIGNED + DAY).flags(SIGN);
    let grown_back = making(SignatureType::KeyBinding, SIGNED + DAY).of_pair(&branch, &key, &branch);
    let grown = grown.with(SubpacketData::EmbeddedSignature(Box::new(grown_back))).of_pair(&key, &key, &branch);
    let future = making(SignatureType::Binary, 4_100_000_000).by(&key, CONTENT);
    vec![
        bad("an expired key signs", expired, signed(&key), "the key had expired", "EXPKEYSIG"),
        bad("a subkey of an expired key signs", with_subkey, signed(&subkey), "the key had expired", "EXPKEYSIG"),
        bad(
            "an expired subkey signs",
            bind(binding(&key, &subkey).key_lives(100 * DAY)),
            signed(&subkey),
            "subkey had expired",
            "EXPKEYSIG",
        ),
        bad(
            "an expired signature",
            plain(&key),
            packet(&document().lives(DAY).by(&key, CONTENT)),
            "it has expired",
            "EXPSIG",
        ),
        bad("a signature from the future", plain(&key), packet(&future), "in the future", "GOODSIG"),
        bad(
            "a signature without a date",
            plain(&key),
            packet(&document().undated().by(&key, CONTENT)),
            "no date",
            "ERRSIG",
        ),
        bad(
            "a key younger than its signature",
            saying(&young, &[made]),
            signed(&young),
            "older than the key",
            "ERRSIG",
        ),
        bad(
            "a subkey younger than its signature",
            joined(&[&plain(&key), &bound(&branch, &[grown])]),
            signed(&branch),
            "older than the subkey",
            "ERRSIG",
        ),
    ]
}

fn words() -> Vec<Case> {
    let (key, attacker) = (Key::born(BORN), Key::born(BORN));
    let ends = about(CERTIFY | SIGN).key_lives(100 * DAY);
    let later = || making(SignatureType::CertPositive, BORN + DAY).flags(CERTIFY | SIGN);
    let own = |word: Making| word.of_user(&key, &key, "a publisher");
    let forged = later().naming(&key).of_user(&attacker, &key, "a publisher");
    let third = later().of_user(&attacker, &key, "a publisher");
    let moved = later().of_user(&key, &attacker, "a publisher");
    let added = ends.clone().unsigned(SubpacketData::KeyExpirationTime(Duration::from_secs(9000 * DAY)));
    let replaced = making(SignatureType::CertPositive, BORN)
        .flags(CERTIFY | SIGN)
        .unsigned(SubpacketData::KeyExpirationTime(Duration::from_secs(100 * DAY)));
    let unsure = later().critical(mark());
    let brief = later().lives(DAY);
    let direct = making(SignatureType::Key, BORN).key_lives(100 * DAY).by(&key, &key.covered());
    let direct = joined(&[&key.packet(), &packet(&direct), &plain(&key)[key.packet().len()..]]);
    let of_user = making(SignatureType::CertRevocation, BORN + DAY).of_user(&key, &key, "a publisher");
    let why = "the key had expired";
    vec![
        bad(
            "revived by a forged word that names the key",
            ring(&key, &[own(ends.clone()), forged]),
            signed(&key),
            why,
            "EXPKEYSIG",
        ),
        bad(
            "revived by the certification of another",
            ring(&key, &[own(ends.clone()), third.clone()]),
            signed(&key),
            why,
            "EXPKEYSIG",
        ),
        bad(
            "revived by what the key certified of another",
            ring(&key, &[own(ends.clone()), moved]),
            signed(&key),
            why,
            "EXPKEYSIG",
        ),
        bad("revived beside what was signed", saying(&key, &[added]), signed(&key), why, "EXPKEYSIG"),
        bad(
            "revived by a word with an unknown mark",
            saying(&key, &[ends.clone(), unsure]),
            signed(&key),
            why,
            "EXPKEYSIG",
        ),
        bad("revived by a word that has expired", saying(&key, &[ends.clone(), brief]), signed(&key), why, "GOODSIG"),
        bad("its direct word says that it ended", direct, signed(&key), why, "EXPKEYSIG"),
        good("an end that nobody signed", saying(&key, &[replaced]), signed(&key), &key, "GOODSIG"),
        bad("a key without a word of its own", key.packet(), signed(&key), "says nothing of itself", "ERRSIG"),
        bad("a key of which another speaks", ring(&key, &[third]), signed(&key), "says nothing of itself", "ERRSIG"),
        bad(
            "a key whose only word has expired",
            saying(&key, &[about(CERTIFY | SIGN).lives(DAY)]),
            signed(&key),
            "says nothing",
            "GOODSIG",
        ),
        bad(
            "a key whose only user was revoked",
            ring(&key, &[own(about(CERTIFY | SIGN)), of_user]),
            signed(&key),
            "says nothing",
            "GOODSIG",
        ),
    ]
}

fn reason(code: RevocationCode) -> SubpacketData {
    SubpacketData::RevocationReason(code, Vec::new().into())
}

/// The ring of a key with a signature directly behind the key.
fn directly(key: &Key, word: &Signature) -> Vec<u8> {
    joined(&[&key.packet(), &packet(word), &plain(key)[key.packet().len()..]])
}

fn revoked() -> Vec<Case> {
    let (key, subkey, stranger) = (Key::born(BORN), Key::born(BORN), Key::born(BORN));
    let revoke = |code, at| making(SignatureType::KeyRevocation, at).with(reason(code));
    let own = |code, at| directly(&key, &revoke(code, at).by(&key, &key.covered()));
    let bind = || binding(&key, &subkey).of_pair(&key, &key, &subkey);
    let end = |code| making(SignatureType::SubkeyRevocation, SIGNED + DAY).with(reason(code));
    let of_subkey =
        |by: &Key, end: Making| joined(&[&plain(&key), &bound(&subkey, &[bind(), end.of_pair(by, &key, &subkey)])]);
    let (lost, replaced) = (RevocationCode::KeyCompromised, RevocationCode::KeySuperseded);
    let forged = directly(&key, &revoke(lost, SIGNED).naming(&key).by(&stranger, &key.covered()));
    let weak = directly(&key, &revoke(lost, SIGNED + DAY).lives(DAY).by(&key, &key.covered()));
    vec![
        bad("a key that was lost later", own(lost, SIGNED + DAY), signed(&key), "was revoked", "REVKEYSIG"),
        bad("a key that was replaced later", own(replaced, SIGNED + DAY), signed(&key), "was revoked", "REVKEYSIG"),
        bad("a key that was replaced before", own(replaced, SIGNED - DAY), signed(&key), "was revoked", "REVKEYSIG"),
        bad("a subkey that was lost", of_subkey(&key, end(lost)), signed(&subkey), "subkey was revoked", "REVKEYSIG"),
        bad(
            "a subkey that was replaced",
            of_subkey(&key, end(replaced)),
            signed(&subkey),
            "subkey was revoked",
            "REVKEYSIG",
        ),
        good("a revocation by a stranger", forged, signed(&key), &key, "GOODSIG"),
        good(
            "a subkey's by a stranger",
            of_subkey(&stranger, end(lost).naming(&key)),
            signed(&subkey),
            &key,
            "GOODSIG",
        ),
        bad("a revocation that has expired", weak, signed(&key), "was revoked", "REVKEYSIG"),
    ]
}

fn revoked_elsewhere() -> Vec<Case> {
    let (key, subkey, warden) = (Key::born(BORN), Key::born(BORN), Key::born(BORN));
    let revocation = making(SignatureType::KeyRevocation, SIGNED + DAY).by(&key, &key.covered());
    let copy = directly(&key, &revocation);
    let loose = joined(&[&plain(&key), &packet(&revocation)]);
    let bind = binding(&key, &subkey).of_pair(&key, &key, &subkey);
    let end = making(SignatureType::SubkeyRevocation, SIGNED + DAY).of_pair(&key, &key, &subkey);
    let with_subkey = joined(&[&plain(&key), &bound(&subkey, std::slice::from_ref(&bind))]);
    let other_copy = joined(&[&with_subkey, &plain(&key), &bound(&subkey, &[bind, end])]);
    let named =
        RevocationKey::new(RevocationKeyClass::Default, PublicKeyAlgorithm::EdDSALegacy, &warden.raw_fingerprint());
    let named = making(SignatureType::Key, BORN).with(SubpacketData::RevocationKey(named)).by(&key, &key.covered());
    let many: Vec<Signature> = (0..501).map(|at| about(CERTIFY | SIGN).naming(&key).by(&warden, &[at as u8])).collect();
    let flooded = ring(&key, &many);
    let by_warden = making(SignatureType::KeyRevocation, SIGNED + DAY).by(&warden, &key.covered());
    let behind = &plain(&key)[key.packet().len()..];
    let ended = joined(&[&key.packet(), &packet(&by_warden), &packet(&named), behind]);
    vec![
        bad("revoked in the second copy", joined(&[&plain(&key), &copy]), signed(&key), "was revoked", "REVKEYSIG"),
        bad("revoked behind all", loose, signed(&key), "was revoked", "REVKEYSIG"),
        bad("a subkey revoked in the second copy", other_copy, signed(&subkey), "subkey was revoked", "REVKEYSIG"),
        bad(
            "revoked by one that it named",
            joined(&[&plain(&warden), &ended]),
            signed(&key),
            "by another that it named",
            "REVKEYSIG",
        ),
        bad("likewise, and that one is not there", ended, signed(&key), "may have been revoked", "GOODSIG"),
        bad("a key under forged words without end", flooded, signed(&key), "more signatures than any honest", "ERRSIG"),
        good("nobody was named", directly(&key, &by_warden), signed(&key), &key, "GOODSIG"),
    ]
}

fn digests() -> Vec<Case> {
    let early = 1_400_000_000;
    let (key, old) = (Key::rsa(BORN), Key::rsa(early));
    let by = |digest| packet(&document().digest(digest).by(&key, CONTENT));
    let word = |at, digest| making(SignatureType::CertPositive, at).flags(CERTIFY | SIGN).digest(digest);
    let why = "a digest that can be forged";
    vec![
        bad("a signature with SHA-1", plain(&key), by(HashAlgorithm::Sha1), why, "GOODSIG"),
        bad("a signature with MD5", plain(&key), by(HashAlgorithm::Md5), why, "ERRSIG"),
        bad("a signature with RIPEMD-160", plain(&key), by(HashAlgorithm::Ripemd160), why, "GOODSIG"),
        good(
            "an old key's word with SHA-1",
            saying(&old, &[word(early, HashAlgorithm::Sha1)]),
            signed(&old),
            &old,
            "GOODSIG",
        ),
        bad(
            "a new key's word with SHA-1",
            saying(&key, &[word(BORN, HashAlgorithm::Sha1)]),
            signed(&key),
            "says nothing of itself",
            "GOODSIG",
        ),
        bad(
            "an old key's word with MD5",
            saying(&old, &[word(early, HashAlgorithm::Md5)]),
            signed(&old),
            "says nothing of itself",
            "ERRSIG",
        ),
    ]
}

fn kinds() -> Vec<Case> {
    let key = Key::born(BORN);
    let text = "a release\nof two lines";
    let canonical = b"a release\r\nof two lines\r\n";
    let inline = |kind| {
        let mut config = SignatureConfig::v4(kind, key.0.algorithm(), HashAlgorithm::Sha256);
        let dated = SubpacketData::SignatureCreationTime(Timestamp::from_secs(SIGNED));
        let named = SubpacketData::IssuerFingerprint(key.0.fingerprint());
        config.hashed_subpackets = [dated, named].map(|data| Subpacket::regular(data).unwrap()).into();
        config.unhashed_subpackets =
            vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.0.legacy_key_id())).unwrap()];
        let made = CleartextSignedMessage::new(text, config, &key.0, &Password::empty()).unwrap();
        made.to_armored_string(ArmorOptions::default()).unwrap().into_bytes()
    };
    let as_document = |kind| packet(&making(kind, SIGNED).by(&key, CONTENT));
    let word = packet(&about(CERTIFY | SIGN).of_user(&key, &key, "a publisher"));
    vec![
        good("a signed text", plain(&key), inline(SignatureType::Text), &key, "GOODSIG"),
        bad(
            "a text with the signature of a file",
            plain(&key),
            inline(SignatureType::Binary),
            "of a file, not of the text",
            "GOODSIG",
        ),
        bad(
            "a file with the signature of a text",
            plain(&key),
            packet(&making(SignatureType::Text, SIGNED).by(&key, canonical)),
            "of a text with any line ends",
            "GOODSIG",
        ),
        bad("a key's word about itself", plain(&key), word, "not a signature of a document", "ERRSIG"),
        bad(
            "a certification of the file",
            plain(&key),
            as_document(SignatureType::CertPositive),
            "not a signature of a document",
            "ERRSIG",
        ),
        bad(
            "a standalone signature",
            plain(&key),
            as_document(SignatureType::Standalone),
            "not a signature of a document",
            "ERRSIG",
        ),
        bad(
            "a time stamp",
            plain(&key),
            as_document(SignatureType::Timestamp),
            "not a signature of a document",
            "ERRSIG",
        ),
    ]
}

fn mark() -> SubpacketData {
    SubpacketData::Notation(Notation { readable: true, name: "only@site.example".into(), value: "us".into() })
}

fn marks() -> Vec<Case> {
    let key = Key::born(BORN);
    let of = |made: Making| packet(&made.by(&key, CONTENT));
    let unknown = || SubpacketData::Experimental(101, vec![1].into());
    vec![
        good("a notation that may be unknown", plain(&key), of(document().with(mark())), &key, "GOODSIG"),
        bad(
            "a notation that must be known",
            plain(&key),
            of(document().critical(mark())),
            "demands something",
            "BADSIG",
        ),
        bad(
            "a mark that must be known",
            plain(&key),
            of(document().critical(unknown())),
            "demands something",
            "BADSIG",
        ),
        good("a mark that may be unknown", plain(&key), of(document().with(unknown())), &key, "GOODSIG"),
    ]
}
