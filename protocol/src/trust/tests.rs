//! What a file of signers may say, and what a key may then do.

use super::*;
use crate::keys::SigningKey;

fn key(seed: u8) -> PublicKey {
    SigningKey::from_seed([seed; 32]).public()
}

fn ssh(seed: u8) -> String {
    key(seed).to_openssh("")
}

fn trust(text: &str) -> Trust {
    Trust::parse(text, "allowed_signers").unwrap()
}

fn fault(text: &str) -> TrustFault {
    Trust::parse(text, "allowed_signers").unwrap_err().fault
}

fn at(text: &str) -> UnixMillis {
    UnixMillis::from_rfc3339(text).unwrap()
}

const NOW: UnixMillis = UnixMillis(1_795_340_467_000);

#[test]
fn a_plain_line_names_its_key_and_principal() {
    let trust = trust(&format!("alice@lab {} a comment\n", ssh(1)));
    let found = trust.find(&key(1).fingerprint(), Role::Author, NOW).unwrap();
    assert_eq!(
        (found.line, found.principals.as_str(), found.public),
        (1, "alice@lab", key(1))
    );
}

#[test]
fn comments_and_blank_lines_count_as_lines() {
    let trust = trust(&format!("# who signs\n\n  \t# indented\n\talice@lab \t {}", ssh(1)));
    assert_eq!(trust.keys().map(|key| key.line).collect::<Vec<_>>(), [4]);
}

#[test]
fn line_ends_of_windows_are_taken() {
    let trust = trust(&format!("a@lab {}\r\nb@lab {}\r\n", ssh(1), ssh(2)));
    assert_eq!(trust.keys().len(), 2);
}

#[test]
fn an_empty_file_trusts_nobody() {
    let found = trust("")
        .find(&key(1).fingerprint(), Role::Author, NOW)
        .map(|key| key.line);
    assert_eq!(found, Err(TrustLookup::Unknown));
}

#[test]
fn a_line_without_namespaces_is_for_bundles_only() {
    let trust = trust(&format!("alice@lab {}", ssh(1)));
    let roles = Role::ALL.map(|role| trust.find(&key(1).fingerprint(), role, NOW).is_ok());
    assert_eq!(roles, [true, false, false, false]);
}

#[test]
fn a_line_with_namespaces_is_for_those_only() {
    let trust = trust(&format!("a namespaces=\"diode-approve,diode-decision\" {}", ssh(1)));
    let roles = Role::ALL.map(|role| trust.find(&key(1).fingerprint(), role, NOW).is_ok());
    assert_eq!(roles, [false, true, false, true]);
}

#[test]
fn a_namespace_pattern_gives_every_role_that_it_matches() {
    let trust = trust(&format!("a namespaces=\"diode-*,!diode-update\" {}", ssh(1)));
    let roles = Role::ALL.map(|role| trust.find(&key(1).fingerprint(), role, NOW).is_ok());
    assert_eq!(roles, [true, true, false, true]);
}

#[test]
fn a_namespace_of_something_else_gives_no_role() {
    let trust = trust(&format!("a namespaces=\"git\" {}", ssh(1)));
    let found = trust.find(&key(1).fingerprint(), Role::Author, NOW).map(|key| key.line);
    assert_eq!(
        found,
        Err(TrustLookup::OtherRole {
            line: 1,
            role: Role::Author
        })
    );
}

#[test]
fn option_names_are_read_in_any_case() {
    let trust = trust(&format!("a NameSpaces=\"diode-update\" {}", ssh(1)));
    assert!(trust.find(&key(1).fingerprint(), Role::Update, NOW).is_ok());
}

#[test]
fn quoted_principals_may_hold_a_blank() {
    let trust = trust(&format!("\"alice smith,bob\" {}", ssh(1)));
    assert!(trust.keys().all(|key| key.principals.matches("alice smith")));
}

#[test]
fn a_key_counts_from_valid_after_on() {
    let trust = trust(&format!("a valid-after=\"20260102\" {}", ssh(1)));
    let from = at("2026-01-02T00:00:00Z");
    let find = |at| trust.find(&key(1).fingerprint(), Role::Author, at).map(|key| key.line);
    assert_eq!(find(from), Ok(1));
    assert_eq!(
        find(UnixMillis(from.0 - 1)),
        Err(TrustLookup::NotYetValid { line: 1, from })
    );
}

