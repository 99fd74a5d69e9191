//! A scan of ten thousand files while workers are killed at random, and others lie, write, open files and outlive their
//! time: every file has an outcome, nothing that is said was not so without, and no verdict is better.
//!
//! ```text
//! Scanner ─▶ sast ─▶ Faulty: by seed, file and try ─┬─▶ WorkerPool, honest  ──┐
//!                        │                          ├─▶ WorkerPool, hostile ──┼─▶ the spawner's workers
//!                        └── now and then ─▶ killer: a worker, at random ──────┘
//! ```
//! Which worker dies in what it is doing is chance; what must hold holds of every chance.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use diode_scanner::engine::{Engine, FingerprintKey, Outcome};
use diode_scanner::facts::Language;
use diode_scanner::isolation::hostile::{Act, HostileLower};
use diode_scanner::isolation::{Allowance, Spawner, WorkerPool};
use diode_scanner::structure::Structure;
use diode_scanner::taint::engine::Sast;
use diode_scanner::taint::lower::{LowerFault, Lowered, Lowerer, Lowering};
use diode_scanner::{Finding, Memory, Policy, Report, Scanner};

use crate::processes::{children_of, kill};
use crate::{SHORT, patient, pool};

/// Files of a scan.
const FILES: usize = 10_000;
/// Scans under faults; `DIODE_SCAN_SEEDS` asks for more.
const SEEDS: u64 = 2;
/// One question in so many is answered by a hostile worker, and one in so many kills some worker.
const HOSTILE: u64 = 25;
const KILLED: u64 = 40;
/// What hostile workers do. Those that are late take as long as they are given.
const ACTS: [Act; 20] = [
    Act::ForgeId,
    Act::ForgeSpan,
    Act::ForgeLoop,
    Act::OtherFile,
    Act::Lie,
    Act::WrongJob,
    Act::Garbage,
    Act::HugeLength,
    Act::RefuseAndAnswer,
    Act::Refuse,
    Act::Twice,
    Act::WriteFile,
    Act::WriteInPlace,
    Act::OpenFile,
    Act::ListFolder,
    Act::Connect,
    Act::Exec,
    Act::Abort,
    Act::Exit,
    Act::Outlive,
];
/// In the files that crash the parser, and those that it never comes to the end of.
const CRASHES: &str = "the parser falls over this";
const LINGERS: &str = "the parser lingers over this";

