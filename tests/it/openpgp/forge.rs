//! Keys and signatures as an attacker makes them: every field of a packet as the case wants it, the signature itself real.
//! Keys are made anew in every run; their dates are fixed.
//! Not here: what is made with it (`cases`).

use pgp::composed::KeyType;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, PacketTrait, PubKeyInner, PublicKey, PublicSubkey, SecretKey, Signature, SignatureConfig, SignatureType,
    Subpacket, SubpacketData, UserId,
};
use pgp::ser::Serialize;
use pgp::types::{Duration, KeyDetails, KeyVersion, Password, SigningKey, Timestamp};
use pnda::mirror::openpgp::Fingerprint;
use rand::rngs::OsRng;

/// Keys are born then, 13 September 2020.
pub const BORN: u32 = 1_600_000_000;
/// Files are signed then, 2 May 2021.
pub const SIGNED: u32 = 1_620_000_000;
pub const DAY: u32 = 86_400;

/// What a key may be for.
pub const CERTIFY: u8 = 1;
pub const SIGN: u8 = 2;
pub const ENCRYPT: u8 = 4;

/// A key with its secret: a primary key or a subkey, as the ring wants it.
pub struct Key(pub SecretKey);

impl Key {
    pub fn born(born: u32) -> Key {
        Key::of(KeyType::Ed25519Legacy, born)
    }

    /// One that old digests can be signed with.
    pub fn rsa(born: u32) -> Key {
        Key::of(KeyType::Rsa(2048), born)
    }

    fn of(kind: KeyType, born: u32) -> Key {
        let (public, secret) = kind.generate(OsRng).unwrap();
        let inner = PubKeyInner::new(KeyVersion::V4, kind.to_alg(), Timestamp::from_secs(born), None, public).unwrap();
        Key(SecretKey::new(PublicKey::from_inner(inner).unwrap(), secret).unwrap())
    }

    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new(&self.0.fingerprint().to_string()).unwrap()
    }

    pub fn key_id(&self) -> Fingerprint {
        Fingerprint::new(&self.0.legacy_key_id().to_string()).unwrap()
    }

    pub fn raw_fingerprint(&self) -> Vec<u8> {
        self.0.fingerprint().as_bytes().to_vec()
    }

    fn inner(&self) -> PubKeyInner {
        let key = self.0.public_key();
        let params = key.public_params().clone();
        PubKeyInner::new(KeyVersion::V4, key.algorithm(), key.created_at(), None, params).unwrap()
    }

    /// Its packet as a primary key.
    pub fn packet(&self) -> Vec<u8> {
        packet(&PublicKey::from_inner(self.inner()).unwrap())
    }

    /// Its packet as a subkey: other tag, same fingerprint.
    pub fn subkey_packet(&self) -> Vec<u8> {
        packet(&PublicSubkey::from_inner(self.inner()).unwrap())
    }

    /// How signatures cover a key.
    pub fn covered(&self) -> Vec<u8> {
        let body = self.inner().to_bytes().unwrap();
        [&[0x99, (body.len() >> 8) as u8, body.len() as u8], &body[..]].concat()
    }
}

/// How signatures cover a user.
pub fn user_covered(name: &str) -> Vec<u8> {
    [&[0xB4][..], &(name.len() as u32).to_be_bytes(), name.as_bytes()].concat()
}

pub fn user_packet(name: &str) -> Vec<u8> {
    packet(&UserId::from_str(Default::default(), name).unwrap())
}

pub fn packet(packet: &impl PacketTrait) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.to_writer_with_header(&mut bytes).unwrap();
    bytes
}

/// A signature in the making.
#[derive(Clone)]
pub struct Making {
    kind: SignatureType,
    at: Option<u32>,
    digest: HashAlgorithm,
    hashed: Vec<Subpacket>,
    unhashed: Vec<Subpacket>,
    named: Option<(pgp::types::Fingerprint, pgp::types::KeyId)>,
    by_id_alone: bool,
}

pub fn making(kind: SignatureType, at: u32) -> Making {
    Making {
        kind,
        at: Some(at),
        digest: HashAlgorithm::Sha256,
        hashed: Vec::new(),
        unhashed: Vec::new(),
        named: None,
        by_id_alone: false,
    }
}

impl Making {
    pub fn digest(mut self, digest: HashAlgorithm) -> Making {
        self.digest = digest;
        self
    }

    pub fn undated(mut self) -> Making {
        self.at = None;
        self
    }

    pub fn with(mut self, data: SubpacketData) -> Making {
        self.hashed.push(Subpacket::regular(data).unwrap());
        self
    }

    pub fn critical(mut self, data: SubpacketData) -> Making {
        self.hashed.push(Subpacket::critical(data).unwrap());
        self
    }

