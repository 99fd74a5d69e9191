//! `diode-pack inspect`: what a bundle file claims, apart from what of it is proved.

use std::fmt::Write as _;
use std::path::Path;

use audit::escape::terminal;
use audit::storage::{OpenHow, Storage, read_outside};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::bundle::{Refusal, Statement, VerifiedHead, verify_head};
use protocol::digest::{BundleId, Digest};
use protocol::time::UnixMillis;
use protocol::trust::Trust;
use serde::Serialize;

use super::args::InspectArgs;
use super::folder_and_name;
use crate::bundle_file::{BundleFile, BundleFileError};
use crate::complaint::{Complaint, Exit};
use crate::output;
use crate::units::{count_text, local_time_text, size_text};

pub(super) fn inspect(args: &InspectArgs, now: UnixMillis) -> Result<(), Complaint> {
    let trust = match (&args.trust, &args.receiver) {
        (Some(file), Some(receiver)) => Some((read_trust(file)?, receiver.as_str())),
        _ => None,
    };
    let bundle = open(&args.file)?;
    let content = verify_content(&bundle);
    let signature = trust.map(|(trust, receiver)| {
        let verified = verify_head(bundle.head(), bundle.prefix().envelope_len, &trust, receiver, now);
        (verified, receiver.to_owned())
    });
    let seen = Seen {
        bundle: &bundle,
        content: &content,
        signature: signature.as_ref(),
        list_files: args.files,
    };
    output::print(&if args.json { seen.json()? } else { seen.text() })?;
    if let Err(error) = content {
        return Err(damaged(&args.file, error));
    }
    match signature {
        Some((Err(refusal), _)) => Err(refused(&args.file, &refusal)),
        _ => Ok(()),
    }
}

fn read_trust(file: &Path) -> Result<Trust, Complaint> {
    let unusable = |cause: &dyn std::fmt::Display| {
        Complaint::usage("the file of allowed signers can't be used").fact("cause", cause)
    };
    let bytes = read_outside(file, MAX_TRUST_LEN).map_err(|error| unusable(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| unusable(&error))?;
    Trust::parse(&text, &file.display().to_string()).map_err(|error| unusable(&error))
}

const MAX_TRUST_LEN: u64 = 4 << 20;

/// Opens and checks the bundle file at `path` but for its content.
fn open(path: &Path) -> Result<BundleFile, Complaint> {
    let (folder, name) = folder_and_name(path)?;
    let file = folder
        .open(Path::new(&name), OpenHow::Read)
        .map_err(|error| Complaint::usage("the bundle file can't be opened").fact("cause", error))?;
    BundleFile::open(file).map_err(|error| damaged(path, error))
}

fn verify_content(bundle: &BundleFile) -> Result<(), BundleFileError> {
    // Drawn on stderr, and only if that is a terminal.
    let bar = ProgressBar::new(bundle.statement().content_len);
    if let Ok(style) = ProgressStyle::with_template("checking {bar:40} {binary_bytes} of {binary_total_bytes}") {
        bar.set_style(style);
    }
    let verified = bundle.verify_all(|bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    verified
}

fn damaged(file: &Path, error: BundleFileError) -> Complaint {
    if let BundleFileError::Read(cause) = error {
        return Complaint::failed("the bundle file can't be read").fact("cause", cause);
    }
    Complaint::integrity("the bundle file is not as it was signed")
        .fact("file", file.display())
        .fact("failed", error)
        .mend("get the file again from where it was packed, and compare the bundle id")
}

fn refused(file: &Path, refusal: &Refusal) -> Complaint {
    Complaint::new(Exit::Integrity, "a receiver would refuse this bundle")
        .fact("file", file.display())
        .fact("failed", refusal)
        .fact("reason", refusal.code())
        .mend(refusal.mend())
}

/// All that was found out.
struct Seen<'a> {
    bundle: &'a BundleFile,
    content: &'a Result<(), BundleFileError>,
    /// With the receiver that it was checked as; `None` if nobody gave a trust file.
    signature: Option<&'a (Result<VerifiedHead, Refusal>, String)>,
    list_files: bool,
}

impl Seen<'_> {
    fn text(&self) -> String {
        let statement = self.bundle.statement();
        let mut text = String::new();
        line(&mut text, "bundle", self.bundle.id());
        line(&mut text, "", "");
        push_claims(&mut text, statement);
        for signature in self.bundle.envelope().signatures() {
            line(
                &mut text,
                "",
                format_args!("signed by key {}", terminal(&signature.keyid)),
            );
        }
        line(&mut text, "", "");
        line(
            &mut text,
            "proved",
            "head: envelope, index and content root fit one another",
        );
        let leaves = count_text(self.bundle.leaf_count(), "leaf", "leaves");
        let files = count_text(statement.files.len() as u64, "file", "files");
        match self.content {
            Ok(()) => line(
                &mut text,
                "",
                format_args!("content: {leaves}, {files}, each as stated"),
            ),
            Err(error) => line(
                &mut text,
                "FAILED",
                format_args!("content: {}", terminal(&error.to_string())),
            ),
        }
        self.push_signature(&mut text);
        if self.list_files {
            text.push('\n');
            for file in &statement.files {
                let mark = if file.executable { "  (executable)" } else { "" };
                let path = terminal(file.path.as_str());
                let _ = writeln!(text, "{}  {:>10}  {path}{mark}", file.sha256, size_text(file.size));
            }
        }
        text
    }

    fn push_signature(&self, text: &mut String) {
        match self.signature {
            None => line(text, "unproved", "who signed: give --trust FILE --as RECEIVER"),
            Some((Ok(verified), receiver)) => {
                for signer in verified.signers() {
                    let (who, key, at) = (terminal(&signer.principal), &signer.fingerprint, signer.trust_line);
                    line(
                        text,
                        "",
                        format_args!("signed by {who}, key {key}, allowed_signers line {at}"),
                    );
                }
                line(text, "", format_args!("good for {} now", terminal(receiver)));
            }
            Some((Err(refusal), _)) => line(text, "FAILED", terminal(&refusal.to_string())),
        }
    }

    fn json(&self) -> Result<String, Complaint> {
        let statement = self.bundle.statement();
        let keys = self
            .bundle
            .envelope()
            .signatures()
            .iter()
            .map(|signature| signature.keyid.as_str());
        let listed = |file: &'_ protocol::bundle::FileRecord| FileJson {
            path: file.path.as_str().to_owned(),
            size: file.size,
            executable: file.executable,
            sha256: file.sha256,
        };
        output::json_line(&InspectJson {
            schema: 1,
            bundle: self.bundle.id(),
            claimed: ClaimsJson {
                author: &statement.author,
                audience: &statement.audience,
                created: statement.created,
                not_after: statement.not_after,
                target: statement.target.as_deref(),
                description: statement.description.as_deref(),
                origin: &statement.origin,
                files: statement.files.len(),
                bytes: statement.content_len,
                leaf_len: statement.leaf_len,
                content_root: statement.content_root,
                keys: keys.collect(),
            },
            proved: ProofJson {
                head: true,
                content: self.content.is_ok(),
                leaves: self.bundle.leaf_count(),
                failed: self.content.as_ref().err().map(ToString::to_string),
                signature: self.signature.map(signature_json),
            },
            files: self.list_files.then(|| statement.files.iter().map(listed).collect()),
        })
    }
}