#[test]
fn a_key_counts_up_to_valid_before() {
    let trust = trust(&format!("a valid-before=\"202601020304Z\" {}", ssh(1)));
    let until = at("2026-01-02T03:04:00Z");
    let find = |at| trust.find(&key(1).fingerprint(), Role::Author, at).map(|key| key.line);
    assert_eq!(find(until), Ok(1));
    assert_eq!(find(until.plus_millis(1)), Err(TrustLookup::Expired { line: 1, until }));
}

#[test]
fn each_form_of_a_time_is_utc() {
    for (text, expected) in [
        ("20260102", "2026-01-02T00:00:00Z"),
        ("20260102Z", "2026-01-02T00:00:00Z"),
        ("202601020304", "2026-01-02T03:04:00Z"),
        ("20260102030405", "2026-01-02T03:04:05Z"),
        ("20260102030405Z", "2026-01-02T03:04:05Z"),
    ] {
        let trust = trust(&format!("a valid-after=\"{text}\" {}", ssh(1)));
        assert_eq!(trust.keys().next().unwrap().valid_after, Some(at(expected)), "{text}");
    }
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "Z",
        "2026",
        "20261301",
        "20260230",
        "2026010",
        "2026010203",
        "+2026010",
        "20260102T",
        "19691231",
    ] {
        let found = fault(&format!("a valid-after=\"{text}\" {}", ssh(1)));
        assert!(
            matches!(
                found,
                TrustFault::Time {
                    name: "valid-after",
                    ..
                }
            ),
            "{text}: {found}"
        );
    }
}

#[test]
fn a_window_that_ends_as_it_begins_is_refused() {
    let options = "valid-after=\"20260102\",valid-before=\"20260102\"";
    assert_eq!(fault(&format!("a {options} {}", ssh(1))), TrustFault::Window);
}

#[test]
fn the_first_line_that_fits_is_found() {
    let lines = [
        format!("old valid-before=\"20200101\" {}", ssh(1)),
        format!("alice {}", ssh(1)),
        format!("again {}", ssh(1)),
        format!("approver namespaces=\"diode-approve\" {}", ssh(1)),
    ];
    let trust = trust(&lines.join("\n"));
    let line = |role| trust.find(&key(1).fingerprint(), role, NOW).map(|key| key.line);
    assert_eq!((line(Role::Author), line(Role::Approver)), (Ok(2), Ok(4)));
}

