//! Which function of a bundle a path leads to, in the file that calls it.
//!
//! ```text
//! shop/store.Products.Page ─┬─ module shop/store    a folder (Go), a file (JavaScript, Rust), a package (Java)
//!                           ├─ class Products       or none
//!                           └─ function Page
//! ```
//!
//! Always true: a path leads to one function or to none. Where several have the name, the module decides, then the folder,
//! then which folder is nearest.

use std::collections::HashMap;

use super::{Export, Modules};
use crate::facts::Language;

/// The functions of a bundle, by language and name.
pub(super) struct Directory<'a> {
    modules: &'a Modules,
    by_name: HashMap<(Language, &'a str), Vec<Place<'a>>>,
}

/// A function: its file, its position among what the file exports, and what it is called.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: usize,
    export: usize,
    path: &'a str,
    class: Option<&'a str>,
}

/// What is called, and from where.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) language: Language,
    pub(super) file: usize,
    /// The path of the calling file.
    pub(super) from: &'a str,
    /// `shop/store.Products.Page`, `./db.find`, `clean`.
    pub(super) called: &'a str,
}

impl<'a> Directory<'a> {
    pub(super) fn of(modules: &'a Modules, files: impl Iterator<Item = (usize, Language, &'a [Export])>) -> Self {
        let mut by_name: HashMap<_, Vec<Place<'a>>> = HashMap::new();
        for (file, language, exports) in files {
            for (export, exported) in exports.iter().enumerate() {
                let (class, name) = class_and_name(&exported.function.name);
                by_name.entry((language, name)).or_default().push(Place {
                    file,
                    export,
                    path: &exported.path,
                    class,
                });
            }
        }
        Self { modules, by_name }
    }

    /// The file and the position of what a call leads to, if that is in another file.
    pub(super) fn find(&self, call: Call<'_>) -> Option<(usize, usize)> {
        if call.language == Language::Python {
            return self.find_python(call);
        }
        let (before, name) = cut(call.called).unwrap_or(("", call.called));
        let mut found: Vec<Place<'_>> = self.by_name.get(&(call.language, name))?.clone();
        let before = made(before);
        let class = last_part(before);
        let of_class = found.iter().any(|place| place.class.is_some() && place.class == class);
        // `repo.Users.find`: the module is what stands before the class.
        let module = match of_class {
            true => cut(before).map_or("", |(module, _)| module),
            false => before,
        };
        found.retain(|place| match of_class {
            true => place.class == class,
            false => place.class.is_none() && may_be_alone(call.language, module),
        });
        if of_class && module.is_empty() || module.is_empty() && !is_by_folder(call.language) {
            return lone(found, call);
        }
        let fitting = found.iter().copied().filter(|place| is_of(call, module, place.path));
        let fitting: Vec<Place<'_>> = fitting.collect();
        // A class that one file alone has is that, by whatever name its module was brought in.
        match fitting.is_empty() && of_class && !module.starts_with('.') {
            true => lone(found, call),
            false => lone(fitting, call),
        }
    }

    fn find_python(&self, call: Call<'_>) -> Option<(usize, usize)> {
        let (file, name) = self.modules.resolve(call.from, call.called)?;
        let (class, function) = class_and_name(&name);
        let places = self.by_name.get(&(call.language, function))?;
        let place = places.iter().find(|place| place.file == file && place.class == class)?;
        (file != call.file).then_some((file, place.export))
    }
}

/// What `Runner.default()` and `Runner.new()` are is a `Runner`.
fn made(path: &str) -> &str {
    let makers = [
        ".new()",
        ".default()",
        ".create()",
        ".connect()",
        ".open()",
        ".with_defaults()",
    ];
    let before = makers.iter().find_map(|maker| path.strip_suffix(maker));
    let class = |before: &&str| last_part(before).is_some_and(|part| part.starts_with(char::is_uppercase));
    before.filter(class).unwrap_or(path)
}