fn push_claims(text: &mut String, statement: &Statement) {
    line(text, "claimed", format_args!("author {}", terminal(&statement.author)));
    let (created, end) = (local_time_text(statement.created), local_time_text(statement.not_after));
    line(text, "", format_args!("created {created}, good until {end}"));
    line(
        text,
        "",
        format_args!("audience {}", terminal(&statement.audience.join(", "))),
    );
    if let Some(target) = &statement.target {
        line(text, "", format_args!("target {}", terminal(target)));
    }
    if let Some(description) = &statement.description {
        line(text, "", format_args!("description {}", terminal(description)));
    }
    let origin = &statement.origin;
    let mut facts = vec![format!("ai-generated {}", origin.ai_generated.name())];
    facts.extend(origin.tool.iter().map(|tool| format!("tool {}", terminal(tool))));
    facts.extend(origin.model.iter().map(|model| format!("model {}", terminal(model))));
    let state = |dirty| if dirty { " (dirty)" } else { "" };
    let state = origin.dirty.map(state).unwrap_or_default();
    facts.extend(
        origin
            .commit
            .iter()
            .map(|commit| format!("commit {}{state}", terminal(commit))),
    );
    line(text, "", format_args!("origin {}", facts.join(", ")));
    let files = count_text(statement.files.len() as u64, "file", "files");
    line(
        text,
        "",
        format_args!("contents {files}, {}", size_text(statement.content_len)),
    );
}

/// Formatting into a String can't fail.
fn line(text: &mut String, label: &str, what: impl std::fmt::Display) {
    let start = text.len();
    let _ = write!(text, "{label:<10}{what}");
    let end = text.get(start..).unwrap_or_default().trim_end().len();
    text.truncate(start + end);
    text.push('\n');
}

fn signature_json((verified, receiver): &(Result<VerifiedHead, Refusal>, String)) -> SignatureJson {
    let as_receiver = receiver.clone();
    match verified {
        Ok(head) => {
            let signer = |signer: &protocol::bundle::Signer| SignerJson {
                principal: signer.principal.clone(),
                key: signer.fingerprint.to_string(),
                trust_line: signer.trust_line,
            };
            SignatureJson {
                valid: true,
                as_receiver,
                signers: head.signers().map(signer).collect(),
                reason: None,
                detail: None,
            }
        }
        Err(refusal) => SignatureJson {
            valid: false,
            as_receiver,
            signers: Vec::new(),
            reason: Some(refusal.code()),
            detail: Some(refusal.to_string()),
        },
    }
}

#[derive(Serialize)]
struct InspectJson<'a> {
    schema: u32,
    bundle: BundleId,
    claimed: ClaimsJson<'a>,
    proved: ProofJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<FileJson>>,
}

#[derive(Serialize)]
struct ClaimsJson<'a> {
    author: &'a str,
    audience: &'a [String],
    created: UnixMillis,
    not_after: UnixMillis,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    origin: &'a protocol::bundle::Origin,
    files: usize,
    bytes: u64,
    leaf_len: u32,
    content_root: Digest,
    keys: Vec<&'a str>,
}

#[derive(Serialize)]
struct ProofJson {
    head: bool,
    content: bool,
    leaves: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureJson>,
}

#[derive(Serialize)]
struct SignatureJson {
    valid: bool,
    #[serde(rename = "as")]
    as_receiver: String,
    signers: Vec<SignerJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Serialize)]
struct SignerJson {
    principal: String,
    key: String,
    trust_line: usize,
}

#[derive(Serialize)]
struct FileJson {
    path: String,
    size: u64,
    executable: bool,
    sha256: Digest,
}
