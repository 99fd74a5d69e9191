//! What a licence means here: an SPDX expression judged by a list of licences that need no question.
//!
//! `A OR B` is as good as the better one, `A AND B` as bad as the worse one.

use spdx::{Expression, LicenseItem, LicenseReq, ParseMode};

use super::rules;
use crate::fixed_rule::FixedRule;

/// An expression longer than this is none.
const MAX_EXPRESSION: usize = 400;

/// What is wrong with the licence that `expression` names; `None` if nothing is.
pub(super) fn judge(expression: &str) -> Option<&'static FixedRule> {
    let expression = expression.trim();
    if is_source_available(expression) {
        return Some(&rules::LICENCE_SOURCE_AVAILABLE);
    }
    if expression.len() > MAX_EXPRESSION {
        return Some(&rules::LICENCE_UNKNOWN);
    }
    let Ok(parsed) = Expression::parse_mode(expression, ParseMode::LAX) else {
        return imprecise(expression);
    };
    if parsed.evaluate(is_allowed) {
        return None;
    }
    // The worst of what is not allowed gives the name.
    let mut found = &rules::LICENCE_NOT_ALLOWED;
    for requirement in parsed
        .requirements()
        .filter(|requirement| !is_allowed(&requirement.req))
    {
        match &requirement.req.license {
            LicenseItem::Spdx { id, .. } if is_strong_copyleft(id.name) => {
                return Some(&rules::LICENCE_COPYLEFT_STRONG);
            }
            LicenseItem::Spdx { .. } => {}
            LicenseItem::Other(_) => found = &rules::LICENCE_UNKNOWN,
        }
    }
    Some(found)
}

fn is_allowed(requirement: &LicenseReq) -> bool {
    match &requirement.license {
        // An exception, such as that of Classpath, takes from strong copyleft what makes it strong.
        LicenseItem::Spdx { id, .. } => ALLOWED.contains(&id.name) || requirement.addition.is_some(),
        LicenseItem::Other(_) => false,
    }
}

/// Licences as people name them, without an identifier.
fn imprecise(name: &str) -> Option<&'static FixedRule> {
    let lower = name.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["lgpl", "lesser general", "library general"]) {
        return None;
    }
    if says(&["agpl", "affero", "gpl", "general public"]) {
        return Some(&rules::LICENCE_COPYLEFT_STRONG);
    }
    if says(PLAIN_NAMES) {
        return None;
    }
    Some(&rules::LICENCE_UNKNOWN)
}

fn is_source_available(name: &str) -> bool {
    let lower = name.to_lowercase();
    SOURCE_AVAILABLE.iter().any(|word| lower.contains(word))
}

fn is_strong_copyleft(name: &str) -> bool {
    STRONG.iter().any(|start| name.starts_with(start))
}

/// Starts of the identifiers of strong copyleft licences.
const STRONG: &[&str] = &[
    "AGPL-",
    "GPL-",
    "SSPL-",
    "OSL-",
    "EUPL-",
    "CPAL-",
    "RPL-",
    "Sleepycat",
    "CECILL-2",
    "QPL-",
    "CC-BY-SA-",
];

/// Parts of the names of licences that forbid some uses.
const SOURCE_AVAILABLE: &[&str] = &[
    "busl",
    "business source",
    "commons clause",
    "commons-clause",
    "elastic license",
    "elastic-2",
    "polyform",
    "functional source",
    "fsl-1",
    "confluent community",
    "redis source available",
    "rsal",
    "cc-by-nc",
    "noncommercial",
    "non-commercial",
];

/// Parts of names by which people mean a licence that is allowed.
const PLAIN_NAMES: &[&str] = &[
    "apache",
    "mit",
    "bsd",
    "isc",
    "mozilla",
    "mpl",
    "python",
    "psf",
    "public domain",
    "unlicense",
    "zlib",
    "boost",
    "cc0",
    "zope",
    "zpl",
    "eclipse",
    "artistic",
    "expat",
    "wtfpl",
    "hpnd",
    "perl",
];

/// Licences that are common in what programs are built from, and ask for little.
const ALLOWED: &[&str] = &[
    "0BSD",
    "AFL-2.1",
    "AFL-3.0",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-1.0-Perl",
    "Artistic-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-2-Clause-Patent",
    "BSD-2-Clause-Views",
    "BSD-3-Clause",
    "BSD-3-Clause-Clear",
    "BSD-3-Clause-LBNL",
    "BSD-4-Clause",
    "BSD-4-Clause-UC",
    "BSD-Source-Code",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC0-1.0",
    "CDDL-1.0",
    "CDDL-1.1",
    "CDLA-Permissive-2.0",
    "CNRI-Python",
    "CPL-1.0",
    "EFL-2.0",
    "EPL-1.0",
    "EPL-2.0",
    "FTL",
    "HPND",
    "ICU",
    "IJG",
    "ISC",
    "LGPL-2.0",
    "LGPL-2.0+",
    "LGPL-2.0-only",
    "LGPL-2.0-or-later",
    "LGPL-2.1",
    "LGPL-2.1+",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0",
    "LGPL-3.0+",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "Libpng",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MIT-Modern-Variant",
    "MPL-1.1",
    "MPL-2.0",
    "MPL-2.0-no-copyleft-exception",
    "MS-PL",
    "MulanPSL-2.0",
    "NCSA",
    "NTP",
    "OFL-1.1",
    "OLDAP-2.8",
    "OpenSSL",
    "PHP-3.01",
    "PSF-2.0",
    "PostgreSQL",
    "Python-2.0",
    "Python-2.0.1",
    "Ruby",
    "TCL",
    "UPL-1.0",
    "Unicode-3.0",
    "Unicode-DFS-2015",
    "Unicode-DFS-2016",
    "Unicode-TOU",
    "Unlicense",
    "Vim",
    "W3C",
    "W3C-20150513",
    "WTFPL",
    "X11",
    "ZPL-2.0",
    "ZPL-2.1",
    "Zlib",
    "bzip2-1.0.6",
    "curl",
    "libpng-2.0",
    "libtiff",
    "zlib-acknowledgement",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(expression: &str) -> Option<&'static str> {
        judge(expression).map(|rule| rule.id)
    }

    #[test]
    fn common_licences_are_no_finding() {
        for expression in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "BSD-3-Clause AND ISC",
            "BSD",
            "Apache 2.0",
            "LGPL-2.1-or-later",
        ] {
            assert_eq!(rule(expression), None, "{expression}");
        }
    }

    #[test]
    fn an_alternative_helps_and_an_addition_does_not() {
        assert_eq!(rule("GPL-3.0-only OR MIT"), None);
        assert_eq!(rule("GPL-3.0-only AND MIT"), Some("licence-copyleft-strong"));
        assert_eq!(rule("GPL-2.0-only WITH Classpath-exception-2.0"), None);
    }

    #[test]
    fn strong_copyleft_restricted_and_unknown_licences_are_told_apart() {
        assert_eq!(rule("AGPL-3.0-or-later"), Some("licence-copyleft-strong"));
        assert_eq!(rule("GPLv3+"), Some("licence-copyleft-strong"));
        assert_eq!(rule("SSPL-1.0"), Some("licence-copyleft-strong"));
        assert_eq!(rule("BUSL-1.1"), Some("licence-source-available"));
        assert_eq!(rule("Elastic-2.0"), Some("licence-source-available"));
        assert_eq!(rule("LicenseRef-Own"), Some("licence-unknown"));
        assert_eq!(rule("Proprietary"), Some("licence-unknown"));
        assert_eq!(rule("APL-1.0"), Some("licence-not-allowed"));
    }
}
