//! Names and addresses that mean exactly one licence of SPDX's list.
//! What is not in the table stays a name: `BSD` alone is several licences.
//! Not here: SPDX's whole list.

/// An id and what else it is called; compared without case, `the`, commas, and what an address begins or ends with.
const TABLE: [(&str, &[&str]); 21] = [
    ("0BSD", &[]),
    (
        "Apache-2.0",
        &[
            "apache 2",
            "apache 2.0",
            "apache license 2",
            "apache license 2.0",
            "apache license version 2.0",
            "apache software license 2.0",
            "apache software license - version 2.0",
            "apache software license version 2.0",
            "asl 2.0",
            "apache.org/licenses/license-2.0",
            "opensource.org/licenses/apache-2.0",
        ],
    ),
    (
        "BSD-2-Clause",
        &[
            "bsd 2-clause",
            "bsd 2-clause license",
            "bsd 2-clause \"simplified\" license",
            "opensource.org/licenses/bsd-2-clause",
        ],
    ),
    (
        "BSD-3-Clause",
        &[
            "3-clause bsd license",
            "bsd 3-clause",
            "bsd 3-clause license",
            "bsd license 3",
            "eclipse distribution license - v 1.0",
            "edl 1.0",
            "new bsd license",
            "revised bsd",
            "opensource.org/licenses/bsd-3-clause",
            "eclipse.org/org/documents/edl-v10.php",
        ],
    ),
    ("CC0-1.0", &["cc0", "cc0 1.0 universal", "creativecommons.org/publicdomain/zero/1.0"]),
    ("CDDL-1.0", &["cddl 1.0", "common development and distribution license 1.0"]),
    ("CDDL-1.1", &["cddl 1.1", "common development and distribution license 1.1"]),
    ("EPL-1.0", &["eclipse public license 1.0", "eclipse public license - v 1.0", "eclipse.org/legal/epl-v10.html"]),
    (
        "EPL-2.0",
        &[
            "eclipse public license 2.0",
            "eclipse public license v. 2.0",
            "eclipse public license v2.0",
            "eclipse.org/legal/epl-2.0",
        ],
    ),
    ("GPL-2.0-only", &[]),
    ("GPL-3.0-only", &[]),
    ("ISC", &["isc license", "isc license (iscl)"]),
    ("LGPL-2.1-only", &[]),
    ("LGPL-2.1-or-later", &[]),
    (
        "MIT",
        &["mit license", "mit license (mit)", "opensource.org/licenses/mit", "opensource.org/licenses/mit-license.php"],
    ),
    ("MIT-0", &[]),
    ("MPL-1.1", &["mpl 1.1", "mozilla public license version 1.1"]),
    (
        "MPL-2.0",
        &[
            "mpl 2.0",
            "mozilla public license 2.0",
            "mozilla public license version 2.0",
            "mozilla public license 2.0 (mpl 2.0)",
            "mozilla.org/mpl/2.0",
        ],
    ),
    ("PSF-2.0", &["python software foundation license 2.0"]),
    ("Unlicense", &["unlicense (unlicense)"]),
    ("Zlib", &["zlib license"]),
];

/// The id that a name or an address means.
pub(super) fn id(said: &str) -> Option<&'static str> {
    let said = plain(said);
    let means = |(id, names): &&(&str, &[&str])| id.to_ascii_lowercase() == said || names.contains(&said.as_str());
    TABLE.iter().find(means).map(|(id, _)| *id)
}

fn plain(said: &str) -> String {
    let said = said.trim().to_ascii_lowercase();
    let address = ["https://", "http://"].into_iter().find_map(|scheme| said.strip_prefix(scheme));
    match address {
        Some(address) => {
            let address = address.strip_prefix("www.").unwrap_or(address).trim_end_matches('/');
            [".txt", ".html"].into_iter().find_map(|end| address.strip_suffix(end)).unwrap_or(address).to_owned()
        }
        None => said.strip_prefix("the ").unwrap_or(&said).replace(',', "").replace("licence", "license"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_licence_has_many_names() {
        for (said, expected) in [
            ("The Apache Software License, Version 2.0", "Apache-2.0"),
            ("http://www.apache.org/licenses/LICENSE-2.0.txt", "Apache-2.0"),
            ("https://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0"),
            ("apache-2.0", "Apache-2.0"),
            ("The MIT License", "MIT"),
            ("Eclipse Distribution License - v 1.0", "BSD-3-Clause"),
            ("https://www.eclipse.org/legal/epl-2.0/", "EPL-2.0"),
        ] {
            assert_eq!(id(said), Some(expected), "{said}");
        }
    }

    #[test]
    fn what_may_be_several_stays_a_name() {
        for said in ["BSD", "BSD License", "GPL", "Apache", "", "LGPL, version 2.1"] {
            assert_eq!(id(said), None, "{said}");
        }
    }

    #[test]
    fn every_name_in_the_table_is_in_the_form_that_is_looked_for() {
        for (id, names) in TABLE {
            let bad: Vec<_> = names.iter().filter(|name| name.contains(',') || **name != name.to_lowercase()).collect();
            assert!(bad.is_empty(), "{id}: {bad:?}");
        }
    }
}
