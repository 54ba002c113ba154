//! What is added to a module, where, and that it then computes what it would with every result made
//! canonical at once.

use std::borrow::Cow;

use wasmparser::{Operator, Parser, Payload};
use wasmtime::{Config, Engine, Extern, Instance, Module, OptLevel, Store, Val};

use super::program;
use crate::rewrite::nan::Effort;
use crate::rewrite::{rewritten, rewritten_with};

/// Programs that are made and compared.
const PROGRAMS: u64 = 400;

/// What is done for functions that are too much.
const LESS: [Effort; 3] = [
    Effort { passes_max: 0, ..Effort::FULL },
    Effort { passes_max: 1, ..Effort::FULL },
    Effort { added_per_byte: 0, ..Effort::FULL },
];

/// How often NaN is made canonical in the only function of a module with this body.
fn checks(body: &str) -> usize {
    let module = format!(
        "(module (memory 1) (global $g (mut f64) (f64.const 0)) (type $f (func (param f64)))
           (func $f (type $f))
           (func (param $p f64) (param $q f32) (result f64)
             (local $a f64) (local $b f64) (local $c f32) (local $n i32) (local $v v128) {body}))"
    );
    let binary = wat::parse_str(&module).unwrap_or_else(|error| panic!("{error}"));
    let made = rewritten_with(&binary, Effort::FULL, false).unwrap();
    wasmparser::Validator::new().validate_all(&made).unwrap();
    let (added, before) = (selects(&made), selects(&binary));
    assert_eq!(matches!(made, Cow::Borrowed(_)), added == before, "{body}");
    added - before
}

/// Selects of either kind, scalar and vector.
fn selects(binary: &[u8]) -> usize {
    let bodies = Parser::new(0).parse_all(binary).filter_map(|payload| {
        let Payload::CodeSectionEntry(body) = payload.unwrap() else { return None };
        Some(body)
    });
    let operators = bodies.flat_map(|body| body.get_operators_reader().unwrap());
    operators
        .filter(|operator| matches!(operator, Ok(Operator::Select | Operator::V128Bitselect)))
        .count()
}

const SUM: &str = "(f64.add (local.get $p) (f64.const 1))";

#[test]
fn what_is_not_looked_at_stays_as_it_is() {
    for body in [
        "(local.get $p)",
        "(f64.const nan:0x1234)",
        "(f64.neg (f64.load (i32.const 0)))",
        &format!("(drop {SUM}) (f64.const 0)"),
        &format!("(local.set $a {SUM}) (f64.const 0)"),
        &format!("(if (f64.lt {SUM} {SUM}) (then (nop))) (f64.const 0)"),
        &format!("(drop (i32.trunc_sat_f64_s (f64.sqrt {SUM}))) (f64.const 0)"),
        &format!("(br 0 (f64.const 0)) (f64.store (i32.const 0) {SUM})"),
        "(f64.convert_i32_s (local.get $n))",
    ] {
        assert_eq!(checks(body), 0, "{body}");
    }
}

#[test]
fn what_shows_is_canonical() {
    for body in [
        SUM,
        &format!("(f64.store (i32.const 0) {SUM}) (f64.const 0)"),
        &format!("(drop (i64.reinterpret_f64 {SUM})) (f64.const 0)"),
        &format!("(call $f {SUM}) (f64.const 0)"),
        &format!("(global.set $g {SUM}) (f64.const 0)"),
        &format!("(return {SUM})"),
        &format!("(drop (f64.neg {SUM})) (f64.const 0)"),
        &format!("(drop (f64.copysign {SUM} (local.get $p))) (f64.const 0)"),
        &format!("(drop (f64.copysign (local.get $p) {SUM})) (f64.const 0)"),
        &format!("(drop (f64x2.splat {SUM})) (f64.const 0)"),
        "(local.set $v (f32x4.mul (local.get $v) (local.get $v))) (f64.const 0)",
        "(f64.promote_f32 (local.get $q))",
        "(f32.store (i32.const 0) (f32.demote_f64 (local.get $p))) (f64.const 0)",
        // Chains are looked at where they end.
        &format!("(f64.sqrt (f64.abs (f64.mul {SUM} {SUM})))"),
        // So is a choice of two, and the one that is loose where the other is the program's own.
        &format!("(select {SUM} {SUM} (local.get $n))"),
        &format!("(select {SUM} (f64.const 1) (local.get $n))"),
        &format!("(drop (select {SUM} (f64.load (i32.const 0)) (local.get $n))) (f64.const 0)"),
        &format!("(local.set $a {SUM}) (local.get $a)"),
        &format!("(local.tee $a {SUM}) (drop (local.get $a))"),
    ] {
        assert_eq!(checks(body), 1, "{body}");
    }
}

