//! How the seeds are made: from real values of each kind, by the code that makes them in use.

mod audit;
mod bundle;
mod keys;
mod link;
mod numbers;
mod scan;

/// A target, a seed's name, and its bytes.
pub(crate) type Seed = (&'static str, &'static str, Vec<u8>);

/// Every seed.
pub(crate) fn all() -> Vec<Seed> {
    [
        link::seeds(),
        numbers::seeds(),
        bundle::seeds(),
        keys::seeds(),
        audit::seeds(),
        scan::seeds(),
    ]
    .concat()
}

/// Steps as an input of a target that reads a script.
pub(crate) fn script<'a>(steps: impl IntoIterator<Item = (u8, &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    for (op, bytes) in steps {
        diode_bench::fuzz::script::push(&mut out, op, bytes);
    }
    out
}
