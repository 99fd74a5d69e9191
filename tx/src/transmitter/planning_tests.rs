//! What is foretold without a bundle, against the bundles that it foretells.

use clap::Parser;

use super::*;
use crate::complaint::Exit;
use crate::transmitter::cli::{Cli, Verb};

fn args(flags: &[&str]) -> PlanArgs {
    let args = ["diode-tx", "plan"].iter().chain(flags);
    match Cli::try_parse_from(args).unwrap().verb {
        Verb::Plan(args) => args,
        other => panic!("{other:?}"),
    }
}

fn text(flags: &[&str]) -> String {
    let args = args(flags);
    let config = ForecastConfig::of(&args.link).unwrap();
    Prospect::of(&config, &args.size).unwrap().text()
}

fn json(flags: &[&str]) -> serde_json::Value {
    let args = args(flags);
    let config = ForecastConfig::of(&args.link).unwrap();
    serde_json::to_value(Prospect::of(&config, &args.size).unwrap().json()).unwrap()
}

#[test]
fn the_text_is_eighty_columns_wide_at_most_whatever_the_settings() {
    for flags in [
        &[] as &[&str],
        &["--rate", "1k", "--size", "0.2TiB,199.999GB"],
        &["--mtu", "320", "--depth", "1", "--burst", "0"],
        &[
            "--mtu", "9000", "--lanes", "16", "--depth", "1024", "--burst", "1000000", "--rate", "40G",
        ],
        &[
            "--loss",
            "40%",
            "--residual",
            "1e-15",
            "--passes",
            "64",
            "--rate",
            "1.234567G",
        ],
        &["--rate", "100M", "--rate-counts", "payload", "--burst", "1"],
    ] {
        let text = text(flags);
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= 80, "{longest} columns with {flags:?}:\n{text}");
    }
}

#[test]
fn the_default_link_is_foretold_by_the_rule_for_repair_symbols() {
    let plan = json(&[]);
    let link = Redundancy::new(0.01, 64, 1e-9, 16).unwrap();
    let r = link.repair_symbols(187).unwrap();
    assert_eq!(
        (&plan["content"]["k"], &plan["content"]["repair"]),
        (&187.into(), &r.into())
    );
    assert_eq!(plan["burst_symbols_a_block"], 5);
    assert_eq!(plan["group_packets"], 16 * (187 + r));
    let failure = plan["block_failure"].as_f64().unwrap();
    assert!(failure > 0.0 && failure <= 1e-9, "{failure}");
}

#[test]
fn a_group_takes_its_packets_time_at_its_lanes_share_of_the_rate() {
    let [one, two] = ["1", "2"].map(|lanes| {
        let plan = json(&["--rate", "100M", "--lanes", lanes]);
        (
            plan["group_packets"].as_u64().unwrap(),
            plan["group_ns"].as_u64().unwrap(),
        )
    });
    assert_eq!(one.1, one.0 * 8 * (32 + 1408 + 8 + 20 + 38) * 10);
    assert_eq!(two.1, 2 * one.1);
}

#[test]
fn a_larger_bundle_fails_more_often_and_needs_a_smaller_share_of_repair() {
    let plan = json(&["--size", "10KB,1MiB,1GiB", "--rate", "200M"]);
    let sizes = plan["sizes"].as_array().unwrap();
    let numbers = |key: &str| sizes.iter().map(|size| size[key].as_f64().unwrap()).collect::<Vec<_>>();
    assert!(numbers("repair_ppm").is_sorted_by(|a, b| a > b));
    for key in ["failure", "datagrams", "duration_ms", "blocks"] {
        assert!(numbers(key).is_sorted_by(|a, b| a < b), "{key}");
    }
}

#[test]
fn the_chance_of_a_gibibyte_is_that_of_its_blocks() {
    let plan = json(&["--size", "1GiB"]);
    let block = plan["block_failure"].as_f64().unwrap();
    let bundle = plan["sizes"][0]["failure"].as_f64().unwrap();
    // 4,096 of content, and one of the head, which is sent twice; the last group's is sent twice too.
    assert!((bundle / (4096.0 * block) - 1.0).abs() < 0.01, "{bundle} and {block}");
}

#[test]
fn symbols_too_short_for_whole_leaves_come_with_the_leaf_length_to_pack_with() {
    assert!(text(&["--mtu", "320"]).contains("pack with --leaf-len 131072"));
    assert!(!text(&["--mtu", "336"]).contains("--leaf-len"));
}

#[test]
fn a_bundle_that_nobody_could_send_is_named_by_its_size() {
    let args = args(&["--size", "1MiB,900TB"]);
    let config = ForecastConfig::of(&args.link).unwrap();
    let complaint = Prospect::of(&config, &args.size).err().unwrap();
    assert_eq!(complaint.exit(), Exit::Usage);
    assert!(complaint.to_string().contains("size    900TB"), "{complaint}");
}

#[test]
fn losses_that_nothing_mends_are_refused_with_what_to_change() {
    let args = args(&["--loss", "90%", "--residual", "1e-15", "--mtu", "336"]);
    let config = ForecastConfig::of(&args.link).unwrap();
    let complaint = Prospect::of(&config, &args.size).err().unwrap();
    assert!(
        complaint.to_string().contains("mend    lower `fec.loss`"),
        "{complaint}"
    );
}

#[test]
fn without_a_rate_nobody_knows_how_long() {
    assert!(text(&[]).contains("give --rate"));
    assert!(json(&[]).get("group_ns").is_none());
}

#[test]
fn times_have_the_unit_that_suits_them() {
    let shown = [1, 210_000_000, 999_600_000, 5_999_000_000_000, 7_200_000_000_000].map(time_text);
    assert_eq!(shown, ["0.00 ms", "210.00 ms", "1.0 s", "5999.0 s", "2.0 h"]);
}
