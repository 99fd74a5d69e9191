//! Flag over file over default, and what is refused.

use clap::Parser;

use super::*;
use crate::complaint::Exit;
use crate::transmitter::cli::{Cli, Verb};

const EXAMPLE: &str = include_str!("../../diode-tx.example.toml");

fn link_args(flags: &[&str]) -> LinkArgs {
    send_args(flags).link
}

fn send_args(flags: &[&str]) -> SenderArgs {
    let args = ["diode-tx", "send", "x.bundle"].iter().chain(flags);
    match Cli::try_parse_from(args).unwrap().verb {
        Verb::Send(args) => args.sender,
        other => panic!("{other:?}"),
    }
}

fn parsed(text: &str) -> ConfigFile {
    ConfigFile::parse(text, "tx.toml").unwrap()
}

fn link(flags: &[&str], file: &str) -> Result<LinkConfig, Complaint> {
    LinkConfig::of(&link_args(flags), &parsed(file))
}

const ENOUGH: [&str; 8] = ["--to", "192.0.2.2:4600", "--rate", "200M", "--key", "k", "--state", "s"];

fn refused(result: Result<impl std::fmt::Debug, Complaint>) -> String {
    let complaint = result.unwrap_err();
    assert_eq!(complaint.exit(), Exit::Usage);
    complaint.to_string()
}

#[test]
fn the_example_file_stands_at_the_defaults() {
    assert_eq!(link(&[], EXAMPLE).unwrap(), link(&[], "").unwrap());
}

#[test]
fn the_example_file_sets_every_key_that_has_a_default() {
    let ConfigFile {
        to,
        bind,
        key,
        state,
        outbox,
        rate,
        rate_counts,
        mtu,
        lanes,
        passes,
        fec,
        retention,
    } = parsed(EXAMPLE);
    assert!(to.is_none() && bind.is_none() && key.is_none() && state.is_none() && rate.is_none() && outbox.is_none());
    assert!(rate_counts.is_some() && mtu.is_some() && lanes.is_some() && passes.is_some());
    assert!(fec.loss.is_some() && fec.burst.is_some() && fec.residual.is_some());
    assert!(retention.sent_days.is_none() && retention.sent_mib.is_none());
}

#[test]
fn the_example_file_shows_every_key_that_has_no_default() {
    let shown = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest,
        _ => line,
    });
    let file = parsed(&shown.collect::<Vec<_>>().join("\n"));
    let ConfigFile {
        to,
        bind,
        key,
        state,
        outbox,
        rate,
        fec,
        retention,
        ..
    } = file;
    assert!(to.is_some() && bind.is_some() && key.is_some() && state.is_some() && rate.is_some() && outbox.is_some());
    assert!(fec.depth.is_some());
    assert!(retention.sent_days.is_some() && retention.sent_mib.is_some());
}

#[test]
fn a_flag_goes_before_the_file_and_the_file_before_the_default() {
    let link = link(&["--mtu", "9000"], "mtu = 1400\npasses = 3\n").unwrap();
    assert_eq!((link.mtu, link.passes, link.redundancy.depth()), (9000, 3, 16));
}

#[test]
fn the_depth_follows_from_the_burst_up_to_two_groups_of_64_mib_together() {
    for (mtu, burst, depth) in [
        ("1500", "0", 4),
        ("1500", "18", 4),
        ("1500", "19", 8),
        ("1500", "64", 16),
        ("1500", "126", 16),
        ("1500", "127", 32),
        ("1500", "500", 64),
        ("1500", "100000", 128),
        ("9000", "500", 16),
    ] {
        let link = link(&["--mtu", mtu, "--burst", burst], "").unwrap();
        assert_eq!(link.redundancy.depth(), depth, "MTU {mtu}, burst {burst}");
    }
}

#[test]
fn a_depth_that_was_given_goes_before_that_of_the_burst() {
    let depth = |flags: &[&str], file: &str| link(flags, file).unwrap().redundancy.depth();
    assert_eq!(depth(&["--burst", "500", "--depth", "20"], "[fec]\ndepth = 30\n"), 20);
    assert_eq!(depth(&["--burst", "500"], "[fec]\ndepth = 30\n"), 30);
    assert_eq!(depth(&[], "[fec]\nburst = 500\n"), 64);
}

#[test]
fn the_rate_counts_what_the_wire_carries_unless_asked_otherwise() {
    let counted = |flags: &[&str]| {
        let config = Config::of(&send_args(&[&ENOUGH[..], flags].concat())).unwrap();
        config.framing().counted_bits(1440)
    };
    assert_eq!(counted(&[]), 8 * (1440 + 66));
    assert_eq!(counted(&["--rate-counts", "wire"]), counted(&[]));
    assert_eq!(counted(&["--rate-counts", "payload"]), 8 * 1440);
    let file = parsed("rate_counts = \"payload\"\n");
    assert_eq!(rate_counts(&link_args(&[]), &file), RateCounts::Payload);
    assert_eq!(
        rate_counts(&link_args(&["--rate-counts", "wire"]), &file),
        RateCounts::Wire
    );
}