/// The one place there is, or the one in the caller's folder, or in the one that is nearest to it.
fn lone(mut found: Vec<Place<'_>>, call: Call<'_>) -> Option<(usize, usize)> {
    if found.len() > 1 {
        let shared = |place: &Place<'_>| {
            let parts = folder(place.path).split('/').zip(folder(call.from).split('/'));
            let same = parts.take_while(|(one, other)| one == other && !one.is_empty()).count();
            (folder(place.path) == folder(call.from), same)
        };
        let nearest = found
            .iter()
            .map(shared)
            .max()
            .filter(|(beside, same)| *beside || *same > 0)?;
        found.retain(|place| shared(place) == nearest);
    }
    match found.as_slice() {
        [place] if place.file != call.file => Some((place.file, place.export)),
        _ => None,
    }
}

/// Whether functions outside of classes are called by names that all files share, or by a module that is given.
fn may_be_alone(language: Language, module: &str) -> bool {
    match language {
        Language::C | Language::Php | Language::Shell => module.is_empty(),
        Language::Go | Language::Rust => true,
        Language::JavaScript => !module.is_empty(),
        _ => false,
    }
}

/// Whether a bare name is one of the files of the same folder.
fn is_by_folder(language: Language) -> bool {
    language == Language::Go
}

/// Whether the file at `path` is in the module that a call names.
fn is_of(call: Call<'_>, module: &str, path: &str) -> bool {
    match call.language {
        Language::Go if module.is_empty() => folder(path) == folder(call.from),
        Language::Go => last(folder(path), '/') == last(module, '/'),
        Language::JavaScript => is_script(call.from, module, path),
        Language::Rust => {
            let name = last(module, '.');
            stem(path) == name || stem(path) == "mod" && last(folder(path), '/') == name
        }
        // A package is where its folders are.
        _ => ends_in(folder(path), &module.replace('.', "/")) || ends_in(stem_path(path), &module.replace('.', "/")),
    }
}

/// `./db`, `../lib/db` beside the calling file, `@/lib/db` anywhere; with or without an extension or `/index`.
fn is_script(from: &str, module: &str, path: &str) -> bool {
    let stem = stem_path(path);
    let stem = stem.strip_suffix("/index").unwrap_or(stem);
    let module = stem_of_script(module);
    if let Some(aliased) = module.strip_prefix("@/").or_else(|| module.strip_prefix("~/")) {
        return ends_in(stem, aliased);
    }
    if !module.starts_with('.') {
        return false;
    }
    let mut parts: Vec<&str> = folder(from).split('/').filter(|part| !part.is_empty()).collect();
    for part in module.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let module = parts.join("/");
    stem == module.strip_suffix("/index").unwrap_or(&module)
}

/// A module's name without `.js` and the like behind it.
fn stem_of_script(module: &str) -> &str {
    let ends = [".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx"];
    ends.iter().find_map(|end| module.strip_suffix(end)).unwrap_or(module)
}

/// `Gateway().find` is a class and a function, `find` a function.
fn class_and_name(exported: &str) -> (Option<&str>, &str) {
    match exported.split_once("().") {
        Some((class, name)) => (Some(class), name),
        None => (None, exported),
    }
}

/// What stands before the last dot of a path, and behind it. The dots of `./a` are none of those.
fn cut(path: &str) -> Option<(&str, &str)> {
    let (before, name) = path.rsplit_once('.')?;
    (!before.is_empty() && !before.ends_with(['.', '/']) && !name.contains('/')).then_some((before, name))
}

/// The last part of a path, without the brackets of a call.
fn last_part(path: &str) -> Option<&str> {
    let part = cut(path).map_or(path, |(_, part)| part);
    let part = part.strip_suffix("()").unwrap_or(part);
    (!part.is_empty() && !part.contains('/')).then_some(part)
}

