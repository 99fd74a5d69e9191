//! Engine *compliance*: licences, personal data, markings. What it finds is seldom an attack and often a duty.
//!
//! * `declared`, `licence_text`: which licence a file names, by identifier, manifest, words or full text.
//! * `licence`: what that licence means here.
//! * `personal`: numbers of people, by their check digits, and addresses in bulk.
//! * `markings`: lines that say who may read the file.
//!
//! Always true:
//! - a licence is reported once for a bundle, where it first stands, with the number of files that name it;
//! - a licence by itself is never worse than low: what an operator does not want is for the policy to say;
//! - what leaves this engine holds a number of a person only where [`Findings`] is told to conceal it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::content::FileEntry;
use crate::engine::{BundleFindings, BundleScan, Engine, FileScan, Findings, Outcome, Window};
use crate::facts::{FileFacts, Language, Type};
use crate::finding::{Confidence, Place, RuleInfo, Severity};
use crate::fixed_rule::FixedRule;
use crate::report::{LicenceReport, Licences};

mod declared;
mod licence;
mod licence_text;
mod markings;
mod personal;
mod rules;

use self::licence_text::Known;
use self::markings::MarkingScan;
use self::personal::PersonalScan;

/// Different licences that are remembered for a bundle; past it, those first by name are.
const MAX_LICENCES: usize = 500;
/// What the text of a licence is called that is none of the known ones.
const UNKNOWN: &str = "unknown";

/// The engine; it has no settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Compliance;

impl Engine for Compliance {
    fn name(&self) -> &'static str {
        "compliance"
    }

    fn version(&self) -> u32 {
        2
    }

    fn by_file(&self) -> bool {
        true
    }

    fn rules(&self) -> Vec<RuleInfo> {
        rules::ALL.iter().map(FixedRule::info).collect()
    }

    fn begin_bundle<'a>(&'a self, _files: &'a [FileEntry]) -> Box<dyn BundleScan + 'a> {
        Box::new(BundleCompliance::default())
    }
}

/// The licences that a bundle's files name, and those of them that are to be reported, by rule and name.
#[derive(Default)]
struct BundleCompliance {
    licences: Mutex<Sightings<(&'static str, String)>>,
    named: Mutex<Sightings<String>>,
}

/// What was seen, the first by key if it is too much.
struct Sightings<K> {
    seen: BTreeMap<K, Sighting>,
    cut: bool,
}

impl<K> Default for Sightings<K> {
    fn default() -> Self {
        Self {
            seen: BTreeMap::new(),
            cut: false,
        }
    }
}

/// Where a licence was first seen; the order of files, not of threads, decides which is first.
struct Sighting {
    rule: Option<&'static FixedRule>,
    /// The file's number and path.
    first: (usize, String),
    place: Option<Place>,
    files: u64,
}

impl<K: Ord> Sightings<K> {
    fn see(&mut self, key: K, file: &FileFacts, rule: Option<&'static FixedRule>, place: Option<Place>) {
        let seen = self.seen.entry(key).or_insert_with(|| Sighting {
            rule,
            first: (file.index, file.path.clone()),
            place: place.clone(),
            files: 0,
        });
        seen.files += 1;
        if (file.index, &file.path) < (seen.first.0, &seen.first.1) {
            (seen.first, seen.place) = ((file.index, file.path.clone()), place);
        }
        // Which ones go does not depend on the order in which they came.
        if self.seen.len() > MAX_LICENCES {
            self.seen.pop_last();
            self.cut = true;
        }
    }
}

impl BundleScan for BundleCompliance {
    fn begin_file<'a>(&'a self, file: &'a FileFacts) -> Option<Box<dyn FileScan + 'a>> {
        let language = match file.kind {
            Type::Text(language) => Some(language),
            Type::Utf16 => None,
            _ => return None,
        };
        Some(Box::new(FileCompliance {
            file,
            text: language.map(|language| TextAtWork {
                language,
                personal: PersonalScan::new(file, language),
                markings: MarkingScan::default(),
            }),
            licences: Vec::new(),
            bundle: self,
        }))
    }

    fn recall(&self, file: &FileFacts, _bytes: &[u8], summary: &[u8]) -> bool {
        let Ok(licences) = serde_json::from_slice::<Vec<Licence>>(summary) else {
            return false;
        };
        let known = |licence: &Licence| licence.rule.is_none() || licence.rule().is_some();
        if !licences.iter().all(known) {
            return false;
        }
        self.see_all(file, licences);
        true
    }