#[test]
fn a_rate_that_counts_something_else_is_refused_with_what_there_is() {
    let text = ConfigFile::parse("rate_counts = \"bytes\"\n", "tx.toml")
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("`wire` or `payload`") && text.contains("line 1"),
        "{text}"
    );
}

#[test]
fn lanes_that_would_run_out_of_ports_are_refused() {
    let with = |to: &str, lanes: &str| {
        let mut flags = ENOUGH.to_vec();
        flags[1] = to;
        Config::of(&send_args(&[&flags[..], &["--lanes", lanes]].concat()))
    };
    assert!(with("192.0.2.2:65532", "4").is_ok());
    assert!(refused(with("192.0.2.2:65532", "5")).contains("not enough ports"));
    let bound = [&ENOUGH[..], &["--bind", "192.0.2.1:65535", "--lanes", "2"]].concat();
    assert!(refused(Config::of(&send_args(&bound))).contains("192.0.2.1:65535"));
    let free = [&ENOUGH[..], &["--bind", "192.0.2.1:0", "--lanes", "16"]].concat();
    assert!(Config::of(&send_args(&free)).is_ok());
}

#[test]
fn a_symbol_fills_the_mtu_in_steps_of_64_bytes() {
    let lens = [320, 1279, 1500, 1551, 1552, 9000].map(symbol_len);
    assert_eq!(lens, [192, 1152, 1408, 1408, 1472, 8896]);
}

#[test]
fn an_mtu_is_refused_just_past_its_range() {
    for (mtu, good) in [
        ("319", false),
        ("320", true),
        ("9000", true),
        ("9001", false),
        ("-1", false),
    ] {
        assert_eq!(link(&["--mtu", mtu], "").is_ok(), good, "{mtu}");
    }
}

#[test]
fn a_number_out_of_range_in_a_file_is_named_with_file_key_and_range() {
    let mut args = link_args(&[]);
    args.config = Some("/etc/diode/tx.toml".into());
    let text = refused(LinkConfig::of(&args, &parsed("[fec]\ndepth = 70000\n")));
    for part in [
        "fec.depth = 70000",
        "1 to 1024",
        "file    /etc/diode/tx.toml",
        "key     fec.depth",
        "mend",
    ] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
}

#[test]
fn a_number_out_of_range_in_a_flag_is_named_by_its_flag() {
    for (flag, value) in [
        ("--passes", "0"),
        ("--lanes", "0"),
        ("--lanes", "17"),
        ("--passes", "65"),
        ("--burst", "-1"),
        ("--depth", "0"),
        ("--residual", "0"),
        ("--loss", "91%"),
    ] {
        let text = refused(link(&[flag, value], ""));
        assert!(text.contains(&format!("flag    {flag}\n")), "{text}");
    }
}

#[test]
fn a_rate_that_nobody_set_is_refused_with_both_mends() {
    let text = refused(Config::of(&send_args(&[
        "--to",
        "192.0.2.2:4600",
        "--key",
        "k",
        "--state",
        "s",
    ])));
    for part in ["no unlimited default", "--rate 200M", "rate = \"200M\""] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
}

#[test]
fn each_value_without_a_default_is_asked_for_by_name() {
    for missing in [0, 4, 6] {
        let mut flags = ENOUGH.to_vec();
        let flag = flags.drain(missing..missing + 2).next().unwrap();
        let text = refused(Config::of(&send_args(&flags)));
        assert!(text.contains(&format!("give {flag} ")), "{text}");
    }
}

#[test]
fn flags_alone_are_enough() {
    let config = Config::of(&send_args(&ENOUGH)).unwrap();
    assert_eq!(config.rate.bits_per_second(), 200_000_000);
    assert_eq!(config.link.symbol_len, 1408);
}

#[test]
fn a_port_of_zero_is_refused() {
    let mut flags = ENOUGH;
    flags[1] = "192.0.2.2:0";
    assert!(refused(Config::of(&send_args(&flags))).contains("flag    --to"));
}

#[test]
fn addresses_of_two_families_are_refused() {
    let flags = [&ENOUGH[..], &["--bind", "[::1]:0"]].concat();
    assert!(refused(Config::of(&send_args(&flags))).contains("different families"));
}

#[test]
fn what_was_sent_is_kept_for_ever_unless_the_file_says_for_how_long() {
    let of = |text: &str| retention(&parsed(text), &Names { file: None });
    assert_eq!(of("").unwrap(), Retention::default());
    let asked = of("[retention]\nsent_days = 30\nsent_mib = 2\n").unwrap();
    assert_eq!((asked.days, asked.bytes), (Some(30), Some(2 << 20)));
    for (key, value) in [
        ("sent_days", 0),
        ("sent_days", 36_501),
        ("sent_mib", 0),
        ("sent_mib", -1),
    ] {
        let text = refused(of(&format!("[retention]\n{key} = {value}\n")));
        assert!(text.contains(&format!("retention.{key} = {value}")), "{text}");
    }
    let text = refused(ConfigFile::parse("[retention]\nrefused_days = 1\n", "tx.toml"));
    assert!(text.contains("unknown field `refused_days`"), "{text}");
}
