//! Checksum files as publishers write them: what `sha512sum` prints, what BSD prints, what `gpg --print-md` prints.
//! Reading is lenient about form and strict about which file is meant.
//! Not here: computing a digest.

/// The digest of `digits` hexadecimal digits that the text gives for a file, in lower case.
pub fn find(text: &str, name: &str, digits: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let of_line = lines.iter().find_map(|line| in_line(line, name, digits));
    // A digest alone is of the only file there is.
    let alone = || match lines.as_slice() {
        [line] => digest(line, digits),
        _ => None,
    };
    of_line.or_else(alone).or_else(|| in_groups(text, name, digits))
}

/// `digest  name`, `digest *name` or `SHA512 (name) = digest`.
fn in_line(line: &str, name: &str, digits: usize) -> Option<String> {
    if let Some((named, value)) = line.split_once(") = ") {
        let (_, named) = named.split_once('(')?;
        return digest(value.trim(), digits).filter(|_| is(named, name));
    }
    let (value, named) = line.split_once(char::is_whitespace)?;
    digest(value, digits).filter(|_| is(named.trim().trim_start_matches('*'), name))
}

/// `name: ABCD EF01 …` over as many lines as it takes; some write the algorithm first, `name: SHA512 = …`.
fn in_groups(text: &str, name: &str, digits: usize) -> Option<String> {
    let (_, own) = text.split_once(&format!("{name}:"))?;
    let own = own.split_once(':').map_or(own, |(own, _)| own);
    let groups = own.split_once('=').map_or(own, |(_, groups)| groups);
    let joined: String = groups.split_whitespace().take_while(|group| hexadecimal(group)).collect();
    digest(&joined, digits)
}

fn is(named: &str, name: &str) -> bool {
    named.rsplit('/').next() == Some(name)
}

fn hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn digest(text: &str, digits: usize) -> Option<String> {
    (text.len() == digits && hexadecimal(text)).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_form_is_read() {
        let digest = "0123456789abcdef".repeat(4);
        let groups: Vec<String> =
            digest.to_uppercase().as_bytes().chunks(8).map(|group| String::from_utf8_lossy(group).into()).collect();
        let forms = [
            format!("{digest}  tool-1.2.tar.gz\n"),
            format!("{} *dist/tool-1.2.tar.gz\n", digest.to_uppercase()),
            format!("SHA256 (tool-1.2.tar.gz) = {digest}\n"),
            format!("{digest}\n"),
            format!("tool-1.2.tar.gz: {}\n   {}\n", groups[..4].join(" "), groups[4..].join(" ")),
            format!("{}  other\n{digest}  tool-1.2.tar.gz\n", "f".repeat(64)),
        ];
        for form in forms {
            assert_eq!(find(&form, "tool-1.2.tar.gz", 64).as_deref(), Some(digest.as_str()), "{form}");
            assert_eq!(find(&form, "tool-1.2.tar.gz", 128), None, "{form}");
        }
    }

    #[test]
    fn the_digest_of_another_file_is_not_taken() {
        let digest = "0".repeat(64);
        for text in [
            format!("{digest}  tool-1.3.tar.gz"),
            format!("SHA256 (x) = {digest}"),
            String::from("tool: zz"),
            String::new(),
        ] {
            assert_eq!(find(&text, "tool-1.2.tar.gz", 64), None, "{text}");
        }
    }
}