#[test]
fn ten_thousand_files_under_faults_have_outcomes_and_no_better_verdict() {
    let seeds = std::env::var("DIODE_SCAN_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let content = content(FILES);
    let Some(without) = scan(&content, Faults::none()) else {
        return;
    };
    // Else there would be nothing to lose.
    assert!(without.counts.total() as usize > FILES / 4, "{:?}", without.counts);
    assert!(ended(&without, Outcome::Crashed) > 0 && ended(&without, Outcome::TimedOut) > 0);
    for seed in 1..=seeds {
        let with = scan(&content, Faults::of(seed)).unwrap();
        compare(&without, &with, seed);
        let lost = ended(&with, Outcome::Crashed);
        assert!(
            lost > FILES / 100,
            "seed {seed}: {lost} crashed, so faults did not happen"
        );
        assert!(
            ended(&with, Outcome::Scanned) > FILES / 2,
            "seed {seed}: {lost} crashed"
        );
    }
}

#[test]
fn files_behind_those_that_cost_a_bundle_its_time_have_outcomes_and_no_better_verdict() {
    let content = content(400);
    let Some(without) = scan(&content, Faults::none()) else {
        return;
    };
    let with = scan(
        &content,
        Faults {
            lost: Some(SHORT),
            ..Faults::of(4)
        },
    )
    .unwrap();
    compare(&without, &with, 4);
    assert!(ended(&with, Outcome::TimedOut) > ended(&without, Outcome::TimedOut));
}

#[test]
fn files_behind_the_end_of_the_spawner_have_outcomes_and_no_better_verdict() {
    let content = content(400);
    let Some(without) = scan(&content, Faults::none()) else {
        return;
    };
    let with = scan(
        &content,
        Faults {
            spawner_ends_at: Some(100),
            ..Faults::of(5)
        },
    )
    .unwrap();
    compare(&without, &with, 5);
    assert!(ended(&with, Outcome::Crashed) > 100);
}

/// What is to go wrong.
#[derive(Debug, Clone, Copy)]
struct Faults {
    /// `None`: nothing but what the files do.
    seed: Option<u64>,
    /// Time that late and crashed files may cost, if that is to run out.
    lost: Option<std::time::Duration>,
    /// The question at which the spawner is killed.
    spawner_ends_at: Option<u32>,
}

impl Faults {
    fn none() -> Self {
        Self {
            seed: None,
            lost: None,
            spawner_ends_at: None,
        }
    }

    fn of(seed: u64) -> Self {
        Self {
            seed: Some(seed),
            ..Self::none()
        }
    }
}

/// Asks workers of which some are hostile, and has some killed.
struct Faulty {
    faults: Faults,
    honest: WorkerPool,
    late: WorkerPool,
    spawner: Arc<Spawner>,
    /// How often each file was asked about.
    tries: Mutex<HashMap<u64, u32>>,
    asked: AtomicU32,
    killer: Mutex<Sender<u64>>,
}

impl Lowerer for Faulty {
    fn lower(&self, language: Language, source: &[u8]) -> Result<Lowered, LowerFault> {
        if self.faults.spawner_ends_at == Some(self.asked.fetch_add(1, Ordering::Relaxed)) {
            kill(self.spawner.process_id());
        }
        let chance = self.chance(source);
        let says = |what: &str| source.windows(what.len()).any(|part| part == what.as_bytes());
        let act = match self.faults.seed {
            _ if says(CRASHES) => Some(Act::Abort),
            _ if says(LINGERS) => Some(Act::Outlive),
            Some(_) if chance.is_multiple_of(HOSTILE) => {
                Some(ACTS[usize::try_from(chance / HOSTILE).unwrap() % ACTS.len()])
            }
            _ => None,
        };
        if self.faults.seed.is_some() && (chance >> 32).is_multiple_of(KILLED) {
            self.killer.lock().unwrap().send(chance).unwrap();
        }
        match act {
            None => self.honest.lower(language, source),
            Some(act @ Act::Outlive) => Ok(self.late.ask(&HostileLower(act, language), source)?),
            Some(act) => Ok(self.honest.ask(&HostileLower(act, language), source)?),
        }
    }
}

impl Faulty {
    /// The same for the same seed, file and try, whichever thread comes first.
    fn chance(&self, source: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        source.hash(&mut hasher);
        let mut tries = self.tries.lock().unwrap();
        let tried = tries.entry(hasher.finish()).or_default();
        (self.faults.seed, *tried).hash(&mut hasher);
        *tried += 1;
        hasher.finish()
    }
}

/// Makes a [`Faulty`] for the one bundle.
struct FaultyOnce(Mutex<Option<Faulty>>);

impl Lowering for FaultyOnce {
    fn begin(&self) -> Box<dyn Lowerer> {
        Box::new(self.0.lock().unwrap().take().unwrap())
    }
}

/// Scans, with these faults; `None` where no worker can be confined.
fn scan(content: &Memory, faults: Faults) -> Option<Report> {
    let allowance = Allowance {
        lost: faults.lost.unwrap_or(patient().lost),
        ..patient()
    };
    let (spawner, honest) = pool(allowance)?;
    let hard = SHORT;
    let late = WorkerPool::new(Arc::clone(&spawner), Allowance { hard, ..allowance });
    let (killer, orders) = channel::<u64>();
    let faulty = Faulty {
        faults,
        honest,
        late,
        spawner: Arc::clone(&spawner),
        tries: Mutex::default(),
        asked: AtomicU32::new(0),
        killer: Mutex::new(killer),
    };
    let lowering = Arc::new(FaultyOnce(Mutex::new(Some(faulty))));
    let engines: Vec<Box<dyn Engine>> = vec![Box::new(Structure), Box::new(Sast::built_in(lowering).unwrap())];
    let scanner = Scanner::with_engines(engines, FingerprintKey::new([7; 32])).with_workers(4);
    let of_spawner = spawner.process_id();
    let report = thread::scope(|scope| {
        scope.spawn(move || {
            for chance in orders {
                let workers = children_of(of_spawner);
                let one = usize::try_from(chance >> 40).unwrap() % workers.len().max(1);
                workers.get(one).copied().into_iter().for_each(kill);
            }
        });
        scanner.scan(content, &mut |_| ())
    });
    assert!(children_of(of_spawner).is_empty(), "a worker outlived its bundle");
    Some(report)
}

/// What must hold of a scan under faults, beside one without.
fn compare(without: &Report, with: &Report, seed: u64) {
    assert_eq!(with.files.len(), without.files.len());
    let mut unseen = BTreeSet::new();
    for (before, after) in without.files.iter().zip(&with.files) {
        assert_eq!(before.path, after.path);
        let engines = |outcomes: &BTreeMap<String, Outcome>| outcomes.keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            engines(&before.outcomes),
            engines(&after.outcomes),
            "seed {seed}: {}",
            before.path.raw()
        );
        assert_eq!(before.outcomes["structure"], after.outcomes["structure"]);
        if after
            .outcomes
            .get("sast")
            .is_some_and(|outcome| *outcome != Outcome::Scanned)
        {
            unseen.insert(after.path.raw());
        }
    }
    let (before, after) = (found(without), found(with));
    for (what, finding) in &before {
        let mut places = finding
            .way
            .iter()
            .filter_map(|step| step.path.as_ref())
            .chain([&finding.path]);
        assert!(
            after.contains_key(what) || places.any(|path| unseen.contains(path.raw())),
            "seed {seed}: lost, and nobody says so: {what:?}"
        );
    }
    let made_up: Vec<_> = after.keys().filter(|what| !before.contains_key(*what)).collect();
    assert!(made_up.is_empty(), "seed {seed}: {made_up:?}");
    let policy = policy();
    assert!(policy.judge(with).verdict() >= policy.judge(without).verdict());
    let (before, after) = (by_package(without), by_package(with));
    for (package, report) in &before {
        let (before, after) = (policy.judge(report), policy.judge(&after[package]));
        assert!(
            after.verdict() >= before.verdict(),
            "seed {seed}: {package} was {:?}, and is {:?}",
            before.reasons(),
            after.reasons()
        );
    }
}

