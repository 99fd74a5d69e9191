//! What a dotted name of Python's leads to.

use std::collections::HashMap;

use crate::content::FileEntry;

/// The modules of a bundle, by every end of their dotted names.
#[derive(Debug, Default)]
pub struct Modules {
    /// `shop.db` and `db` for `src/shop/db.py`; none for what two files could be.
    by_name: HashMap<String, Option<usize>>,
    whole: HashMap<String, usize>,
}

impl Modules {
    /// The Python modules among these files.
    #[must_use]
    pub fn of(files: &[FileEntry]) -> Self {
        let mut modules = Self::default();
        for (index, file) in files.iter().enumerate() {
            let Some(stem) = file.path.strip_suffix(".py") else {
                continue;
            };
            let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
            let name = stem.replace('/', ".");
            let mut end = name.as_str();
            loop {
                let known = modules.by_name.entry(end.to_owned()).or_insert(Some(index));
                *known = known.filter(|known| *known == index);
                match end.split_once('.') {
                    Some((_, shorter)) => end = shorter,
                    None => break,
                }
            }
            modules.whole.insert(name, index);
        }
        modules
    }

    /// The file, and what of it, that `called` is in the file at `from`: `.db.select` in `shop/bulk.py`.
    #[must_use]
    pub fn resolve(&self, from: &str, called: &str) -> Option<(usize, String)> {
        let bare = called.trim_start_matches('.');
        let up = called.len() - bare.len();
        let base = match up {
            0 => String::new(),
            _ => {
                let mut folders: Vec<&str> = from.split('/').collect();
                folders.truncate(folders.len().checked_sub(up)?);
                folders.join(".")
            }
        };
        let cuts = bare.match_indices('.').map(|(at, _)| at);
        let cuts: Vec<usize> = cuts.collect();
        cuts.into_iter().rev().find_map(|cut| {
            let (module, rest) = (&bare[..cut], &bare[cut + 1..]);
            let file = match (up, base.is_empty()) {
                (0, _) => self
                    .whole
                    .get(module)
                    .copied()
                    .or_else(|| self.by_name.get(module).copied().flatten()),
                (_, true) => self.whole.get(module).copied(),
                _ => self.whole.get(&format!("{base}.{module}")).copied(),
            };
            file.map(|file| (file, rest.to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(paths: &[&str]) -> Modules {
        let entry = |path: &&str| FileEntry {
            path: (*path).to_owned(),
            size: 0,
            executable: false,
            sha256: None,
        };
        Modules::of(&paths.iter().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_leads_to_the_one_file_that_it_can_be() {
        let modules = modules(&["src/shop/db.py", "src/shop/__init__.py", "other/db.py"]);
        let resolved = |called| modules.resolve("src/app.py", called);
        assert_eq!(resolved("shop.db.select"), Some((0, "select".to_owned())));
        assert_eq!(resolved("shop.A().m"), Some((1, "A().m".to_owned())));
        assert_eq!(resolved("db.select"), None);
        assert_eq!(resolved("os.system"), None);
    }

    #[test]
    fn a_relative_name_is_below_the_folder_of_the_file() {
        let modules = modules(&["shop/db.py", "shop/api/views.py", "db.py"]);
        assert_eq!(
            modules.resolve("shop/api/views.py", "..db.select"),
            Some((0, "select".to_owned()))
        );
        assert_eq!(
            modules.resolve("shop/bulk.py", ".db.select"),
            Some((0, "select".to_owned()))
        );
        assert_eq!(modules.resolve("a.py", ".db.select"), Some((2, "select".to_owned())));
        assert_eq!(modules.resolve("a.py", "....db.select"), None);
    }
}
