//! Quantities as an operator writes them: rates and percentages.
//!
//! Both are exact whole numbers inside, so that what was written is what is shown, compared and computed with, on every
//! machine alike; both are strings in a configuration file.

mod decimal;
mod percent;
mod rate;

pub use percent::{Percent, PercentError};
pub use rate::{Rate, RateError};
