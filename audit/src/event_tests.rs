//! The entry's JSON: its shape is what other programs and old logs rely on.

use super::*;
use proptest::prelude::*;

fn time() -> UnixMillis {
    UnixMillis(1_795_340_467_000)
}

/// An event with every field set.
fn full() -> Event {
    Event {
        link: Some("a".into()),
        epoch: Some(3),
        epoch_id: Some("00112233aabbccdd".into()),
        seq: Some(41),
        seq_last: Some(43),
        session: Some("8899aabbccddeeff".into()),
        bundle: Some(BundleId(Digest([0x3f; 32]))),
        signer: Some("alice@lab".into()),
        key: Some("SHA256:x".into()),
        state: Some(State::Held),
        verdict: Some(Verdict::Review),
        reason: Some("untrusted-signer".into()),
        detail: Some("text".into()),
        bytes: Some(1),
        file_bytes: Some(9),
        files: Some(2),
        findings: Some(FindingCounts {
            critical: 0,
            high: 1,
            medium: 2,
            low: 3,
        }),
        duration_ms: Some(3),
        blocks: Some(4),
        blocks_missing: Some(5),
        loss_ppm: Some(6),
        report: Some(Digest([1; 32])),
        policy: Some(Digest([2; 32])),
        rules: Some(Digest([3; 32])),
        actor: Some("root".into()),
        path: Some("a/b".into()),
        ..Event::new(EventKind::BundleAdmitted, time())
    }
}

#[test]
fn an_entry_starts_with_the_schema_and_leaves_out_what_does_not_apply() {
    let entry = Event {
        seq: Some(41),
        ..Event::new(EventKind::BundleAdmitted, time())
    }
    .to_entry();
    assert_eq!(
        String::from_utf8(entry).unwrap(),
        r#"{"schema":1,"time":"2026-11-22T09:41:07.000Z","event":"bundle.admitted","seq":41}"#
    );
}

#[test]
fn the_full_entry_is_the_documented_one() {
    let expected = format!(
        concat!(
            r#"{{"schema":1,"time":"2026-11-22T09:41:07.000Z","event":"bundle.admitted","link":"a","epoch":3,"#,
            r#""epoch_id":"00112233aabbccdd","seq":41,"seq_last":43,"session":"8899aabbccddeeff","bundle":"{}","signer":"alice@lab","#,
            r#""key":"SHA256:x","state":"held","verdict":"review","reason":"untrusted-signer","detail":"text","bytes":1,"file_bytes":9,"files":2,"#,
            r#""findings":{{"critical":0,"high":1,"medium":2,"low":3}},"duration_ms":3,"blocks":4,"blocks_missing":5,"loss_ppm":6,"#,
            r#""report":"{}","policy":"{}","rules":"{}","actor":"root","path":"a/b"}}"#
        ),
        "3f".repeat(32),
        "01".repeat(32),
        "02".repeat(32),
        "03".repeat(32)
    );
    assert_eq!(String::from_utf8(full().to_entry()).unwrap(), expected);
}

#[test]
fn a_full_entry_reads_back() {
    assert_eq!(Event::parse(&full().to_entry()).unwrap(), full());
}

#[test]
fn a_field_that_is_not_known_is_skipped() {
    let entry = br#"{"schema":1,"time":"2026-11-22T09:41:07Z","event":"link.up","later":{"a":[1]}}"#;
    assert_eq!(Event::parse(entry).unwrap(), Event::new(EventKind::LinkUp, time()));
}

#[test]
fn an_event_or_schema_that_is_not_known_is_an_error() {
    let later = br#"{"schema":1,"time":"2026-11-22T09:41:07Z","event":"bundle.revoked"}"#;
    assert!(Event::parse(later).unwrap_err().to_string().contains("bundle.revoked"));
    let other = br#"{"schema":2,"time":"2026-11-22T09:41:07Z","event":"link.up"}"#;
    assert!(Event::parse(other).unwrap_err().to_string().contains("schema 2"));
}

#[test]
fn every_kind_is_written_by_its_name() {
    for kind in EventKind::ALL {
        assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
    }
}

#[test]
fn a_long_detail_is_cut_with_a_visible_mark() {
    let event = Event {
        detail: Some("x".repeat(40_000)),
        ..full()
    };
    let entry = event.to_entry();
    assert!(
        entry.len() <= MAX_ENTRY_LEN && entry.len() > MAX_ENTRY_LEN - 60,
        "{}",
        entry.len()
    );
    let detail = Event::parse(&entry).unwrap().detail.unwrap();
    assert!(detail.ends_with(" bytes cut]"), "{}", &detail[detail.len() - 40..]);
    assert!(detail.starts_with("xxx"));
}

#[test]
fn a_detail_that_just_fits_is_whole() {
    let room = MAX_ENTRY_LEN
        - Event {
            detail: Some(String::new()),
            ..full()
        }
        .to_entry()
        .len();
    let fits = Event {
        detail: Some("x".repeat(room)),
        ..full()
    };
    assert_eq!(Event::parse(&fits.to_entry()).unwrap(), fits);
    let over = Event {
        detail: Some("x".repeat(room + 1)),
        ..full()
    };
    assert!(
        Event::parse(&over.to_entry())
            .unwrap()
            .detail
            .unwrap()
            .ends_with("cut]")
    );
}

#[test]
fn the_stricter_verdict_is_the_greater() {
    assert!(Verdict::Allow < Verdict::Review && Verdict::Review < Verdict::Reject);
}

proptest! {
    #[test]
    fn texts_of_any_length_and_content_fit_and_parse(unit in any::<String>(), times in 0usize..3000, which in 0usize..9) {
        let text = Some(unit.repeat(times));
        let mut event = full();
        let fields = [
            &mut event.link, &mut event.epoch_id, &mut event.session, &mut event.signer, &mut event.key,
            &mut event.reason, &mut event.actor, &mut event.path, &mut event.detail,
        ];
        for (number, field) in fields.into_iter().enumerate() {
            if number >= which {
                field.clone_from(&text);
            }
        }
        let entry = event.to_entry();
        prop_assert!(entry.len() <= MAX_ENTRY_LEN, "{}", entry.len());
        prop_assert!(Event::parse(&entry).is_ok());
    }

    #[test]
    fn any_bytes_parse_or_do_not_but_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Event::parse(&bytes);
    }
}