    fn finish(self: Box<Self>, out: &mut BundleFindings<'_>) {
        let named = self.named.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !named.seen.is_empty() {
            let report = |(name, sighting): (String, Sighting)| LicenceReport {
                name: name.into(),
                path: sighting.first.1.into(),
                files: sighting.files,
            };
            out.name_licences(Licences {
                cut: named.cut,
                named: named.seen.into_iter().map(report).collect(),
            });
        }
        let licences = self.licences.into_inner().unwrap_or_else(PoisonError::into_inner);
        for ((_, name), sighting) in licences.seen {
            let Sighting {
                rule: Some(rule),
                first,
                place,
                files,
            } = sighting
            else {
                continue;
            };
            let others = match files {
                1 => String::new(),
                files => format!(", and {} more files name it", files - 1),
            };
            let name = match name.as_str() {
                UNKNOWN => "the text of a licence that is none of the known ones",
                name => name,
            };
            let message = format!("licence: {name}{others}");
            out.add(&first.1, rule.found(Severity::Low, Confidence::Medium, message, place));
        }
    }
}

impl BundleCompliance {
    fn see_all(&self, file: &FileFacts, licences: Vec<Licence>) {
        for licence in licences {
            self.see(file, licence.rule(), &licence.name, licence.at.map(At::place));
        }
    }

    /// Remembers a licence that a file names, and that it is to be reported if there is a rule about it.
    fn see(&self, file: &FileFacts, rule: Option<&'static FixedRule>, name: &str, place: Option<Place>) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.see(name.to_owned(), file, None, None);
        let Some(found) = rule else { return };
        let mut licences = self.licences.lock().unwrap_or_else(PoisonError::into_inner);
        licences.see((found.id, name.to_owned()), file, rule, place);
    }
}

/// One file at work.
struct FileCompliance<'a> {
    file: &'a FileFacts,
    /// `None` for text in an encoding that is not read.
    text: Option<TextAtWork>,
    /// The licences that it names.
    licences: Vec<Licence>,
    bundle: &'a BundleCompliance,
}

/// A licence that a file names, as it is kept for when the same file comes again.
#[derive(Serialize, Deserialize)]
struct Licence {
    /// The id of the rule that reports it, if one does.
    rule: Option<String>,
    name: String,
    at: Option<At>,
}

/// Where it is named. Only the licence's own words: nobody has looked for secrets in the rest of its line yet.
#[derive(Serialize, Deserialize)]
struct At {
    line: u64,
    column: u64,
    /// In the file, in bytes.
    offset: u64,
    words: Vec<u8>,
}

impl Licence {
    fn rule(&self) -> Option<&'static FixedRule> {
        rules::of(self.rule.as_deref()?)
    }
}

impl At {
    fn new(place: &Place) -> Self {
        Self {
            line: place.line,
            column: place.column,
            offset: place.offset + place.mark.start as u64,
            words: place.text.get(place.mark.clone()).unwrap_or_default().to_vec(),
        }
    }

    fn place(self) -> Place {
        Place {
            line: self.line,
            column: self.column,
            offset: self.offset,
            mark: 0..self.words.len(),
            text: self.words,
        }
    }
}

struct TextAtWork {
    language: Language,
    personal: PersonalScan,
    markings: MarkingScan,
}

impl FileScan for FileCompliance<'_> {
    fn window(&mut self, window: &Window<'_>, out: &mut Findings<'_>) {
        let Some(text) = &mut self.text else { return };
        text.personal.window(window, out);
        text.markings.window(text.language, window, out);
        if window.offset == 0 {
            self.find_licences(window);
        }
    }

    fn finish(self: Box<Self>, out: &mut Findings<'_>) -> Outcome {
        match self.text {
            Some(text) => {
                text.personal.finish(out);
                if !self.licences.is_empty() {
                    out.remember(serde_json::to_vec(&self.licences).unwrap_or_default());
                }
                self.bundle.see_all(self.file, self.licences);
                Outcome::Scanned
            }
            None => Outcome::Unsupported,
        }
    }
}

impl FileCompliance<'_> {
    fn see(&mut self, rule: Option<&FixedRule>, name: &str, at: Option<At>) {
        self.licences.push(Licence {
            rule: rule.map(|rule| rule.id.to_owned()),
            name: name.to_owned(),
            at,
        });
    }

    /// Judges each licence that the file names, once.
    fn find_licences(&mut self, window: &Window<'_>) {
        let name = self.file.name().to_lowercase();
        let mut seen: Vec<String> = Vec::new();
        for declared in declared::licences(&name, window.bytes) {
            if seen.contains(&declared.expression) {
                continue;
            }
            let at = At::new(&window.place(declared.range));
            self.see(licence::judge(&declared.expression), &declared.expression, Some(at));
            seen.push(declared.expression);
        }
        if !licence_text::is_licence_file(&name) {
            return;
        }
        match licence_text::identify(window.bytes) {
            Known::Licence(licence) => self.see(licence::judge(licence), licence, None),
            Known::Unknown => {
                self.see(Some(&rules::LICENCE_UNKNOWN), UNKNOWN, None);
            }
            Known::NoText => {}
        }
    }
}

#[cfg(test)]
mod tests;
