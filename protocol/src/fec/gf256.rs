//! Products of matrices and symbols over GF(2^8), the field of RFC 6330, section 5.7: the inner loops of encoding and decoding.
//!
//! ```text
//!   rows (R × K coefficients) × src (K symbols) ──added to──▶ dst (R symbols)
//!
//!   Portable     safe Rust, any architecture
//!   Avx2         vpshufb, a nibble at a time
//!   Avx512Gfni   gf2p8affineqb
//! ```
//!
//! Always true:
//! - a [`Kernel`] exists only on a processor that has its instructions: its makers ask the processor;
//! - lengths are compared in safe code before a kernel runs, and kernels reach memory through slices and array references alone, so
//!   that no safe caller can cause undefined behaviour;
//! - every kernel gives the same bytes.
//!
//! This is the crate's one module with `unsafe`. Architectures other than x86-64 run the portable kernel until a machine that builds
//! them has tested one of their own.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
mod tables;
#[cfg(test)]
mod tests;

/// One way to multiply. That there is one proves that this processor can run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Instructions);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instructions {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512Gfni,
}

impl Kernel {
    /// The fastest that this processor can run. The standard library remembers what the processor said.
    #[must_use]
    pub fn fastest() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Self::avx512_gfni().or_else(Self::avx2) {
            return kernel;
        }
        Self::portable()
    }

    /// The one that runs everywhere.
    pub(super) fn portable() -> Self {
        Self(Instructions::Portable)
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn avx2() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(Instructions::Avx2))
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn avx512_gfni() -> Option<Self> {
        let detected = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("gfni");
        detected.then_some(Self(Instructions::Avx512Gfni))
    }

    /// All that this processor can run, the slowest first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let vectors = [Self::avx2(), Self::avx512_gfni()];
        #[cfg(not(target_arch = "x86_64"))]
        let vectors: [Option<Self>; 0] = [];
        std::iter::once(Self::portable())
            .chain(vectors.into_iter().flatten())
            .collect()
    }

    /// Its instructions' name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Instructions::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Gfni => "avx512-gfni",
        }
    }

    /// The most repair symbols for which a product encodes a block faster than the `raptorq` crate.
    ///
    /// The crate takes about as long for any number (0.8 to 1 ns a byte of the block), a product as much again for each: 0.0065 ns
    /// with GFNI, 0.0145 with AVX2, and 0.06 besides 0.6 to begin with in portable code. Measured at K = 187 and T = 1408 on an AMD
    /// EPYC with AVX-512, one thread, by `measured_up_to_where_the_library_is_faster`.
    pub(super) fn most_repair(self) -> usize {
        match self.0 {
            Instructions::Portable => 0,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => 48,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Gfni => 140,
        }
    }

    /// The most lost source symbols for which products decode a block faster than the `raptorq` crate.
    ///
    /// Measured likewise: the crate takes 1.9 to 2.4 ns a byte for any number, products a share for each, a second product that
    /// grows with its square, and an inverse that grows with its cube.
    pub(super) fn most_losses(self) -> usize {
        match self.0 {
            Instructions::Portable => 16,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => 64,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Gfni => 80,
        }
    }

    /// Adds `coefficient` · `src` to `dst`.
    ///
    /// # Panics
    /// If the two differ in length.
    pub(super) fn mul_add(self, dst: &mut [u8], src: &[u8], coefficient: u8) {
        self.product(&mut [dst], &[src], &[&[coefficient]]);
    }

    /// Adds to each `dst[j]` the sum over all i of `rows[j][i]` · `src[i]`.
    ///
    /// # Panics
    /// Unless there is a row for each destination, a coefficient in each row for each source, and all of them have one length.
    pub(super) fn product(self, dst: &mut [&mut [u8]], src: &[&[u8]], rows: &[&[u8]]) {
        let len = dst.first().map_or(0, |dst| dst.len());
        assert_eq!(dst.len(), rows.len(), "each destination has its row of coefficients");
        assert!(
            rows.iter().all(|row| row.len() == src.len()),
            "a row has a coefficient for each source"
        );
        assert!(
            dst.iter().all(|dst| dst.len() == len),
            "all destinations have one length"
        );
        assert!(
            src.iter().all(|src| src.len() == len) || dst.is_empty(),
            "sources are as long as destinations"
        );
        match self.0 {
            Instructions::Portable => portable::product(dst, src, rows),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => {
                // WHY: it is compiled for AVX2. SAFETY: only `Self::avx2` makes this value, after the processor said that it has it.
                unsafe { avx2::product(dst, src, rows) }
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Gfni => {
                // WHY: it is compiled for AVX-512 and GFNI. SAFETY: only `Self::avx512_gfni` makes this value, after the processor
                // said that it has all three features.
                unsafe { avx512::product(dst, src, rows) }
            }
        }
    }
}

/// The product of two elements.
#[cfg(test)]
pub(super) fn multiply(a: u8, b: u8) -> u8 {
    tables::multiply(a, b)
}

/// The inverse of an element; `None` for zero.
pub(super) fn inverse(a: u8) -> Option<u8> {
    (a != 0).then(|| tables::INVERSE[usize::from(a)])
}