/// The default policy, as far as it speaks of the engines that take part: they alone have workers.
fn policy() -> Policy {
    let all = r#"all = ["structure", "secrets", "malware"]"#;
    let text = r#"text = ["agents", "compliance"]"#;
    let default = Policy::default_text();
    assert!(default.contains(all) && default.contains(text));
    let own = default.replace(all, r#"all = ["structure"]"#).replace(text, "");
    Policy::parse(&own, "policy").unwrap()
}

fn ended(report: &Report, outcome: Outcome) -> usize {
    let ended = |file: &&diode_scanner::report::FileReport| file.outcomes.get("sast") == Some(&outcome);
    report.files.iter().filter(ended).count()
}

/// The findings, by what they are.
fn found(report: &Report) -> BTreeMap<(&str, &str, Option<u64>), &Finding> {
    let findings = report.findings.iter();
    findings
        .map(|finding| ((finding.path.raw(), finding.rule.as_str(), finding.line), finding))
        .collect()
}

/// Each folder as if it were a bundle of its own.
fn by_package(report: &Report) -> BTreeMap<String, Report> {
    let mut packages = BTreeMap::new();
    let package = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    let empty = || Report {
        files: Vec::new(),
        findings: Vec::new(),
        counts: Default::default(),
        counts_in_tests: Default::default(),
        engines: Vec::new(),
        integrity: Vec::new(),
        dependencies: None,
        ..report.clone()
    };
    let empty = empty();
    for file in &report.files {
        let own = packages
            .entry(package(file.path.raw()))
            .or_insert_with(|| empty.clone());
        own.files.push(file.clone());
    }
    for finding in &report.findings {
        let own = packages.get_mut(&package(finding.path.raw())).unwrap();
        match finding.severity.name() {
            "critical" => own.counts.critical += 1,
            "high" => own.counts.high += 1,
            "medium" => own.counts.medium += 1,
            _ => own.counts.low += 1,
        }
        own.findings.push(finding.clone());
    }
    packages
}

/// So many files in packages of a few: weak ones, sound ones, ones that say nothing, ones that call each other, and some
/// that the parser falls over.
fn content(files: usize) -> Memory {
    let mut content = Memory::new();
    let mut package = 0;
    while content_len(&content) < files {
        let own = package_of(package);
        package += 1;
        let room = files - content_len(&content);
        for (name, text) in own.into_iter().take(room) {
            content = content.with(&format!("p{package}/{name}"), text);
        }
    }
    content
}

fn content_len(content: &Memory) -> usize {
    use diode_scanner::Content;
    content.files().len()
}

fn package_of(number: usize) -> Vec<(String, String)> {
    let (name, weak, sound) = LANGUAGES[number % LANGUAGES.len()];
    // A number of its own, so that no two files are the same.
    let own = |text: &str| text.replace("NUMBER", &format!("n{number}"));
    let mut files = vec![
        (name.replace('*', "weak"), own(weak)),
        (name.replace('*', "sound"), own(sound)),
    ];
    match number % 11 {
        0 => files.push(("fine.py".to_owned(), own("def NUMBER(a):\n    return a + 1\n"))),
        1..=4 => {
            files.push(("__init__.py".to_owned(), String::new()));
            files.push(("store.py".to_owned(), own(STORE)));
            files.push(("views.py".to_owned(), own(VIEWS)));
        }
        5 if number.is_multiple_of(7) => files.push(("deep.js".to_owned(), own(&deep()))),
        6 if number.is_multiple_of(5) => files.push((
            name.replace('*', "crash"),
            format!("{}\n{}", own(weak), said(name, CRASHES)),
        )),
        7 if number.is_multiple_of(97) => files.push((
            name.replace('*', "late"),
            format!("{}\n{}", own(weak), said(name, LINGERS)),
        )),
        _ => {}
    }
    files
}

/// A comment, by a file's name.
fn said(name: &str, what: &str) -> String {
    let mark = if name.ends_with(".py") || name.ends_with(".sh") {
        "#"
    } else {
        "//"
    };
    format!("{mark} {what}\n")
}

/// Deeper than is followed.
fn deep() -> String {
    format!("eval(NUMBER + {}1{});\n", "f(".repeat(400), ")".repeat(400))
}

const STORE: &str = "def NUMBER(db, name):\n    db.execute(\"SELECT * FROM t WHERE n = '\" + name + \"'\")\n";
const VIEWS: &str =
    "from flask import request\nfrom .store import NUMBER\n\ndef view(db):\n    return NUMBER(db, request.args['n'])\n";
const LANGUAGES: [(&str, &str, &str); 10] = [
    (
        "*.py",
        "from flask import request\ndef NUMBER(db):\n    db.execute(\"SELECT * FROM t WHERE n = '\" + request.args[\"n\"] + \"'\")\n",
        "from flask import request\ndef NUMBER(db):\n    db.execute(\"SELECT * FROM t WHERE n = ?\", (request.args[\"n\"],))\n",
    ),
    (
        "*.js",
        "app.get('/NUMBER', async (req, res) => { await db.query(\"SELECT * FROM t WHERE n = '\" + req.query.n + \"'\"); });\n",
        "app.get('/NUMBER', async (req, res) => { await db.query('SELECT * FROM t WHERE n = ?', [req.query.n]); });\n",
    ),
    (
        "*.ts",
        "export const NUMBER = async (req: Request, res: Response) => { await db.query(`SELECT * FROM t WHERE n = '${req.query.n}'`); };\n",
        "export const NUMBER = async (req: Request, res: Response) => { await db.query('SELECT * FROM t WHERE n = ?', [req.query.n]); };\n",
    ),
    (
        "*.java",
        "class NUMBER { void f(HttpServletRequest r, Statement st) throws Exception { st.executeQuery(\"SELECT * FROM t WHERE n = '\" + r.getParameter(\"n\") + \"'\"); } }\n",
        "class NUMBER { void f(Statement st) throws Exception { st.executeQuery(\"SELECT * FROM t\"); } }\n",
    ),
    (
        "*.php",
        "<?php\nfunction NUMBER(PDO $db) { return $db->query(\"SELECT * FROM t WHERE n = '\" . $_GET['n'] . \"'\"); }\n",
        "<?php\nfunction NUMBER(PDO $db) { return $db->query('SELECT * FROM t'); }\n",
    ),
    (
        "*.go",
        "package a\nimport (\"database/sql\"; \"net/http\")\nfunc NUMBER(db *sql.DB, r *http.Request) { db.Query(\"SELECT * FROM t WHERE n = '\" + r.FormValue(\"n\") + \"'\") }\n",
        "package a\nimport \"database/sql\"\nfunc NUMBER(db *sql.DB) { db.Query(\"SELECT * FROM t\") }\n",
    ),
    (
        "*.c",
        "void NUMBER(int fd) {\n    char host[64], line[128];\n    recv(fd, host, sizeof host - 1, 0);\n    snprintf(line, sizeof line, \"ping -c 1 %s\", host);\n    system(line);\n}\n",
        "void NUMBER(void) {\n    system(\"ls\");\n}\n",
    ),
    (
        "*.cpp",
        "int NUMBER() {\n    const std::string q = std::getenv(\"QUERY_STRING\");\n    const std::string line = \"ls \" + q;\n    return std::system(line.c_str());\n}\n",
        "int NUMBER() {\n    return std::system(\"ls\");\n}\n",
    ),
    (
        "*.rs",
        "use axum::extract::Query;\nasync fn NUMBER(Query(q): Query<Find>, db: &PgPool) { sqlx::query(&format!(\"SELECT * FROM t WHERE n = '{}'\", q.name)).fetch_all(db).await; }\n",
        "async fn NUMBER(db: &PgPool) { sqlx::query(\"SELECT * FROM t\").fetch_all(db).await; }\n",
    ),
    (
        "*.sh",
        "# NUMBER\neval \"ls $QUERY_STRING\"\n",
        "# NUMBER\neval \"ls\"\n",
    ),
];