#[test]
fn every_line_that_fits_is_listed() {
    let trust = trust(&format!(
        "alice {0}\nbob {0}\nc namespaces=\"git\" {0}\nd {1}",
        ssh(1),
        ssh(2)
    ));
    let fitting = trust.fitting(key(1).fingerprint(), Role::Author, NOW);
    assert_eq!(fitting.map(|key| key.line).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_lookup_that_fails_tells_of_the_line_that_came_nearest() {
    let lines = format!("a namespaces=\"git\" {0}\na valid-before=\"20200101\" {0}", ssh(1));
    let found = trust(&lines)
        .find(&key(1).fingerprint(), Role::Author, NOW)
        .map(|key| key.line);
    assert!(matches!(found, Err(TrustLookup::Expired { line: 2, .. })), "{found:?}");
}

#[test]
fn an_error_names_file_line_and_mend() {
    let error = Trust::parse(&format!("a {}\nb ssh-rsa AAAAB3Nz", ssh(1)), "/etc/x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "/etc/x, line 2: the key is ssh-rsa, and only ssh-ed25519 is used here"
    );
    assert_eq!(
        error.mend(),
        "have the signer make an Ed25519 key (ssh-keygen -t ed25519); then correct line 2 of /etc/x"
    );
}

#[test]
fn a_certificate_authority_is_refused_in_any_case_and_place() {
    for options in ["cert-authority", "CERT-authority", "namespaces=\"git\",cert-authority"] {
        assert_eq!(fault(&format!("*@lab {options} {}", ssh(1))), TrustFault::CertAuthority);
    }
}

#[test]
fn another_key_type_is_refused_by_its_name() {
    for key_type in [
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "sk-ssh-ed25519@openssh.com",
        "ssh-ed25519-cert-v01@openssh.com",
    ] {
        let expected = TrustFault::KeyType {
            key_type: key_type.to_owned(),
        };
        assert_eq!(fault(&format!("a {key_type} AAAA")), expected);
    }
}

#[test]
fn a_line_without_a_key_is_refused() {
    for text in [
        "alice@lab",
        "alice@lab ",
        "\"alice\"",
        "a ssh-ed25519",
        "a namespaces=\"x\"",
    ] {
        assert_eq!(fault(text), TrustFault::NoKey, "{text}");
    }
}

#[test]
fn a_damaged_key_is_refused() {
    let damaged = ssh(1).replace("AAAAC3", "AAAAC4");
    assert!(matches!(
        fault(&format!("a {damaged}")),
        TrustFault::Key(_) | TrustFault::KeyType { .. }
    ));
}

#[test]
fn an_option_that_does_not_exist_is_refused() {
    for options in [
        "no-touch-required",
        "namespace=\"x\"",
        "namespaces=\"x\"y",
        "namespaces=\"x\",",
    ] {
        let found = fault(&format!("a {options} {}", ssh(1)));
        assert!(matches!(found, TrustFault::UnknownOption { .. }), "{options}: {found}");
    }
}

#[test]
fn an_option_given_twice_is_refused() {
    for name in ["namespaces", "valid-after", "valid-before"] {
        let options = format!("{name}=\"20260101\",{name}=\"20260101\"");
        assert_eq!(
            fault(&format!("a {options} {}", ssh(1))),
            TrustFault::OptionTwice { name }
        );
    }
}

#[test]
fn an_option_without_quotes_or_value_is_refused() {
    for options in [
        "namespaces=diode-bundle",
        "namespaces",
        "namespaces=\"\"",
        "namespaces=\"a,,b\"",
    ] {
        let found = fault(&format!("a {options} {}", ssh(1)));
        assert_eq!(found, TrustFault::OptionValue { name: "namespaces" }, "{options}");
    }
}

#[test]
fn a_quote_that_is_not_closed_is_refused() {
    for start in ["\"alice", "a namespaces=\"x", "a namespaces=\"x\\\""] {
        assert_eq!(fault(&format!("{start} {}", ssh(1))), TrustFault::OpenQuote, "{start}");
    }
}

#[test]
fn principals_that_could_never_match_are_refused() {
    for principals in [
        "a,",
        ",a",
        "a,,b",
        "a\"b",
        "\"a\"b",
        "\u{FEFF}alice",
        "\" a\"",
        "\"\"",
        "!",
    ] {
        let found = fault(&format!("{principals} {}", ssh(1)));
        assert!(
            matches!(found, TrustFault::Principals { .. }),
            "{principals:?}: {found}"
        );
    }
}

#[test]
fn a_formatted_line_reads_back() {
    for (principal, role) in [
        ("mallory@lab", Role::Author),
        ("two words", Role::Reviewer),
        ("#1,*@x", Role::Update),
    ] {
        let line = Trust::format_line(principal, role, &key(3), "their desk").unwrap();
        let trust = trust(&line);
        let found = trust.find(&key(3).fingerprint(), role, NOW).unwrap();
        assert_eq!(found.principals.as_str(), principal);
    }
}

#[test]
fn a_formatted_line_gives_one_role_only() {
    let trust = trust(&Trust::format_line("a", Role::Approver, &key(3), "").unwrap());
    let roles = Role::ALL.map(|role| trust.find(&key(3).fingerprint(), role, NOW).is_ok());
    assert_eq!(roles, [false, true, false, false]);
}

#[test]
fn a_principal_or_comment_that_would_start_another_line_is_not_formatted() {
    let evil = "a\nmallory@lab";
    assert!(Trust::format_line(evil, Role::Author, &key(3), "").is_err());
    assert_eq!(
        Trust::format_line("a", Role::Author, &key(3), evil),
        Err(TrustFault::Comment)
    );
}

#[test]
fn a_role_reads_back_from_its_name_and_from_its_namespace() {
    for role in Role::ALL {
        assert_eq!((role.name().parse(), role.namespace().parse()), (Ok(role), Ok(role)));
    }
    assert_eq!("log".parse::<Role>(), Err(RoleError));
}