fn last(text: &str, at: char) -> &str {
    text.rsplit(at).next().unwrap_or(text)
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path without its extension.
fn stem_path(path: &str) -> &str {
    let name = last(path, '/');
    let extension = name.rsplit_once('.').map_or(0, |(_, extension)| extension.len() + 1);
    path.get(..path.len() - extension).unwrap_or(path)
}

fn stem(path: &str) -> &str {
    last(stem_path(path), '/')
}

/// Whether a path ends in these folders, whole ones.
fn ends_in(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taint::flow::Exported;

    /// Files by path, each with the names of what it exports.
    fn found(language: Language, files: &[(&str, &[&str])], from: &str, called: &str) -> Option<String> {
        let exports = |(path, names): &(&str, &[&str])| {
            let export = |name: &&str| Export {
                path: (*path).to_owned(),
                function: Exported::named(name),
                ways: Vec::new(),
                passes: Vec::new(),
            };
            names.iter().map(export).collect::<Vec<_>>()
        };
        let exported: Vec<Vec<Export>> = files.iter().map(exports).collect();
        let modules = Modules::default();
        let all = exported.iter().enumerate();
        let directory = Directory::of(
            &modules,
            all.map(|(file, exports)| (file, language, exports.as_slice())),
        );
        let call = Call {
            language,
            file: usize::MAX,
            from,
            called,
        };
        let (file, export) = directory.find(call)?;
        Some(format!("{}:{}", files[file].0, files[file].1[export]))
    }

    #[test]
    fn a_function_of_c_is_known_by_its_name_if_one_file_alone_has_it() {
        let files: &[(&str, &[&str])] = &[("a/run.c", &["run"]), ("b/log.c", &["log"]), ("c/log.c", &["log"])];
        assert_eq!(
            found(Language::C, files, "web.c", "run"),
            Some("a/run.c:run".to_owned())
        );
        assert_eq!(found(Language::C, files, "web.c", "log"), None);
        assert_eq!(
            found(Language::C, files, "b/x.c", "log"),
            Some("b/log.c:log".to_owned())
        );
    }

    #[test]
    fn of_two_functions_of_one_name_the_nearest_is_meant_if_one_is_nearer() {
        let files: &[(&str, &[&str])] = &[("a/lib/log.sh", &["log"]), ("b/lib/log.sh", &["log"])];
        let found = |from| found(Language::Shell, files, from, "log");
        assert_eq!(found("a/ops/x.sh"), Some("a/lib/log.sh:log".to_owned()));
        assert_eq!(found("c/x.sh"), None);
    }

    #[test]
    fn a_function_of_go_is_in_the_folder_of_its_package() {
        let files: &[(&str, &[&str])] = &[
            ("shop/store/a.go", &["Products().Page", "Open"]),
            ("shop/web/b.go", &["Open", "open"]),
        ];
        let found = |called| found(Language::Go, files, "shop/web/c.go", called);
        assert_eq!(
            found("example.org/shop/store.Products.Page"),
            Some("shop/store/a.go:Products().Page".to_owned())
        );
        assert_eq!(
            found("example.org/shop/store.Open"),
            Some("shop/store/a.go:Open".to_owned())
        );
        assert_eq!(found("open"), Some("shop/web/b.go:open".to_owned()));
        assert_eq!(found("os.Open"), None);
    }

    #[test]
    fn a_module_of_javascript_is_beside_the_file_that_names_it() {
        let files: &[(&str, &[&str])] = &[
            ("src/db/index.ts", &["find"]),
            ("src/lib/x.service.ts", &["XService().load"]),
        ];
        let found = |called| found(Language::JavaScript, files, "src/web/a.ts", called);
        assert_eq!(found("../db.find"), Some("src/db/index.ts:find".to_owned()));
        assert_eq!(found("@/db/index.find"), None);
        assert_eq!(found("@/db.find"), Some("src/db/index.ts:find".to_owned()));
        assert_eq!(
            found("../lib/x.service.XService().load"),
            Some("src/lib/x.service.ts:XService().load".to_owned())
        );
        assert_eq!(found("lodash.find"), None);
        assert_eq!(found("find"), None);
    }

    #[test]
    fn a_class_of_java_is_known_by_its_package_or_if_it_is_the_only_one() {
        let files: &[(&str, &[&str])] = &[
            ("src/org/a/Repo.java", &["Repo().find"]),
            ("src/org/b/Repo.java", &["Repo().find"]),
            ("src/org/b/Inputs.java", &["Inputs().text"]),
        ];
        let found = |called| found(Language::Java, files, "src/org/c/Web.java", called);
        assert_eq!(
            found("org.a.Repo.find"),
            Some("src/org/a/Repo.java:Repo().find".to_owned())
        );
        assert_eq!(found("Repo.find"), None);
        assert_eq!(
            found("Inputs.text"),
            Some("src/org/b/Inputs.java:Inputs().text".to_owned())
        );
        assert_eq!(found("text"), None);
    }
}
