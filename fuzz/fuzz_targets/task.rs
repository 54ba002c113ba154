#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| gadus_model::fuzz::task(input));