#[test]
fn a_sum_over_a_loop_is_looked_at_where_it_ends() {
    let sum = "(local.set $a (f64.add (local.get $a) (f64.load (i32.const 0))))";
    assert_eq!(checks(&format!("(loop {sum} (br_if 0 (local.get $n))) (local.get $a)")), 1);
    // What begins with the program's own bits has to be the program's own wherever it comes back.
    let own = "(local.set $a (f64.load (i32.const 8)))";
    assert_eq!(checks(&format!("{own} (loop {sum} (br_if 0 (local.get $n))) (local.get $a)")), 1);
    let body = format!("{own} (loop {sum} {sum} {sum} (br_if 0 (local.get $n))) (f64.const 0)");
    assert_eq!(checks(&body), 1);
}

#[test]
fn ways_that_meet_agree() {
    let own = "(local.set $a (f64.load (i32.const 8)))";
    let loose = format!("(local.set $a {SUM})");
    let if_ = |then: &str, or: &str| {
        format!("(if (local.get $n) (then {then}) (else {or})) (local.get $a)")
    };
    assert_eq!(checks(&if_(&loose, &loose)), 1, "at the end alone");
    assert_eq!(checks(&if_(own, &loose)), 1, "at the end of the else");
    assert_eq!(checks(&if_(&loose, own)), 1, "before the else");
    assert_eq!(checks(&if_(own, own)), 0);
    // Without an else, the other way comes from before the if.
    let body = format!("{loose} (if (local.get $n) (then {own})) (local.get $a)");
    assert_eq!(checks(&body), 1);
    let body = format!("(block (br_table 0 0 0 (local.get $n))) {loose} (local.get $a)");
    assert_eq!(checks(&body), 1);
    let body = format!(
        "(block $out (block $in {own} (br_if $out (local.get $n)) {loose}
           (br_table $in $out (local.get $n))) (drop (local.get $a))) (local.get $a)"
    );
    assert_eq!(checks(&body), 2, "before the table, for one of its two, and where the other ends");
}

/// A function in which many loops around each other learn of each other one by one.
#[test]
fn what_does_not_settle_is_given_up() {
    let mut body = String::from("(f64.const 0)");
    for n in 0..12 {
        let turn = format!(
            "(local.set $l{n} (local.get $l{})) (br_if 0 (local.get $n))",
            if n == 11 { 11 } else { n + 1 }
        );
        body = format!("(drop {body}) (loop {turn}) (f64.const 0)");
    }
    let locals: String = (0..12).map(|n| format!("(local $l{n} f64)")).collect();
    let body = format!(
        "{locals} (loop $all (drop (block (result f64) {body}))
           (local.set $l11 (select (f64.load (i32.const 0)) (local.get $l0) (local.get $n)))
           (local.set $l0 (f64.mul (local.get $l0) {SUM}))
           (br_if $all (local.get $n))) (local.get $l0)"
    );
    assert!(checks(&body) > 0);
}

/// Ten thousand ways out, each with a hundred locals to make canonical on it.
#[test]
fn what_adds_too_much_is_given_up() {
    let each = |what: &str| (0..100).map(|n| what.replace('N', &n.to_string())).collect::<String>();
    let locals = each("(local $lN f64)");
    let own = each("(local.set $lN (f64.load (i32.const 0)))");
    let loose = each("(local.set $lN (f64.sqrt (local.get $p)))");
    let way = "(if (local.get $n) (then (br_if $out (local.get $n))))".repeat(10_000);
    let body = format!(
        "{locals} (block $out {own} (br_if $out (local.get $n)) {loose} {way}) (local.get $l0)"
    );
    assert_eq!(checks(&body), 100, "at each square root, and not on each way");
}

#[test]
fn functions_and_modules_that_grow_too_large_are_refused() {
    let refused = |body: &str| {
        let binary = wat::parse_str(format!("(module {body})")).unwrap();
        rewritten(&binary).unwrap_err().to_string()
    };
    let lanes = "f32x4.sqrt ".repeat(200_000);
    let why = refused(&format!("(func (local v128) (local.get 0) {lanes} drop)"));
    assert!(why.ends_with("with what its floats take, and 4194304 is the limit here"), "{why}");
    let locals = format!("(local f64) (local {})", "i32 ".repeat(49_999));
    let why = refused(&format!("(func (result f64) {locals} (f64.sqrt (local.get 0)))"));
    assert_eq!(why, "it has 50000 locals in one function, and 49999 is the limit here");
    let functions = "(func (local v128) (local.get 0) ".to_owned() + &"f32x4.sqrt ".repeat(100_000);
    let why = refused(&format!("{functions} drop)").repeat(90));
    assert!(why.contains("bytes of code with what its floats take"), "{why}");
}

