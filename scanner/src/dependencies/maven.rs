//! `pom.xml` and Gradle's lockfiles.
//!
//! ```text
//! <project> <parent> <dependencies> <dependency> <groupId>…</groupId> <version>${a.version}</version>
//! path of open elements ─▶ text at that path ─▶ coordinates at the end of the element that holds them
//! ```
//!
//! Of entities only XML's own five and numbers are resolved: a document type that declares more is not read, because Maven
//! may read it.
//!
//! Source: Maven's POM Reference; Gradle's "Locking Versions".

use std::collections::BTreeMap;

use quick_xml::events::{BytesRef, BytesText, Event};
use quick_xml::reader::Reader;

use super::manifest::{Fault, MAX_ASKED, Origin, Reading, Wanted};
use super::package::Ecosystem::Maven;

/// Elements within each other: no project has more than a few.
const MAX_DEPTH: usize = 64;
/// Properties that are kept, and the bytes of one: those of versions are few and short.
const MAX_PROPERTIES: usize = 10_000;
const MAX_VALUE: usize = 256;
/// Properties that a value may name in turn.
const MAX_REFERENCES: usize = 8;

/// Group, artifact and version of one element.
#[derive(Debug, Default, Clone)]
struct Coordinates {
    group: Option<String>,
    artifact: Option<String>,
    version: Option<String>,
    at: usize,
    plugin: bool,
}

#[derive(Default)]
struct Pom {
    open: Vec<String>,
    /// What stands directly in the element that is open.
    text: String,
    /// The elements with coordinates that are open, the project's own at first.
    holders: Vec<Coordinates>,
    done: Vec<Coordinates>,
    project: Coordinates,
    parent: Coordinates,
    properties: BTreeMap<String, String>,
    repositories: Vec<(String, usize)>,
    /// Where the element began that began last.
    begun: usize,
}

pub(super) fn read_pom(text: &str) -> Result<Reading, Fault> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut pom = Pom::default();
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(text.len());
        let event = reader.read_event();
        match event.map_err(|error| Fault::Refused(error.to_string()))? {
            Event::Start(element) => {
                pom.start(element.local_name().as_ref(), at)?;
            }
            Event::End(_) => pom.end(),
            Event::Text(words) => pom.text(&words),
            Event::CData(words) => pom.text.push_str(&words),
            Event::GeneralRef(reference) => pom.reference(&reference),
            Event::DocType(doctype) if doctype.contains("ENTITY") => {
                return Err(Fault::Unread("it declares entities of its own".to_owned()));
            }
            Event::Eof if pom.open.is_empty() => return Ok(pom.finish()),
            Event::Eof => return Err(Fault::Refused("it ends within an element".to_owned())),
            _ => {}
        }
        // A text that is longer than any value is none of those that count.
        if pom.text.len() > 4 * MAX_VALUE {
            pom.text.clear();
        }
    }
}