    pub fn unsigned(mut self, data: SubpacketData) -> Making {
        self.unhashed.push(Subpacket::regular(data).unwrap());
        self
    }

    pub fn flags(self, bits: u8) -> Making {
        let mut flags = KeyFlags::default();
        flags.set_certify(bits & CERTIFY != 0);
        flags.set_sign(bits & SIGN != 0);
        flags.set_encrypt_comms(bits & ENCRYPT != 0);
        self.with(SubpacketData::KeyFlags(flags))
    }

    /// The key lives so long.
    pub fn key_lives(self, seconds: u32) -> Making {
        self.with(SubpacketData::KeyExpirationTime(Duration::from_secs(seconds)))
    }

    /// The signature itself lives so long.
    pub fn lives(self, seconds: u32) -> Making {
        self.with(SubpacketData::SignatureExpirationTime(Duration::from_secs(seconds)))
    }

    /// Names another as who signed.
    pub fn naming(mut self, key: &Key) -> Making {
        self.named = Some((key.0.fingerprint(), key.0.legacy_key_id()));
        self
    }

    /// Names who signed by the key id alone, as old programs did.
    pub fn by_id_alone(mut self) -> Making {
        self.by_id_alone = true;
        self
    }

    /// The signature of a key, with these bytes before its own.
    pub fn by(self, key: &Key, covered: &[u8]) -> Signature {
        let mut config = SignatureConfig::v4(self.kind, key.0.algorithm(), self.digest);
        let (fingerprint, id) = self.named.unwrap_or((key.0.fingerprint(), key.0.legacy_key_id()));
        let dated = self.at.map(|at| SubpacketData::SignatureCreationTime(Timestamp::from_secs(at)));
        let whole = Some(SubpacketData::IssuerFingerprint(fingerprint)).filter(|_| !self.by_id_alone);
        config.hashed_subpackets =
            dated.into_iter().chain(whole).map(|data| Subpacket::regular(data).unwrap()).chain(self.hashed).collect();
        config.unhashed_subpackets = self.unhashed;
        config.unhashed_subpackets.push(Subpacket::regular(SubpacketData::IssuerKeyId(id)).unwrap());
        let mut hasher = config.hash_alg.new_hasher().unwrap();
        hasher.update(covered);
        let length = config.hash_signature_data(&mut hasher).unwrap();
        hasher.update(&config.trailer(length).unwrap());
        let digest = hasher.finalize();
        let signature = key.0.sign(&Password::empty(), config.hash_alg, &digest).unwrap();
        Signature::from_config(config, [digest[0], digest[1]], signature).unwrap()
    }

    /// Under a user of a key.
    pub fn of_user(self, by: &Key, of: &Key, name: &str) -> Signature {
        self.by(by, &[of.covered(), user_covered(name)].concat())
    }

    /// Of a primary key and its subkey, either way round.
    pub fn of_pair(self, by: &Key, primary: &Key, subkey: &Key) -> Signature {
        self.by(by, &[primary.covered(), subkey.covered()].concat())
    }
}

/// The first word of a key about itself.
pub fn about(flags: u8) -> Making {
    making(SignatureType::CertPositive, BORN).flags(flags)
}

/// A key with one user and what stands under him.
pub fn ring(key: &Key, words: &[Signature]) -> Vec<u8> {
    let mut ring = [key.packet(), user_packet("a publisher")].concat();
    words.iter().for_each(|word| ring.extend(packet(word)));
    ring
}

/// A key that says this of itself.
pub fn saying(key: &Key, words: &[Making]) -> Vec<u8> {
    let words: Vec<Signature> = words.iter().map(|word| word.clone().of_user(key, key, "a publisher")).collect();
    ring(key, &words)
}

/// An ordinary key that certifies and signs.
pub fn plain(key: &Key) -> Vec<u8> {
    saying(key, &[about(CERTIFY | SIGN)])
}

/// A subkey with what binds it.
pub fn bound(subkey: &Key, words: &[Signature]) -> Vec<u8> {
    let mut ring = subkey.subkey_packet();
    words.iter().for_each(|word| ring.extend(packet(word)));
    ring
}

/// The word of a subkey that it belongs to a primary key.
pub fn back(primary: &Key, subkey: &Key) -> SubpacketData {
    let back = making(SignatureType::KeyBinding, BORN).of_pair(subkey, primary, subkey);
    SubpacketData::EmbeddedSignature(Box::new(back))
}

/// An ordinary binding of a subkey that signs.
pub fn binding(primary: &Key, subkey: &Key) -> Making {
    making(SignatureType::SubkeyBinding, BORN).flags(SIGN).with(back(primary, subkey))
}
