//! How bad a vulnerability is by its CVSS vector.
//!
//! Source: FIRST, "Common Vulnerability Scoring System v3.1: Specification Document", section 7.1; version 3.0 differs only in
//! how it rounds, and is rounded alike here.

/// The base score of a vector of version 3.0 or 3.1, in tenths: 98 for 9.8. `None` for what is no such vector.
pub(super) fn base_score(vector: &str) -> Option<u32> {
    let metrics = vector
        .strip_prefix("CVSS:3.1/")
        .or_else(|| vector.strip_prefix("CVSS:3.0/"))?;
    let metric = |name: &str| {
        let mut parts = metrics.split('/').filter_map(|part| part.split_once(':'));
        parts.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let changed = match metric("S")? {
        "U" => false,
        "C" => true,
        _ => return None,
    };
    let vector = pick(metric("AV")?, &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?;
    let complexity = pick(metric("AC")?, &[("L", 0.77), ("H", 0.44)])?;
    let privileges: &[_] = match changed {
        true => &[("N", 0.85), ("L", 0.68), ("H", 0.5)],
        false => &[("N", 0.85), ("L", 0.62), ("H", 0.27)],
    };
    let privileges = pick(metric("PR")?, privileges)?;
    let interaction = pick(metric("UI")?, &[("N", 0.85), ("R", 0.62)])?;
    let weight = |name| pick(metric(name)?, &[("H", 0.56), ("L", 0.22), ("N", 0.0)]);
    let kept = (1.0 - weight("C")?) * (1.0 - weight("I")?) * (1.0 - weight("A")?);
    let lost = 1.0 - kept;
    let impact = match changed {
        true => 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02).powi(15),
        false => 6.42 * lost,
    };
    if impact <= 0.0 {
        return Some(0);
    }
    let exploitability = 8.22 * vector * complexity * privileges * interaction;
    let factor = if changed { 1.08 } else { 1.0 };
    Some(tenths(f64::min(factor * (impact + exploitability), 10.0)))
}

fn pick(value: &str, weights: &[(&str, f64)]) -> Option<f64> {
    weights
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, weight)| *weight)
}

/// Rounds up to tenths, past what arithmetic adds in the fifth place (appendix A).
fn tenths(score: f64) -> u32 {
    // At most ten, so it fits; as numbers without fractions both steps are exact.
    let hundred_thousandths = (score * 100_000.0).round() as u32;
    hundred_thousandths.div_ceil(10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_published_examples() {
        let cases = [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 98),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 100),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 61),
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 64),
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 31),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 75),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 78),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0),
        ];
        for (vector, score) in cases {
            assert_eq!(base_score(vector), Some(score), "{vector}");
        }
    }

    #[test]
    fn what_is_no_vector_of_version_3_has_no_score() {
        for vector in [
            "",
            "9.8",
            "CVSS:4.0/AV:N",
            "CVSS:3.1/AV:N",
            "AV:N/AC:L/Au:N/C:P/I:P/A:P",
        ] {
            assert_eq!(base_score(vector), None, "{vector}");
        }
    }
}