impl Pom {
    fn start(&mut self, name: &str, at: usize) -> Result<(), Fault> {
        if self.done.len() > MAX_ASKED || self.repositories.len() > MAX_ASKED {
            return Err(Fault::TooMany);
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault::Unread(format!(
                "elements lie more than {MAX_DEPTH} deep in each other"
            )));
        }
        self.text.clear();
        self.begun = at;
        let within = self.open.last().map(String::as_str);
        let holds = matches!(
            (within, name),
            (Some("dependencies"), "dependency") | (Some("plugins"), "plugin") | (Some("extensions"), "extension")
        );
        if holds || (name == "parent" && self.open.len() == 1) {
            self.holders.push(Coordinates {
                at,
                plugin: name == "plugin",
                ..Coordinates::default()
            });
        }
        self.open.push(name.chars().take(MAX_VALUE).collect());
        Ok(())
    }

    fn text(&mut self, words: &BytesText<'_>) {
        self.text.push_str(words);
    }

    fn reference(&mut self, reference: &BytesRef<'_>) {
        let named: &str = reference;
        match (reference.resolve_char_ref(), named) {
            (Ok(Some(char)), _) => self.text.push(char),
            (_, "lt") => self.text.push('<'),
            (_, "gt") => self.text.push('>'),
            (_, "amp") => self.text.push('&'),
            (_, "apos") => self.text.push('\''),
            (_, "quot") => self.text.push('"'),
            // Names of people hold others; a coordinate that does is none.
            _ => self.text.push(' '),
        }
    }

    fn end(&mut self) {
        let Some(name) = self.open.pop() else { return };
        let value = std::mem::take(&mut self.text).trim().to_owned();
        let path: Vec<_> = self.open.iter().map(String::as_str).collect();
        match (path.as_slice(), name.as_str()) {
            (["project"], "parent") => {
                self.parent = self.holders.pop().unwrap_or_default();
                self.done.push(self.parent.clone());
            }
            ([.., "dependencies"], "dependency") | ([.., "plugins"], "plugin") | ([.., "extensions"], "extension") => {
                self.done.extend(self.holders.pop());
            }
            (["project"], part) => self.project.set(part, value),
            ([.., "dependency" | "plugin" | "extension"] | ["project", "parent"], part) => {
                if let Some(holder) = self.holders.last_mut() {
                    holder.set(part, value);
                }
            }
            ([.., "properties"], key) if value.len() <= MAX_VALUE && self.properties.len() < MAX_PROPERTIES => {
                self.properties.insert(key.to_owned(), value);
            }
            ([.., "repository" | "pluginRepository"], "url")
                if path.contains(&"repositories") || path.contains(&"pluginRepositories") =>
            {
                self.repositories.push((value, self.begun));
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Reading {
        let mut reading = Reading::default();
        for (key, value) in [
            (
                "project.version",
                self.project.version.as_ref().or(self.parent.version.as_ref()),
            ),
            (
                "project.groupId",
                self.project.group.as_ref().or(self.parent.group.as_ref()),
            ),
            ("project.artifactId", self.project.artifact.as_ref()),
            ("project.parent.version", self.parent.version.as_ref()),
            ("project.parent.groupId", self.parent.group.as_ref()),
        ] {
            if let Some(value) = value.filter(|value| value.len() <= MAX_VALUE) {
                self.properties.insert(key.to_owned(), value.clone());
            }
        }
        let group = self.project.group.as_ref().or(self.parent.group.as_ref());
        if let (Some(group), Some(artifact)) = (group, &self.project.artifact) {
            reading.provide(Maven, Some(&format!("{}:{artifact}", self.resolve(group))));
        }
        for asked in std::mem::take(&mut self.done) {
            let group = asked
                .group
                .as_deref()
                .or(asked.plugin.then_some("org.apache.maven.plugins"));
            let (Some(group), Some(artifact)) = (group, &asked.artifact) else {
                continue;
            };
            let name = format!("{}:{}", self.resolve(group), self.resolve(artifact));
            let version = asked.version.as_deref().map(|version| self.resolve(version));
            reading.ask(Maven, &name, wanted(version), Origin::Registry, asked.at);
        }
        for (url, at) in &self.repositories {
            reading.source(Maven, &self.resolve(url), *at);
        }
        reading
    }

    /// Puts properties in; one that is not known stays, and what holds it names no version.
    fn resolve(&self, text: &str) -> String {
        let mut text: String = text.chars().take(MAX_VALUE).collect();
        for _ in 0..MAX_REFERENCES {
            let Some((before, rest)) = text.split_once("${") else {
                break;
            };
            let Some((key, after)) = rest.split_once('}') else {
                break;
            };
            let Some(value) = self.properties.get(key) else { break };
            text = format!("{before}{value}{after}").chars().take(MAX_VALUE).collect();
        }
        text
    }
}

impl Coordinates {
    fn set(&mut self, part: &str, value: String) {
        match part {
            "groupId" => self.group = Some(value),
            "artifactId" => self.artifact = Some(value),
            "version" => self.version = Some(value),
            _ => {}
        }
    }
}

/// Which versions Maven takes: a bare one is that version, unless another package asks for another.
fn wanted(version: Option<String>) -> Wanted {
    match version {
        Some(version) if version.contains("${") => Wanted::Range(version),
        Some(version) if matches!(version.as_str(), "LATEST" | "RELEASE") => Wanted::Any,
        Some(version) if version.starts_with(['[', '(']) => {
            let one = version.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            match one.filter(|one| !one.contains(',')) {
                Some(one) => Wanted::Exact(one.trim().to_owned()),
                None => Wanted::Range(version),
            }
        }
        Some(version) if !version.is_empty() => Wanted::Exact(version),
        // The parent, or the management of dependencies, says which.
        _ => Wanted::Range(String::new()),
    }
}

/// Reads `gradle.lockfile`: `group:artifact:version=configurations`.
pub(super) fn read_gradle_lock(text: &str) -> Reading {
    let mut reading = Reading::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let coordinates = line.split('=').next().unwrap_or(line).trim();
        if let Some((name, version)) = coordinates.rsplit_once(':').filter(|_| !line.starts_with('#')) {
            reading.ask(Maven, name, Wanted::Exact(version.to_owned()), Origin::Registry, start);
        }
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::super::testing::asked;
    use super::*;

    #[test]
    fn a_project_asks_for_its_parent_its_dependencies_and_its_plugins() {
        let text = "<?xml version=\"1.0\"?>\n<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n<parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.2.0</version></parent>\n\
            <artifactId>mine</artifactId>\n<properties><jackson.version>2.15.0</jackson.version></properties>\n<developers><developer><name>J&oslash;rn</name></developer></developers>\n\
            <dependencies>\n<dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>${jackson.version}</version>\n\
            <exclusions><exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion></exclusions></dependency>\n\
            <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId></dependency>\n\
            <dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>[4.12,5)</version></dependency>\n</dependencies>\n\
            <repositories><repository><id>r</id><url>http://repo.example/maven2</url></repository></repositories>\n\
            <build><plugins><plugin><artifactId>maven-jar-plugin</artifactId><version>3.3.0</version></plugin></plugins></build>\n</project>";
        let reading = read_pom(text).unwrap();
        assert_eq!(
            asked(&reading, text),
            [
                "3 pkg:maven/org.springframework.boot/spring-boot-starter-parent@3.2.0",
                "8 pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.15.0",
                "10 pkg:maven/org.slf4j/slf4j-api ~",
                "11 pkg:maven/junit/junit ~[4.12,5)",
                "14 pkg:maven/org.apache.maven.plugins/maven-jar-plugin@3.3.0",
            ]
        );
        assert_eq!(reading.provides[0].name(), "org.springframework.boot:mine");
        assert_eq!(reading.sources[0].url, "http://repo.example/maven2");
    }

    #[test]
    fn a_billion_laughs_are_not_laughed() {
        let text = "<!DOCTYPE p [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><project><artifactId>&b;</artifactId></project>";
        assert!(matches!(read_pom(text), Err(Fault::Unread(_))));
    }

    #[test]
    fn deep_elements_are_not_followed() {
        let text = "<a>".repeat(100_000);
        assert!(matches!(read_pom(&text), Err(Fault::Unread(_))));
    }

    #[test]
    fn what_is_not_xml_is_refused() {
        for text in ["<project>", "<project></a></project>", "<project", "<a b></c>"] {
            assert!(matches!(read_pom(text), Err(Fault::Refused(_))), "{text}");
        }
    }

    #[test]
    fn properties_that_name_each_other_end() {
        let text = "<project><properties><a>${b}${b}</a><b>${a}${a}</b></properties><dependencies><dependency>\
            <groupId>g</groupId><artifactId>a</artifactId><version>${a}</version></dependency></dependencies></project>";
        assert_eq!(read_pom(text).unwrap().asked.len(), 1);
    }

    #[test]
    fn gradle_locks_one_a_line() {
        let text = "# comment\ncom.google.guava:guava:32.1.0-jre=compileClasspath,runtimeClasspath\nempty=annotationProcessor\n";
        assert_eq!(
            asked(&read_gradle_lock(text), text),
            ["2 pkg:maven/com.google.guava/guava@32.1.0-jre"]
        );
    }
}
