//! A record as an SVG picture: the first figure and those of its unit, every run a dot, with median and range.
//!
//! ```text
//!  Gbit/s │   ●            │   range, lowest to highest
//!         │  ━┿━  ●        ━━  median
//!         │   ●  ━┿━       ●   a run
//!         └───┴───┴───
//! ```

use plotters::coord::Shift;
use plotters::prelude::{
    BLACK, ChartBuilder, Circle, Color, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea, PathElement, RGBColor,
    SVGBackend, Text, WHITE,
};

use super::figure::{Figure, Unit};
use super::record::Record;
use crate::terminal::wrap;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Failure<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as plotters::prelude::DrawingBackend>::ErrorType>;

/// The picture, as the text of an SVG file.
pub(super) fn svg(record: &Record) -> anyhow::Result<String> {
    let mut text = String::new();
    let drawn = draw(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area(), record);
    drawn.map_err(|error| anyhow::anyhow!("the plot cannot be drawn: {error}"))?;
    Ok(text)
}

const SIZE: (u32, u32) = (880, 520);
const FONT: &str = "sans-serif";
const DOT: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
/// Half of a median's line, where the figures are 1 apart.
const HALF: f64 = 0.18;

fn draw<'a>(canvas: &Canvas<'a>, record: &Record) -> Result<(), Failure<'a>> {
    canvas.fill(&WHITE)?;
    let Some(unit) = record.figures.first().map(Figure::unit) else {
        return canvas.present();
    };
    let figures: Vec<&Figure> = record.figures.iter().filter(|figure| figure.unit() == unit).collect();
    let (scale, unit_name) = axis(unit, &figures);
    let highest = figures.iter().map(|figure| figure.highest()).fold(0.0, f64::max) / scale;
    let top = if highest > 0.0 { highest * 1.15 } else { 1.0 };
    let mut below = MARGIN;
    for line in heading(record) {
        canvas.draw(&Text::new(line, (MARGIN, below), (FONT, 14)))?;
        below += LINE;
    }
    let (_, chart_area) = canvas.split_vertically(below);
    let mut chart = ChartBuilder::on(&chart_area)
        .margin(MARGIN)
        .margin_right(LABEL)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(-0.5..figures.len() as f64 - 0.5, 0.0..top)?;
    // A label for each whole number, where a figure is.
    let name = |x: &f64| {
        let nearest = x.round();
        let figure = (nearest >= 0.0 && (x - nearest).abs() < 0.01).then(|| figures.get(nearest as usize));
        figure
            .flatten()
            .map_or_else(String::new, |figure| figure.name().to_owned())
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_labels(2 * figures.len() + 1)
        .x_label_formatter(&name)
        .x_label_style((FONT, 14))
        .y_label_style((FONT, 13))
        .y_desc(unit_name)
        .axis_desc_style((FONT, 15))
        .draw()?;
    for (at, figure) in figures.iter().enumerate() {
        let (at, median) = (at as f64, figure.median() / scale);
        let range = [(at, figure.lowest() / scale), (at, figure.highest() / scale)];
        chart.draw_series([PathElement::new(range, BLACK.mix(0.5))])?;
        let line = [(at - HALF, median), (at + HALF, median)];
        chart.draw_series([PathElement::new(line, BLACK.stroke_width(3))])?;
        let dots = figure.values().iter().enumerate().map(|(run, value)| {
            let aside = (run as f64 + 0.5) / figure.values().len() as f64 - 0.5;
            Circle::new((at + aside * HALF, value / scale), 4, DOT.filled())
        });
        chart.draw_series(dots)?;
        let label = Text::new(unit.show(figure.median()), (at + HALF * 1.2, median), (FONT, 14));
        chart.draw_series([label])?;
    }
    canvas.present()
}

/// The heading's lines: what was measured, on what, of what, how. All options, so that a picture alone says what it shows.
fn heading(record: &Record) -> Vec<String> {
    let machine = format!("{}; commit {}", record.machine, record.commit.short());
    let mut lines = vec![format!("diode-bench {}, {}", record.kind.name(), record.made)];
    lines.extend(wrap(&machine, COLUMNS));
    lines.extend(wrap(&record.options_in_words(), COLUMNS));
    lines
}

/// Columns of a line of the heading.
const COLUMNS: usize = 120;
const LINE: i32 = 19;
/// Room for what stands beside the last figure.
const LABEL: i32 = 64;
const MARGIN: i32 = 12;

/// What the axis is divided by, and what it is called then.
fn axis(unit: Unit, figures: &[&Figure]) -> (f64, String) {
    let highest = figures.iter().map(|figure| figure.highest()).fold(0.0, f64::max);
    match unit {
        Unit::BitsPerSecond if highest >= 1e9 => (1e9, "Gbit/s".to_owned()),
        Unit::BitsPerSecond => (1e6, "Mbit/s".to_owned()),
        Unit::BytesPerSecond => (1e9, "GB/s".to_owned()),
        _ => (1.0, unit.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::figure::Better;
    use super::super::record::samples::record;
    use super::*;

    /// Names of elements that were opened and not closed, or closed and not opened.
    fn unbalanced(svg: &str) -> Vec<String> {
        let mut open: Vec<String> = Vec::new();
        for tag in svg.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap();
            let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
            match (tag.starts_with('/'), tag.ends_with('/') || tag.starts_with(['?', '!'])) {
                (true, _) if open.last().is_some_and(|last| last == name) => drop(open.pop()),
                (false, true) => {}
                _ => open.push(name.to_owned()),
            }
        }
        open
    }

    #[test]
    fn the_picture_is_well_formed() {
        let svg = svg(&record()).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert_eq!(unbalanced(&svg), [""; 0]);
    }

    #[test]
    fn an_element_that_is_not_closed_is_found() {
        assert_eq!(unbalanced("<svg><g></svg>"), ["svg", "g", "svg"]);
    }

    #[test]
    fn every_run_of_the_first_unit_is_a_dot() {
        assert_eq!(svg(&record()).unwrap().matches("<circle").count(), 3);
    }

    #[test]
    fn the_figures_of_the_first_unit_and_all_circumstances_are_named() {
        let mut record = record();
        let other = Figure::new("another rate", Unit::BitsPerSecond, Better::More, vec![1e9]);
        record.figures.extend(other);
        let svg = svg(&record).unwrap();
        for text in [
            "plain",
            "another rate",
            "Gbit/s",
            "rather long name",
            "6.1.0",
            "0123456789ab",
            "payload 1440",
        ] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
        assert!(!svg.contains("plain send"));
    }

    #[test]
    fn what_has_a_meaning_in_xml_is_escaped() {
        let mut record = record();
        record.machine.cpu = "A <b> & \"c\"".to_owned();
        let svg = svg(&record).unwrap();
        assert!(!svg.contains("<b>"), "{svg}");
        assert_eq!(unbalanced(&svg), [""; 0]);
    }

    #[test]
    fn a_record_without_figures_is_an_empty_picture() {
        let mut record = record();
        record.figures.clear();
        assert_eq!(unbalanced(&svg(&record).unwrap()), [""; 0]);
    }
}
