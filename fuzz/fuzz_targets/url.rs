#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ingress_guard_fuzz::run("url", bytes));
