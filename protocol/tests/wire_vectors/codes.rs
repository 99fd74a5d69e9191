//! Encoding symbols: which bytes each id stands for.

use serde_json::{Value, json};

use diode_protocol::fec::{CodedBlock, Gathered, Insert, Oti};
use diode_protocol::limits::MAX_ESI;

use super::{hex, stored_json, unhex};

/// The bytes of a block: byte `i` is 31·i modulo 251.
pub(super) fn block(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect()
}

/// Length of a block in bytes, and of its symbols: fewer symbols than the smallest K′, some at and just past one, and the most.
const BLOCKS: [(usize, u16); 9] = [
    (1, 64),
    (300, 64),
    (640, 64),
    (641, 64),
    (36 * 64, 64),
    (700, 100),
    (187 * 64 - 5, 64),
    (236 * 64, 64),
    (1024 * 64, 64),
];

/// Repair symbols of one sending, and some far from them.
fn repair_esis(k: u32) -> [std::ops::Range<u32>; 3] {
    [k..k + 3, k + 100..k + 101, MAX_ESI..MAX_ESI + 1]
}

pub(super) fn codes() -> Value {
    json!(BLOCKS.map(|(len, symbol_len)| {
        let oti = Oti::new(len, symbol_len).unwrap();
        let (data, k) = (block(len), oti.k());
        let mut symbols = vec![told((k - 1, source_symbol(&data, &oti, k - 1).as_slice()))];
        for esis in repair_esis(k) {
            let coded = CodedBlock::encode(&data, symbol_len, esis.clone()).unwrap();
            symbols.extend((k..).map_while(|nth| coded.nth(nth)).map(told));
        }
        json!({ "block_len": len, "symbol_len": symbol_len, "k": k, "padded_len": oti.padded_len(), "symbols": symbols })
    }))
}

fn told((esi, symbol): (u32, &[u8])) -> Value {
    json!({ "esi": esi, "symbol": hex(symbol) })
}

/// Cut from the block, not asked of the code.
fn source_symbol(block: &[u8], oti: &Oti, esi: u32) -> Vec<u8> {
    let start = esi as usize * oti.symbol_len();
    let mut symbol = block[start..block.len().min(start + oti.symbol_len())].to_vec();
    symbol.resize(oti.symbol_len(), 0);
    symbol
}

#[test]
fn a_block_is_regained_with_its_stored_repair_symbols_in_place_of_source_symbols() {
    for stored in stored_json("codes.json").as_array().unwrap() {
        let len = usize::try_from(stored["block_len"].as_u64().unwrap()).unwrap();
        let symbol_len = u16::try_from(stored["symbol_len"].as_u64().unwrap()).unwrap();
        let (data, oti) = (block(len), Oti::new(len, symbol_len).unwrap());
        let mut gathered = Gathered::new(oti);
        let repair = &stored["symbols"].as_array().unwrap()[1..];
        // Two fewer are lost than there are repair symbols: as many alone may fail.
        let lost = oti.k().min(u32::try_from(repair.len()).unwrap() - 2);
        for esi in lost..oti.k() {
            assert_eq!(gathered.insert(esi, &source_symbol(&data, &oti, esi)), Insert::Stored);
        }
        for stored in repair {
            let esi = u32::try_from(stored["esi"].as_u64().unwrap()).unwrap();
            assert_eq!(gathered.insert(esi, &unhex(&stored["symbol"])), Insert::Stored);
        }
        assert_eq!(gathered.solve().unwrap(), data, "K = {}", oti.k());
    }
}
