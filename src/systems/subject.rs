//! The common name of a certificate's subject, read from its DER. Whoever vouches for it was verified before.
//! A subject with none or several, or with one that is not plain text, has no name here.
//! Not here: verifying anything.

use tokio_rustls::rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// The object identifier 2.5.4.3, as DER has it.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
/// UTF8String and PrintableString: bytes that are UTF-8 as they stand.
const TEXTS: [u8; 2] = [0x0c, 0x13];

/// The one common name.
pub fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    of_subject(certificate.subject())
}

/// Of the names in a subject: a sequence of sets of pairs.
fn of_subject(mut names: &[u8]) -> Option<String> {
    let mut found = None;
    while !names.is_empty() {
        let (SET, mut set, rest) = element(names)? else { return None };
        names = rest;
        while !set.is_empty() {
            let (SEQUENCE, pair, rest) = element(set)? else { return None };
            set = rest;
            let (OBJECT, kind, value) = element(pair)? else { return None };
            if kind == COMMON_NAME {
                let (tag, text, _) = element(value)?;
                let text = TEXTS.contains(&tag).then(|| String::from_utf8(text.to_vec()).ok()).flatten()?;
                // Of two nobody could say which one is meant.
                if found.replace(text).is_some() {
                    return None;
                }
            }
        }
    }
    found
}

/// A tag, its content, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(first), bytes),
        0x81 | 0x82 => {
            let (digits, rest) = bytes.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(kind: u8, tag: u8, text: &[u8]) -> Vec<u8> {
        let value = [&[tag, text.len() as u8], text].concat();
        let pair = [&[OBJECT, 3, 0x55, 0x04, kind], &value[..]].concat();
        let sequence = [&[SEQUENCE, pair.len() as u8], &pair[..]].concat();
        [&[SET, sequence.len() as u8], &sequence[..]].concat()
    }

    #[test]
    fn a_subject_with_one_common_name_has_a_name() {
        let alice = pair(3, 0x0c, b"alice");
        assert_eq!(of_subject(&alice).as_deref(), Some("alice"));
        assert_eq!(of_subject(&[pair(10, 0x13, b"Example"), alice.clone()].concat()).as_deref(), Some("alice"));
        assert_eq!(of_subject(&[alice.clone(), pair(3, 0x13, b"root")].concat()), None, "two");
        for none in [&[][..], &pair(10, 0x13, b"alice"), &pair(3, 0x1e, b"\0a"), &pair(3, 0x0c, b"\xff")] {
            assert_eq!(of_subject(none), None);
        }
    }

    #[test]
    fn bytes_that_are_cut_or_lie_about_their_length_have_none() {
        let alice = pair(3, 0x0c, b"alice");
        for end in 0..alice.len() {
            assert_eq!(of_subject(&alice[..end]), None);
        }
        for at in 0..alice.len() {
            for byte in 0..=255 {
                let mut changed = alice.clone();
                changed[at] = byte;
                let _ = of_subject(&changed);
            }
        }
        assert_eq!(element(&[SET, 0x83, 0, 0, 1, 0]), None);
        assert_eq!(element(&[SET, 0x82, 0xff]), None);
    }
}
