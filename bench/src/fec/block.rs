//! One block of bytes, encoded again and again, and decoded from what is left of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use protocol::fec::{BlockBuffers, CodedBlock, Gathered, Insert, Method, Oti};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A block, and what arrives of it.
pub(super) struct Sample {
    oti: Oti,
    symbol_len: u16,
    block: Vec<u8>,
    repair: u32,
    /// The symbols that arrive: source symbols but those that are lost, and repair symbols in their place.
    arrived: Vec<(u32, Vec<u8>)>,
    buffers: BlockBuffers,
    memory: Vec<u8>,
}

/// Repair symbols beyond those lost: with so many a block is all but never undetermined.
const SPARE: u32 = 2;
/// Blocks of the same bytes and losses every time.
const SEED: u64 = 1;

impl Sample {
    /// A block of `k` symbols of which `lost` do not arrive, and `repair` are made besides.
    pub(super) fn new(k: u32, symbol_len: u16, repair: u32, lost: u32) -> anyhow::Result<Self> {
        ensure!(
            lost + SPARE <= repair,
            "{lost} of {k} symbols can't be lost with {repair} repair symbols\n  mend    give --repair {} or more, or less --loss",
            lost + SPARE
        );
        let mut dice = ChaCha8Rng::seed_from_u64(SEED);
        let mut block = vec![0; k as usize * usize::from(symbol_len)];
        dice.fill_bytes(&mut block);
        let oti = Oti::new(block.len(), symbol_len)?;
        let coded = CodedBlock::encode(&block, symbol_len, k..k + repair)?;
        let mut kept: Vec<u32> = (0..k).collect();
        for _ in 0..lost {
            let at = (dice.next_u64() % kept.len().max(1) as u64) as usize;
            kept.swap_remove(at);
        }
        kept.extend(k..k + lost + SPARE);
        let symbols = kept.into_iter().filter_map(|nth| coded.nth(nth));
        Ok(Self {
            oti,
            symbol_len,
            repair,
            arrived: symbols.map(|(esi, bytes)| (esi, bytes.to_vec())).collect(),
            block,
            buffers: BlockBuffers::default(),
            memory: Vec::new(),
        })
    }

    /// Encodes for `time`, at least once, and tells how many bytes of the block that is a second.
    pub(super) fn encode(&mut self, method: Method, time: Duration) -> anyhow::Result<f64> {
        let mut buffers = std::mem::take(&mut self.buffers);
        buffers.block_mut(self.block.len()).copy_from_slice(&self.block);
        let k = self.oti.k();
        let (begun, mut blocks) = (Instant::now(), 0_u64);
        loop {
            buffers = CodedBlock::encode_by(method, buffers, self.symbol_len, k..k + self.repair)?.into_buffers();
            blocks += 1;
            let elapsed = begun.elapsed();
            if elapsed >= time {
                self.buffers = buffers;
                return Ok(self.rate(blocks, elapsed));
            }
        }
    }

    /// Decodes for `time`, at least once, and tells how many bytes of the block that is a second. Symbols are put in their places
    /// before, untimed: the receiver does that as they come.
    pub(super) fn decode(&mut self, method: Method, time: Duration) -> anyhow::Result<f64> {
        let (mut timed, mut blocks) = (Duration::ZERO, 0_u64);
        loop {
            let mut gathered = Gathered::reusing(std::mem::take(&mut self.memory), self.oti);
            for (esi, symbol) in &self.arrived {
                let stored = gathered.insert(*esi, symbol) == Insert::Stored;
                ensure!(stored, "a symbol of a sample was not taken");
            }
            let begun = Instant::now();
            let solved = gathered.solve_by(method);
            timed += begun.elapsed();
            blocks += 1;
            self.memory = solved.ok().context("the symbols of a sample do not determine it")?;
            ensure!(
                self.memory == self.block,
                "a block was decoded to other bytes than it had"
            );
            if timed >= time {
                return Ok(self.rate(blocks, timed));
            }
        }
    }

    fn rate(&self, blocks: u64, time: Duration) -> f64 {
        (blocks * self.block.len() as u64) as f64 / time.as_secs_f64().max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use protocol::fec::Kernel;

    use super::*;

    #[test]
    fn every_way_gives_the_block_back() {
        let mut sample = Sample::new(20, 64, 6, 4).unwrap();
        let kernels = Kernel::all().into_iter().map(Method::Kernel);
        for method in kernels.chain([Method::Library, Method::Fastest]) {
            assert!(sample.encode(method, Duration::ZERO).unwrap() > 0.0);
            assert!(sample.decode(method, Duration::ZERO).unwrap() > 0.0);
        }
    }

    #[test]
    fn more_losses_than_repair_symbols_are_refused_with_the_number_needed() {
        let error = Sample::new(20, 64, 5, 4).err().unwrap().to_string();
        assert!(error.contains("--repair 6"), "{error}");
    }
}