#[test]
fn sections_that_are_not_code_are_kept() {
    let text = "(module $name (import \"a\" \"b\" (func $i (param f32)))
      (memory (export \"m\") 1) (table 1 funcref) (elem (i32.const 0) $sum)
      (data (i32.const 3) \"abc\") (start $main) (func $main (call $i (f32.const 1)))
      (func $sum (export \"sum\") (param f32) (result f32)
        (f32.mul (local.get 0) (local.get 0)))
      (@custom \"metadata.code.branch_hint\" (after code) \"\\00\")
      (@custom \"mine\" (after last) \"xyz\"))";
    let binary = wat::parse_str(text).unwrap();
    let made = rewritten(&binary).unwrap().into_owned();
    let sections = |binary: &[u8]| {
        let payloads = Parser::new(0).parse_all(binary).map(Result::unwrap);
        let sections = payloads.filter_map(|payload| payload.as_section());
        sections.map(|(id, range)| (id, binary[range].to_vec())).collect::<Vec<_>>()
    };
    let (before, after) = (sections(&binary), sections(&made));
    let kept: Vec<_> = before
        .iter()
        .filter(|(id, bytes)| *id != 10 && !bytes.windows(8).any(|part| part == b"metadata"))
        .collect();
    assert_eq!(after.iter().filter(|(id, _)| *id != 10).collect::<Vec<_>>(), kept);
    // Hints say where in the code they belong: there is something else now.
    assert_eq!(kept.len(), before.len() - 2);
}

pub(super) fn engine(set: impl Fn(&mut Config)) -> Engine {
    let mut config = Config::new();
    set(&mut config);
    Engine::new(&config).unwrap()
}

/// All that a program leaves behind: its globals and its memory.
pub(super) fn left(engine: &Engine, binary: &[u8]) -> Vec<String> {
    let module = Module::from_binary(engine, binary).unwrap();
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let main = instance.get_func(&mut store, "main").unwrap();
    let given = [Val::F64(0x7ff4_0000_0000_5678), Val::F32(0xff80_1234)];
    let mut got = [Val::F64(0), Val::F32(0)];
    main.call(&mut store, &given, &mut got).unwrap();
    let mut left: Vec<_> = got.iter().map(|value| format!("{value:?}")).collect();
    let exports: Vec<_> = instance.exports(&mut store).map(wasmtime::Export::into_extern).collect();
    for export in exports {
        match export {
            Extern::Global(global) => left.push(format!("{:?}", global.get(&mut store))),
            Extern::Memory(memory) => left.push(hex::encode(&memory.data(&store)[..4096])),
            Extern::Func(_) | Extern::Table(_) | Extern::SharedMemory(_) | Extern::Tag(_) => {}
        }
    }
    left
}

#[test]
fn programs_compute_what_they_would_with_every_result_made_canonical() {
    let at_once = engine(|config| {
        config.cranelift_nan_canonicalization(true);
    });
    let plain = engine(|_| {});
    let others = [
        engine(|config| {
            config.cranelift_opt_level(OptLevel::None);
        }),
        engine(|config| {
            config.target("pulley64").unwrap();
        }),
    ];
    let (mut told, mut unrolled) = (0, 0);
    for seed in 0..PROGRAMS {
        let text = program::of(seed);
        let binary = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let made = rewritten(&binary).unwrap();
        let expected = left(&at_once, &binary);
        for engine in [&plain].into_iter().chain(&others) {
            assert_eq!(left(engine, &made), expected, "seed {seed}\n{text}");
        }
        for effort in LESS {
            let made = rewritten_with(&binary, effort, true).unwrap();
            assert_eq!(left(&plain, &made), expected, "seed {seed}, {effort:?}\n{text}");
        }
        told += u64::from(left(&plain, &binary) != expected);
        unrolled += u64::from(rewritten_with(&binary, Effort::FULL, false).unwrap() != made);
    }
    // As they are, most would show what the machine makes of NaN.
    assert!(told > PROGRAMS / 2, "{told} of {PROGRAMS}");
    assert!(unrolled > PROGRAMS / 8, "{unrolled} of {PROGRAMS}");
}
